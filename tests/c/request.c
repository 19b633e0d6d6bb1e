/* Requests: the query that each setter makes, what goes with which type, and salts. */
#include "world.h"

static confd_request *of_type(int32_t type, const char *query)
{
    confd_request *request = NULL;
    OK(confd_request_new(type, query, &request));
    SAME(confd_request_type(request), type);
    return request;
}

static void every_type_and_query(void)
{
    static const char *const texts[] = {NULL, "", "node1.example.com", "a \"quoted\" \\ one", "\xc3\xa4"};
    static const char *const shown[] = {"null", "\"\"", "\"node1.example.com\"", "\"a \\\"quoted\\\" \\\\ one\"",
                                        NULL};
    for (int32_t type = 0; type <= 11; type++) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            confd_request *request = of_type(type, texts[i]);
            const char *json = confd_request_query_json(request);
            if (shown[i] != NULL) {
                SAME_TEXT(json, shown[i]);
            }
            for (; *json != '\0'; json++) {
                CHECK((unsigned char)*json < 0x80);
            }
            confd_request_free(request);
        }
    }
}

/* A setter changes the query of its type, and leaves a request of another type as it is. */
static void setters(void)
{
    const char *ips[] = {"192.0.2.1", "192.0.2.2"};
    const int32_t fields[] = {CONFD_REQFIELD_MNODE_PIP, CONFD_REQFIELD_NAME, CONFD_REQFIELD_IP};
    const int32_t absurd[] = {0, 3};
    const int32_t negative = -1;
    for (int32_t type = 0; type <= 11; type++) {
        confd_request *request = of_type(type, "as it was");
        if (type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP) {
            OK(confd_request_set_ip(request, ips[0], NULL));
            CHECK(strstr(confd_request_query_json(request), "\"192.0.2.1\"") != NULL);
            OK(confd_request_set_ip(request, ips[0], "br1"));
            CHECK(strstr(confd_request_query_json(request), "\"br1\"") != NULL);
            OK(confd_request_set_ips(request, ips, 2, "br1"));
            CHECK(strstr(confd_request_query_json(request), "\"192.0.2.2\"") != NULL);
        } else {
            GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_set_ip(request, ips[0], NULL));
            GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_set_ips(request, ips, 2, NULL));
            GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_set_ips(request, NULL, 0, NULL));
        }
        if (type == CONFD_REQ_CLUSTER_MASTER) {
            OK(confd_request_set_fields(request, fields, 3));
            char *before = strdup(confd_request_query_json(request));
            GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_request_set_fields(request, absurd, 2));
            GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_request_set_fields(request, &negative, 1));
            SAME_TEXT(confd_request_query_json(request), before);
            free(before);
        } else {
            GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_set_fields(request, fields, 3));
        }
        if (type != CONFD_REQ_CLUSTER_MASTER && type != CONFD_REQ_NODE_PIP_BY_INSTANCE_IP) {
            SAME_TEXT(confd_request_query_json(request), "\"as it was\"");
        }
        confd_request_free(request);
    }
}

static void raw_json(void)
{
    static const char *const good[] = {"null", "\"text\"", "{}", " { \"ip\" : [ \"192.0.2.1\" ] } ",
                                       "\"\\u00e4\\u0000\"", "{\"a\":{\"b\":[1,2.5e3,true,null]}}"};
    static const char *const bad[] = {"", " ", "1", "true", "[]", "[\"a\"]", "nul", "\"open", "{", "{\"a\"}",
                                      "{} {}", "null,", "'text'", "\"\\ud800x", "NaN"};
    confd_request *request = of_type(CONFD_REQ_CONFIG_QUERY, NULL);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        OK(confd_request_set_query_json(request, good[i]));
    }
    OK(confd_request_set_query_json(request, "\"kept\""));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_request_set_query_json(request, bad[i]));
        SAME_TEXT(confd_request_query_json(request), "\"kept\"");
    }
    confd_request_free(request);
}

static void is_uuid4(const char *salt)
{
    SAME(strlen(salt), 36);
    SAME(strspn(salt, "0123456789abcdef-"), 36);
    CHECK(salt[8] == '-' && salt[13] == '-' && salt[18] == '-' && salt[23] == '-');
    CHECK(salt[14] == '4' && strchr("89ab", salt[19]) != NULL);
}

static void salts(void)
{
    enum { MANY = 2000 };
    static char seen[MANY][37];
    confd_request *request = of_type(CONFD_REQ_PING, NULL);
    for (int i = 0; i < MANY; i++) {
        is_uuid4(confd_request_salt(request));
        snprintf(seen[i], sizeof seen[i], "%s", confd_request_salt(request));
        OK(confd_request_set_salt(request, NULL));
    }
    qsort(seen, MANY, sizeof seen[0], (int (*)(const void *, const void *))strcmp);
    for (int i = 1; i < MANY; i++) {
        CHECK(strcmp(seen[i - 1], seen[i]) != 0);
    }
    OK(confd_request_set_salt(request, "one of my own, \"\\\n\xc3\xa4"));
    SAME_TEXT(confd_request_salt(request), "one of my own, \"\\\n\xc3\xa4");
    OK(confd_request_set_salt(request, ""));
    SAME_TEXT(confd_request_salt(request), "");
    OK(confd_request_set_salt(request, NULL));
    is_uuid4(confd_request_salt(request));
    confd_request_free(request);
}

int main(void)
{
    every_type_and_query();
    setters();
    raw_json();
    salts();
    return 0;
}

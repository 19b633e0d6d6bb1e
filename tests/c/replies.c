/* Replies outlive their upcall and their client, and any number of threads read one at once. */
#include "world.h"
#include <pthread.h>

static confd_reply *kept;

static void keeps(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    (void)client, (void)user_data;
    if (upcall->type == CONFD_UPCALL_REPLY) {
        OK(confd_reply_clone(upcall->reply, &kept));
    }
}

/* A clone of the reply with this answer, whose client is gone. */
static confd_reply *reply_of(int status, const char *answer, long serial)
{
    char data[DATAGRAM];
    char salt[SALT];
    confd_client *client = external_client(keeps, NULL, NULL);
    kept = NULL;
    send_ping(client, 0, 0, NULL, salt);
    const size_t len = make_reply(data, KEY, salt, status, answer, serial);
    OK(confd_client_handle_datagram(client, data, len, EXTERNAL_IP, EXTERNAL_PORT));
    confd_client_free(client);
    CHECK(kept != NULL);
    return kept;
}

static const char answer[] =
    "{\"text\":\"a \\\"b\\\" \\u00e4\",\"nul\":\"a\\u0000b\",\"list\":[1,-2,2.5,true,null,{\"x/y~z\":\"deep\"}],"
    "\"max\":9223372036854775807,\"big\":9223372036854775808,\"\":false}";

static void *reads(void *data)
{
    const confd_reply *reply = data;
    for (int i = 0; i < 200; i++) {
        const char *text = NULL;
        const char *again = NULL;
        int64_t integer = 0;
        double real = 0;
        bool truth = true;
        size_t n = 0;
        int32_t kind = -1;
        confd_reply *clone = NULL;
        OK(confd_reply_string(reply, "/text", &text));
        SAME_TEXT(text, "a \"b\" \xc3\xa4");
        OK(confd_reply_string(reply, "/text", &again));
        CHECK(text == again);
        OK(confd_reply_string(reply, "/list/5/x~1y~0z", &text));
        SAME_TEXT(text, "deep");
        OK(confd_reply_int(reply, "/list/1", &integer));
        SAME(integer, -2);
        OK(confd_reply_int(reply, "/max", &integer));
        SAME(integer, INT64_MAX);
        OK(confd_reply_double(reply, "/list/2", &real));
        CHECK(real > 2.49 && real < 2.51);
        OK(confd_reply_double(reply, "/big", &real));
        OK(confd_reply_bool(reply, "/", &truth));
        CHECK(!truth);
        OK(confd_reply_count(reply, "", &n));
        SAME(n, 6);
        OK(confd_reply_key(reply, "", 1, &text));
        SAME_TEXT(text, "nul");
        OK(confd_reply_json(reply, "/list/5", &text));
        SAME_TEXT(text, "{\"x/y~z\":\"deep\"}");
        OK(confd_reply_kind(reply, "/list/4", &kind));
        SAME(kind, CONFD_JSON_NULL);
        SAME_TEXT(confd_reply_answer_json(reply), answer);
        OK(confd_reply_clone(reply, &clone));
        SAME(confd_reply_serial(clone), 42);
        confd_reply_free(clone);
    }
    return NULL;
}

static void from_several_threads(void)
{
    pthread_t threads[6];
    confd_reply *reply = reply_of(0, answer, 42);
    for (int i = 0; i < 6; i++) {
        SAME(pthread_create(&threads[i], NULL, reads, reply), 0);
    }
    for (int i = 0; i < 6; i++) {
        SAME(pthread_join(threads[i], NULL), 0);
    }
    confd_reply_free(reply);
}

static void what_is_not_there_or_another_type(void)
{
    confd_reply *reply = reply_of(0, answer, 42);
    const char *text = "as it was";
    int64_t integer = 77;
    double real = 77;
    bool truth = true;
    size_t n = 77;
    SAME(confd_reply_status(reply), CONFD_STATUS_OK);
    SAME(confd_reply_protocol(reply), 1);
    CHECK(confd_reply_error_text(reply) == NULL);
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_string(reply, "/none", &text));
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_int(reply, "/list/6", &integer));
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_int(reply, "/list/-", &integer));
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_int(reply, "/list/01", &integer));
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_key(reply, "", 6, &text));
    GIVES(CONFD_ERR_NOT_FOUND, confd_reply_key(reply, "", SIZE_MAX, &text));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_string(reply, "/nul", &text));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_string(reply, "/max", &text));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_int(reply, "/big", &integer));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_int(reply, "/list/2", &integer));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_int(reply, "/text", &integer));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_bool(reply, "/max", &truth));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_double(reply, "/text", &real));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_count(reply, "/text", &n));
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_key(reply, "/list", 0, &text));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_string(reply, "text", &text));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_string(reply, "/~2", &text));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_string(reply, "/\xe4", &text));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_string(reply, NULL, &text));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_string(reply, "", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_int(reply, "/max", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_bool(reply, "/", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_double(reply, "/max", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_count(reply, "", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_key(reply, "", 0, NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_json(reply, "", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_kind(reply, "", NULL));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_reply_clone(reply, NULL));
    SAME_TEXT(text, "as it was");
    CHECK(integer == 77 && n == 77 && truth && real > 76);
    confd_reply_free(reply);
}

static void errors(void)
{
    confd_reply *reply = reply_of(1, "1", 0);
    confd_reply *worded = reply_of(2, "\"not\\nsupported\"", 0);
    SAME(confd_reply_status(reply), CONFD_STATUS_ERROR);
    SAME_TEXT(confd_reply_answer_json(reply), "1");
    CHECK(confd_reply_error_text(reply) != NULL && *confd_reply_error_text(reply) != '\0');
    SAME(confd_reply_status(worded), CONFD_STATUS_NOT_IMPLEMENTED);
    SAME_TEXT(confd_reply_error_text(worded), "not\nsupported");
    confd_reply_free(reply);
    confd_reply_free(worded);
}

int main(void)
{
    from_several_threads();
    what_is_not_there_or_another_type();
    errors();
    return 0;
}

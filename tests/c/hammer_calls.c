#include "hammer.h"
#include <sys/stat.h>

unsigned chance(struct dice *dice, unsigned of)
{
    dice->state = dice->state * 1103515245u + 12345u;
    return (dice->state >> 16) % of;
}

static const char *const files[] = {"hmac.key", "ssconf_master_candidates_ips"};

/* Each takes its place at once, as Ganeti does it. */
void write_cluster(const char *folder)
{
    static const char *const text[] = {KEY, "127.0.0.1\n127.0.0.2\n127.0.0.3\n"};
    for (int i = 0; i < 2; i++) {
        char path[128];
        char fresh[136];
        FILE *file;
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        snprintf(fresh, sizeof fresh, "%s.new", path);
        file = fopen(fresh, "w");
        CHECK(file != NULL && fputs(text[i], file) >= 0);
        SAME(fclose(file), 0);
        SAME(rename(fresh, path), 0);
    }
}

void remove_cluster(const char *folder)
{
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        SAME(unlink(path), 0);
    }
    SAME(rmdir(folder), 0);
}

uint16_t sim_port(const struct sim *sim)
{
    const char *colon = strrchr(sim->peers[0], ':');
    CHECK(colon != NULL);
    return (uint16_t)atoi(colon + 1);
}

confd_request *some_request(struct dice *dice)
{
    static const char *const ips[] = {"198.51.100.1", "198.51.100.2", "203.0.113.9"};
    static const int32_t fields[] = {CONFD_REQFIELD_NAME, CONFD_REQFIELD_IP, CONFD_REQFIELD_MNODE_PIP};
    confd_request *request = NULL;
    const unsigned kind = chance(dice, 7);
    switch (kind) {
    case 0: request = ping(); break;
    case 1:
        OK(confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request));
        OK(confd_request_set_fields(request, fields, 3));
        break;
    case 2:
    case 3:
        OK(confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL, &request));
        OK(kind == 2 ? confd_request_set_ip(request, ips[0], NULL) : confd_request_set_ips(request, ips, 3, NULL));
        break;
    case 4: OK(confd_request_new(CONFD_REQ_NODE_DRBD, "node1.example.com", &request)); break;
    case 5:
        OK(confd_request_new(CONFD_REQ_CONFIG_QUERY, NULL, &request));
        OK(confd_request_set_query_json(request, "\"/cluster\""));
        break;
    default: OK(confd_request_new(CONFD_REQ_NODE_ROLE_BYNAME, "no-such-node", &request)); break;
    }
    if (chance(dice, 4) == 0) {
        OK(confd_request_set_salt(request, NULL));
    }
    CHECK(confd_request_type(request) >= 0 && strlen(confd_request_query_json(request)) >= 2);
    return request;
}

static void found_or_not(confd_error code)
{
    CHECK(code == CONFD_OK || code == CONFD_ERR_NOT_FOUND || code == CONFD_ERR_WRONG_TYPE);
    CHECK(code == CONFD_OK || (confd_last_error()[0] != '\0' && confd_strerror(code) != NULL));
}

void read_reply(const confd_reply *reply)
{
    static const char *const pointers[] = {"", "/0", "/0/1", "/cluster_name", "/0/0"};
    const char *text = NULL;
    confd_drbd_minor minor;
    confd_reply *clone = NULL;
    int64_t integer = -1;
    double number = 0;
    size_t n = 0;
    int32_t kind = -1;
    bool truth = false;
    SAME(confd_reply_protocol(reply), 1);
    CHECK(confd_reply_serial(reply) >= 0);
    CHECK((confd_reply_error_text(reply) == NULL) == (confd_reply_status(reply) == CONFD_STATUS_OK));
    OK(confd_reply_json(reply, "", &text));
    SAME_TEXT(text, confd_reply_answer_json(reply));
    OK(confd_reply_clone(reply, &clone));
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        const char *pointer = pointers[i];
        found_or_not(confd_reply_string(clone, pointer, &text));
        found_or_not(confd_reply_int(reply, pointer, &integer));
        found_or_not(confd_reply_double(clone, pointer, &number));
        found_or_not(confd_reply_bool(reply, pointer, &truth));
        found_or_not(confd_reply_count(clone, pointer, &n));
        found_or_not(confd_reply_key(reply, pointer, 0, &text));
        found_or_not(confd_reply_json(clone, pointer, &text));
        found_or_not(confd_reply_kind(reply, pointer, &kind));
    }
    found_or_not(confd_reply_node_ip(clone, 0, &kind, &text));
    found_or_not(confd_reply_drbd_minor(reply, 0, &minor));
    (void)confd_node_role_name(integer);
    confd_reply_free(clone);
}

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static confd_reply *published;

void publish(const confd_reply *reply)
{
    confd_reply *clone = NULL;
    confd_reply *before;
    OK(confd_reply_clone(reply, &clone));
    SAME(pthread_mutex_lock(&guard), 0);
    before = published;
    published = clone;
    SAME(pthread_mutex_unlock(&guard), 0);
    confd_reply_free(before);
}

void read_published(void)
{
    confd_reply *clone = NULL;
    SAME(pthread_mutex_lock(&guard), 0);
    if (published != NULL) {
        OK(confd_reply_clone(published, &clone));
    }
    SAME(pthread_mutex_unlock(&guard), 0);
    if (clone != NULL) {
        read_reply(clone);
        confd_reply_free(clone);
    }
}

static confd_client *external;
static struct tally tally;
static unsigned sent;
static pthread_mutex_t puller = PTHREAD_MUTEX_INITIALIZER;

void its_own_begin(void)
{
    external = external_client(count_upcall, &tally, NULL);
}

void its_own_end(void)
{
    confd_client_free(external);
    SAME(last_upcalls(&tally), sent);
    SAME(tally.replies, sent);
    confd_reply_free(published);
}

void pulls_and_pushes(struct dice *dice)
{
    confd_datagram datagram;
    char salt[SALT];
    send_ping(external, 0, chance(dice, 2) ? CONFD_SEND_QUEUED : 0, NULL, salt);
    ADD(sent);
    OK(confd_client_flush(external));
    SAME(pthread_mutex_lock(&puller), 0);
    while (confd_client_poll_transmit(external, &datagram) == CONFD_OK) {
        CHECK(datagram.len > 4 && memcmp(datagram.data, "plj0", 4) == 0);
        SAME_TEXT(datagram.ip, EXTERNAL_IP);
    }
    SAME(pthread_mutex_unlock(&puller), 0);
    OK(confd_client_handle_unreachable(external, EXTERNAL_IP, EXTERNAL_PORT));
    answer_from(external, salt, EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    OK(confd_client_process(external));
    OK(confd_client_cancel(external, salt));
    CHECK(confd_client_timeout_ms(external) >= -1);
    SAME(confd_client_fd(external), -1);
}

void makes_and_frees(struct dice *dice, const char *folder)
{
    const char *peer = "127.0.0.1:9";
    confd_options *options = options_expire(100);
    confd_client *client = NULL;
    OK(confd_options_set_max_request_bytes(options, 4096));
    OK(confd_options_set_filter(options, 1));
    OK(confd_options_set_any_source(options, 1));
    OK(confd_options_set_receive_buffer(options, 4096));
    OK(confd_options_set_bind_address(options, "127.0.0.1"));
    if (chance(dice, 2)) {
        client = client_of(&peer, 1, count_upcall, NULL, options);
        send_ping(client, 0, 0, NULL, NULL);
        OK(confd_client_close(client));
    } else {
        OK(confd_client_open(folder, NULL, NULL, options, &client));
    }
    confd_options_free(options);
    confd_client_free(client);
    SAME(confd_version_number(), CONFD_VERSION_NUMBER);
    CHECK(strlen(confd_version()) >= 5);
    SAME(confd_needed_replies(6), 4);
}

/* A program as it was built against the first header with this SONAME, confdclient-0.h, which it is compiled with: it calls
   each function of it, and looks at all that the library fills. Built a second time with LATER, against a header of the
   future, in which each struct that may grow has one more member, `later`.

       old DATA-DIR PORT PEER…      three simulated candidates of sim/examples/three.json, which DATA-DIR names */
#include "../c/check.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

enum { UNTOUCHED = 0xa5 };

#ifdef LATER
/* The library knows less than the program: the size tells so, and of what the caller has made the rest is 0. */
#define SIZED(pointer, type) CHECK((pointer)->size >= sizeof(size_t) && (pointer)->size <= offsetof(type, later))
#define REST(value) SAME((value).later, 0)
#else
/* The library knows no less than the program. */
#define SIZED(pointer, type) CHECK((pointer)->size >= sizeof(type))
#define REST(value) (void)0
#endif

/* What the caller has made, and what lies behind it. */
#define ROOM(type)                                                                                        \
    struct {                                                                                              \
        type known;                                                                                       \
        unsigned char behind[64];                                                                         \
    }
#define FILL(room) memset(&(room), UNTOUCHED, sizeof(room))
#define KEPT(room)                                                                                        \
    do {                                                                                                  \
        for (size_t i_ = 0; i_ < sizeof(room).behind; i_++) {                                             \
            SAME((room).behind[i_], UNTOUCHED);                                                           \
        }                                                                                                 \
    } while (0)

static const char *const *peers;
static size_t n_peers;
static char key[256];
static size_t key_len;

/* What came of upcalls, of queries and of the log. */
static struct {
    int replies, ends, answers, lines;
    int32_t last;
    confd_reply *kept;
} seen;

static void upcall_made(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    CHECK(client != NULL && user_data == &seen && upcall->request_data == &key);
    SIZED(upcall, confd_upcall);
    SAME_TEXT(upcall->salt, confd_request_salt(upcall->request));
    CHECK(upcall->sent > 0 && upcall->received <= upcall->sent && upcall->consistent);
    if (upcall->type == CONFD_UPCALL_REPLY) {
        CHECK(strncmp(upcall->server_ip, "127.0.0.", 8) == 0 && upcall->server_port != 0 && upcall->received > 0);
        SAME(confd_reply_status(upcall->reply), CONFD_STATUS_OK);
        seen.replies++;
    } else {
        CHECK(upcall->reply == NULL && upcall->server_ip == NULL && upcall->server_port == 0);
        seen.last = upcall->type;
        seen.ends++;
    }
}

static void query_ended(confd_client *client, const confd_result *result, void *data)
{
    CHECK(client != NULL && data == &seen);
    SIZED(result, confd_result);
    SAME(result->outcome, CONFD_OUTCOME_ANSWERED);
    OK(confd_reply_clone(result->reply, &seen.kept));
    seen.answers++;
}

static void line_logged(int32_t level, const char *message, void *data)
{
    CHECK(level >= CONFD_LOG_DEBUG && level <= CONFD_LOG_ERROR && message[0] != '\0' && data == &seen);
    seen.lines++;
}

static confd_options *options_of(int32_t external, int32_t expire_ms)
{
    confd_options *options = NULL;
    OK(confd_options_new(&options));
    OK(confd_options_set_expire_ms(options, expire_ms));
    OK(confd_options_set_max_request_bytes(options, 8192));
    OK(confd_options_set_filter(options, 0));
    OK(confd_options_set_any_source(options, 0));
    OK(confd_options_set_retry_ms(options, 500));
    OK(confd_options_set_refresh_ms(options, 0));
    OK(confd_options_set_receive_buffer(options, 1 << 20));
    OK(confd_options_set_external_io(options, external));
    OK(confd_options_set_log(options, line_logged, &seen, CONFD_LOG_DEBUG));
    if (!external) {
        OK(confd_options_set_bind_address(options, "127.0.0.1"));
    }
    return options;
}

static confd_client *client_of(int32_t external, int32_t expire_ms)
{
    confd_options *options = options_of(external, expire_ms);
    confd_client *client = NULL;
    memset(&seen, 0, sizeof seen);
    OK(confd_client_new(key, key_len, peers, n_peers, upcall_made, &seen, options, &client));
    confd_options_free(options);
    return client;
}

static confd_result *ask(confd_client *client, confd_request *request)
{
    confd_result *result = NULL;
    OK(confd_client_query(client, request, -1, 10000, &result));
    SIZED(result, confd_result);
    SAME(result->outcome, CONFD_OUTCOME_ANSWERED);
    SAME(result->sent, 3);
    SAME(result->needed, confd_needed_replies(3));
    CHECK(result->received >= 2 && result->server_port != 0 && result->server_ip != NULL && result->reply != NULL);
    confd_request_free(request);
    return result;
}

static confd_request *request_of(int32_t type, const char *query)
{
    confd_request *request = NULL;
    OK(confd_request_new(type, query, &request));
    SAME(confd_request_type(request), type);
    return request;
}

static void texts(void)
{
    confd_request *none = NULL;
    CHECK(confd_version_number() >= CONFD_VERSION_NUMBER && confd_version()[0] != '\0');
    GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_new(12345, NULL, &none));
    CHECK(confd_last_error()[0] != '\0' && strcmp(confd_strerror(CONFD_OK), confd_strerror(CONFD_ERR_IO)) != 0);
    SAME_TEXT(confd_node_role_name(CONFD_NODE_ROLE_DRAINED), "drained");
}

/* Every way to read a reply. */
static void answers(confd_client *client)
{
    static const char *const ips[] = {"198.51.100.1", "203.0.113.9"};
    static const int32_t fields[] = {CONFD_REQFIELD_NAME, CONFD_REQFIELD_IP, CONFD_REQFIELD_MNODE_PIP};
    ROOM(confd_drbd_minor) minor;
    confd_request *request = request_of(CONFD_REQ_CLUSTER_MASTER, NULL);
    confd_result *result = ask(client, request);
    const char *text = NULL;
    int64_t number;
    int32_t small = -1;
    size_t count;
    double real;
    bool truth;
    OK(confd_reply_string(result->reply, "", &text));
    SAME_TEXT(text, "node1.example.com");
    SAME(confd_reply_serial(result->reply), 3189);
    SAME(confd_reply_protocol(result->reply), 1);
    SAME_TEXT(confd_reply_answer_json(result->reply), "\"node1.example.com\"");
    CHECK(confd_reply_error_text(result->reply) == NULL && result->errors == 0 && result->consistent);
    GIVES(CONFD_ERR_WRONG_TYPE, confd_reply_bool(result->reply, "", &truth));
    confd_result_free(result);

    request = request_of(CONFD_REQ_CLUSTER_MASTER, NULL);
    OK(confd_request_set_fields(request, fields, 3));
    result = ask(client, request);
    OK(confd_reply_count(result->reply, "", &count));
    SAME(count, 3);
    OK(confd_reply_json(result->reply, "/0", &text));
    SAME_TEXT(text, "\"node1.example.com\"");
    OK(confd_reply_kind(result->reply, "/0", &small));
    SAME(small, CONFD_JSON_STRING);
    confd_result_free(result);

    result = ask(client, request_of(CONFD_REQ_NODE_ROLE_BYNAME, "node4.example.com"));
    OK(confd_reply_int(result->reply, "", &number));
    OK(confd_reply_double(result->reply, "", &real));
    SAME(number, CONFD_NODE_ROLE_REGULAR);
    SAME(real, 4);
    confd_result_free(result);

    request = request_of(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL);
    OK(confd_request_set_ip(request, ips[0], "br0"));
    OK(confd_request_set_ips(request, ips, 2, NULL));
    CHECK(strstr(confd_request_query_json(request), ips[1]) != NULL);
    result = ask(client, request);
    OK(confd_reply_node_ip(result->reply, 0, &small, &text));
    SAME(small, CONFD_STATUS_OK);
    SAME_TEXT(text, "192.0.2.11");
    OK(confd_reply_node_ip(result->reply, 1, &small, &text));
    CHECK(small == CONFD_STATUS_ERROR && text == NULL);
    confd_result_free(result);

    result = ask(client, request_of(CONFD_REQ_NODE_DRBD, "node1.example.com"));
    FILL(minor);
    OK(confd_reply_drbd_minor(result->reply, 0, &minor.known));
    KEPT(minor);
    SAME_TEXT(minor.known.node, "node1.example.com");
    SAME_TEXT(minor.known.instance, "web.example.com");
    SAME_TEXT(minor.known.role, "primary");
    SAME_TEXT(minor.known.peer, "node2.example.com");
    CHECK(minor.known.minor >= 0 && strncmp(minor.known.disk, "disk/", 5) == 0);
    confd_result_free(result);

    result = ask(client, request_of(CONFD_REQ_CONFIG_QUERY, "/cluster"));
    OK(confd_reply_key(result->reply, "", 0, &text));
    CHECK(text[0] != '\0');
    confd_result_free(result);
}

/* The caller's structs have the size that they had. */
static void statistics(confd_client *client)
{
    ROOM(confd_stats) stats;
    ROOM(confd_peer_stats) peer;
    FILL(stats);
    OK(confd_client_stats(client, &stats.known, sizeof stats.known));
    KEPT(stats);
    REST(stats.known);
    CHECK(stats.known.requests >= 6 && stats.known.replies >= 12 && stats.known.datagrams_out >= 18);
    CHECK(stats.known.dropped_magic + stats.known.dropped_malformed + stats.known.dropped_signature == 0);
    SAME(stats.known.datagrams_in, stats.known.replies + stats.known.dropped_salt + stats.known.dropped_duplicate);
    CHECK(stats.known.outstanding == 0 && stats.known.queued == 0 && stats.known.cancelled == 0);
    FILL(peer);
    OK(confd_client_peer_stats(client, 0, &peer.known, sizeof peer.known));
    KEPT(peer);
    REST(peer.known);
    SAME_TEXT(peer.known.address, peers[0]);
    CHECK(peer.known.answered > 0 && peer.known.sent >= peer.known.answered && peer.known.rtt_us > 0);
    CHECK(peer.known.rtt_last_us > 0 && peer.known.refused == 0);
    SAME(peer.known.serial, 3189);
#ifndef LATER
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_client_stats(client, &stats.known, sizeof stats.known - 1));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_client_peer_stats(client, 0, &peer.known, sizeof peer.known - 1));
#endif
}

static void sent_and_awaited(void)
{
    confd_client *client = client_of(0, 60000);
    confd_request *request = request_of(CONFD_REQ_PING, NULL);
    ROOM(confd_wait_result) wait;
    size_t n;
    size_t unanswered;
    struct pollfd ready;
    OK(confd_client_wake(client));
    OK(confd_client_receive(client, -1, &n));
    SAME(n, 0);
    OK(confd_request_set_salt(request, "a salt of the program's"));
    OK(confd_client_send(client, request, 0, CONFD_SEND_QUEUED, &key));
    OK(confd_client_flush(client));
    FILL(wait);
    OK(confd_client_wait(client, confd_request_salt(request), 10000, &wait.known));
    KEPT(wait);
    CHECK(!wait.known.timed_out && wait.known.received >= 2);
    SAME(wait.known.sent, 3);
    OK(confd_client_cancel(client, confd_request_salt(request)));
    GIVES(CONFD_ERR_UNKNOWN_REQUEST, confd_client_cancel(client, confd_request_salt(request)));
    SAME(seen.last, CONFD_UPCALL_CANCEL);
    SAME(seen.ends, 1);
    GIVES(CONFD_ERR_DUPLICATE_SALT, confd_client_send(client, request, 0, 0, &key));

    /* In a loop of the program's own. */
    OK(confd_client_query_async(client, request, 0, 10000, query_ended, &seen));
    while (seen.answers == 0) {
        ready.fd = confd_client_fd(client);
        ready.events = POLLIN;
        SAME(poll(&ready, 1, 10000), 1);
        OK(confd_client_process(client));
    }
    SAME(confd_reply_status(seen.kept), CONFD_STATUS_OK);
    confd_reply_free(seen.kept);

    OK(confd_request_set_salt(request, NULL));
    OK(confd_client_send(client, request, -1, 0, &key));
    OK(confd_client_outstanding(client, &n, &unanswered));
    CHECK(n == 1 && unanswered == 1 && confd_client_timeout_ms(client) > 0);
    OK(confd_client_expire(client));
    OK(confd_client_update_peers(client, peers, 1));
    OK(confd_client_set_hmac_key(client, key, key_len));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_client_reload(client));
    OK(confd_client_close(client));
    SAME(seen.ends, 2);
    GIVES(CONFD_ERR_CLOSED, confd_client_flush(client));
    confd_client_free(client);
    confd_request_free(request);
    CHECK(seen.lines > 0);
}

/* The program's own input and output. */
static void external(void)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    confd_client *client = client_of(1, 60000);
    confd_request *request = request_of(CONFD_REQ_CLUSTER_MASTER, NULL);
    ROOM(confd_datagram) out;
    confd_error code;
    OK(confd_request_set_query_json(request, "null"));
    OK(confd_client_send(client, request, -1, 0, &key));
    FILL(out);
    while ((code = confd_client_poll_transmit(client, &out.known)) == CONFD_OK) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(out.known.port)};
        SAME(inet_pton(AF_INET, out.known.ip, &to.sin_addr), 1);
        SAME(sendto(fd, out.known.data, out.known.len, 0, (struct sockaddr *)&to, sizeof to), out.known.len);
        KEPT(out);
        OK(confd_client_handle_unreachable(client, out.known.ip, out.known.port));
    }
    GIVES(CONFD_ERR_NOT_FOUND, code);
    for (int i = 1; i <= 3; i++) {
        char data[65536];
        char ip[INET_ADDRSTRLEN];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        struct pollfd ready = {fd, POLLIN, 0};
        SAME(poll(&ready, 1, 10000), 1);
        const ssize_t got = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
        CHECK(got > 0 && inet_ntop(AF_INET, &from.sin_addr, ip, sizeof ip) != NULL);
        OK(confd_client_handle_datagram(client, data, (size_t)got, ip, ntohs(from.sin_port)));
        SAME(seen.replies, i);
    }
    close(fd);
    confd_request_free(request);
    confd_client_free(client);
    SAME(seen.ends, 1);
    SAME(seen.last, CONFD_UPCALL_CANCEL);
}

/* A node's files, and a client without a callback. */
static void opened(const char *data_dir, uint16_t port)
{
    confd_options *options = options_of(0, 60000);
    confd_client *client = NULL;
    OK(confd_options_set_port(options, port));
    OK(confd_client_open(data_dir, NULL, NULL, options, &client));
    OK(confd_client_reload(client));
    confd_options_free(options);
    confd_result_free(ask(client, request_of(CONFD_REQ_PING, NULL)));
    confd_client_free(client);
}

int main(int argc, char **argv)
{
    char path[4096];
    confd_client *client;
    FILE *file;
    CHECK(argc == 6);
    snprintf(path, sizeof path, "%s/hmac.key", argv[1]);
    file = fopen(path, "rb");
    CHECK(file != NULL && (key_len = fread(key, 1, sizeof key, file)) > 0);
    fclose(file);
    peers = (const char *const *)argv + 3;
    n_peers = (size_t)argc - 3;
    texts();
    client = client_of(0, 60000);
    answers(client);
    statistics(client);
    confd_client_free(client);
    sent_and_awaited();
    external();
    opened(argv[1], (uint16_t)atoi(argv[2]));
    return 0;
}

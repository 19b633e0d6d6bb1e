/* NULL, absurd counts and texts that are no text: the documented code, nothing written, nothing crashed. */
#include "world.h"

#define INVALID(call) GIVES(CONFD_ERR_INVALID_ARGUMENT, call)
#define LATIN1 "\xe4"

static const confd_stats untouched = {.requests = 77};

static void requests(void)
{
    confd_request *request = ping();
    confd_request *other = request;
    confd_request *ip = NULL;
    confd_request *master = NULL;
    const char *list[] = {"192.0.2.1", NULL};
    const int32_t field = 0;
    INVALID(confd_request_new(CONFD_REQ_PING, NULL, NULL));
    INVALID(confd_request_new(CONFD_REQ_PING, LATIN1, &other));
    for (int bit = 0; bit < 32; bit++) {
        const int32_t type = (int32_t)(1u << bit);
        if (type < 0 || type > 11) {
            GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_new(type, NULL, &other));
        }
    }
    GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_new(-1, NULL, &other));
    GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_new(12, NULL, &other));
    CHECK(other == request);
    OK(confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL, &ip));
    OK(confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &master));
    INVALID(confd_request_set_ip(NULL, "192.0.2.1", NULL));
    INVALID(confd_request_set_ip(ip, NULL, NULL));
    INVALID(confd_request_set_ip(ip, LATIN1, NULL));
    INVALID(confd_request_set_ip(ip, "192.0.2.1", LATIN1));
    INVALID(confd_request_set_ips(NULL, list, 1, NULL));
    INVALID(confd_request_set_ips(ip, NULL, 1, NULL));
    INVALID(confd_request_set_ips(ip, list, 2, NULL));
    INVALID(confd_request_set_ips(ip, list, SIZE_MAX, NULL));
    INVALID(confd_request_set_ips(ip, list, SIZE_MAX / 2, NULL));
    OK(confd_request_set_ips(ip, NULL, 0, NULL));
    INVALID(confd_request_set_fields(NULL, &field, 1));
    INVALID(confd_request_set_fields(master, NULL, 1));
    INVALID(confd_request_set_fields(master, &field, SIZE_MAX));
    OK(confd_request_set_fields(master, NULL, 0));
    INVALID(confd_request_set_query_json(NULL, "null"));
    INVALID(confd_request_set_query_json(request, NULL));
    INVALID(confd_request_set_query_json(request, "\"" LATIN1 "\""));
    INVALID(confd_request_set_salt(NULL, "salt"));
    INVALID(confd_request_set_salt(request, LATIN1));
    SAME_TEXT(confd_request_query_json(request), "null");
    SAME(strlen(confd_request_salt(request)), 36);
    CHECK(confd_request_salt(NULL) == NULL && confd_request_query_json(NULL) == NULL);
    SAME(confd_request_type(NULL), -1);
    confd_request_free(NULL);
    confd_request_free(request);
    confd_request_free(ip);
    confd_request_free(master);
}

static void options(void)
{
    confd_options *some = options_new();
    INVALID(confd_options_new(NULL));
    INVALID(confd_options_set_port(NULL, 1));
    INVALID(confd_options_set_expire_ms(NULL, 1));
    INVALID(confd_options_set_max_request_bytes(NULL, 1));
    INVALID(confd_options_set_filter(NULL, 1));
    INVALID(confd_options_set_any_source(NULL, 1));
    INVALID(confd_options_set_receive_buffer(NULL, 1));
    INVALID(confd_options_set_bind_address(NULL, "127.0.0.1"));
    INVALID(confd_options_set_external_io(NULL, 1));
    INVALID(confd_options_set_log(NULL, NULL, NULL, 0));
    INVALID(confd_options_set_bind_address(some, NULL));
    OK(confd_options_set_log(some, NULL, NULL, 0));
    confd_options_free(some);
    confd_options_free(NULL);
}

static void a_client_of_nothing(void)
{
    confd_client *none = (confd_client *)(uintptr_t)&untouched;
    const char *good[] = {"192.0.2.1"};
    const char *bad[] = {"192.0.2.1", NULL};
    const char *latin1[] = {LATIN1};
    INVALID(confd_client_new(NULL, 3, good, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new(NULL, 0, good, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 0, good, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", SIZE_MAX, good, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 3, NULL, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 3, bad, 2, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 3, good, SIZE_MAX, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 3, latin1, 1, count_upcall, NULL, NULL, &none));
    INVALID(confd_client_new("key", 3, good, 1, count_upcall, NULL, NULL, NULL));
    GIVES(CONFD_ERR_NO_PEERS, confd_client_new("key", 3, NULL, 0, count_upcall, NULL, NULL, &none));
    CHECK(none == (confd_client *)(uintptr_t)&untouched);
}

static void no_client(void)
{
    const char *good[] = {"192.0.2.1"};
    confd_request *request = ping();
    confd_wait_result wait = {false, 77, 77};
    confd_datagram datagram = {NULL, 77, NULL, 0};
    confd_stats stats = untouched;
    size_t n = 77;
    INVALID(confd_client_update_peers(NULL, good, 1));
    INVALID(confd_client_close(NULL));
    confd_client_free(NULL);
    INVALID(confd_client_send(NULL, request, 0, 0, NULL));
    INVALID(confd_client_flush(NULL));
    INVALID(confd_client_receive(NULL, 0, &n));
    INVALID(confd_client_wake(NULL));
    INVALID(confd_client_wait(NULL, "salt", 0, &wait));
    INVALID(confd_client_expire(NULL));
    INVALID(confd_client_cancel(NULL, "salt"));
    INVALID(confd_client_outstanding(NULL, &n, &n));
    SAME(confd_client_fd(NULL), -1);
    INVALID(confd_client_process(NULL));
    SAME(confd_client_timeout_ms(NULL), -1);
    INVALID(confd_client_poll_transmit(NULL, &datagram));
    INVALID(confd_client_handle_datagram(NULL, "", 0, "192.0.2.1", 1));
    INVALID(confd_client_handle_unreachable(NULL, "192.0.2.1", 1));
    INVALID(confd_client_stats(NULL, &stats, sizeof stats));
    SAME(n, 77);
    SAME(wait.sent, 77);
    SAME(datagram.len, 77);
    SAME(stats.requests, 77);
    confd_request_free(request);
}

static void a_client(void)
{
    const char *peers[] = {EXTERNAL_IP, NULL, LATIN1};
    const char *one = "127.0.0.1";
    confd_client *external = external_client(count_upcall, NULL, NULL);
    confd_client *client = client_of(&one, 1, count_upcall, NULL, NULL);
    confd_client *mute = client_of(&one, 1, NULL, NULL, NULL);
    confd_request *request = ping();
    confd_wait_result wait = {false, 77, 77};
    confd_datagram datagram = {NULL, 77, NULL, 0};
    struct {
        confd_stats known;
        unsigned char later[24];
    } stats;
    INVALID(confd_client_update_peers(client, NULL, 1));
    INVALID(confd_client_update_peers(client, peers, 2));
    INVALID(confd_client_update_peers(client, peers + 2, 1));
    INVALID(confd_client_update_peers(client, peers, SIZE_MAX));
    GIVES(CONFD_ERR_NO_PEERS, confd_client_update_peers(client, NULL, 0));
    INVALID(confd_client_send(client, NULL, 0, 0, NULL));
    INVALID(confd_client_send(client, request, -2, 0, NULL));
    INVALID(confd_client_send(client, request, INT32_MIN, 0, NULL));
    GIVES(CONFD_ERR_COVERAGE, confd_client_send(client, request, INT32_MAX, 0, NULL));
    for (unsigned bit = 1; bit < 32; bit++) {
        INVALID(confd_client_send(client, request, 0, 1u << bit, NULL));
    }
    INVALID(confd_client_send(mute, request, 0, 0, NULL));
    INVALID(confd_client_wait(client, NULL, 0, &wait));
    INVALID(confd_client_wait(client, LATIN1, 0, &wait));
    INVALID(confd_client_wait(client, "salt", 0, NULL));
    OK(confd_client_receive(client, 0, NULL));
    INVALID(confd_client_cancel(client, NULL));
    GIVES(CONFD_ERR_UNKNOWN_REQUEST, confd_client_cancel(client, "salt"));
    OK(confd_client_outstanding(client, NULL, NULL));
    INVALID(confd_client_poll_transmit(client, &datagram));
    INVALID(confd_client_poll_transmit(external, NULL));
    GIVES(CONFD_ERR_NOT_FOUND, confd_client_poll_transmit(external, &datagram));
    for (int i = 0; i < 2; i++) {
        confd_client *each = i ? client : external;
        INVALID(confd_client_handle_datagram(each, NULL, 1, "192.0.2.1", 1));
        INVALID(confd_client_handle_datagram(each, "x", 1, NULL, 1));
        INVALID(confd_client_handle_datagram(each, "x", 1, "node7", 1));
        INVALID(confd_client_handle_datagram(each, "x", SIZE_MAX, "192.0.2.1", 1));
        OK(confd_client_handle_datagram(each, NULL, 0, "192.0.2.1", 1));
        INVALID(confd_client_handle_unreachable(each, NULL, 1));
        INVALID(confd_client_handle_unreachable(each, "node7", 1));
        SAME(stats_of(each).datagrams_in, 1);
    }
    INVALID(confd_client_receive(external, 0, NULL));
    INVALID(confd_client_wait(external, "salt", 0, &wait));
    SAME(confd_client_fd(external), -1);
    INVALID(confd_client_stats(client, NULL, sizeof stats.known));
    stats.known = untouched;
    INVALID(confd_client_stats(client, &stats.known, sizeof stats.known - 1));
    INVALID(confd_client_stats(client, &stats.known, 0));
    SAME(stats.known.requests, 77);
    SAME(wait.sent, 77);
    SAME(datagram.len, 77);
    memset(&stats, 0xff, sizeof stats);
    OK(confd_client_stats(client, &stats.known, sizeof stats));
    for (size_t i = 0; i < sizeof stats.later; i++) {
        SAME(stats.later[i], 0);
    }
    SAME(stats.known.requests, 0);
    confd_request_free(request);
    confd_client_free(client);
    confd_client_free(external);
    confd_client_free(mute);
}

static void no_reply(void)
{
    const char *text = "as it was";
    confd_reply *clone = NULL;
    int64_t integer = 77;
    int32_t kind = 77;
    double real = 77;
    size_t n = 77;
    bool truth = true;
    SAME(confd_reply_status(NULL), -1);
    SAME(confd_reply_protocol(NULL), -1);
    SAME(confd_reply_serial(NULL), -1);
    CHECK(confd_reply_answer_json(NULL) == NULL && confd_reply_error_text(NULL) == NULL);
    INVALID(confd_reply_string(NULL, "", &text));
    INVALID(confd_reply_int(NULL, "", &integer));
    INVALID(confd_reply_bool(NULL, "", &truth));
    INVALID(confd_reply_double(NULL, "", &real));
    INVALID(confd_reply_count(NULL, "", &n));
    INVALID(confd_reply_key(NULL, "", 0, &text));
    INVALID(confd_reply_json(NULL, "", &text));
    INVALID(confd_reply_kind(NULL, "", &kind));
    INVALID(confd_reply_clone(NULL, &clone));
    confd_reply_free(NULL);
    SAME_TEXT(text, "as it was");
    CHECK(integer == 77 && kind == 77 && n == 77 && truth && real > 76 && clone == NULL);
}

int main(void)
{
    requests();
    options();
    a_client_of_nothing();
    no_client();
    a_client();
    no_reply();
    return 0;
}

/* Options and peers: what is refused, with which code, and that a client has its own copy. */
#include "world.h"

#define INVALID(call) GIVES(CONFD_ERR_INVALID_ARGUMENT, call)

static void ranges(void)
{
    confd_options *options = options_new();
    INVALID(confd_options_set_port(options, 0));
    OK(confd_options_set_port(options, 1));
    OK(confd_options_set_port(options, 65535));
    INVALID(confd_options_set_expire_ms(options, 0));
    INVALID(confd_options_set_expire_ms(options, -1));
    INVALID(confd_options_set_expire_ms(options, INT32_MIN));
    OK(confd_options_set_expire_ms(options, 1));
    OK(confd_options_set_expire_ms(options, INT32_MAX));
    INVALID(confd_options_set_max_request_bytes(options, 0));
    INVALID(confd_options_set_max_request_bytes(options, 65508));
    INVALID(confd_options_set_max_request_bytes(options, SIZE_MAX));
    OK(confd_options_set_max_request_bytes(options, 1));
    OK(confd_options_set_max_request_bytes(options, 65507));
    INVALID(confd_options_set_receive_buffer(options, 0));
    INVALID(confd_options_set_receive_buffer(options, (size_t)INT32_MAX + 1));
    INVALID(confd_options_set_receive_buffer(options, SIZE_MAX));
    OK(confd_options_set_receive_buffer(options, 1));
    OK(confd_options_set_receive_buffer(options, INT32_MAX));
    INVALID(confd_options_set_log(options, NULL, NULL, -1));
    INVALID(confd_options_set_log(options, NULL, NULL, 4));
    INVALID(confd_options_set_log(options, NULL, NULL, INT32_MIN));
    OK(confd_options_set_log(options, NULL, NULL, CONFD_LOG_ERROR));
    for (int32_t on = -2; on <= 2; on++) {
        OK(confd_options_set_filter(options, on));
        OK(confd_options_set_any_source(options, on));
        OK(confd_options_set_external_io(options, on));
    }
    INVALID(confd_options_set_bind_address(options, "node7"));
    INVALID(confd_options_set_bind_address(options, ""));
    INVALID(confd_options_set_bind_address(options, "127.0.0.1:80"));
    OK(confd_options_set_bind_address(options, "127.0.0.1"));
    OK(confd_options_set_bind_address(options, "::1"));
    confd_options_free(options);
}

static confd_error make(const char *const *peers, size_t n, const confd_options *options)
{
    confd_client *const before = (confd_client *)(uintptr_t)peers;
    confd_client *client = before;
    const confd_error code = confd_client_new(KEY, strlen(KEY), peers, n, count_upcall, NULL, options, &client);
    if (code == CONFD_OK) {
        CHECK(client != before);
        confd_client_free(client);
    } else {
        CHECK(client == before);
    }
    return code;
}

static void peers(void)
{
    static const char *const bad[] = {"", "node7", "192.0.2", "192.0.2.256", "192.0.2.1:", "192.0.2.1:0",
                                      "192.0.2.1:65536", "192.0.2.1:+1", "[2001:db8::1", "[2001:db8::1]1",
                                      "[192.0.2.1]:1", "2001:db8::1]:1", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
                                      "255.255.255.255", "fe80::1", "fe80::1%nosuchzone", " 192.0.2.1"};
    static const char *const good[] = {"192.0.2.1", "192.0.2.1:1", "::ffff:192.0.2.1", "2001:db8::1",
                                       "[2001:db8::1]", "[2001:db8::1]:65535", "fe80::1%lo"};
    static const char *const mixed[] = {"192.0.2.1", "2001:db8::1"};
    const char *two[] = {"192.0.2.1", NULL};
    confd_client *v4 = client_of(two, 1, count_upcall, NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        two[1] = bad[i];
        GIVES(CONFD_ERR_BAD_PEER, make(two, 2, NULL));
        GIVES(CONFD_ERR_BAD_PEER, make(&bad[i], 1, NULL));
        GIVES(CONFD_ERR_BAD_PEER, confd_client_update_peers(v4, two, 2));
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        OK(make(&good[i], 1, NULL));
    }
    GIVES(CONFD_ERR_MIXED_FAMILIES, make(mixed, 2, NULL));
    GIVES(CONFD_ERR_MIXED_FAMILIES, confd_client_update_peers(v4, mixed, 2));
    GIVES(CONFD_ERR_MIXED_FAMILIES, confd_client_update_peers(v4, mixed + 1, 1));
    GIVES(CONFD_ERR_NO_PEERS, make(NULL, 0, NULL));
    GIVES(CONFD_ERR_NO_PEERS, make(mixed, 0, NULL));
    confd_client_free(v4);
}

static void bind_address(void)
{
    const char *v4 = "127.0.0.1";
    const char *v6 = "::1";
    confd_options *options = options_new();
    OK(confd_options_set_bind_address(options, "127.0.0.1"));
    OK(make(&v4, 1, options));
    GIVES(CONFD_ERR_MIXED_FAMILIES, make(&v6, 1, options));
    OK(confd_options_set_bind_address(options, "203.0.113.77"));
    GIVES(CONFD_ERR_IO, make(&v4, 1, options));
    confd_options_free(options);
}

/* Repeated peers count once, a failed update changes nothing, and options are copied. */
static void what_a_client_knows(void)
{
    static const char *const repeated[] = {"192.0.2.7", "192.0.2.7:1000", "::ffff:192.0.2.7", "192.0.2.8"};
    confd_options *options = options_new();
    confd_request *request = ping();
    confd_client *client;
    confd_datagram datagram;
    OK(confd_options_set_external_io(options, 1));
    OK(confd_options_set_port(options, 1000));
    client = client_of(repeated, 4, count_upcall, NULL, options);
    OK(confd_options_set_port(options, 2000));
    confd_options_free(options);
    GIVES(CONFD_ERR_COVERAGE, confd_client_send(client, request, 3, 0, NULL));
    GIVES(CONFD_ERR_BAD_PEER, confd_client_update_peers(client, (const char *const[]){"192.0.2.9", "x"}, 2));
    OK(confd_client_send(client, request, 2, 0, NULL));
    for (int i = 0; i < 2; i++) {
        OK(confd_client_poll_transmit(client, &datagram));
        SAME(datagram.port, 1000);
        CHECK(strcmp(datagram.ip, "192.0.2.9") != 0);
    }
    GIVES(CONFD_ERR_NOT_FOUND, confd_client_poll_transmit(client, &datagram));
    confd_request_free(request);
    confd_client_free(client);
}

int main(void)
{
    ranges();
    peers();
    bind_address();
    what_a_client_knows();
    return 0;
}

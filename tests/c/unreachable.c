/* Peers that cannot be sent to, and peers that refuse. */
#include "world.h"

/* With this source address nothing that is not on loopback can be sent to. */
static confd_client *bound(const char *const *peers, size_t n, struct tally *tally)
{
    confd_options *options = options_new();
    confd_client *client;
    OK(confd_options_set_bind_address(options, "127.0.0.1"));
    client = client_of(peers, n, count_upcall, tally, options);
    confd_options_free(options);
    return client;
}

static void one_that_cannot_be_reached_does_not_fail_the_others(void)
{
    struct peer peer;
    struct tally tally = {0, 0, 0};
    const char *peers[] = {"198.51.100.1", peer.address, "198.51.100.2"};
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    peer_open(&peer);
    client = bound(peers, 3, &tally);
    for (unsigned i = 1; i <= 20; i++) {
        send_ping(client, -1, 0, NULL, salt);
        peer_take(&peer, salt);
        peer_answer(&peer, salt, "1", 1);
        SOON(confd_client_receive(client, 100, NULL) == CONFD_OK && tally.replies == i);
        OK(confd_client_wait(client, salt, 0, &wait));
        CHECK(wait.timed_out && wait.sent == 3 && wait.received == 1);
        SAME(stats_of(client).send_errors, 2 * i);
        SAME(stats_of(client).datagrams_out, i);
    }
    confd_client_free(client);
    SAME(tally.cancelled, 20);
    peer_close(&peer);
}

static void if_all_fail_at_once_nothing_is_outstanding(void)
{
    struct peer peer;
    struct tally tally = {0, 0, 0};
    const char *peers[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3"};
    const char *good = peer.address;
    confd_client *client;
    confd_request *request = ping();
    size_t total;
    peer_open(&peer);
    client = bound(peers, 3, &tally);
    for (int i = 0; i < 3; i++) {
        GIVES(CONFD_ERR_IO, confd_client_send(client, request, -1, 0, NULL));
        CHECK(*confd_last_error() != '\0');
        OK(confd_client_outstanding(client, &total, NULL));
        SAME(total, 0);
        SAME(stats_of(client).requests, 0);
        SAME(confd_client_timeout_ms(client), -1);
    }
    SAME(stats_of(client).send_errors, 9);
    OK(confd_request_set_salt(request, "given"));
    GIVES(CONFD_ERR_IO, confd_client_send(client, request, -1, 0, NULL));
    /* The salt has not served, neither in this request nor in another. */
    confd_request *other = ping();
    OK(confd_request_set_salt(other, "given"));
    OK(confd_client_update_peers(client, &good, 1));
    OK(confd_client_send(client, other, -1, 0, NULL));
    OK(confd_request_set_salt(request, NULL));
    OK(confd_client_send(client, request, -1, 0, NULL));
    confd_request_free(request);
    confd_request_free(other);
    SAME(last_upcalls(&tally), 0);
    confd_client_free(client);
    SAME(last_upcalls(&tally), 2);
    peer_close(&peer);
}

/* A request whose datagrams were queued was accepted: failing later, it waits for its expiry. */
static void queued_datagrams_that_fail_end_no_request(void)
{
    struct tally tally = {0, 0, 0};
    const char *peers[] = {"198.51.100.1"};
    confd_client *client = bound(peers, 1, &tally);
    size_t total;
    send_ping(client, 0, CONFD_SEND_QUEUED, NULL, NULL);
    OK(confd_client_flush(client));
    OK(confd_client_outstanding(client, &total, NULL));
    SAME(total, 1);
    SAME(stats_of(client).send_errors, 1);
    SAME(stats_of(client).queued, 0);
    confd_client_free(client);
    SAME(tally.cancelled, 1);
}

/* The refusal of an earlier datagram fails no later one, is counted, and ends nothing. */
static void refusals(void)
{
    struct peer peer;
    struct tally tally = {0, 0, 0};
    char closed[32];
    const char *peers[] = {closed, peer.address};
    confd_client *client;
    char salt[SALT];
    size_t total;
    peer_open(&peer);
    closed_address(closed, sizeof closed);
    client = client_of(peers, 2, count_upcall, &tally, NULL);
    for (unsigned i = 1; i <= 50; i++) {
        send_ping(client, -1, 0, NULL, salt);
        peer_take(&peer, salt);
        peer_answer(&peer, salt, "1", 1);
    }
    SOON(confd_client_receive(client, 100, NULL) == CONFD_OK && stats_of(client).refused == 50);
    SOON(confd_client_receive(client, 0, NULL) == CONFD_OK && tally.replies == 50);
    OK(confd_client_outstanding(client, &total, NULL));
    SAME(total, 50);
    SAME(stats_of(client).send_errors, 0);
    SAME(stats_of(client).datagrams_out, 100);
    check_sums(client);
    confd_client_free(client);
    SAME(tally.cancelled, 50);
    peer_close(&peer);
}

/* A refusal alone is nothing handled: receive goes on until its time is over. */
static void a_refusal_does_not_end_receive(void)
{
    char closed[32];
    const char *peer = closed;
    confd_client *client;
    size_t handled = 77;
    closed_address(closed, sizeof closed);
    client = client_of(&peer, 1, count_upcall, NULL, NULL);
    send_ping(client, -1, 0, NULL, NULL);
    const int64_t start = now_ms();
    OK(confd_client_receive(client, 60, &handled));
    SAME(handled, 0);
    CHECK(now_ms() - start >= 60);
    SAME(stats_of(client).refused, 1);
    confd_client_free(client);
}

/* A program that reads ICMP itself tells the client; strangers count for nothing. */
static void told_by_the_program(void)
{
    struct tally tally = {0, 0, 0};
    confd_client *client = external_client(count_upcall, &tally, NULL);
    char salt[SALT];
    send_ping(client, 0, 0, NULL, salt);
    OK(confd_client_handle_unreachable(client, "192.0.2.200", EXTERNAL_PORT));
    SAME(stats_of(client).refused, 0);
    OK(confd_client_handle_unreachable(client, EXTERNAL_IP, EXTERNAL_PORT));
    SAME(stats_of(client).refused, 1);
    answer_from(client, salt, EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    SAME(tally.replies, 1);
    confd_client_free(client);
}

int main(void)
{
    one_that_cannot_be_reached_does_not_fail_the_others();
    if_all_fail_at_once_nothing_is_outstanding();
    queued_datagrams_that_fail_end_no_request();
    refusals();
    a_refusal_does_not_end_receive();
    told_by_the_program();
    return 0;
}

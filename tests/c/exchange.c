/* Send, receive, wait and expire against simulated peers. */
#include "world.h"

/* 0 is the smaller of 6 and all, -1 all, else that many; each peer asked answers once. */
static void coverage(void)
{
    static const struct {
        size_t peers;
        int32_t coverage;
        uint32_t sent;
    } cases[] = {{1, 0, 1}, {4, 0, 4}, {6, 0, 6}, {9, 0, 6}, {9, -1, 9}, {9, 1, 1}, {9, 7, 7}, {9, 9, 9}};
    struct sim sim;
    sim_start(&sim, 9, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tally tally = {0, 0, 0};
        confd_client *client = client_of(sim.peers, cases[i].peers, count_upcall, &tally, NULL);
        confd_wait_result wait;
        char salt[SALT];
        size_t total;
        size_t unanswered;
        send_ping(client, cases[i].coverage, 0, NULL, salt);
        OK(confd_client_outstanding(client, &total, &unanswered));
        CHECK(total == 1 && unanswered == 1);
        OK(confd_client_wait(client, salt, 10000, &wait));
        CHECK(!wait.timed_out);
        SAME(wait.sent, cases[i].sent);
        CHECK(wait.received >= confd_needed_replies(wait.sent));
        while (tally.replies < cases[i].sent) {
            OK(confd_client_receive(client, 10000, NULL));
        }
        SAME(stats_of(client).datagrams_out, cases[i].sent);
        /* Fully answered, and outstanding until its expiry all the same. */
        OK(confd_client_outstanding(client, &total, &unanswered));
        CHECK(total == 1 && unanswered == 0);
        SAME(last_upcalls(&tally), 0);
        check_sums(client);
        confd_client_free(client);
        SAME(tally.cancelled, 1);
    }
    sim_stop(&sim);
}

/* Each request has its own choice of peers, and in time every peer is chosen. */
static void peers_are_chosen_afresh(void)
{
    const char *peers[8];
    char text[8][16];
    unsigned chosen[8] = {0};
    confd_options *options = options_new();
    confd_client *client;
    confd_datagram datagram;
    OK(confd_options_set_external_io(options, 1));
    for (int i = 0; i < 8; i++) {
        snprintf(text[i], sizeof text[i], "192.0.2.%d", i);
        peers[i] = text[i];
    }
    client = client_of(peers, 8, count_upcall, NULL, options);
    for (int i = 0; i < 400; i++) {
        int last = -1;
        send_ping(client, 2, 0, NULL, NULL);
        while (confd_client_poll_transmit(client, &datagram) == CONFD_OK) {
            const int which = datagram.ip[8] - '0';
            CHECK(which != last);
            chosen[last = which]++;
        }
    }
    for (int i = 0; i < 8; i++) {
        CHECK(chosen[i] > 40 && chosen[i] < 200);
    }
    confd_client_free(client);
    confd_options_free(options);
}

/* Queued datagrams leave with flush, process, receive, wait or the next unqueued send, and not before. */
static void queued(void)
{
    struct sim sim;
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    sim_start(&sim, 2, NULL);
    client = client_of(sim.peers, 2, count_upcall, NULL, NULL);
    for (int how = 0; how < 5; how++) {
        const uint64_t out = stats_of(client).datagrams_out;
        send_ping(client, -1, CONFD_SEND_QUEUED, NULL, salt);
        SAME(stats_of(client).queued, 2);
        SAME(stats_of(client).datagrams_out, out);
        switch (how) {
        case 0: OK(confd_client_flush(client)); break;
        case 1: OK(confd_client_process(client)); break;
        case 2: OK(confd_client_receive(client, 0, NULL)); break;
        case 3: OK(confd_client_wait(client, salt, 0, &wait)); break;
        default: send_ping(client, 1, 0, NULL, NULL); break;
        }
        SAME(stats_of(client).queued, 0);
        SAME(stats_of(client).datagrams_out, out + (how == 4 ? 3 : 2));
        OK(confd_client_wait(client, salt, 10000, &wait));
        SAME(wait.received, 2);
    }
    send_ping(client, -1, CONFD_SEND_QUEUED, NULL, salt);
    OK(confd_client_cancel(client, salt));
    SAME(stats_of(client).queued, 0);
    confd_client_free(client);
    sim_stop(&sim);
}

static void waits(void)
{
    struct peer peer;
    struct tally tally = {0, 0, 0};
    const char *address = peer.address;
    confd_options *options = options_expire(300);
    confd_client *client;
    confd_wait_result wait = {false, 7, 7};
    char salt[SALT];
    int64_t start;
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, &tally, options);
    confd_options_free(options);
    /* Unknown. */
    OK(confd_client_wait(client, "no such salt", 10000, &wait));
    CHECK(wait.timed_out && wait.sent == 0 && wait.received == 0);
    /* A timeout of 0 looks and puts nothing off; the answer counts when its upcall has returned. */
    send_ping(client, 0, 0, NULL, salt);
    OK(confd_client_wait(client, salt, 0, &wait));
    CHECK(wait.timed_out && wait.sent == 1 && wait.received == 0);
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    OK(confd_client_wait(client, salt, -1, &wait));
    CHECK(!wait.timed_out && wait.sent == 1 && wait.received == 1 && tally.replies == 1);
    OK(confd_client_wait(client, salt, 0, &wait));
    CHECK(!wait.timed_out && wait.received == 1);
    /* Negative: until it expires, which it puts off by nothing. */
    start = now_ms();
    send_ping(client, 0, 0, NULL, salt);
    OK(confd_client_wait(client, salt, -1, &wait));
    CHECK(wait.timed_out && wait.sent == 0 && wait.received == 0);
    CHECK(now_ms() - start >= 300);
    SAME(tally.expired, 2);
    /* A wait puts the expiry off by its timeout, each time. */
    start = now_ms();
    send_ping(client, 0, 0, NULL, salt);
    for (int i = 0; i < 3; i++) {
        OK(confd_client_wait(client, salt, 200, &wait));
        CHECK(wait.timed_out && wait.sent == 1);
    }
    CHECK(now_ms() - start >= 600);
    SAME(tally.expired, 2);
    OK(confd_client_wait(client, salt, INT32_MIN, &wait));
    CHECK(now_ms() - start >= 900 && wait.sent == 0);
    SAME(tally.expired, 3);
    peer_close(&peer);
    confd_client_free(client);
}

/* Sums of expiries saturate. */
static void waits_without_end(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_options *options = options_expire(INT32_MAX);
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, NULL, options);
    confd_options_free(options);
    send_ping(client, 0, 0, NULL, salt);
    CHECK(confd_client_timeout_ms(client) > INT32_MAX - 60000);
    /* Put off beyond what the number holds, it is the most that it holds. */
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    for (int i = 0; i < 10; i++) {
        OK(confd_client_wait(client, salt, INT32_MAX, &wait));
        CHECK(!wait.timed_out && wait.received == 1);
        SAME(confd_client_timeout_ms(client), INT32_MAX);
    }
    confd_client_free(client);
    peer_close(&peer);
}

/* Candidates on ports of their own, and over IPv6. */
static void other_addresses(void)
{
    static const char *const ports[] = {"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
                                        "--listen", "127.0.0.1:0", NULL};
    static const char *const v6[] = {"--listen", "[::1]:0", "--listen", "[::1]:0", NULL};
    const char *const *const both[] = {ports, v6};
    for (int i = 0; i < 2; i++) {
        struct sim sim;
        struct tally tally = {0, 0, 0};
        confd_client *client;
        confd_wait_result wait;
        char salt[SALT];
        sim_start_with(&sim, both[i]);
        client = client_of(sim.peers, sim.n, count_upcall, &tally, NULL);
        send_ping(client, -1, 0, NULL, salt);
        while (tally.replies < sim.n) {
            OK(confd_client_receive(client, 10000, NULL));
        }
        OK(confd_client_wait(client, salt, 0, &wait));
        SAME(wait.received, sim.n);
        SAME(stats_of(client).replies, sim.n);
        check_sums(client);
        confd_client_free(client);
        sim_stop(&sim);
    }
}

/* The filter holds back what says nothing new; a wait counts it all the same. */
static void filter(void)
{
    struct sim sim;
    struct tally tally = {0, 0, 0};
    confd_options *options = options_new();
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    OK(confd_options_set_filter(options, 1));
    sim_start(&sim, 5, NULL);
    client = client_of(sim.peers, 5, count_upcall, &tally, options);
    send_ping(client, -1, 0, NULL, salt);
    SOON(confd_client_receive(client, 100, NULL) == CONFD_OK && stats_of(client).replies == 5);
    OK(confd_client_wait(client, salt, 0, &wait));
    CHECK(!wait.timed_out && wait.received == 5);
    SAME(tally.replies, 1);
    confd_client_free(client);
    confd_options_free(options);
    sim_stop(&sim);
}

/* Replies to what was sent before a change of peers still count; new requests go to the new ones. */
static void peers_change_while_outstanding(void)
{
    struct peer old;
    struct peer fresh;
    const char *address = old.address;
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    char later[SALT];
    char taken[SALT];
    peer_open(&old);
    peer_open(&fresh);
    client = client_of(&address, 1, count_upcall, NULL, NULL);
    send_ping(client, 0, 0, NULL, salt);
    address = fresh.address;
    OK(confd_client_update_peers(client, &address, 1));
    send_ping(client, 0, 0, NULL, later);
    peer_take(&old, taken);
    SAME_TEXT(taken, salt);
    peer_take(&fresh, taken);
    SAME_TEXT(taken, later);
    peer_answer(&old, salt, "1", 1);
    OK(confd_client_wait(client, salt, 10000, &wait));
    SAME(wait.received, 1);
    /* The old peer was not asked this. */
    peer_answer(&old, later, "1", 1);
    SOON(confd_client_receive(client, 100, NULL) == CONFD_OK && stats_of(client).dropped_source == 1);
    peer_answer(&fresh, later, "1", 1);
    OK(confd_client_wait(client, later, 10000, &wait));
    SAME(wait.received, 1);
    confd_client_free(client);
    peer_close(&old);
    peer_close(&fresh);
}

int main(void)
{
    coverage();
    peers_are_chosen_afresh();
    queued();
    waits();
    waits_without_end();
    other_addresses();
    filter();
    peers_change_while_outstanding();
    return 0;
}

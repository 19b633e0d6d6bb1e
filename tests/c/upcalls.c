/* Inside an upcall every legal call works, what it brings about comes afterwards, and blocking calls are BUSY. */
#include "world.h"

static struct tally tally;
static char salts[8][SALT];
static int depth;

/* What the upcalls saw, in order: kind and the place of the salt in `salts`. */
static struct {
    int32_t type;
    int which;
} seen[64];
static int n_seen;

static void (*act)(confd_client *client, const confd_upcall *upcall);

static void upcall_fn(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    SAME(depth, 0);
    depth++;
    count_upcall(client, upcall, user_data);
    seen[n_seen].type = upcall->type;
    seen[n_seen].which = -1;
    for (int i = 0; i < 8; i++) {
        if (strcmp(salts[i], upcall->salt) == 0) {
            seen[n_seen].which = i;
        }
    }
    n_seen++;
    if (act != NULL) {
        act(client, upcall);
    }
    depth--;
}

static void begin(void (*what)(confd_client *, const confd_upcall *))
{
    memset(&tally, 0, sizeof tally);
    memset(salts, 0, sizeof salts);
    n_seen = 0;
    act = what;
}

static void saw(int place, int32_t type, int which)
{
    CHECK(place < n_seen);
    SAME(seen[place].type, type);
    SAME(seen[place].which, which);
}

/* Everything that the contract allows inside an upcall. */
static void everything(confd_client *client, const confd_upcall *upcall)
{
    static const char *const other = "127.0.0.1:9";
    confd_wait_result wait = {false, 77, 77};
    size_t handled = 77;
    size_t total = 0;
    const int fd = confd_client_fd(client);
    GIVES(CONFD_ERR_BUSY, confd_client_receive(client, 0, &handled));
    GIVES(CONFD_ERR_BUSY, confd_client_receive(client, -1, &handled));
    GIVES(CONFD_ERR_BUSY, confd_client_wait(client, upcall->salt, 0, &wait));
    GIVES(CONFD_ERR_BUSY, confd_client_wait(client, "unknown", -1, &wait));
    GIVES(CONFD_ERR_BUSY, confd_client_process(client));
    GIVES(CONFD_ERR_BUSY, confd_client_expire(client));
    CHECK(handled == 77 && wait.sent == 77);
    OK(confd_client_outstanding(client, &total, NULL));
    SAME(stats_of(client).outstanding, total);
    CHECK(fd >= 0 && fd == confd_client_fd(client));
    CHECK(confd_client_timeout_ms(client) >= -1);
    OK(confd_client_flush(client));
    OK(confd_client_wake(client));
    OK(confd_client_update_peers(client, &other, 1));
    OK(confd_client_handle_unreachable(client, "192.0.2.1", 1));
    OK(confd_client_handle_datagram(client, "x", 1, "192.0.2.1", 1));
    GIVES(CONFD_ERR_UNKNOWN_REQUEST, confd_client_cancel(client, "unknown"));
    if (upcall->type == CONFD_UPCALL_REPLY) {
        send_ping(client, 0, 0, &tally, salts[1]);
        send_ping(client, 0, CONFD_SEND_QUEUED, &tally, salts[2]);
        OK(confd_client_cancel(client, salts[2]));
        OK(confd_client_cancel(client, upcall->salt));
        OK(confd_client_outstanding(client, &total, NULL));
        SAME(total, 1);
        /* Told later, but true now. */
        GIVES(CONFD_ERR_UNKNOWN_REQUEST, confd_client_cancel(client, upcall->salt));
        SAME(n_seen, 1);
    }
}

static void every_legal_call_works(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    peer_open(&peer);
    begin(everything);
    client = client_of(&address, 1, upcall_fn, NULL, NULL);
    send_ping(client, 0, 0, &tally, salts[0]);
    peer_take(&peer, salts[0]);
    peer_answer(&peer, salts[0], "1", 1);
    OK(confd_client_receive(client, 10000, NULL));
    SAME(n_seen, 3);
    saw(0, CONFD_UPCALL_REPLY, 0);
    saw(1, CONFD_UPCALL_CANCEL, 2);
    saw(2, CONFD_UPCALL_CANCEL, 0);
    act = NULL;
    confd_client_free(client);
    SAME(n_seen, 4);
    saw(3, CONFD_UPCALL_CANCEL, 1);
    SAME(tally.cancelled, 3);
    peer_close(&peer);
}

/* Answers of others, brought in inside an upcall, come after it and in order. */
static void brings_in_more(confd_client *client, const confd_upcall *upcall)
{
    (void)upcall;
    if (n_seen == 1) {
        for (int i = 1; i < 5; i++) {
            answer_from(client, salts[i], EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
        }
        OK(confd_client_cancel(client, salts[0]));
        SAME(n_seen, 1);
    }
}

static void events_keep_their_order(void)
{
    begin(brings_in_more);
    confd_client *client = external_client(upcall_fn, NULL, NULL);
    for (int i = 0; i < 5; i++) {
        send_ping(client, 0, 0, &tally, salts[i]);
    }
    answer_from(client, salts[0], EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    SAME(n_seen, 6);
    for (int i = 0; i < 5; i++) {
        saw(i, CONFD_UPCALL_REPLY, i);
    }
    saw(5, CONFD_UPCALL_CANCEL, 0);
    confd_client_free(client);
    SAME(n_seen, 10);
    SAME(last_upcalls(&tally), 5);
}

/* Requests expire in the order of their deadlines. */
static void expiries_come_in_order(void)
{
    confd_options *options = options_expire(1);
    OK(confd_options_set_external_io(options, 1));
    begin(NULL);
    confd_client *client = external_client(upcall_fn, NULL, options);
    confd_options_free(options);
    for (int i = 0; i < 6; i++) {
        send_ping(client, 0, CONFD_SEND_QUEUED, &tally, salts[i]);
    }
    SOON(confd_client_expire(client) == CONFD_OK && n_seen == 6);
    for (int i = 0; i < 6; i++) {
        saw(i, CONFD_UPCALL_EXPIRE, i);
    }
    confd_client_free(client);
    SAME(n_seen, 6);
}

static void closes(confd_client *client, const confd_upcall *upcall)
{
    OK(confd_client_close(client));
    OK(confd_client_close(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_flush(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_cancel(client, upcall->salt));
    SAME(confd_client_fd(client), -1);
    act = NULL;
}

/* Closing inside an upcall: the last upcalls follow, the call that delivered says CLOSED. */
static void close_inside_an_upcall(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_wait_result wait = {false, 77, 77};
    for (int with_wait = 0; with_wait < 2; with_wait++) {
        confd_client *client;
        size_t handled = 77;
        peer_open(&peer);
        begin(closes);
        client = client_of(&address, 1, upcall_fn, NULL, NULL);
        for (int i = 0; i < 3; i++) {
            send_ping(client, 0, 0, &tally, salts[i]);
            peer_take(&peer, salts[i]);
        }
        peer_answer(&peer, salts[0], "1", 1);
        if (with_wait) {
            GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, salts[0], 10000, &wait));
            SAME(wait.sent, 77);
        } else {
            GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, 10000, &handled));
            SAME(handled, 77);
        }
        SAME(tally.replies, 1);
        SAME(tally.cancelled, 3);
        confd_client_free(client);
        SAME(n_seen, 4);
        peer_close(&peer);
    }
}

/* A thousand sends, each inside the upcall of the one before: no recursion. */
static void asks_again(confd_client *client, const confd_upcall *upcall)
{
    if (upcall->type == CONFD_UPCALL_CANCEL && tally.cancelled < 1000) {
        n_seen = 0;
        send_ping(client, 0, CONFD_SEND_QUEUED, &tally, salts[0]);
        OK(confd_client_cancel(client, salts[0]));
    }
}

static void chains_do_not_nest(void)
{
    begin(asks_again);
    confd_client *client = external_client(upcall_fn, NULL, NULL);
    send_ping(client, 0, 0, &tally, salts[0]);
    OK(confd_client_cancel(client, salts[0]));
    SAME(tally.cancelled, 1000);
    confd_client_free(client);
    SAME(tally.cancelled, 1000);
}

int main(void)
{
    every_legal_call_works();
    events_keep_their_order();
    expiries_come_in_order();
    close_inside_an_upcall();
    chains_do_not_nest();
    return 0;
}

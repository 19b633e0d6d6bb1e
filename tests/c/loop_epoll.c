/* An edge-triggered loop that calls process once for each event, and never otherwise, loses nothing. */
#include "world.h"
#include <pthread.h>
#include <sys/epoll.h>

static struct tally tally;
static confd_client *client;
static struct peer peer;
static int outer;

static void begin(int32_t expire_ms)
{
    struct epoll_event event = {EPOLLIN | EPOLLET, {.fd = 0}};
    const char *address = peer.address;
    confd_options *options = options_expire(expire_ms);
    OK(confd_options_set_receive_buffer(options, 4000000));
    peer_open(&peer);
    memset(&tally, 0, sizeof tally);
    client = client_of(&address, 1, count_upcall, &tally, options);
    confd_options_free(options);
    outer = epoll_create1(EPOLL_CLOEXEC);
    CHECK(outer >= 0 && epoll_ctl(outer, EPOLL_CTL_ADD, confd_client_fd(client), &event) == 0);
}

static void end(void)
{
    close(outer);
    confd_client_free(client);
    peer_close(&peer);
}

static int edge(int timeout_ms)
{
    struct epoll_event event;
    const int n = epoll_wait(outer, &event, 1, timeout_ms);
    CHECK(n >= 0);
    return n;
}

/* One turn of the loop. */
static void turn(void)
{
    if (edge(10000) != 1) {
        FAIL("no edge came; %u replies, %u expired", tally.replies, tally.expired);
    }
    OK(confd_client_process(client));
}

static void bursts(void)
{
    enum { BURST = 500, ROUNDS = 6 };
    static char salts[BURST][SALT];
    begin(100000);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < BURST; i++) {
            send_ping(client, 0, 0, NULL, NULL);
            peer_take(&peer, salts[i]);
        }
        for (int i = 0; i < BURST; i++) {
            peer_answer(&peer, salts[i], "1", 1);
        }
        while (tally.replies < round * BURST) {
            turn();
        }
    }
    SAME(stats_of(client).dropped_overflow, 0);
    check_sums(client);
    end();
}

static void one_at_a_time(void)
{
    begin(100000);
    for (unsigned i = 1; i <= 300; i++) {
        char salt[SALT];
        send_ping(client, 0, i % 2 ? CONFD_SEND_QUEUED : 0, NULL, salt);
        while (stats_of(client).queued > 0) {
            turn();
        }
        peer_take(&peer, salt);
        peer_answer(&peer, salt, "1", 1);
        while (tally.replies < i) {
            turn();
        }
    }
    end();
}

static void expiries(void)
{
    enum { MANY = 2500 };
    begin(30);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < MANY; i++) {
            send_ping(client, 0, CONFD_SEND_QUEUED, NULL, NULL);
        }
        while (tally.expired < (unsigned)(round * MANY)) {
            turn();
        }
    }
    SAME(tally.expired, 3 * MANY);
    end();
}

/* One upcall brings in more events than one call delivers: what is left makes edges until it is gone. */
enum { MANY_MORE = 3000 };
static char salts_left[MANY_MORE][SALT];

static void brings_in_more(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    if (upcall->request_data == &peer) {
        for (int i = 0; i < MANY_MORE && upcall->type == CONFD_UPCALL_REPLY; i++) {
            OK(confd_client_cancel(of, salts_left[i]));
        }
    } else {
        count_upcall(of, upcall, user_data);
    }
}

static void leftover_upcalls(void)
{
    struct epoll_event event = {EPOLLIN | EPOLLET, {.fd = 0}};
    const char *address = peer.address;
    char salt[SALT];
    peer_open(&peer);
    memset(&tally, 0, sizeof tally);
    client = client_of(&address, 1, brings_in_more, &tally, NULL);
    outer = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < MANY_MORE; i++) {
        send_ping(client, 0, CONFD_SEND_QUEUED, NULL, salts_left[i]);
    }
    send_ping(client, 0, CONFD_SEND_QUEUED, &peer, salt);
    CHECK(outer >= 0 && epoll_ctl(outer, EPOLL_CTL_ADD, confd_client_fd(client), &event) == 0);
    answer_from(client, salt, "127.0.0.1", peer.port, "1", 1);
    CHECK(tally.cancelled > 0 && tally.cancelled < MANY_MORE);
    SAME(confd_client_timeout_ms(client), 0);
    while (tally.cancelled < MANY_MORE) {
        const unsigned before = tally.cancelled;
        turn();
        CHECK(tally.cancelled - before <= 1024);
    }
    end();
    SAME(tally.cancelled, MANY_MORE);
}

static unsigned answered;

/* A peer of its own thread, and two threads that send, while the loop does nothing but wait for edges. */
static void *answers(void *unused)
{
    char salt[SALT];
    (void)unused;
    for (unsigned i = 0; i < SEEN(answered); i++) {
        peer_take(&peer, salt);
        peer_answer(&peer, salt, "1", 1);
    }
    return NULL;
}

static void *sends(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        /* Not further ahead than the sockets' buffers hold. */
        SOON(stats_of(client).requests - SEEN(tally.replies) < 64);
        send_ping(client, 0, i % 3 == 0 ? CONFD_SEND_QUEUED : 0, NULL, NULL);
    }
    return NULL;
}

static void while_other_threads_send(void)
{
    pthread_t threads[3];
    begin(100000);
    PUT(answered, 2000);
    SAME(pthread_create(&threads[0], NULL, answers, NULL), 0);
    SAME(pthread_create(&threads[1], NULL, sends, NULL), 0);
    SAME(pthread_create(&threads[2], NULL, sends, NULL), 0);
    while (SEEN(tally.replies) < 2000) {
        turn();
    }
    for (int i = 0; i < 3; i++) {
        SAME(pthread_join(threads[i], NULL), 0);
    }
    check_sums(client);
    end();
}

int main(void)
{
    bursts();
    one_at_a_time();
    expiries();
    leftover_upcalls();
    while_other_threads_send();
    return 0;
}

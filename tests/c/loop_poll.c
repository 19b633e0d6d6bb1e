/* A level-triggered loop that waits on the one descriptor, without a timeout, is told of everything there is to do. */
#include "world.h"
#include <fcntl.h>
#include <pthread.h>

static struct tally tally;

/* Processes until it is no longer readable. */
static void settle(confd_client *client, int fd)
{
    for (int i = 0; readable(fd, 0); i++) {
        OK(confd_client_process(client));
        CHECK(i < 1000);
    }
}

static void the_descriptor(void)
{
    const char *nobody = "127.0.0.1:9";
    confd_client *client;
    int open_before[64];
    int fd;
    for (int other = 0; other < 64; other++) {
        open_before[other] = fcntl(other, F_GETFD) >= 0;
    }
    client = client_of(&nobody, 1, count_upcall, NULL, NULL);
    fd = confd_client_fd(client);
    CHECK(fd >= 0);
    for (int i = 0; i < 5; i++) {
        SAME(confd_client_fd(client), fd);
        OK(confd_client_process(client));
    }
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    /* Nothing that the library opened is inherited by a program that is started. */
    for (int other = 0; other < 64; other++) {
        const int flags = fcntl(other, F_GETFD);
        CHECK(open_before[other] || flags < 0 || (flags & FD_CLOEXEC) != 0);
    }
    CHECK(!readable(fd, 0));
    confd_client_free(client);
    CHECK(fcntl(fd, F_GETFD) < 0);
    client = external_client(count_upcall, NULL, NULL);
    SAME(confd_client_fd(client), -1);
    confd_client_free(client);
}

static void a_datagram(confd_client *client, int fd, struct peer *peer)
{
    char salt[SALT];
    memset(&tally, 0, sizeof tally);
    send_ping(client, 0, 0, NULL, salt);
    peer_take(peer, salt);
    CHECK(!readable(fd, 0));
    peer_answer(peer, salt, "1", 1);
    CHECK(readable(fd, 10000) && readable(fd, 0));
    OK(confd_client_process(client));
    SAME(tally.replies, 1);
    CHECK(!readable(fd, 0));
    OK(confd_client_cancel(client, salt));
}

static void queued_datagrams(confd_client *client, int fd, struct peer *peer)
{
    char salt[SALT];
    settle(client, fd);
    send_ping(client, 0, CONFD_SEND_QUEUED, NULL, salt);
    CHECK(readable(fd, 0));
    OK(confd_client_process(client));
    peer_take(peer, salt);
    CHECK(!readable(fd, 0));
    OK(confd_client_cancel(client, salt));
}

/* A blocking query reads what is there before it asks; if it then cannot ask, what it has read is not forgotten. */
static void a_query_that_is_refused(confd_client *client, int fd, struct peer *peer)
{
    char salt[SALT];
    confd_request *request = ping();
    confd_result *result = NULL;
    settle(client, fd);
    memset(&tally, 0, sizeof tally);
    send_ping(client, 0, 0, NULL, salt);
    peer_take(peer, salt);
    peer_answer(peer, salt, "1", 1);
    CHECK(readable(fd, 10000));
    GIVES(CONFD_ERR_COVERAGE, confd_client_query(client, request, 99, 10000, &result));
    SAME(tally.replies, 0);
    CHECK(readable(fd, 0));
    OK(confd_client_process(client));
    SAME(tally.replies, 1);
    confd_request_free(request);
}

static void a_deadline(void)
{
    const char *nobody = "127.0.0.1:9";
    confd_options *options = options_expire(40);
    confd_client *client = client_of(&nobody, 1, count_upcall, &tally, options);
    const int fd = confd_client_fd(client);
    confd_options_free(options);
    memset(&tally, 0, sizeof tally);
    const int64_t start = now_ms();
    send_ping(client, 0, 0, NULL, NULL);
    while (tally.expired == 0) {
        CHECK(readable(fd, -1));
        OK(confd_client_process(client));
    }
    CHECK(now_ms() - start >= 40 && now_ms() - start < 5000);
    settle(client, fd);
    CHECK(!readable(fd, 0));
    confd_client_free(client);
}

/* More requests expire at once than one call of process ends. */
static void more_expiries_than_one_call_ends(void)
{
    enum { MANY = 3000 };
    const char *nobody = "127.0.0.1:9";
    confd_options *options = options_expire(slowed(100));
    confd_client *client;
    int fd;
    unsigned calls = 0;
    client = client_of(&nobody, 1, count_upcall, &tally, options);
    confd_options_free(options);
    fd = confd_client_fd(client);
    memset(&tally, 0, sizeof tally);
    for (int i = 0; i < MANY; i++) {
        send_ping(client, 0, CONFD_SEND_QUEUED, NULL, NULL);
    }
    SOON(confd_client_timeout_ms(client) == 0);
    pause_us(slowed(100) * 1000L);
    while (tally.expired < MANY) {
        const unsigned before = tally.expired;
        CHECK(readable(fd, -1));
        OK(confd_client_process(client));
        CHECK(tally.expired - before <= 1024);
        calls++;
    }
    CHECK(calls >= 3);
    CHECK(!readable(fd, 0));
    confd_client_free(client);
    SAME(last_upcalls(&tally), MANY);
}

static confd_client *shared;

static void *sends_from_afar(void *unused)
{
    (void)unused;
    pause_us(20000);
    send_ping(shared, 0, 0, NULL, NULL);
    return NULL;
}

static void *closes_from_afar(void *unused)
{
    (void)unused;
    pause_us(20000);
    OK(confd_client_close(shared));
    return NULL;
}

/* The loop sleeps with nothing outstanding and no timeout; what another thread does reaches it. */
static void other_threads(void)
{
    const char *nobody = "127.0.0.1:9";
    confd_options *options = options_expire(30);
    pthread_t thread;
    int fd;
    shared = client_of(&nobody, 1, count_upcall, &tally, options);
    confd_options_free(options);
    fd = confd_client_fd(shared);
    memset(&tally, 0, sizeof tally);
    SAME(pthread_create(&thread, NULL, sends_from_afar, NULL), 0);
    while (tally.expired == 0) {
        CHECK(readable(fd, 20000));
        OK(confd_client_process(shared));
    }
    SAME(pthread_join(thread, NULL), 0);
    settle(shared, fd);
    SAME(pthread_create(&thread, NULL, closes_from_afar, NULL), 0);
    CHECK(readable(fd, 20000));
    GIVES(CONFD_ERR_CLOSED, confd_client_process(shared));
    SAME(pthread_join(thread, NULL), 0);
    confd_client_free(shared);
}

/* Bursts larger than what one call of process reads, over and over: nothing is left, nothing is lost. */
static void bursts(void)
{
    enum { BURST = 300, ROUNDS = 10 };
    static char salts[BURST][SALT];
    struct peer peer;
    const char *address = peer.address;
    confd_options *options = options_new();
    confd_client *client;
    int fd;
    OK(confd_options_set_receive_buffer(options, 4000000));
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, &tally, options);
    confd_options_free(options);
    fd = confd_client_fd(client);
    memset(&tally, 0, sizeof tally);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < BURST; i++) {
            send_ping(client, 0, 0, NULL, NULL);
            peer_take(&peer, salts[i]);
        }
        unsigned calls = 0;
        for (int i = 0; i < BURST; i++) {
            peer_answer(&peer, salts[i], "1", 1);
        }
        while (tally.replies < round * BURST) {
            const unsigned before = tally.replies;
            CHECK(readable(fd, 10000));
            OK(confd_client_process(client));
            CHECK(tally.replies - before <= 128);
            calls++;
        }
        CHECK(calls >= 3);
        SAME(stats_of(client).dropped_overflow, 0);
    }
    settle(client, fd);
    check_sums(client);
    confd_client_free(client);
    peer_close(&peer);
}

int main(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    int fd;
    the_descriptor();
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, &tally, NULL);
    fd = confd_client_fd(client);
    a_datagram(client, fd, &peer);
    queued_datagrams(client, fd, &peer);
    a_query_that_is_refused(client, fd, &peer);
    confd_client_free(client);
    peer_close(&peer);
    a_deadline();
    more_expiries_than_one_call_ends();
    other_threads();
    bursts();
    return 0;
}

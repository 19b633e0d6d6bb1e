/* Signals cut no blocking call short, and wake ends a receive from anywhere. */
#include "world.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

static confd_client *client;
static volatile sig_atomic_t alarms;
static volatile sig_atomic_t wakes;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
    if (wakes > 0 && --wakes == 0) {
        const confd_error code = confd_client_wake(client);
        if (code != CONFD_OK) {
            _exit(2);
        }
    }
}

static void storm(long microseconds)
{
    const struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    SAME(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Interrupted every millisecond (more rarely under valgrind), without SA_RESTART. */
static void deadlines_hold(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_wait_result wait;
    char salt[SALT];
    size_t handled = 77;
    int64_t start;
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, NULL, NULL);
    send_ping(client, 0, 0, NULL, salt);
    storm(1000L * slowed(1));
    start = now_ms();
    OK(confd_client_receive(client, 150, &handled));
    CHECK(now_ms() - start >= 150 && now_ms() - start < slowed(2000));
    SAME(handled, 0);
    start = now_ms();
    OK(confd_client_wait(client, salt, 150, &wait));
    CHECK(now_ms() - start >= 150 && now_ms() - start < slowed(2000));
    CHECK(wait.timed_out && wait.sent == 1);
    /* And a datagram still ends it. */
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    OK(confd_client_receive(client, 10000, &handled));
    SAME(handled, 1);
    storm(0);
    CHECK(alarms > 100 / slowed(1));
    confd_client_free(client);
    peer_close(&peer);
}

static void wake_from_a_handler(void)
{
    const char *nobody = "127.0.0.1:9";
    size_t handled = 77;
    int64_t start = now_ms();
    client = client_of(&nobody, 1, count_upcall, NULL, NULL);
    wakes = 20;
    storm(1000L * slowed(1));
    OK(confd_client_receive(client, -1, &handled));
    storm(0);
    SAME(handled, 0);
    CHECK(now_ms() - start >= 15 && now_ms() - start < 10000);
    confd_client_free(client);
}

static void wake_before_receive(void)
{
    const char *nobody = "127.0.0.1:9";
    confd_wait_result wait;
    size_t handled = 77;
    int64_t start = now_ms();
    char salt[SALT];
    client = client_of(&nobody, 1, count_upcall, NULL, NULL);
    errno = 77;
    OK(confd_client_wake(client));
    SAME(errno, 77);
    OK(confd_client_receive(client, 10000, &handled));
    SAME(handled, 0);
    CHECK(now_ms() - start < 5000);
    /* Once, however often it was woken. */
    for (int i = 0; i < 5; i++) {
        OK(confd_client_wake(client));
    }
    OK(confd_client_receive(client, 10000, &handled));
    start = now_ms();
    OK(confd_client_receive(client, 50, &handled));
    CHECK(now_ms() - start >= 50);
    /* It is for receive: a wait goes on, and leaves it to the next receive. */
    send_ping(client, 0, 0, NULL, salt);
    OK(confd_client_receive(client, 20, NULL));
    OK(confd_client_wake(client));
    start = now_ms();
    OK(confd_client_wait(client, salt, 50, &wait));
    CHECK(now_ms() - start >= 50 && wait.timed_out);
    OK(confd_client_receive(client, 10000, &handled));
    SAME(handled, 0);
    CHECK(now_ms() - start < 5000);
    confd_client_free(client);
}

static void *receives(void *done)
{
    size_t handled = 77;
    OK(confd_client_receive(client, -1, &handled));
    SAME(handled, 0);
    ADD(*(unsigned *)done);
    return NULL;
}

static void *waits(void *salt)
{
    confd_wait_result wait;
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, salt, -1, &wait));
    return NULL;
}

/* Also where another thread is the one that watches the socket. */
static void wake_from_another_thread(void)
{
    const char *nobody = "127.0.0.1:9";
    for (int with_wait = 0; with_wait < 2; with_wait++) {
        pthread_t receiver;
        pthread_t waiter;
        unsigned done = 0;
        char salt[SALT];
        client = client_of(&nobody, 1, count_upcall, NULL, NULL);
        send_ping(client, 0, 0, NULL, salt);
        if (with_wait) {
            SAME(pthread_create(&waiter, NULL, waits, salt), 0);
            pause_us(5000);
        }
        for (unsigned i = 1; i <= 50; i++) {
            SAME(pthread_create(&receiver, NULL, receives, &done), 0);
            pause_us(i % 5 * 200);
            OK(confd_client_wake(client));
            SAME(pthread_join(receiver, NULL), 0);
            SAME(SEEN(done), i);
        }
        OK(confd_client_close(client));
        if (with_wait) {
            SAME(pthread_join(waiter, NULL), 0);
        }
        confd_client_free(client);
    }
}

int main(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    SAME(sigaction(SIGALRM, &action, NULL), 0);
    deadlines_hold();
    wake_from_a_handler();
    wake_before_receive();
    wake_from_another_thread();
    return 0;
}

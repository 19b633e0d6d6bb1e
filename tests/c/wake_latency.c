/* Threads wait on one client, and whoever leads reads what comes for all: how long until the one whose answer it was is
 * back from its wait. Two, who take turns, and three, of whom the right one has to be found. A wake that is lost would
 * let it sleep for all of its ten seconds; that, and not how busy the machine is, is what fails. */
#include "world.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

enum { MOST = 3, ROUNDS = 3000, SLOW_ROUNDS = 60, LATEST_MS = 500 };

struct waiter {
    pthread_t thread;
    sem_t go;
    sem_t back;
    char salt[SALT];
    int64_t back_at;
    int told_by_other;
};

static confd_client *client;
static struct waiter waiters[MOST];
static unsigned last_round;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

/* On the thread that has read the reply. */
static void told(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    struct waiter *waiter = upcall->request_data;
    (void)of;
    (void)user_data;
    if (upcall->type == CONFD_UPCALL_REPLY) {
        waiter->told_by_other = !pthread_equal(pthread_self(), waiter->thread);
    }
}

static void *waits(void *data)
{
    struct waiter *waiter = data;
    for (;;) {
        confd_wait_result wait;
        await(&waiter->go);
        if (SEEN(last_round)) {
            return NULL;
        }
        OK(confd_client_wait(client, waiter->salt, 10000, &wait));
        waiter->back_at = now_ns();
        CHECK(!wait.timed_out && wait.received == 1);
        sem_post(&waiter->back);
    }
}

static int by_size(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void report(int threads, const char *whose, int64_t *took, size_t n)
{
    if (n > 0) {
        qsort(took, n, sizeof took[0], by_size);
        printf("of %d, read by %s: %zu wakes, median %.1f us, p99 %.1f us, max %.1f us\n", threads, whose, n,
               (double)took[n / 2] / 1e3, (double)took[n - 1 - n / 100] / 1e3, (double)took[n - 1] / 1e3);
    }
}

static void wakes(struct peer *peer, int threads)
{
    static int64_t took[2][MOST * ROUNDS];
    size_t n[2] = {0, 0};
    const int rounds = slowed(1) > 1 ? SLOW_ROUNDS : ROUNDS;
    PUT(last_round, 0);
    for (int i = 0; i < threads; i++) {
        SAME(sem_init(&waiters[i].go, 0, 0), 0);
        SAME(sem_init(&waiters[i].back, 0, 0), 0);
        SAME(pthread_create(&waiters[i].thread, NULL, waits, &waiters[i]), 0);
    }
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < threads; i++) {
            struct waiter *waiter = &waiters[(i + round) % threads];
            char salt[SALT];
            send_ping(client, 0, 0, waiter, waiter->salt);
            peer_take(peer, salt);
            sem_post(&waiter->go);
            /* From before it waits to when it is asleep. */
            pause_us(slowed(round % 20 * 10));
        }
        /* First the one that came last, while the first one leads. */
        for (int i = threads - 1; i >= 0; i--) {
            struct waiter *waiter = &waiters[(i + round) % threads];
            const int64_t answered_at = now_ns();
            int other;
            peer_answer(peer, waiter->salt, "1", 1);
            await(&waiter->back);
            CHECK(waiter->back_at - answered_at < (int64_t)slowed(LATEST_MS) * 1000000);
            other = waiter->told_by_other;
            took[other][n[other]++] = waiter->back_at - answered_at;
            OK(confd_client_cancel(client, waiter->salt));
        }
    }
    PUT(last_round, 1);
    for (int i = 0; i < threads; i++) {
        sem_post(&waiters[i].go);
        SAME(pthread_join(waiters[i].thread, NULL), 0);
        sem_destroy(&waiters[i].go);
        sem_destroy(&waiters[i].back);
    }
    report(threads, "another", took[1], n[1]);
    report(threads, "itself", took[0], n[0]);
    /* Else nothing was measured. */
    CHECK(n[1] >= 10);
}

int main(void)
{
    struct peer peer;
    const char *address = peer.address;
    peer_open(&peer);
    client = client_of(&address, 1, told, NULL, NULL);
    wakes(&peer, 2);
    wakes(&peer, MOST);
    confd_client_free(client);
    peer_close(&peer);
    return 0;
}

/* Several threads that block on one client: whoever reads, everybody gets what is theirs, and in time. */
#include "world.h"
#include <pthread.h>

static confd_client *client;
static struct peer peer;

struct waiter {
    pthread_t thread;
    char salt[SALT];
    struct tally tally;
    unsigned done;
};

static void *waits(void *data)
{
    struct waiter *waiter = data;
    confd_wait_result wait;
    OK(confd_client_wait(client, waiter->salt, 10000, &wait));
    CHECK(!wait.timed_out && wait.received == 1);
    /* The upcall of the reply has returned. */
    SAME(SEEN(waiter->tally.replies), 1);
    PUT(waiter->done, 1);
    return NULL;
}

static void *receives(void *data)
{
    struct waiter *waiter = data;
    size_t handled = 0;
    OK(confd_client_receive(client, 10000, &handled));
    PUT(waiter->done, 1);
    return NULL;
}

static void open_client(confd_upcall_fn callback)
{
    const char *address = peer.address;
    peer_open(&peer);
    client = client_of(&address, 1, callback, NULL, NULL);
}

static void close_client(void)
{
    confd_client_free(client);
    peer_close(&peer);
}

static void start(struct waiter *waiter, void *(*run)(void *))
{
    memset(waiter, 0, sizeof *waiter);
    if (run == waits) {
        send_ping(client, 0, 0, &waiter->tally, waiter->salt);
        peer_take(&peer, waiter->salt);
    }
    SAME(pthread_create(&waiter->thread, NULL, run, waiter), 0);
}

/* Answered first to last and last to first, so that both the one who reads and those who sleep are woken. */
static void each_is_woken_by_its_own_answer(void)
{
    enum { N = 5 };
    struct waiter waiters[N];
    open_client(count_upcall);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < N; i++) {
            start(&waiters[i], waits);
        }
        pause_us(round * 50);
        for (int i = 0; i < N; i++) {
            const int which = round % 2 ? N - 1 - i : i;
            peer_answer(&peer, waiters[which].salt, "1", 1);
            SOON(SEEN(waiters[which].done) == 1);
            SAME(pthread_join(waiters[which].thread, NULL), 0);
        }
    }
    close_client();
}

static void woken_by_who_hands_the_datagram_in(void)
{
    struct waiter waiters[2];
    open_client(count_upcall);
    start(&waiters[0], waits);
    start(&waiters[1], waits);
    pause_us(5000);
    for (int i = 0; i < 2; i++) {
        answer_from(client, waiters[1 - i].salt, "127.0.0.1", peer.port, "1", 1);
        SAME(pthread_join(waiters[1 - i].thread, NULL), 0);
    }
    close_client();
}

static void a_waiter_and_a_receiver(void)
{
    struct waiter waiter;
    struct waiter receiver;
    open_client(count_upcall);
    for (int receiver_first = 0; receiver_first < 2; receiver_first++) {
        char other[SALT];
        if (receiver_first) {
            start(&receiver, receives);
            pause_us(3000);
        }
        start(&waiter, waits);
        pause_us(3000);
        if (!receiver_first) {
            start(&receiver, receives);
            pause_us(3000);
        }
        peer_answer(&peer, waiter.salt, "1", 1);
        SAME(pthread_join(waiter.thread, NULL), 0);
        /* Whoever read that one, a next one ends the receive for certain. */
        send_ping(client, 0, 0, NULL, other);
        peer_take(&peer, other);
        peer_answer(&peer, other, "1", 1);
        SAME(pthread_join(receiver.thread, NULL), 0);
        OK(confd_client_receive(client, 0, NULL));
    }
    close_client();
}

static unsigned inside;
static unsigned let_go;

/* Upcalls of requests with data "slow" take until they are let go. */
static char slow;
static void slow_upcall(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    if (upcall->request_data == &slow) {
        if (upcall->type == CONFD_UPCALL_REPLY) {
            PUT(inside, 1);
            SOON(SEEN(let_go) != 0);
        }
    } else {
        count_upcall(of, upcall, user_data);
    }
}

static void *receives_briefly(void *unused)
{
    (void)unused;
    OK(confd_client_receive(client, 100, NULL));
    return NULL;
}

/* What a thread leaves at its deadline goes to one that waits; what nobody waits for keeps the descriptor readable. */
static void leftovers(int with_waiter)
{
    struct waiter waiter;
    pthread_t briefly;
    char salt[SALT];
    char left[SALT];
    struct tally tally = {0, 0, 0};
    PUT(inside, 0);
    PUT(let_go, 0);
    open_client(slow_upcall);
    send_ping(client, 0, 0, &slow, salt);
    peer_take(&peer, salt);
    send_ping(client, 0, 0, &tally, left);
    peer_take(&peer, left);
    SAME(pthread_create(&briefly, NULL, receives_briefly, NULL), 0);
    peer_answer(&peer, salt, "1", 1);
    SOON(SEEN(inside) == 1);
    if (with_waiter) {
        start(&waiter, waits);
    }
    pause_us(110000);
    /* Brought in by others during the upcall, whose thread is past its time. */
    if (with_waiter) {
        answer_from(client, waiter.salt, "127.0.0.1", peer.port, "1", 1);
    }
    answer_from(client, left, "127.0.0.1", peer.port, "1", 1);
    SAME(SEEN(tally.replies), 0);
    PUT(let_go, 1);
    SAME(pthread_join(briefly, NULL), 0);
    if (with_waiter) {
        SAME(pthread_join(waiter.thread, NULL), 0);
    } else {
        SAME(SEEN(tally.replies), 0);
        SAME(confd_client_timeout_ms(client), 0);
        OK(confd_client_process(client));
    }
    SOON(SEEN(tally.replies) == 1 || confd_client_process(client) != CONFD_OK);
    close_client();
}

/* While one thread is in an upcall, however long, another one that blocks reads what comes for it. */
static void a_slow_upcall_does_not_keep_others_from_reading(int asleep_first)
{
    struct waiter waiter;
    struct waiter receiver;
    char salt[SALT];
    size_t unanswered = 77;
    PUT(inside, 0);
    PUT(let_go, 0);
    open_client(slow_upcall);
    send_ping(client, 0, 0, &slow, salt);
    peer_take(&peer, salt);
    start(&receiver, receives);
    pause_us(3000);
    if (asleep_first) {
        start(&waiter, waits);
        pause_us(3000);
    }
    peer_answer(&peer, salt, "1", 1);
    SOON(SEEN(inside) == 1);
    if (!asleep_first) {
        start(&waiter, waits);
        pause_us(3000);
    }
    peer_answer(&peer, waiter.salt, "1", 1);
    SOON(confd_client_outstanding(client, NULL, &unanswered) == CONFD_OK && unanswered == 0);
    SAME(SEEN(inside), 1);
    SAME(SEEN(let_go), 0);
    PUT(let_go, 1);
    SAME(pthread_join(waiter.thread, NULL), 0);
    SAME(pthread_join(receiver.thread, NULL), 0);
    close_client();
}

int main(void)
{
    each_is_woken_by_its_own_answer();
    woken_by_who_hands_the_datagram_in();
    a_waiter_and_a_receiver();
    leftovers(0);
    leftovers(1);
    a_slow_upcall_does_not_keep_others_from_reading(0);
    a_slow_upcall_does_not_keep_others_from_reading(1);
    return 0;
}

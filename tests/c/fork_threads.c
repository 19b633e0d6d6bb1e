/* Fork while other threads of the parent are in the midst of calls: the child can always free, and never hangs. */
#include "world.h"
#include <pthread.h>

static confd_client *client;
static struct tally tally;
static struct peer peer;
static unsigned stop;
enum { IN_CHILD = 77 };
static int before;

static void *receives(void *unused)
{
    confd_error code;
    (void)unused;
    do {
        code = confd_client_receive(client, -1, NULL);
    } while (code == CONFD_OK);
    GIVES(CONFD_ERR_CLOSED, code);
    return NULL;
}

static void child(void)
{
    confd_request *request = ping();
    confd_wait_result wait;
    GIVES(CONFD_ERR_CLOSED, confd_client_send(client, request, 0, 0, NULL));
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, -1, NULL));
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, "salt", -1, &wait));
    GIVES(CONFD_ERR_CLOSED, confd_client_close(client));
    SAME(confd_client_fd(client), -1);
    confd_request_free(request);
    confd_client_free(client);
    SAME(open_descriptors(), before);
    leave_child();
}

/* A call of a thread that may have found itself in a child when an upcall returned. */
static void went(confd_error code)
{
    if (SEEN(stop) == IN_CHILD) {
        GIVES(CONFD_ERR_CLOSED, code);
        child();
    }
    OK(code);
}

static void *hammers(void *unused)
{
    (void)unused;
    while (SEEN(stop) == 0) {
        confd_request *request = ping();
        went(confd_client_send(client, request, 0, CONFD_SEND_QUEUED, NULL));
        (void)stats_of(client);
        /* On a slow machine it may have expired already. */
        confd_error code = confd_client_cancel(client, confd_request_salt(request));
        went(code == CONFD_ERR_UNKNOWN_REQUEST ? CONFD_OK : code);
        confd_request_free(request);
        if (slowed(1) > 1) {
            pause_us(500); /* valgrind runs one thread at a time: one that never rests starves the others */
        }
    }
    return NULL;
}

static void forks(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    count_upcall(of, upcall, user_data);
    if (upcall->request_data != NULL && upcall->type == CONFD_UPCALL_REPLY) {
        const pid_t pid = fork();
        if (pid == 0) {
            /* Back through the library, whose lock another thread may have had. */
            PUT(stop, IN_CHILD);
            return;
        }
        child_succeeds(pid);
    }
}

static void open_client(confd_upcall_fn callback)
{
    const char *address = peer.address;
    peer_open(&peer);
    before = open_descriptors();
    PUT(stop, 0);
    memset(&tally, 0, sizeof tally);
    client = client_of(&address, 1, callback, &tally, NULL);
    CHECK(confd_client_fd(client) >= 0);
}

static void close_client(void)
{
    OK(confd_client_close(client));
    confd_client_free(client);
    SAME(open_descriptors(), before);
    peer_close(&peer);
}

static void while_another_thread_blocks(void)
{
    pthread_t threads[2];
    char salt[SALT];
    open_client(count_upcall);
    for (int i = 0; i < 2; i++) {
        SAME(pthread_create(&threads[i], NULL, receives, NULL), 0);
    }
    pause_us(5000);
    for (int i = 0; i < 5; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            child();
        }
        child_succeeds(pid);
    }
    /* The parent's threads were not disturbed. */
    send_ping(client, 0, 0, NULL, salt);
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    SOON(SEEN(tally.replies) == 1);
    OK(confd_client_close(client));
    for (int i = 0; i < 2; i++) {
        SAME(pthread_join(threads[i], NULL), 0);
    }
    close_client();
}

static void while_other_threads_hammer(void)
{
    pthread_t threads[4];
    open_client(count_upcall);
    for (int i = 0; i < 4; i++) {
        SAME(pthread_create(&threads[i], NULL, hammers, NULL), 0);
    }
    for (int i = 0; i < 150 / slowed(1); i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            child();
        }
        child_succeeds(pid);
    }
    PUT(stop, 1);
    for (int i = 0; i < 4; i++) {
        SAME(pthread_join(threads[i], NULL), 0);
    }
    close_client();
}

static void inside_an_upcall_while_other_threads_hammer(void)
{
    pthread_t threads[2];
    char salt[SALT];
    char data[DATAGRAM];
    struct tally own = {0, 0, 0};
    open_client(forks);
    for (int i = 0; i < 2; i++) {
        SAME(pthread_create(&threads[i], NULL, hammers, NULL), 0);
    }
    const unsigned rounds = 60u / (unsigned)slowed(1);
    for (unsigned i = 1; i <= rounds; i++) {
        send_ping(client, 0, CONFD_SEND_QUEUED, &own, salt);
        const size_t len = make_reply(data, KEY, salt, 0, "1", 1);
        went(confd_client_handle_datagram(client, data, len, "127.0.0.1", peer.port));
        SOON(SEEN(own.replies) == i);
    }
    PUT(stop, 1);
    for (int i = 0; i < 2; i++) {
        SAME(pthread_join(threads[i], NULL), 0);
    }
    close_client();
    SAME(last_upcalls(&own), rounds);
}

int main(void)
{
    while_another_thread_blocks();
    while_other_threads_hammer();
    inside_an_upcall_while_other_threads_hammer();
    return 0;
}

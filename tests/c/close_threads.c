/* Ending a client that threads share: close from anywhere ends their calls, free waits for the upcall that runs. */
#include "world.h"
#include <pthread.h>

static confd_client *client;
static struct tally tally;
static char salt[SALT];

static void *receives(void *unused)
{
    size_t handled = 77;
    (void)unused;
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, -1, &handled));
    SAME(handled, 77);
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, 10000, &handled));
    return NULL;
}

static void *waits(void *unused)
{
    confd_wait_result wait = {false, 77, 77};
    (void)unused;
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, salt, -1, &wait));
    SAME(wait.sent, 77);
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, salt, 10000, &wait));
    return NULL;
}

static void *closes(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        OK(confd_client_close(client));
    }
    return NULL;
}

static void a_closed_client(void)
{
    const char *peer = "127.0.0.1:9";
    confd_request *request = ping();
    confd_wait_result wait;
    confd_stats stats;
    size_t n;
    GIVES(CONFD_ERR_CLOSED, confd_client_send(client, request, 0, 0, NULL));
    GIVES(CONFD_ERR_CLOSED, confd_client_flush(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, 0, &n));
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, salt, 0, &wait));
    GIVES(CONFD_ERR_CLOSED, confd_client_expire(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_cancel(client, salt));
    GIVES(CONFD_ERR_CLOSED, confd_client_outstanding(client, &n, &n));
    GIVES(CONFD_ERR_CLOSED, confd_client_process(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_update_peers(client, &peer, 1));
    GIVES(CONFD_ERR_CLOSED, confd_client_stats(client, &stats, sizeof stats));
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_datagram(client, "x", 1, "127.0.0.1", 9));
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_unreachable(client, "127.0.0.1", 9));
    SAME(confd_client_fd(client), -1);
    SAME(confd_client_timeout_ms(client), -1);
    GIVES(CONFD_ERR_CLOSED, confd_client_wake(client));
    OK(confd_client_close(client));
    confd_request_free(request);
}

static void close_ends_every_call(void)
{
    enum { EACH = 4, OUTSTANDING = 100 };
    static struct tally each[OUTSTANDING];
    const char *nobody = "127.0.0.1:9";
    for (int round = 0; round < 20; round++) {
        pthread_t threads[3 * EACH];
        memset(each, 0, sizeof each);
        memset(&tally, 0, sizeof tally);
        client = client_of(&nobody, 1, count_upcall, &tally, NULL);
        for (int i = 0; i < OUTSTANDING; i++) {
            send_ping(client, 0, CONFD_SEND_QUEUED, &each[i], salt);
        }
        for (int i = 0; i < EACH; i++) {
            SAME(pthread_create(&threads[i], NULL, receives, NULL), 0);
            SAME(pthread_create(&threads[EACH + i], NULL, waits, NULL), 0);
        }
        pause_us(round * 200);
        for (int i = 0; i < EACH; i++) {
            SAME(pthread_create(&threads[2 * EACH + i], NULL, closes, NULL), 0);
        }
        for (int i = 0; i < 3 * EACH; i++) {
            SAME(pthread_join(threads[i], NULL), 0);
        }
        a_closed_client();
        SAME(tally.cancelled, OUTSTANDING);
        confd_client_free(client);
        SAME(tally.cancelled, OUTSTANDING);
        for (int i = 0; i < OUTSTANDING; i++) {
            SAME(each[i].cancelled, 1);
        }
    }
}

static unsigned inside;
static unsigned let_go;

static void slow_upcall(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    count_upcall(of, upcall, user_data);
    if (upcall->type == CONFD_UPCALL_REPLY) {
        PUT(inside, 1);
        SOON(SEEN(let_go) != 0);
        PUT(inside, 0);
    } else {
        SAME(SEEN(inside), 0);
    }
}

static void *delivers(void *unused)
{
    char data[DATAGRAM];
    const size_t len = make_reply(data, KEY, salt, 0, "1", 1);
    (void)unused;
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_datagram(client, data, len, EXTERNAL_IP, EXTERNAL_PORT));
    return NULL;
}

static unsigned freed;

static void *frees(void *unused)
{
    (void)unused;
    confd_client_free(client);
    SAME(SEEN(inside), 0);
    SAME(SEEN(tally.cancelled), 3);
    PUT(freed, 1);
    return NULL;
}

static void free_waits_for_the_upcall_that_runs(void)
{
    pthread_t deliverer;
    pthread_t freer;
    memset(&tally, 0, sizeof tally);
    client = external_client(slow_upcall, &tally, NULL);
    for (int i = 0; i < 3; i++) {
        send_ping(client, 0, 0, NULL, salt);
    }
    SAME(pthread_create(&deliverer, NULL, delivers, NULL), 0);
    SOON(SEEN(inside) == 1);
    SAME(pthread_create(&freer, NULL, frees, NULL), 0);
    pause_us(30000);
    SAME(SEEN(freed), 0);
    SAME(last_upcalls(&tally), 0);
    PUT(let_go, 1);
    SAME(pthread_join(freer, NULL), 0);
    SAME(pthread_join(deliverer, NULL), 0);
    SAME(tally.replies, 1);
}

/* A close while another thread is in an upcall does not wait for it: that thread makes the last upcalls. */
static void close_leaves_the_last_upcalls_to_who_delivers(void)
{
    pthread_t deliverer;
    PUT(let_go, 0);
    memset(&tally, 0, sizeof tally);
    client = external_client(slow_upcall, &tally, NULL);
    for (int i = 0; i < 3; i++) {
        send_ping(client, 0, 0, NULL, salt);
    }
    SAME(pthread_create(&deliverer, NULL, delivers, NULL), 0);
    SOON(SEEN(inside) == 1);
    OK(confd_client_close(client));
    SAME(SEEN(inside), 1);
    SAME(last_upcalls(&tally), 0);
    PUT(let_go, 1);
    SAME(pthread_join(deliverer, NULL), 0);
    SAME(tally.cancelled, 3);
    confd_client_free(client);
    SAME(tally.cancelled, 3);
}

int main(void)
{
    close_ends_every_call();
    free_waits_for_the_upcall_that_runs();
    close_leaves_the_last_upcalls_to_who_delivers();
    return 0;
}

/*
 * The client in a libuv loop: uv_poll_t waits on its one descriptor, and a timer asks again every half second.
 *
 *     cc libuv.c -o libuv $(pkg-config --cflags --libs confdclient libuv)
 *     ./libuv /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#define _POSIX_C_SOURCE 200809L

#include <confdclient.h>
#include <stdio.h>
#include <uv.h>

enum { ROUNDS = 3 };

static uv_poll_t readable;
static uv_timer_t timer;
static int rounds;

/* One answer, exactly once for each question. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    (void)client, (void)data;
    if (result->outcome == CONFD_OUTCOME_CANCELLED) {
        return; /* the program ends */
    }
    printf("%s (%u of %u answered)\n", result->reply ? confd_reply_answer_json(result->reply) : "no reply",
           (unsigned)result->received, (unsigned)result->sent);
    if (++rounds == ROUNDS) {
        uv_close((uv_handle_t *)&timer, NULL); /* nothing is left to wait for, and uv_run() returns */
        uv_close((uv_handle_t *)&readable, NULL);
    }
}

static void on_timer(uv_timer_t *handle)
{
    confd_request *request = NULL;
    if (confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request) != CONFD_OK ||
        confd_client_query_async(handle->data, request, 0, 5000, on_result, NULL) != CONFD_OK) {
        fprintf(stderr, "libuv: %s\n", confd_last_error()); /* the next round may do better */
    }
    confd_request_free(request);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)events;
    if (status != 0 || confd_client_process(handle->data) != CONFD_OK) {
        fprintf(stderr, "libuv: %s\n", status != 0 ? uv_strerror(status) : confd_last_error());
        uv_stop(handle->loop);
    }
}

int main(int argc, char **argv)
{
    unsigned char key[4096];
    confd_client *client = NULL;
    FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "Usage: libuv KEY-FILE PEER..., with a KEY-FILE that can be read\n");
        return 2;
    }
    size_t len = fread(key, 1, sizeof key, file); /* the newline at its end belongs to it */
    fclose(file);
    if (confd_client_new(key, len, (const char *const *)argv + 2, (size_t)argc - 2, NULL, NULL, NULL, &client) != 0) {
        fprintf(stderr, "libuv: %s\n", confd_last_error());
        return 1;
    }
    readable.data = timer.data = client;
    int error = uv_poll_init(uv_default_loop(), &readable, confd_client_fd(client));
    if (error == 0) {
        uv_timer_init(uv_default_loop(), &timer);
        uv_poll_start(&readable, UV_READABLE, on_readable);
        uv_timer_start(&timer, on_timer, 0, 500);
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    }
    confd_client_free(client); /* after its descriptor has left the loop */
    return error != 0 || uv_loop_close(uv_default_loop()) != 0 || rounds < ROUNDS;
}

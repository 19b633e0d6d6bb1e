/*
 * The client in an epoll loop: epoll waits on its one descriptor, and on a timer that asks again every half second.
 *
 *     cc epoll.c -o epoll -lconfdclient
 *     ./epoll /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#define _POSIX_C_SOURCE 200809L

#include <confdclient.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { ROUNDS = 3 };

/* One answer, exactly once for each question. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    int *rounds = data;
    (void)client;
    if (result->outcome == CONFD_OUTCOME_CANCELLED) {
        return; /* the program ends */
    }
    printf("%s (%u of %u answered)\n", result->reply ? confd_reply_answer_json(result->reply) : "no reply",
           (unsigned)result->received, (unsigned)result->sent);
    ++*rounds;
}

static void ask(confd_client *client, int *rounds)
{
    confd_request *request = NULL;
    if (confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request) != CONFD_OK ||
        confd_client_query_async(client, request, 0, 5000, on_result, rounds) != CONFD_OK) {
        fprintf(stderr, "epoll: %s\n", confd_last_error()); /* the next round may do better */
    }
    confd_request_free(request);
}

int main(int argc, char **argv)
{
    unsigned char key[4096];
    confd_client *client = NULL;
    int rounds = 0;
    FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "Usage: epoll KEY-FILE PEER..., with a KEY-FILE that can be read\n");
        return 2;
    }
    size_t len = fread(key, 1, sizeof key, file); /* the newline at its end belongs to it */
    fclose(file);
    if (confd_client_new(key, len, (const char *const *)argv + 2, (size_t)argc - 2, NULL, NULL, NULL, &client) != 0) {
        fprintf(stderr, "epoll: %s\n", confd_last_error());
        return 1;
    }

    const struct itimerspec often = {{0, 500000000}, {0, 1}};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event client_event = {.events = EPOLLIN, .data.fd = confd_client_fd(client)};
    struct epoll_event timer_event = {.events = EPOLLIN, .data.fd = timer}, event;
    int code = timerfd_settime(timer, 0, &often, NULL) || epoll_ctl(loop, EPOLL_CTL_ADD, timer, &timer_event) ||
               epoll_ctl(loop, EPOLL_CTL_ADD, client_event.data.fd, &client_event);
    while (code == 0 && rounds < ROUNDS) {
        unsigned long long times;
        if (epoll_wait(loop, &event, 1, -1) != 1) {
            continue; /* a signal */
        } else if (event.data.fd != timer) {
            code = confd_client_process(client) != CONFD_OK;
        } else if (read(timer, &times, sizeof times) == (ssize_t)sizeof times) {
            ask(client, &rounds);
        }
    }
    close(timer);
    close(loop);
    confd_client_free(client);
    return code != 0 || rounds < ROUNDS;
}

/*
 * Several questions at once in an event loop of the program's own: poll() waits on the client's one descriptor
 * beside a pipe that SIGINT writes to. No timeout is computed: the descriptor is readable when a deadline is due, too.
 *
 *     cc event_loop.c -o event_loop -lconfdclient
 *     ./event_loop /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 *
 * Two ways of asking: a query has one completion, with the best reply, and that is where its data is released; a
 * request that was sent has an upcall for each reply, and exactly one last one, EXPIRE or CANCEL, for releasing its
 * data. Both come whichever way the program ends.
 */
#define _POSIX_C_SOURCE 200809L

#include <confdclient.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

/* What belongs to one question. */
struct question {
    const char *text;
    struct progress *progress;
};

/* What the program needs to know of all its questions. */
struct progress {
    size_t pending;    /* questions whose data is not released yet */
    size_t unanswered; /* questions that ended without enough replies */
};

static int interrupt_pipe[2] = {-1, -1};

static void on_interrupt(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    ssize_t written = write(interrupt_pipe[1], "", 1); /* a full pipe is readable already */
    (void)written;
    errno = saved;
}

static int failed(const char *what)
{
    fprintf(stderr, "event_loop: %s: %s\n", what, confd_last_error());
    return 1;
}

/* The data of a question goes with it, from the one place that is reached exactly once. */
static void release(struct question *question, bool answered)
{
    question->progress->pending--;
    question->progress->unanswered += answered ? 0 : 1;
    free(question);
}

/* A query has ended, in whatever way: this is its only call. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    struct question *question = data;
    (void)client;
    printf("%s (%u of %u answered)\n", question->text, (unsigned)result->received, (unsigned)result->sent);
    printf("    %s\n", result->reply != NULL ? confd_reply_answer_json(result->reply) : "no reply");
    release(question, result->outcome == CONFD_OUTCOME_ANSWERED);
}

/* Something has happened to a request that was sent. */
static void on_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    struct question *question = upcall->request_data;
    (void)user_data;
    switch (upcall->type) {
    case CONFD_UPCALL_REPLY:
        printf("%s port %u is there\n", upcall->server_ip, (unsigned)upcall->server_port);
        if (upcall->received == upcall->sent) {
            /* Nothing more can come. The CANCEL upcall is made after this one has returned. */
            (void)confd_client_cancel(client, upcall->salt);
        }
        break;
    case CONFD_UPCALL_EXPIRE:
    case CONFD_UPCALL_CANCEL: /* the last upcall of this request */
        printf("%s (%u of %u answered)\n", question->text, (unsigned)upcall->received, (unsigned)upcall->sent);
        release(question, upcall->received >= confd_needed_replies(upcall->sent));
        break;
    default:
        break; /* a kind that a later version of the library may bring */
    }
}

/* A ping is sent, to hear of each server; anything else is a query, for the best answer. */
static int ask(confd_client *client, int32_t type, const char *query, const char *text, struct progress *progress)
{
    confd_request *request = NULL;
    struct question *question = malloc(sizeof *question);
    if (question == NULL) {
        perror("event_loop");
        return 1;
    }
    *question = (struct question){text, progress};
    progress->pending++; /* from the asking on, the question may end at any call */

    confd_error error = confd_request_new(type, query, &request);
    if (error == CONFD_OK && type == CONFD_REQ_PING) {
        error = confd_client_send(client, request, -1 /* to every peer */, 0, question);
    } else if (error == CONFD_OK) {
        error = confd_client_query_async(client, request, 0, TIMEOUT_MS, on_result, question);
    }
    confd_request_free(request); /* the library has its copy */
    if (error != CONFD_OK) {
        (void)failed(text);
        release(question, false); /* what was refused gets no call */
        return 1;
    }
    return 0;
}

static int run(confd_client *client, const struct progress *progress)
{
    struct pollfd watched[2] = {{.fd = confd_client_fd(client), .events = POLLIN},
                                {.fd = interrupt_pipe[0], .events = POLLIN}};
    if (watched[0].fd < 0) {
        return failed("descriptor");
    }
    while (progress->pending > 0) {
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            perror("event_loop: poll");
            return 1;
        }
        if (watched[1].revents != 0) {
            fprintf(stderr, "event_loop: interrupted, %zu questions are cancelled\n", progress->pending);
            return 130;
        }
        if (watched[0].revents != 0 && confd_client_process(client) != CONFD_OK) {
            return failed("process");
        }
    }
    return 0;
}

static int watch_interrupt(void)
{
    struct sigaction action;
    if (pipe(interrupt_pipe) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(interrupt_pipe[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(interrupt_pipe[i], F_SETFD, FD_CLOEXEC) != 0) {
            return -1;
        }
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGINT, &action, NULL);
}

int main(int argc, char **argv)
{
    const char *const here[] = {"127.0.0.1"};
    const char *const *peers = argc > 2 ? (const char *const *)(argv + 2) : here;
    size_t n_peers = argc > 2 ? (size_t)argc - 2 : 1;
    struct progress progress = {0, 0};
    confd_options *options = NULL;
    unsigned char key[4096];

    /* The key is every byte of the file: the newline at its end belongs to it. */
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "Usage: event_loop KEY-FILE [PEER...], with a KEY-FILE that can be read\n");
        return 2;
    }
    size_t key_len = fread(key, 1, sizeof key, file);
    fclose(file);
    if (watch_interrupt() != 0) {
        perror("event_loop: SIGINT");
        return 1;
    }

    confd_client *client = NULL;
    if (confd_options_new(&options) != CONFD_OK || confd_options_set_expire_ms(options, TIMEOUT_MS) != CONFD_OK ||
        confd_client_new(key, key_len, peers, n_peers, on_upcall, NULL, options, &client) != CONFD_OK) {
        confd_options_free(options);
        return failed("client");
    }
    confd_options_free(options);
    int code = 0;
    code |= ask(client, CONFD_REQ_PING, NULL, "Which servers are there?", &progress);
    code |= ask(client, CONFD_REQ_CLUSTER_MASTER, NULL, "Which node is the master?", &progress);
    code |= ask(client, CONFD_REQ_NODE_PIP_LIST, NULL, "Which addresses have the nodes?", &progress);
    code |= ask(client, CONFD_REQ_MC_PIP_LIST, NULL, "Which of them are master candidates?", &progress);
    code |= ask(client, CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name", "What is the cluster called?", &progress);
    if (code == 0) {
        code = run(client, &progress);
    }
    confd_client_free(client); /* makes the last calls of what is still open */
    if (code == 0 && progress.unanswered > 0) {
        code = 1;
    }

    close(interrupt_pipe[0]);
    close(interrupt_pipe[1]);
    return code;
}

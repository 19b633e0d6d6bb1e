/*
 * Several questions at once in an event loop of the program's own: poll() waits on the client's one descriptor
 * beside a pipe that SIGINT writes to. No timeout is computed: the descriptor is readable when a deadline is due, too.
 *
 *     cc event_loop.c -o event_loop -lconfdclient
 *     ./event_loop /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 *
 * Each request carries its own data. Every request that was sent gets exactly one last upcall, EXPIRE or CANCEL, and
 * that is where its data is released, whichever way the program ends.
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

/* What belongs to one request. */
struct question {
    const char *text;
    confd_reply *best; /* a clone: the upcall's own reply ends with the upcall */
    struct progress *progress;
};

/* What the program needs to know of all its questions. */
struct progress {
    size_t pending;    /* questions that have not had their last upcall */
    size_t unanswered; /* questions that ended without any reply */
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

/* An ok reply beats an error; among ok ones the highest serial is the newest configuration. */
static void keep_better(struct question *question, const confd_reply *reply)
{
    confd_reply *clone = NULL;
    if (question->best != NULL) {
        if (confd_reply_status(reply) != CONFD_STATUS_OK) {
            return;
        }
        if (confd_reply_status(question->best) == CONFD_STATUS_OK &&
            confd_reply_serial(question->best) >= confd_reply_serial(reply)) {
            return;
        }
    }
    if (confd_reply_clone(reply, &clone) == CONFD_OK) {
        confd_reply_free(question->best);
        question->best = clone;
    }
}

static void finish(struct question *question, const confd_upcall *upcall)
{
    printf("%s (%u of %u answered)\n", question->text, (unsigned)upcall->received, (unsigned)upcall->sent);
    if (question->best == NULL) {
        printf("    no reply\n");
        question->progress->unanswered++;
    } else if (confd_reply_status(question->best) != CONFD_STATUS_OK) {
        printf("    error: %s\n", confd_reply_answer_json(question->best));
    } else {
        printf("    %s\n", confd_reply_answer_json(question->best));
    }
    question->progress->pending--;
    confd_reply_free(question->best);
    free(question);
}

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    struct question *question = upcall->request_data;
    (void)user_data;
    switch (upcall->type) {
    case CONFD_UPCALL_REPLY:
        keep_better(question, upcall->reply);
        if (upcall->received >= confd_needed_replies(upcall->sent)) {
            /* Enough have answered. The CANCEL upcall of this comes after this one has returned; a second cancel,
             * when another reply was on its way, finds nothing and does no harm. */
            (void)confd_client_cancel(client, upcall->salt);
        }
        break;
    case CONFD_UPCALL_EXPIRE:
    case CONFD_UPCALL_CANCEL:
        finish(question, upcall); /* the last upcall of this request */
        break;
    default:
        break; /* a kind that a later version of the library may bring */
    }
}

/* Queued: the questions leave together, at the flush. */
static int ask(confd_client *client, int32_t type, const char *query, const char *text, struct progress *progress)
{
    confd_request *request = NULL;
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL) {
        perror("event_loop");
        return 1;
    }
    question->text = text;
    question->progress = progress;

    confd_error error = confd_request_new(type, query, &request);
    if (error == CONFD_OK) {
        progress->pending++; /* before the send: from then on the upcalls own the question */
        error = confd_client_send(client, request, 0, CONFD_SEND_QUEUED, question);
        if (error != CONFD_OK) {
            progress->pending--;
        }
    }
    if (error != CONFD_OK) {
        (void)failed(text);
        free(question); /* a refused request gets no upcall */
    }
    confd_request_free(request);
    return error == CONFD_OK ? 0 : 1;
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
    if (confd_client_new(key, key_len, peers, n_peers, on_upcall, NULL, NULL, &client) != CONFD_OK) {
        return failed("client");
    }
    int code = 0;
    code |= ask(client, CONFD_REQ_PING, NULL, "Which configuration version?", &progress);
    code |= ask(client, CONFD_REQ_CLUSTER_MASTER, NULL, "Which node is the master?", &progress);
    code |= ask(client, CONFD_REQ_NODE_PIP_LIST, NULL, "Which addresses have the nodes?", &progress);
    code |= ask(client, CONFD_REQ_MC_PIP_LIST, NULL, "Which of them are master candidates?", &progress);
    code |= ask(client, CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name", "What is the cluster called?", &progress);
    if (confd_client_flush(client) != CONFD_OK) {
        code = failed("flush");
    }
    if (code == 0) {
        code = run(client, &progress);
    }
    confd_client_free(client); /* makes the last upcall of what is still open */
    if (code == 0 && progress.unanswered > 0) {
        code = 1;
    }

    close(interrupt_pipe[0]);
    close(interrupt_pipe[1]);
    return code;
}

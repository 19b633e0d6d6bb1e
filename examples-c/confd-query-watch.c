/* watch: the same question again and again, through one client, which learns who is well and who is not. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static confd_client *watched; /* for the signal handler */
static volatile sig_atomic_t stopped;

struct watched_question {
    const struct arguments *args;
    struct outcome outcome; /* of the round that runs */
    struct text last;       /* what was printed last */
    bool answered;
    int code;
};

/* The blocking query would not be cut short by a signal. confd_client_receive() can be, from a handler, too; if it
 * does not run yet, its next call returns at once. */
static void on_signal(int number)
{
    (void)number;
    stopped = 1;
    (void)confd_client_wake(watched);
}

static void catch_signals(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* Of a query that was accepted there is exactly one of these. The result is the library's, and valid until it ends. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    struct watched_question *question = data;
    question->answered = true;
    if (result->outcome != CONFD_OUTCOME_CANCELLED) { /* as it is when the watch ends during a query */
        question->outcome.result = result;
        counts_take(&question->outcome.after, client);
        question->code = report_change(question->args, &question->outcome, &question->last);
    }
}

/* False when the watch is over, whose code is then in `question`. */
static bool ask_again(struct watched_question *question, confd_client *client, confd_request *request, bool first)
{
    const struct arguments *args = question->args;
    confd_error error = CONFD_OK;
    counts_take(&question->outcome.before, client);
    question->answered = false;
    error = confd_client_query_async(client, request, args->coverage, args->timeout_ms, on_result, question);
    if (error == CONFD_OK) {
        while (!question->answered && !stopped && error == CONFD_OK) {
            error = confd_client_receive(client, -1, NULL);
        }
    } else if (error == CONFD_ERR_IO || !first) {
        /* A network that is down may come up again; the list of servers may have become too short for --coverage. */
        struct text problem = {NULL, 0, 0};
        text_add(&problem, confd_last_error());
        question->outcome.problem = text_string(&problem);
        question->outcome.result = &no_result;
        counts_take(&question->outcome.after, client);
        question->code = report_change(args, &question->outcome, &question->last);
        question->outcome.problem = NULL;
        text_free(&problem);
        error = CONFD_OK;
    }
    if (error != CONFD_OK) {
        question->code = refused(error, "the servers cannot be asked");
    }
    return error == CONFD_OK && !ferror(stdout);
}

int watch(const struct arguments *args, confd_client *client, confd_request *request)
{
    struct watched_question question = {.args = args, .code = EXIT_ANSWERED};
    int64_t next = now_ms();
    watched = client;
    catch_signals(on_signal);
    if (args->verbose) {
        verbose_question(args, request);
    }
    for (long round = 0; !stopped; round++) {
        if (!ask_again(&question, client, request, round == 0) || round + 1 == args->count) {
            break;
        }
        next = next + args->interval_ms > now_ms() ? next + args->interval_ms : now_ms();
        /* Late replies are taken in and changed files read, meanwhile. */
        for (int64_t left; !stopped && (left = next - now_ms()) > 0;) {
            if (confd_client_receive(client, (int32_t)left, NULL) != CONFD_OK) {
                break;
            }
        }
    }
    /* A query that runs yet has its completion now, while there is a question. */
    (void)confd_client_close(client);
    /* The handler must not meet a client that is gone, and one signal more is to do no harm. */
    catch_signals(SIG_IGN);
    counts_free(&question.outcome.before);
    counts_free(&question.outcome.after);
    text_free(&question.last);
    return stopped ? EXIT_ANSWERED : question.code;
}

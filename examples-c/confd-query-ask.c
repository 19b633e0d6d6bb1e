/* The question, put through the library. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <time.h>

/* For --verbose: how long the servers that were not needed may still answer. */
#define LINGER_MS 500

const confd_result no_result = {.size = sizeof(confd_result), .outcome = CONFD_OUTCOME_NO_REPLY, .consistent = true};

int refused(confd_error error, const char *what)
{
    const char *why = confd_last_error();
    complain("%s: %s", what, why[0] != '\0' ? why : confd_strerror(error));
    switch (error) {
    case CONFD_ERR_INVALID_ARGUMENT:
    case CONFD_ERR_BAD_PEER:
    case CONFD_ERR_NO_PEERS:
    case CONFD_ERR_MIXED_FAMILIES:
    case CONFD_ERR_COVERAGE:
    case CONFD_ERR_REQUEST_TYPE:
    case CONFD_ERR_REQUEST_TOO_BIG:
        return EXIT_USAGE;
    default:
        return EXIT_TOO_FEW;
    }
}

static int make_request(const struct arguments *args, confd_request **request)
{
    int32_t type = args->command->type;
    bool where = type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP;
    const char *query = !where && args->n_operands > 0 ? args->operands[0] : NULL;
    confd_error error = confd_request_new(type, query, request);
    if (error == CONFD_OK && where && args->n_operands == 1) {
        error = confd_request_set_ip(*request, args->operands[0], args->link);
    } else if (error == CONFD_OK && where) {
        error = confd_request_set_ips(*request, args->operands, args->n_operands, args->link);
    }
    return error == CONFD_OK ? EXIT_ANSWERED : refused(error, args->command->name);
}

int64_t now_ms(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A query ends when enough have answered. The client still takes note of who answers late. */
static void linger(confd_client *client, struct counts *counts)
{
    int64_t end = now_ms() + LINGER_MS;
    int64_t left = LINGER_MS;
    while (!counts_all_known(counts) && left > 0 && confd_client_receive(client, (int32_t)left, NULL) == CONFD_OK) {
        left = end - now_ms();
        counts_take(counts, client);
    }
}

static int ask_once(const struct arguments *args, confd_client *client, confd_request *request)
{
    struct outcome outcome = {.result = &no_result};
    struct text problem = {NULL, 0, 0};
    confd_result *result = NULL;
    int code = EXIT_ANSWERED;
    if (args->verbose) {
        verbose_question(args, request);
    }
    confd_error error = confd_client_query(client, request, args->coverage, args->timeout_ms, &result);
    if (error == CONFD_OK) {
        outcome.result = result;
    } else if (error == CONFD_ERR_IO) {
        text_add(&problem, confd_last_error());
        outcome.problem = text_string(&problem); /* which is one way of getting no reply */
    } else {
        code = refused(error, "the servers cannot be asked");
    }
    if (code == EXIT_ANSWERED) {
        counts_take(&outcome.ended, client);
        counts_take(&outcome.after, client);
        if (args->verbose && outcome.result->outcome == CONFD_OUTCOME_ANSWERED) {
            linger(client, &outcome.after);
        }
        code = report(args, &outcome);
    }
    counts_free(&outcome.ended);
    counts_free(&outcome.after);
    text_free(&problem);
    confd_result_free(result);
    return code;
}

int ask(const struct arguments *args)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    int code = make_request(args, &request);
    if (code == EXIT_ANSWERED) {
        code = cluster_open(args, &client);
    }
    if (code == EXIT_ANSWERED) {
        code = args->watch ? watch(args, client, request) : ask_once(args, client, request);
    }
    confd_request_free(request);
    confd_client_free(client);
    return code;
}

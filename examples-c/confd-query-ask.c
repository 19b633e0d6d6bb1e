/* The question: put it through the library, wait for enough replies, choose the best one. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Inside an upcall: only takes notes. What they mean is worked out when the wait is over. */
static void on_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    struct outcome *outcome = user_data;
    (void)client;
    if (upcall->type != CONFD_UPCALL_REPLY) {
        return;
    }
    outcome->consistent = upcall->consistent;
    if (outcome->n_answers == outcome->capacity) {
        size_t capacity = outcome->capacity == 0 ? 8 : 2 * outcome->capacity;
        struct answer *answers = realloc(outcome->answers, capacity * sizeof *answers);
        if (answers == NULL) {
            outcome->out_of_memory = true;
            return;
        }
        outcome->answers = answers;
        outcome->capacity = capacity;
    }
    struct answer *answer = &outcome->answers[outcome->n_answers];
    *answer = (struct answer){NULL, strdup(upcall->server_ip), upcall->server_port, now_ms() - outcome->started_ms};
    if (answer->ip == NULL || confd_reply_clone(upcall->reply, &answer->reply) != CONFD_OK) {
        free(answer->ip);
        outcome->out_of_memory = true;
        return;
    }
    outcome->n_answers++;
}

static void on_log(int32_t level, const char *message, void *user_data)
{
    (void)user_data;
    complain("%s%s", level >= CONFD_LOG_WARNING ? "warning: " : "", message);
}

/* Says what the library refused, and whose fault it is. To be called before any other call of the library. */
static int refused(confd_error error, const char *what)
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

static int open_client(const struct arguments *args, struct outcome *outcome, confd_client **client)
{
    struct cluster cluster = {NULL, NULL, 0, NULL, 0};
    confd_options *options = NULL;
    int code = EXIT_USAGE;
    if (cluster_load(&cluster, args)) {
        confd_error error = confd_options_new(&options);
        if (error == CONFD_OK && args->port != 0) {
            error = confd_options_set_port(options, args->port);
        }
        if (error == CONFD_OK) {
            int32_t level = args->verbose ? CONFD_LOG_DEBUG : CONFD_LOG_WARNING;
            error = confd_options_set_log(options, on_log, NULL, level);
        }
        if (error == CONFD_OK) {
            error = confd_client_new(cluster.key, cluster.key_length, cluster.peers, cluster.n_peers, on_upcall,
                                     outcome, options, client);
        }
        code = error == CONFD_OK ? EXIT_ANSWERED : refused(error, "the servers cannot be asked");
        confd_options_free(options);
        outcome->key_ends_in_newline = cluster.key[cluster.key_length - 1] == '\n';
    }
    cluster_free(&cluster);
    return code;
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

/* An ok reply beats an error; among ok ones the highest serial is the newest configuration; the first wins ties. */
static bool beats(const confd_reply *reply, const confd_reply *best)
{
    bool ok = confd_reply_status(reply) == CONFD_STATUS_OK;
    bool best_ok = confd_reply_status(best) == CONFD_STATUS_OK;
    return ok && (!best_ok || confd_reply_serial(reply) > confd_reply_serial(best));
}

static void choose_best(struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->n_answers; i++) {
        const struct answer *answer = &outcome->answers[i];
        if (outcome->best == NULL || beats(answer->reply, outcome->best->reply)) {
            outcome->best = answer;
        }
    }
}

static int exchange(const struct arguments *args, confd_client *client, const confd_request *request,
                    struct outcome *outcome)
{
    confd_wait_result result = {true, 0, 0};
    const char *salt = confd_request_salt(request);
    if (args->verbose) {
        complain("asking %s, query %s, salt %s", args->command->name, confd_request_query_json(request), salt);
    }
    outcome->started_ms = now_ms();
    confd_error error = confd_client_send(client, request, args->coverage, 0, NULL);
    if (error == CONFD_ERR_IO) {
        (void)refused(error, "nothing could be sent"); /* which is one way of getting no reply */
        return EXIT_ANSWERED;
    }
    if (error == CONFD_OK) {
        error = confd_client_wait(client, salt, args->timeout_ms, &result);
    }
    if (error != CONFD_OK) {
        return refused(error, "the servers cannot be asked");
    }
    if (outcome->out_of_memory) {
        complain("out of memory");
        return EXIT_TOO_FEW;
    }
    outcome->sent = result.sent;
    outcome->received = result.received;
    outcome->needed = confd_needed_replies(result.sent);
    /* For the hints of a failure; without the numbers they are only less precise. */
    (void)confd_client_stats(client, &outcome->stats, sizeof outcome->stats);
    return EXIT_ANSWERED;
}

int ask(const struct arguments *args, struct outcome *outcome)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    outcome->consistent = true;
    int code = make_request(args, &request);
    if (code == EXIT_ANSWERED) {
        code = open_client(args, outcome, &client);
    }
    if (code == EXIT_ANSWERED) {
        code = exchange(args, client, request, outcome);
    }
    confd_request_free(request);
    confd_client_free(client);
    choose_best(outcome); /* no upcall can come any more */
    return code;
}

void outcome_free(struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->n_answers; i++) {
        confd_reply_free(outcome->answers[i].reply);
        free(outcome->answers[i].ip);
    }
    free(outcome->answers);
}

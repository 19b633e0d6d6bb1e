/* What came of the question: the verdict, the answer or the error, the warnings, and what to check. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The number that a server answers when it does not like the query's argument. */
#define WRONG_ARGUMENT 2

void add_server(struct text *text, const confd_result *result)
{
    const char *format = strchr(result->server_ip, ':') != NULL ? "[%s]:%u" : "%s:%u";
    text_format(text, format, result->server_ip, (unsigned)result->server_port);
}

static bool is_ok(const confd_result *result)
{
    return result->reply != NULL && confd_reply_status(result->reply) == CONFD_STATUS_OK;
}

static int verdict(const confd_result *result)
{
    if (result->outcome != CONFD_OUTCOME_ANSWERED) {
        return EXIT_TOO_FEW;
    }
    return is_ok(result) ? EXIT_ANSWERED : EXIT_SERVER_ERROR;
}

/* "not implemented", "unknown entry", ... or the server's own words. */
static const char *error_text(const confd_reply *reply)
{
    const char *error = confd_reply_error_text(reply);
    return error != NULL ? error : "unknown error";
}

/* ISO 8601, UTC; "" when it is not known. */
static const char *time_text(char *buffer, size_t size, const char *format)
{
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL || strftime(buffer, size, format, &utc) == 0) {
        buffer[0] = '\0';
    }
    return buffer;
}

/* One JSON object on a line; `stamp` is the time of a line of `watch`, else NULL. */
static void add_json_report(struct text *out, const struct outcome *outcome, const char *stamp)
{
    static const char *const names[] = {"answered", "partial", "no_reply"};
    const confd_result *result = outcome->result;
    text_add(out, "{");
    if (stamp != NULL) {
        text_format(out, "\"time\":\"%s\",", stamp);
    }
    text_format(out, "\"outcome\":\"%s\",", names[result->outcome]);
    if (result->reply == NULL) {
        text_add(out, "\"status\":null,\"serial\":null,\"answer\":null,\"server\":null,");
    } else {
        struct text server = {NULL, 0, 0};
        text_format(out, "\"status\":%" PRId32 ",\"serial\":%" PRId64 ",\"answer\":",
                    confd_reply_status(result->reply), confd_reply_serial(result->reply));
        text_add_json(out, confd_reply_answer_json(result->reply), false);
        text_add(out, ",\"server\":");
        add_server(&server, result);
        text_add_json_string(out, text_string(&server));
        text_add(out, ",");
        text_free(&server);
    }
    text_format(out, "\"sent\":%" PRIu32 ",\"needed\":%" PRIu32 ",\"received\":%" PRIu32 ",\"errors\":%" PRIu32
                ",\"consistent\":%s", result->sent, result->needed, result->received, result->errors,
                result->consistent ? "true" : "false");
    if (!is_ok(result)) {
        text_add(out, ",\"error\":");
        text_add_json_string(out, result->reply != NULL ? error_text(result->reply)
                             : outcome->problem != NULL ? outcome->problem : "no reply");
    }
    text_add(out, "}\n");
}

static void add_error(struct text *text, const struct arguments *args, const confd_result *result)
{
    int64_t error = 0;
    text_add(text, "error from ");
    add_server(text, result);
    text_add(text, ": ");
    text_add_indented(text, error_text(result->reply), 4);
    bool about_argument = confd_reply_int(result->reply, "", &error) == CONFD_OK && error == WRONG_ARGUMENT;
    if (about_argument && args->command->type == CONFD_REQ_CONFIG_QUERY) {
        text_add(text, ";\n    is there anything at \"");
        text_add_safe(text, args->operands[0]);
        text_add(text, "\"?");
    }
    text_add(text, "\n");
}

/* A counter's growth during the question, where there was any. */
static void add_hint(struct text *text, const char *hint, uint64_t before, uint64_t after)
{
    if (after > before) {
        text_format(text, ";\n            %s: %" PRIu64, hint, after - before);
    }
}

/* What to check when too few replied. */
static void add_advice(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    const confd_result *result = outcome->result;
    const confd_stats *before = &outcome->before.stats, *after = &outcome->after.stats;
    char clock[32];
    struct text key_path = {NULL, 0, 0};
    cluster_key_path(args, &key_path);
    text_format(text, "confd-query: %s: %" PRIu32 " of %" PRIu32 " answered within %.10g s, %" PRIu32 " needed\n",
                result->received == 0 ? "no reply" : "warning: too few replies", result->received, result->sent,
                args->timeout_ms / 1000.0, result->needed);
    text_add(text, "Servers that do not like a request say nothing, so check:\n  key       ");
    text_add_safe(text, key_path.at);
    text_add(text, " must be a copy of theirs to the byte, newline at the end included");
    if (cluster_key_lacks_newline(args)) {
        text_add(text, ";\n            this one does not end in a newline, Ganeti's does");
    }
    text_format(text, "\n  clock     within 300 s of theirs; here it is %s UTC\n",
                time_text(clock, sizeof clock, "%Y-%m-%d %H:%M:%S"));
    text_add(text, "  network   addresses, port and firewalls, for UDP both ways");
    add_hint(text, "refused, no confd listens there", before->refused, after->refused);
    add_hint(text, "replies from addresses or ports that were not asked", before->dropped_source,
             after->dropped_source);
    add_hint(text, "replies signed with another key", before->dropped_signature, after->dropped_signature);
    text_add(text, "\n");
    if (args->command->large) {
        text_add(text, "  size      a server sends no answer over 65,507 bytes, the largest UDP datagram");
        if (args->command->type == CONFD_REQ_CONFIG_QUERY) {
            text_add(text, ";\n            ask for a smaller part");
        }
        text_add(text, "\n");
    }
    text_free(&key_path);
}

/* What stderr is told of any outcome. */
static void add_messages(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    if (args->verbose) {
        verbose_outcome(text, args, outcome);
    }
    if (!outcome->result->consistent) {
        text_add(text, "confd-query: warning: servers with one configuration serial gave different answers\n");
    }
}

static void add_answer(struct text *out, struct text *messages, const struct arguments *args,
                       const confd_result *result)
{
    size_t before = out->length;
    if (!show(args, result, out)) {
        text_add(messages, "confd-query: warning: this answer has an unknown shape; it follows as JSON\n");
        text_cut(out, before);
        show_json(result->reply, out);
    }
}

/* An error of one of several IPs is an error of the whole. */
static size_t failures_of(const struct arguments *args, const confd_result *result)
{
    bool where = args->command->type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP;
    return where && is_ok(result) ? where_failures(args, result->reply) : 0;
}

static int print(const struct text *out, struct text *messages, int code)
{
    fputs(text_string(messages), stderr);
    text_free(messages);
    return write_out(out) ? code : EXIT_TOO_FEW;
}

int report(const struct arguments *args, const struct outcome *outcome)
{
    const confd_result *result = outcome->result;
    struct text out = {NULL, 0, 0}, messages = {NULL, 0, 0};
    size_t failures = failures_of(args, result);
    int code = verdict(result);

    add_messages(&messages, args, outcome);
    if (outcome->problem != NULL) {
        text_format(&messages, "confd-query: nothing could be sent: %s\n", outcome->problem);
    }
    if (result->reply != NULL && !is_ok(result)) {
        text_format(&messages, "confd-query: %s: ", args->command->name);
        add_error(&messages, args, result);
    }
    if (result->sent > 0 && result->outcome != CONFD_OUTCOME_ANSWERED) {
        add_advice(&messages, args, outcome);
    }
    if (args->json) {
        add_json_report(&out, outcome, NULL);
    } else if (is_ok(result)) {
        add_answer(&out, &messages, args, result);
        if (out.length == 0) {
            text_format(&messages, "confd-query: %s: the list is empty\n", args->command->name);
        }
    }
    if (failures > 0) {
        text_format(&messages, "confd-query: where: %zu of %zu IPs have no answer\n", failures, args->n_operands);
        code = code == EXIT_ANSWERED ? EXIT_SERVER_ERROR : code;
    }
    code = print(&out, &messages, code);
    text_free(&out);
    return code;
}

/* What `watch` compares and, for people, prints: a line that follows the time, and the answer. It holds nothing that
 * differs from one question to the next while the cluster stays as it is. */
static void add_state(struct text *state, struct text *messages, const struct arguments *args,
                      const struct outcome *outcome)
{
    const confd_result *result = outcome->result;
    struct text answer = {NULL, 0, 0};
    if (is_ok(result)) {
        add_answer(&answer, messages, args, result);
    }
    if (result->reply == NULL) {
        text_add(state, "no reply");
    } else if (result->outcome != CONFD_OUTCOME_ANSWERED) {
        text_add(state, "too few replies");
    } else {
        text_add(state, is_ok(result) ? "answered" : "error");
    }
    if (outcome->problem != NULL) {
        text_add(state, ": ");
        text_add_safe(state, outcome->problem);
    } else if (result->reply != NULL && !is_ok(result)) {
        text_add(state, ": ");
        text_add_indented(state, error_text(result->reply), 4);
    } else if (is_ok(result) && answer.length == 0) {
        text_add(state, ": the list is empty");
    }
    text_add(state, "\n");
    text_add(state, text_string(&answer));
    text_free(&answer);
}

/* What the JSON object tells of these and the table does not. */
static void add_hidden(struct text *state, const struct arguments *args, const confd_result *result)
{
    int32_t type = args->command->type;
    if (type == CONFD_REQ_NODE_INSTANCES || type == CONFD_REQ_INSTANCE_DISKS || type == CONFD_REQ_DATA_COLLECTORS) {
        text_add(state, confd_reply_answer_json(result->reply));
    }
}

int report_change(const struct arguments *args, const struct outcome *outcome, struct text *last)
{
    const confd_result *result = outcome->result;
    struct text out = {NULL, 0, 0}, state = {NULL, 0, 0}, messages = {NULL, 0, 0};
    char stamp[32];
    int code = failures_of(args, result) > 0 ? EXIT_SERVER_ERROR : EXIT_ANSWERED;
    code = verdict(result) == EXIT_ANSWERED ? code : verdict(result);

    time_text(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ");
    add_messages(&messages, args, outcome);
    add_state(&state, &messages, args, outcome);
    if (result->sent > 0 && result->outcome != CONFD_OUTCOME_ANSWERED) {
        add_advice(&messages, args, outcome);
    }
    text_format(&out, "%s %s", stamp, text_string(&state));
    if (args->json) {
        text_clear(&out);
        add_json_report(&out, outcome, stamp);
        if (is_ok(result)) {
            add_hidden(&state, args, result);
        }
    }
    if (strcmp(text_string(&state), text_string(last)) == 0) {
        text_free(&messages);
        text_free(&state);
    } else {
        text_free(last);
        *last = state;
        code = print(&out, &messages, code);
    }
    text_free(&out);
    return code;
}

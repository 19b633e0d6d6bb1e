/* What came of the question: the verdict, the answer or the error, the warnings, and what to check. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The number that a server answers when it does not like the query's argument. */
#define WRONG_ARGUMENT 2

/* Bytes of an answer that a line of --verbose shows. */
#define MAX_BRIEF 60

static void add_server(struct text *text, const struct answer *answer)
{
    text_format(text, strchr(answer->ip, ':') != NULL ? "[%s]:%u" : "%s:%u", answer->ip, (unsigned)answer->port);
}

static int verdict(const struct outcome *outcome)
{
    if (outcome->best == NULL || outcome->received < outcome->needed) {
        return EXIT_TOO_FEW;
    }
    const confd_reply *reply = outcome->best->reply;
    if (confd_reply_status(reply) != CONFD_STATUS_OK) {
        return EXIT_SERVER_ERROR;
    }
    return EXIT_ANSWERED;
}

/* "not implemented", "unknown entry", ... or the server's own words. */
static const char *error_text(const confd_reply *reply)
{
    const char *error = confd_reply_error_text(reply);
    return error != NULL ? error : "unknown error";
}

static void add_json_report(struct text *out, const struct outcome *outcome)
{
    static const char *const names[] = {"answered", "partial", "no_reply"};
    const struct answer *best = outcome->best;
    size_t name = best == NULL ? 2 : outcome->received < outcome->needed ? 1 : 0;
    text_format(out, "{\"outcome\":\"%s\",", names[name]);
    if (best == NULL) {
        text_add(out, "\"status\":null,\"serial\":null,\"answer\":null,\"server\":null,");
    } else {
        struct text server = {NULL, 0, 0};
        text_format(out, "\"status\":%" PRId32 ",\"serial\":%" PRId64 ",\"answer\":",
                    confd_reply_status(best->reply), confd_reply_serial(best->reply));
        text_add_json(out, confd_reply_answer_json(best->reply), false);
        text_add(out, ",\"server\":");
        add_server(&server, best);
        text_add_json_string(out, text_string(&server));
        text_add(out, ",");
        text_free(&server);
    }
    text_format(out, "\"sent\":%" PRIu32 ",\"needed\":%" PRIu32 ",\"received\":%" PRIu32 ",\"consistent\":%s",
                outcome->sent, outcome->needed, outcome->received, outcome->consistent ? "true" : "false");
    if (best == NULL) {
        text_add(out, ",\"error\":\"no reply\"");
    } else if (confd_reply_status(best->reply) != CONFD_STATUS_OK) {
        text_add(out, ",\"error\":");
        text_add_json_string(out, error_text(best->reply));
    }
    text_add(out, "}\n");
}

/* The answer as JSON on one line, its beginning only where it is long. */
static void add_brief_json(struct text *text, const confd_reply *reply)
{
    struct text json = {NULL, 0, 0};
    text_add_json(&json, confd_reply_answer_json(reply), false);
    size_t length = json.length;
    if (length > MAX_BRIEF) {
        length = MAX_BRIEF;
        while (length > 0 && ((unsigned char)json.at[length] & 0xC0) == 0x80) {
            length--; /* not in the middle of a character */
        }
    }
    text_add_bytes(text, text_string(&json), length);
    text_add(text, length < json.length ? "..." : "");
    text_free(&json);
}

static const char *status_word(int32_t status)
{
    switch (status) {
    case CONFD_STATUS_OK:
        return "ok";
    case CONFD_STATUS_ERROR:
        return "error";
    case CONFD_STATUS_NOT_IMPLEMENTED:
        return "not implemented";
    default:
        return "unknown";
    }
}

/* With --verbose: who replied what, and which reply won. */
static void add_replies(struct text *text, const struct outcome *outcome)
{
    struct table table = {"lrll", NULL, 0, 0};
    struct text cell = {NULL, 0, 0};
    for (size_t i = 0; i < outcome->n_answers; i++) {
        const struct answer *answer = &outcome->answers[i];
        int32_t status = confd_reply_status(answer->reply);
        text_clear(&cell);
        add_server(&cell, answer);
        table_add(&table, text_string(&cell));
        table_format(&table, "%.1f ms", answer->after_ms);
        table_format(&table, "status %" PRId32 " (%s)", status, status_word(status));
        text_clear(&cell);
        text_format(&cell, "serial %" PRId64 "  ", confd_reply_serial(answer->reply));
        add_brief_json(&cell, answer->reply);
        text_add(&cell, answer == outcome->best ? "  <- the best" : "");
        table_add(&table, text_string(&cell));
    }
    table_print(&table, text);
    table_free(&table);
    text_free(&cell);
}

static void add_error(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    const confd_reply *reply = outcome->best->reply;
    int64_t error = 0;
    text_format(text, "confd-query: %s: error from ", args->command->name);
    add_server(text, outcome->best);
    text_add(text, ": ");
    text_add_indented(text, error_text(reply), 4);
    bool about_argument = confd_reply_int(reply, "", &error) == CONFD_OK && error == WRONG_ARGUMENT;
    if (about_argument && args->command->type == CONFD_REQ_CONFIG_QUERY) {
        text_add(text, ";\n    is there anything at \"");
        text_add_safe(text, args->operands[0]);
        text_add(text, "\"?");
    }
    text_add(text, "\n");
}

/* What to check when too few replied. */
static void add_advice(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    const confd_stats *stats = &outcome->stats;
    char clock[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL && strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S", &utc) == 0) {
        clock[0] = '\0';
    }
    text_format(text, "confd-query: %s: %" PRIu32 " of %" PRIu32 " answered within %.10g s, %" PRIu32 " needed\n",
                outcome->received == 0 ? "no reply" : "warning: too few replies", outcome->received, outcome->sent,
                args->timeout_ms / 1000.0, outcome->needed);
    text_add(text, "Servers that do not like a request say nothing, so check:\n  key       ");
    text_add_safe(text, args->key_file);
    text_add(text, " must be a copy of theirs to the byte, newline at the end included");
    if (!outcome->key_ends_in_newline) {
        text_add(text, ";\n            this one does not end in a newline, Ganeti's does");
    }
    text_format(text, "\n  clock     within 300 s of theirs; here it is %s UTC\n", clock);
    text_add(text, "  network   addresses, port and firewalls, for UDP both ways");
    if (stats->refused > 0) {
        text_format(text, ";\n            refused, no confd listens there: %" PRIu64, stats->refused);
    }
    if (stats->dropped_source > 0) {
        text_format(text, ";\n            replies from addresses or ports that were not asked: %" PRIu64,
                    stats->dropped_source);
    }
    if (stats->dropped_signature > 0) {
        text_format(text, ";\n            replies signed with another key: %" PRIu64, stats->dropped_signature);
    }
    text_add(text, "\n");
    if (args->command->large) {
        text_add(text, "  size      a server sends no answer over 65,507 bytes, the largest UDP datagram");
        if (args->command->type == CONFD_REQ_CONFIG_QUERY) {
            text_add(text, ";\n            ask for a smaller part");
        }
        text_add(text, "\n");
    }
}

/* Everything for stderr, in the order in which a person reads it. */
static void add_messages(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    if (args->verbose && outcome->n_answers > 0) {
        add_replies(text, outcome);
    }
    if (!outcome->consistent) {
        text_add(text, "confd-query: warning: servers with one configuration serial gave different answers\n");
    }
    if (outcome->best != NULL && confd_reply_status(outcome->best->reply) != CONFD_STATUS_OK) {
        add_error(text, args, outcome);
    }
    if (outcome->sent > 0 && (outcome->best == NULL || outcome->received < outcome->needed)) {
        add_advice(text, args, outcome);
    }
}

int report(const struct arguments *args, const struct outcome *outcome)
{
    struct text out = {NULL, 0, 0}, messages = {NULL, 0, 0};
    int code = verdict(outcome);
    bool ok = outcome->best != NULL && confd_reply_status(outcome->best->reply) == CONFD_STATUS_OK;
    size_t failures = 0;

    add_messages(&messages, args, outcome);
    if (args->json) {
        add_json_report(&out, outcome);
    } else if (ok && !show(args, outcome, &out)) {
        text_add(&messages, "confd-query: warning: this answer has an unknown shape; it follows as JSON\n");
        text_clear(&out);
        show_json(outcome->best->reply, &out);
    }
    if (ok && args->command->type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP) {
        failures = where_failures(args, outcome->best->reply);
    }
    if (!args->json && ok && out.length == 0) {
        text_format(&messages, "confd-query: %s: the list is empty\n", args->command->name);
    }
    if (failures > 0) {
        text_format(&messages, "confd-query: where: %zu of %zu IPs have no answer\n", failures, args->n_operands);
        code = code == EXIT_ANSWERED ? EXIT_SERVER_ERROR : code;
    }
    fputs(text_string(&messages), stderr);
    if (!write_out(&out)) {
        code = EXIT_TOO_FEW;
    }
    text_free(&messages);
    text_free(&out);
    return code;
}

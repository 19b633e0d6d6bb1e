/* --verbose: what lies behind the answer. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a query or an answer that a line shows. */
#define MAX_BRIEF 60

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* JSON on one line, its beginning only where it is long. */
static void add_brief_json(struct text *text, const char *json)
{
    struct text line = {NULL, 0, 0};
    text_add_json(&line, json, false);
    size_t length = line.length;
    if (length > MAX_BRIEF) {
        length = MAX_BRIEF;
        while (length > 0 && ((unsigned char)line.at[length] & 0xC0) == 0x80) {
            length--; /* not in the middle of a character */
        }
    }
    text_add_bytes(text, text_string(&line), length);
    text_add(text, length < line.length ? "..." : "");
    text_free(&line);
}

void verbose_question(const struct arguments *args, const confd_request *request)
{
    struct text line = {NULL, 0, 0};
    text_format(&line, "confd-query: asking %s, query ", args->command->name);
    add_brief_json(&line, confd_request_query_json(request));
    text_format(&line, ", salt %s\n", confd_request_salt(request));
    fputs(text_string(&line), stderr);
    text_free(&line);
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

static void add_best(struct text *text, const confd_result *result)
{
    int32_t status = confd_reply_status(result->reply);
    text_add(text, "best reply: ");
    add_server(text, result);
    text_format(text, ", status %" PRId32 " (%s), serial %" PRId64 ", ", status, status_word(status),
                confd_reply_serial(result->reply));
    add_brief_json(text, confd_reply_answer_json(result->reply));
    text_add(text, "\n");
}

/* What a peer did since `before`: the counters of the client go on from question to question. */
static confd_peer_stats since(const struct counts *before, const confd_peer_stats *after)
{
    confd_peer_stats peer = *after;
    for (size_t i = 0; i < before->n_peers; i++) {
        const confd_peer_stats *then = &before->peers[i];
        if (strcmp(then->address, peer.address) == 0) {
            peer.sent -= then->sent;
            peer.answered -= then->answered;
            peer.refused -= then->refused;
            break;
        }
    }
    return peer;
}

/* The serial is the cluster's; where the answers to a question have no such serial, nobody can be called stale. */
static const char *state_of(const confd_peer_stats *peer, int64_t newest, bool late, bool given_time)
{
    if (peer->answered == 0) {
        return peer->refused > 0 ? "refuses: no confd listens there" : given_time ? "silent" : "no answer yet";
    }
    if (peer->serial > 0 && peer->serial < newest) {
        return late ? "stale, late" : "stale";
    }
    /* An error carries no serial; neither need a late answer, which was not waited for. */
    return late ? "late" : newest > 0 && peer->serial == 0 ? "error" : "answered";
}

static void add_peers(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    static const char *const header[] = {"SERVER", "ASKED", "ANSWERED", "ROUND TRIP", "SERIAL", "STATE"};
    const struct counts *after = &outcome->after;
    struct table table = {"lrrrrl", NULL, 0, 0};
    bool given_time = !args->watch || outcome->result->outcome != CONFD_OUTCOME_ANSWERED;
    int64_t newest = 0;
    size_t others = 0;
    for (size_t i = 0; i < COUNT(header); i++) {
        table_add(&table, header[i]);
    }
    for (size_t i = 0; i < after->n_peers; i++) {
        confd_peer_stats peer = since(&outcome->before, &after->peers[i]);
        newest = peer.answered > 0 && peer.serial > newest ? peer.serial : newest;
    }
    for (size_t i = 0; i < after->n_peers; i++) {
        confd_peer_stats peer = since(&outcome->before, &after->peers[i]);
        if (peer.sent == 0) {
            others++;
            continue;
        }
        table_add(&table, peer.address);
        table_format(&table, "%" PRIu64, peer.sent);
        table_format(&table, "%" PRIu64, peer.answered);
        if (peer.answered > 0 && peer.rtt_last_us > 0) { /* not measured: asked twice, for which was the reply? */
            table_format(&table, "%.1f ms", (double)peer.rtt_last_us / 1000);
        } else {
            table_add(&table, "-");
        }
        if (peer.answered > 0 && peer.serial > 0) {
            table_format(&table, "%" PRId64, peer.serial);
        } else {
            table_add(&table, "-");
        }
        bool late = i < outcome->ended.n_peers && outcome->ended.peers[i].answered < after->peers[i].answered;
        table_add(&table, state_of(&peer, newest, late, given_time));
    }
    if (table.count > COUNT(header)) {
        table_print(&table, text);
    }
    if (others > 0) {
        text_format(text, "not asked: %zu\n", others);
    }
    table_free(&table);
}

/* The counters that grew. */
static void add_stats(struct text *text, const struct outcome *outcome)
{
    static const struct {
        size_t at;
        const char *what;
    } counters[] = {
        {offsetof(confd_stats, datagrams_out), "sent"},
        {offsetof(confd_stats, retries), "of them again"},
        {offsetof(confd_stats, send_errors), "could not be sent"},
        {offsetof(confd_stats, refused), "refused"},
        {offsetof(confd_stats, datagrams_in), "received"},
        {offsetof(confd_stats, dropped_salt), "of them too late or for no question"},
        {offsetof(confd_stats, dropped_source), "from where nothing was asked"},
        {offsetof(confd_stats, dropped_signature), "signed with another key"},
        {offsetof(confd_stats, dropped_duplicate), "twice"},
        {offsetof(confd_stats, dropped_malformed), "malformed"},
        {offsetof(confd_stats, dropped_magic), "not of confd"},
        {offsetof(confd_stats, dropped_overflow), "lost here for lack of room"},
    };
    const char *separator = "datagrams: ";
    for (size_t i = 0; i < COUNT(counters); i++) {
        uint64_t before = 0, after = 0;
        memcpy(&before, (const char *)&outcome->before.stats + counters[i].at, sizeof before);
        memcpy(&after, (const char *)&outcome->after.stats + counters[i].at, sizeof after);
        if (after > before) {
            text_format(text, "%s%" PRIu64 " %s", separator, after - before, counters[i].what);
            separator = ", ";
        }
    }
    text_add(text, strcmp(separator, ", ") == 0 ? "\n" : "");
}

void verbose_outcome(struct text *text, const struct arguments *args, const struct outcome *outcome)
{
    const confd_result *result = outcome->result;
    if (result->reply != NULL) {
        add_best(text, result);
    }
    text_format(text, "replies: %" PRIu32 " of %" PRIu32 ", %" PRIu32 " needed, %" PRIu32 " of them errors\n",
                result->received, result->sent, result->needed, result->errors);
    add_peers(text, args, outcome);
    add_stats(text, outcome);
}

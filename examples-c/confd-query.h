/*
 * confd-query: asks the ganeti-confd servers of a cluster one question, and prints the answer.
 *
 * The way through: confd-query.c (main) → confd-query-args.c (the command line), confd-query-help.c (--help) →
 * confd-query-ask.c (the question, once) or confd-query-watch.c (again and again), by a client of
 * confd-query-cluster.c (servers and key) → confd-query-report.c (verdict, messages, JSON) → confd-query-show.c
 * (answers for people), confd-query-rows.c (those that are tables), confd-query-verbose.c (what lies behind them).
 * What these use: confd-query-counts.c (what the client has counted), confd-query-value.c (values of an answer),
 * confd-query-table.c (columns), confd-query-text.c (text, JSON, stdout).
 */
#ifndef CONFD_QUERY_H
#define CONFD_QUERY_H

#include <confdclient.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exit codes, which --help documents. */
enum { EXIT_ANSWERED = 0, EXIT_TOO_FEW = 1, EXIT_USAGE = 2, EXIT_SERVER_ERROR = 3 };

/* ---- confd-query-text.c ---- */

/* A growing string; {NULL, 0, 0} is the empty one. Running out of memory ends the program with a message. */
struct text {
    char *at;
    size_t length, capacity;
};

const char *text_string(const struct text *text);
void text_free(struct text *text);
void text_clear(struct text *text);
/* Back to an earlier length. */
void text_cut(struct text *text, size_t length);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_add_spaces(struct text *text, size_t count);
void text_format(struct text *text, const char *format, ...);
void text_vformat(struct text *text, const char *format, va_list values);

/* For a terminal: control characters and what reorders text are escaped. */
void text_add_safe(struct text *text, const char *string);
/* The same, but its newlines start new lines, indented by that many spaces. */
void text_add_indented(struct text *text, const char *string, size_t indent);
/* A JSON string, quotes included. */
void text_add_json_string(struct text *text, const char *string);
/* JSON text, on one line or pretty, and safe for a terminal; it stays the same JSON value. */
void text_add_json(struct text *text, const char *json, bool pretty);

/* Ends the program, with a message. */
void out_of_memory(void);

/* One message on stderr, safe for a terminal: "confd-query: ...". */
void complain(const char *format, ...);

/* Writes to stdout and sees that all of it got there; false, with a message, when not. */
bool write_out(const struct text *text);
/* Closes stdout, the last chance of a file system to tell that something is lost; false, with a message, then. */
bool close_out(void);

/* ---- confd-query-table.c ---- */

/* Rows of cells in aligned columns. `align` has one letter for each column, l or r. */
struct table {
    const char *align;
    char **cells;
    size_t count, capacity;
};

void table_add(struct table *table, const char *cell);
/* A dash for an empty one. */
void table_add_or_dash(struct table *table, const char *cell);
void table_format(struct table *table, const char *format, ...);
void table_print(const struct table *table, struct text *text);
void table_free(struct table *table);

/* ---- confd-query-value.c ---- */

/* A JSON pointer in the making; each call replaces the one before. */
const char *value_at(struct text *pointer, const char *format, ...);
/* The member `name` of the value at a key that the answer itself named: RFC 6901 escapes ~ and / in it. */
const char *value_at_key(struct text *pointer, const char *key, const char *name);

bool value_exists(const confd_reply *reply, const char *pointer);
/* Is it of this CONFD_JSON_... kind? */
bool value_is(const confd_reply *reply, const char *pointer, int32_t kind);
/* How many elements the array at `pointer` has; false when there is none. */
bool value_count(const confd_reply *reply, const char *pointer, size_t *count);
/* The value at `pointer` as one cell; a dash for what is absent, null or empty. */
void table_add_value(struct table *table, const confd_reply *reply, const char *pointer);

/* ---- confd-query-args.c ---- */

struct command {
    const char *name;
    int32_t type;         /* CONFD_REQ_... */
    int min_operands;
    int max_operands;
    const char *operands; /* as the usage line names them */
    bool large;           /* its answer may pass what a datagram holds */
};

struct arguments {
    const struct command *command;
    const char **operands;    /* of the command; the strings are argv's and the input's */
    size_t n_operands;
    struct text input;        /* what `-` among the operands has read */
    struct text peers;        /* what -p gave, separated by commas; NULL string: no -p */
    const char *key_file;     /* NULL: no -k */
    const char *data_dir;     /* what neither -p nor -k gives is read there */
    const char *link;         /* NULL: none */
    int32_t coverage;
    int32_t timeout_ms;
    int32_t retry_ms;         /* negative: the library's default */
    uint16_t port;            /* 0: the library's default */
    bool json, verbose;
    bool watch;               /* ask again and again */
    const char *watch_option; /* an option that was given and needs `watch`; NULL: none */
    int32_t interval_ms;
    long count;               /* how often to ask; 0: without end */
};

enum parsed { PARSED_COMMAND, PARSED_HELP, PARSED_VERSION, PARSED_WRONG };

enum parsed arguments_parse(struct arguments *args, int argc, char **argv);
void arguments_free(struct arguments *args);

/* ---- confd-query-help.c ---- */

void help_print(struct text *text);

/* ---- confd-query-cluster.c ---- */

/* A client of the servers and with the key that the command line names, or the data folder. Returns an exit code,
 * with a message unless it is EXIT_ANSWERED. */
int cluster_open(const struct arguments *args, confd_client **client);
/* The key's file. */
void cluster_key_path(const struct arguments *args, struct text *path);
/* Ganeti's own key file ends in a newline, which is part of the key. False, too, when that cannot be told. */
bool cluster_key_lacks_newline(const struct arguments *args);

/* ---- confd-query-counts.c ---- */

/* What the client has counted at some time. */
struct counts {
    confd_stats stats;
    confd_peer_stats *peers;
    size_t n_peers;
};

void counts_take(struct counts *counts, confd_client *client);
void counts_free(struct counts *counts);
/* Whether all peers that were asked have answered or refused. */
bool counts_all_known(const struct counts *counts);

/* ---- confd-query-ask.c ---- */

/* What came of the question. */
struct outcome {
    const confd_result *result;
    const char *problem;         /* why it could not be asked; NULL: it was asked */
    struct counts before, after; /* the client's, around the question */
    struct counts ended;         /* and before those who are late were given time; or none */
};

/* What to report of a question that could not be asked. */
extern const confd_result no_result;

/* Puts the question once, or with `watch` again and again, and reports what came of it. Returns the exit code. */
int ask(const struct arguments *args);
/* Says what the library refused, and whose fault it is. To be called before any other call of the library. */
int refused(confd_error error, const char *what);
/* By a clock that nobody sets. */
int64_t now_ms(void);

/* ---- confd-query-watch.c ---- */

/* Puts the question again and again, and reports what has changed, until SIGINT or SIGTERM. */
int watch(const struct arguments *args, confd_client *client, confd_request *request);

/* ---- confd-query-report.c ---- */

/* Prints what came of the question, and returns the exit code. */
int report(const struct arguments *args, const struct outcome *outcome);
/* The same for `watch`: prints it if it is not what `last` says, and leaves it there. */
int report_change(const struct arguments *args, const struct outcome *outcome, struct text *last);
/* The server that gave the best reply. */
void add_server(struct text *text, const confd_result *result);

/* ---- confd-query-verbose.c ---- */

/* The question, before it is put. */
void verbose_question(const struct arguments *args, const confd_request *request);
/* Who answered what, how fast, with which serial; who was stale, silent or refusing; what became of the datagrams. */
void verbose_outcome(struct text *text, const struct arguments *args, const struct outcome *outcome);

/* ---- confd-query-show.c ---- */

/* The answer for a person, nothing for an empty list; false when it has not the shape that the command expects. */
bool show(const struct arguments *args, const confd_result *result, struct text *out);
/* How many of the rows of a list answer (`where` with several IPs) are errors. */
size_t where_failures(const struct arguments *args, const confd_reply *reply);
/* The answer as pretty JSON, with a plain string or number as it is. */
void show_json(const confd_reply *reply, struct text *out);

/* ---- confd-query-rows.c ---- */

/* Each prints the answer of its command, nothing for an empty list; false when it has another shape. */
bool show_drbd(const confd_reply *reply, struct text *out);
bool show_instances(const confd_reply *reply, struct text *out);
bool show_disks(const confd_reply *reply, struct text *out);
bool show_collectors(const confd_reply *reply, struct text *out);

#endif

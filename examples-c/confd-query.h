/*
 * confd-query: asks the ganeti-confd servers of a cluster one question, and prints the answer.
 *
 * The way through: confd-query.c (main) → confd-query-args.c (the command line) → confd-query-cluster.c (peers and
 * key) → confd-query-ask.c (the library: send, wait, choose) → confd-query-report.c (verdict, warnings, JSON) →
 * confd-query-show.c (answers for people), confd-query-rows.c (those that are tables). What these use:
 * confd-query-value.c (values of an answer), confd-query-table.c (columns), confd-query-text.c (text, JSON, stdout).
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

/* Writes to stdout, closes it, and sees that all of it got there; false, with a message, when not. */
bool write_out(const struct text *text);

/* ---- confd-query-table.c ---- */

/* Rows of cells in aligned columns. `align` has one letter for each column, l or r. */
struct table {
    const char *align;
    char **cells;
    size_t count, capacity;
};

void table_add(struct table *table, const char *cell);
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
    const char **operands; /* of the command; the strings are argv's */
    size_t n_operands;
    struct text peers;     /* what -p gave, separated by commas; NULL string: no -p */
    const char *key_file;
    const char *link;      /* NULL: none */
    int32_t coverage;
    int32_t timeout_ms;
    uint16_t port;         /* 0: the library's default */
    bool json, verbose;
};

enum parsed { PARSED_COMMAND, PARSED_HELP, PARSED_VERSION, PARSED_WRONG };

enum parsed arguments_parse(struct arguments *args, int argc, char **argv);
void arguments_free(struct arguments *args);
void help_print(struct text *text);

/* ---- confd-query-cluster.c ---- */

/* Whom to ask, and the key to sign with. */
struct cluster {
    char *peer_text;    /* what the peers point into */
    const char **peers;
    size_t n_peers;
    unsigned char *key; /* wiped by cluster_free */
    size_t key_length;
};

/* False, with a message, when the peers or the key cannot be had. */
bool cluster_load(struct cluster *cluster, const struct arguments *args);
void cluster_free(struct cluster *cluster);

/* ---- confd-query-ask.c ---- */

struct answer {
    confd_reply *reply;
    char *ip;
    uint16_t port;
    double after_ms;
};

/* What came of the question. */
struct outcome {
    struct answer *answers; /* in the order of their arrival */
    size_t n_answers, capacity;
    const struct answer *best; /* NULL: no reply */
    uint32_t sent, needed, received;
    bool consistent;
    bool out_of_memory;
    bool key_ends_in_newline;
    double started_ms;
    confd_stats stats;
};

/* An exit code: EXIT_ANSWERED when the question was put, whatever came of it; else with a message. */
int ask(const struct arguments *args, struct outcome *outcome);
void outcome_free(struct outcome *outcome);

/* ---- confd-query-report.c ---- */

/* Prints what came of the question, and returns the exit code. */
int report(const struct arguments *args, const struct outcome *outcome);

/* ---- confd-query-show.c ---- */

/* The answer for a person, nothing for an empty list; false when it has not the shape that the command expects. */
bool show(const struct arguments *args, const struct outcome *outcome, struct text *out);
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

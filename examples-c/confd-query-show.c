/* Answers for people. Each command's function knows the shape of its answer; one of another shape, from a server of
 * another version perhaps, is shown as JSON instead. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const roles[] = {"master", "candidate", "offline", "drained", "regular"};
static const char *const error_words[] = {"unknown entry", "internal error", "wrong argument"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A JSON pointer in the making; each call replaces the one before. */
static const char *at(struct text *pointer, const char *format, ...)
{
    char segment[64]; /* numbers and names of this file's own; keys of the answer go through at_key */
    va_list values;
    va_start(values, format);
    int length = vsnprintf(segment, sizeof segment, format, values);
    va_end(values);
    text_clear(pointer);
    if (length >= 0 && (size_t)length < sizeof segment) {
        text_add(pointer, segment);
    }
    return text_string(pointer);
}

/* The member `name` of the value at a key that the answer itself named: RFC 6901 escapes ~ and / in it. */
static const char *at_key(struct text *pointer, const char *key, const char *name)
{
    text_clear(pointer);
    text_add(pointer, "/");
    for (; *key != '\0'; key++) {
        if (*key == '~') {
            text_add(pointer, "~0");
        } else if (*key == '/') {
            text_add(pointer, "~1");
        } else {
            text_add_bytes(pointer, key, 1);
        }
    }
    text_add(pointer, "/");
    text_add(pointer, name);
    return text_string(pointer);
}

static bool has(const confd_reply *reply, const char *pointer)
{
    const char *json = NULL;
    return confd_reply_json(reply, pointer, &json) == CONFD_OK;
}

/* How many elements the array at `pointer` has; false when there is none. An object has a first key, or, when
 * empty, braces. */
static bool array_count(const confd_reply *reply, const char *pointer, size_t *count)
{
    const char *json = NULL;
    return confd_reply_count(reply, pointer, count) == CONFD_OK &&
           confd_reply_json(reply, pointer, &json) == CONFD_OK && json[strspn(json, " \t\r\n")] == '[';
}

/* The value at `pointer` as one cell; a dash for what is absent, null or empty. */
static void add_cell(struct table *table, const confd_reply *reply, const char *pointer)
{
    const char *string = NULL;
    bool on = false;
    if (confd_reply_string(reply, pointer, &string) == CONFD_OK) {
        table_add(table, string[0] != '\0' ? string : "-");
    } else if (confd_reply_bool(reply, pointer, &on) == CONFD_OK) {
        table_add(table, on ? "yes" : "no");
    } else if (confd_reply_json(reply, pointer, &string) == CONFD_OK && strcmp(string, "null") != 0) {
        table_add(table, string);
    } else {
        table_add(table, "-");
    }
}

static void add_cells(struct table *table, const char *const *cells)
{
    for (; *cells != NULL; cells++) {
        table_add(table, *cells);
    }
}

static bool show_ping(const struct outcome *outcome, struct text *out)
{
    int64_t version = 0;
    if (confd_reply_int(outcome->best->reply, "", &version) != CONFD_OK) {
        return false;
    }
    text_format(out, "%" PRIu32 " of %" PRIu32 " answered, configuration version %" PRId64 "\n", outcome->received,
                outcome->sent, version);
    return true;
}

static bool show_string(const confd_reply *reply, struct text *out)
{
    const char *string = NULL;
    if (confd_reply_string(reply, "", &string) != CONFD_OK) {
        return false;
    }
    text_add_safe(out, string);
    text_add(out, "\n");
    return true;
}

static bool show_role(const confd_reply *reply, struct text *out)
{
    int64_t role = 0;
    if (confd_reply_int(reply, "", &role) != CONFD_OK || role < 0 || role >= (int64_t)COUNT(roles)) {
        return false;
    }
    text_format(out, "%s\n", roles[role]);
    return true;
}

static bool show_addresses(const confd_reply *reply, struct text *out)
{
    struct text pointer = {NULL, 0, 0};
    const char *address = NULL;
    size_t count = 0;
    bool shaped = array_count(reply, "", &count);
    for (size_t i = 0; shaped && i < count; i++) {
        shaped = confd_reply_string(reply, at(&pointer, "/%zu", i), &address) == CONFD_OK;
        if (shaped) {
            text_add_safe(out, address);
            text_add(out, "\n");
        }
    }
    text_free(&pointer);
    return shaped;
}

/* One row of a list answer is [status, answer, serial]. */
static void add_where_row(struct table *table, const confd_reply *reply, size_t i, const char *ip)
{
    struct text pointer = {NULL, 0, 0};
    int64_t status = 0, number = 0;
    table_add(table, ip);
    if (confd_reply_int(reply, at(&pointer, "/%zu/0", i), &status) != CONFD_OK) {
        table_add(table, "?");
    } else if (status == 2) {
        table_add(table, "not implemented");
    } else if (status == 1 && confd_reply_int(reply, at(&pointer, "/%zu/1", i), &number) == CONFD_OK && number >= 0 &&
               number < (int64_t)COUNT(error_words)) {
        table_add(table, error_words[number]);
    } else {
        add_cell(table, reply, at(&pointer, "/%zu/1", i));
    }
    text_free(&pointer);
}

static bool show_where(const struct arguments *args, const confd_reply *reply, struct text *out)
{
    struct table table = {"ll", NULL, 0, 0};
    const char *single = NULL;
    size_t count = 0;
    bool shaped = true;
    if (args->n_operands == 1 && confd_reply_string(reply, "", &single) == CONFD_OK) {
        table_add(&table, args->operands[0]);
        table_add(&table, single);
    } else {
        shaped = array_count(reply, "", &count) && count == args->n_operands;
        for (size_t i = 0; shaped && i < count; i++) {
            add_where_row(&table, reply, i, args->operands[i]);
        }
    }
    table_print(&table, out);
    table_free(&table);
    return shaped;
}

size_t where_failures(const struct arguments *args, const confd_reply *reply)
{
    struct text pointer = {NULL, 0, 0};
    size_t count = 0, failures = 0;
    if (array_count(reply, "", &count) && count == args->n_operands) {
        for (size_t i = 0; i < count; i++) {
            int64_t status = 0;
            failures += confd_reply_int(reply, at(&pointer, "/%zu/0", i), &status) != CONFD_OK || status != 0;
        }
    }
    text_free(&pointer);
    return failures;
}

/* Rows of [node, minor, instance, disk, role, peer]. */
static bool show_drbd(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"NODE", "MINOR", "INSTANCE", "DISK", "ROLE", "PEER", NULL};
    struct table table = {"lrllll", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    size_t count = 0;
    bool shaped = array_count(reply, "", &count);
    add_cells(&table, header);
    for (size_t i = 0; shaped && i < count; i++) {
        size_t width = 0;
        shaped = array_count(reply, at(&pointer, "/%zu", i), &width) && width == 6;
        for (size_t column = 0; shaped && column < width; column++) {
            add_cell(&table, reply, at(&pointer, "/%zu/%zu", i, column));
        }
    }
    if (shaped) {
        table_print(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

/* Two lists of instances, those that have the node as their primary and as their secondary. */
static bool show_instances(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"INSTANCE", "ROLE", "STATE", "OS", "HYPERVISOR", NULL};
    static const char *const members[] = {"admin_state", "os", "hypervisor"};
    static const char *const node_roles[] = {"primary", "secondary"};
    struct table table = {"lllll", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    size_t lists = 0;
    bool shaped = array_count(reply, "", &lists) && lists == COUNT(node_roles);
    add_cells(&table, header);
    for (size_t list = 0; shaped && list < COUNT(node_roles); list++) {
        size_t count = 0;
        shaped = array_count(reply, at(&pointer, "/%zu", list), &count);
        for (size_t i = 0; shaped && i < count; i++) {
            shaped = has(reply, at(&pointer, "/%zu/%zu/name", list, i));
            add_cell(&table, reply, text_string(&pointer));
            table_add(&table, node_roles[list]);
            for (size_t member = 0; member < COUNT(members); member++) {
                add_cell(&table, reply, at(&pointer, "/%zu/%zu/%s", list, i, members[member]));
            }
        }
    }
    if (shaped) {
        table_print(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

/* The nodes of a disk, in one cell. */
static void add_disk_nodes(struct table *table, const confd_reply *reply, size_t disk)
{
    struct text pointer = {NULL, 0, 0}, nodes = {NULL, 0, 0};
    const char *node = NULL;
    size_t count = 0;
    if (array_count(reply, at(&pointer, "/%zu/nodes", disk), &count)) {
        for (size_t i = 0; i < count; i++) {
            if (confd_reply_string(reply, at(&pointer, "/%zu/nodes/%zu", disk, i), &node) == CONFD_OK) {
                text_add(&nodes, nodes.length > 0 ? "," : "");
                text_add(&nodes, node);
            }
        }
    }
    table_add(table, nodes.length > 0 ? text_string(&nodes) : "-");
    text_free(&nodes);
    text_free(&pointer);
}

static void add_disk(struct table *table, const confd_reply *reply, size_t disk)
{
    struct text pointer = {NULL, 0, 0}, cell = {NULL, 0, 0};
    const char *name = NULL;
    int64_t size = 0;

    text_format(&cell, "%zu", disk);
    table_add(table, text_string(&cell));
    add_cell(table, reply, at(&pointer, "/%zu/dev_type", disk));

    text_clear(&cell);
    if (confd_reply_int(reply, at(&pointer, "/%zu/size", disk), &size) == CONFD_OK) {
        text_format(&cell, "%" PRId64 " MiB", size);
    }
    table_add(table, cell.length > 0 ? text_string(&cell) : "-");
    add_cell(table, reply, at(&pointer, "/%zu/mode", disk));

    /* A name is what its owner may give a disk; the UUID is always there. */
    bool named = confd_reply_string(reply, at(&pointer, "/%zu/name", disk), &name) == CONFD_OK && name[0] != '\0';
    add_cell(table, reply, at(&pointer, named ? "/%zu/name" : "/%zu/uuid", disk));
    add_disk_nodes(table, reply, disk);
    text_free(&cell);
    text_free(&pointer);
}

static bool show_disks(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"DISK", "TYPE", "SIZE", "MODE", "NAME/UUID", "NODES", NULL};
    struct table table = {"rlrlll", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    size_t count = 0;
    bool shaped = array_count(reply, "", &count);
    add_cells(&table, header);
    for (size_t i = 0; shaped && i < count; i++) {
        shaped = has(reply, at(&pointer, "/%zu/dev_type", i));
        add_disk(&table, reply, i);
    }
    if (shaped) {
        table_print(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

/* An object: a collector's name, and whether it is active and how often, in microseconds. */
static bool show_collectors(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"COLLECTOR", "ACTIVE", "INTERVAL", NULL};
    struct table table = {"llr", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0}, cell = {NULL, 0, 0};
    const char *name = NULL;
    size_t count = 0;
    bool shaped = confd_reply_count(reply, "", &count) == CONFD_OK;
    add_cells(&table, header);
    for (size_t i = 0; shaped && i < count; i++) {
        int64_t microseconds = 0;
        shaped = confd_reply_key(reply, "", i, &name) == CONFD_OK && has(reply, at_key(&pointer, name, "active"));
        if (shaped) {
            table_add(&table, name);
            add_cell(&table, reply, text_string(&pointer));
            text_clear(&cell);
            if (confd_reply_int(reply, at_key(&pointer, name, "interval"), &microseconds) == CONFD_OK) {
                text_format(&cell, "%.10g s", (double)microseconds / 1e6);
            }
            table_add(&table, cell.length > 0 ? text_string(&cell) : "-");
        }
    }
    if (shaped) {
        table_print(&table, out);
    }
    table_free(&table);
    text_free(&cell);
    text_free(&pointer);
    return shaped;
}

bool show(const struct arguments *args, const struct outcome *outcome, struct text *out)
{
    const confd_reply *reply = outcome->best->reply;
    switch (args->command->type) {
    case CONFD_REQ_PING:
        return show_ping(outcome, out);
    case CONFD_REQ_CLUSTER_MASTER:
        return show_string(reply, out);
    case CONFD_REQ_NODE_ROLE_BYNAME:
        return show_role(reply, out);
    case CONFD_REQ_NODE_PIP_BY_INSTANCE_IP:
        return show_where(args, reply, out);
    case CONFD_REQ_NODE_PIP_LIST:
    case CONFD_REQ_MC_PIP_LIST:
    case CONFD_REQ_INSTANCES_IPS_LIST:
        return show_addresses(reply, out);
    case CONFD_REQ_NODE_DRBD:
        return show_drbd(reply, out);
    case CONFD_REQ_NODE_INSTANCES:
        return show_instances(reply, out);
    case CONFD_REQ_INSTANCE_DISKS:
        return show_disks(reply, out);
    case CONFD_REQ_DATA_COLLECTORS:
        return show_collectors(reply, out);
    default:
        show_json(reply, out); /* config: anything */
        return true;
    }
}

void show_json(const confd_reply *reply, struct text *out)
{
    if (!show_string(reply, out)) {
        text_add_json(out, confd_reply_answer_json(reply), true);
        text_add(out, "\n");
    }
}

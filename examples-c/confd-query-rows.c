/* Answers for people that are tables: a function for each command, which knows the shape of its answer. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_cells(struct table *table, const char *const *cells)
{
    for (; *cells != NULL; cells++) {
        table_add(table, *cells);
    }
}

/* A table that has rows below its header; one without says nothing. */
static void print_rows(const struct table *table, struct text *out)
{
    if (table->count > strlen(table->align)) {
        table_print(table, out);
    }
}

bool show_drbd(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"NODE", "MINOR", "INSTANCE", "DISK", "ROLE", "PEER", NULL};
    struct table table = {"lrllll", NULL, 0, 0};
    confd_drbd_minor minor;
    confd_error error = CONFD_OK;
    add_cells(&table, header);
    for (size_t i = 0; (error = confd_reply_drbd_minor(reply, i, &minor)) == CONFD_OK; i++) {
        table_add_or_dash(&table, minor.node);
        table_format(&table, "%" PRId64, minor.minor);
        table_add_or_dash(&table, minor.instance);
        table_add_or_dash(&table, minor.disk);
        table_add_or_dash(&table, minor.role);
        table_add_or_dash(&table, minor.peer);
    }
    bool shaped = error == CONFD_ERR_NOT_FOUND; /* the end of the list */
    if (shaped) {
        print_rows(&table, out);
    }
    table_free(&table);
    return shaped;
}

/* Two lists of instances, those that have the node as their primary and as their secondary. */
bool show_instances(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"INSTANCE", "ROLE", "STATE", "OS", "HYPERVISOR", NULL};
    static const char *const members[] = {"admin_state", "os", "hypervisor"};
    static const char *const node_roles[] = {"primary", "secondary"};
    struct table table = {"lllll", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    size_t lists = 0;
    bool shaped = value_count(reply, "", &lists) && lists == COUNT(node_roles);
    add_cells(&table, header);
    for (size_t list = 0; shaped && list < COUNT(node_roles); list++) {
        size_t count = 0;
        shaped = value_count(reply, value_at(&pointer, "/%zu", list), &count);
        for (size_t i = 0; shaped && i < count; i++) {
            shaped = value_exists(reply, value_at(&pointer, "/%zu/%zu/name", list, i));
            table_add_value(&table, reply, text_string(&pointer));
            table_add(&table, node_roles[list]);
            for (size_t member = 0; member < COUNT(members); member++) {
                table_add_value(&table, reply, value_at(&pointer, "/%zu/%zu/%s", list, i, members[member]));
            }
        }
    }
    if (shaped) {
        print_rows(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

static void add_disk(struct table *table, const confd_reply *reply, size_t disk)
{
    struct text pointer = {NULL, 0, 0};
    const char *name = NULL;
    int64_t size = 0;

    table_format(table, "%zu", disk);
    table_add_value(table, reply, value_at(&pointer, "/%zu/dev_type", disk));
    if (confd_reply_int(reply, value_at(&pointer, "/%zu/size", disk), &size) == CONFD_OK) {
        table_format(table, "%" PRId64 " MiB", size);
    } else {
        table_add(table, "-");
    }
    table_add_value(table, reply, value_at(&pointer, "/%zu/mode", disk));

    /* A name is what its owner may give a disk; the UUID is always there. */
    bool named = confd_reply_string(reply, value_at(&pointer, "/%zu/name", disk), &name) == CONFD_OK && name[0] != '\0';
    table_add_value(table, reply, value_at(&pointer, named ? "/%zu/name" : "/%zu/uuid", disk));
    text_free(&pointer);
}

/* Without the nodes, which a disk has by UUID only: --json has them, and the command drbd knows their names. */
bool show_disks(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"DISK", "TYPE", "SIZE", "MODE", "NAME/UUID", NULL};
    struct table table = {"rlrll", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    size_t count = 0;
    bool shaped = value_count(reply, "", &count);
    add_cells(&table, header);
    for (size_t i = 0; shaped && i < count; i++) {
        shaped = value_exists(reply, value_at(&pointer, "/%zu/dev_type", i));
        add_disk(&table, reply, i);
    }
    if (shaped) {
        print_rows(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

/* An object: a collector's name, and whether it is active and how often, in microseconds. */
bool show_collectors(const confd_reply *reply, struct text *out)
{
    static const char *const header[] = {"COLLECTOR", "ACTIVE", "INTERVAL", NULL};
    struct table table = {"llr", NULL, 0, 0};
    struct text pointer = {NULL, 0, 0};
    const char *name = NULL;
    size_t count = 0;
    bool shaped = value_is(reply, "", CONFD_JSON_OBJECT) && confd_reply_count(reply, "", &count) == CONFD_OK;
    add_cells(&table, header);
    for (size_t i = 0; shaped && i < count; i++) {
        int64_t microseconds = 0;
        shaped = confd_reply_key(reply, "", i, &name) == CONFD_OK &&
                 value_exists(reply, value_at_key(&pointer, name, "active"));
        if (shaped) {
            table_add(&table, name);
            table_add_value(&table, reply, text_string(&pointer));
            if (confd_reply_int(reply, value_at_key(&pointer, name, "interval"), &microseconds) == CONFD_OK) {
                table_format(&table, "%.10g s", (double)microseconds / 1e6);
            } else {
                table_add(&table, "-");
            }
        }
    }
    if (shaped) {
        print_rows(&table, out);
    }
    table_free(&table);
    text_free(&pointer);
    return shaped;
}

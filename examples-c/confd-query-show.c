/* Answers for people. Each command's function knows the shape of its answer; one of another shape, from a server of
 * another version perhaps, is shown as JSON instead. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const error_words[] = {"unknown entry", "internal error", "wrong argument"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool show_ping(const struct arguments *args, const confd_result *result, struct text *out)
{
    int64_t version = 0;
    if (confd_reply_int(result->reply, "", &version) != CONFD_OK) {
        return false;
    }
    text_format(out, "configuration version %" PRId64, version);
    if (!args->watch) { /* which would take other numbers of servers for a change */
        text_format(out, " (%" PRIu32 " of %" PRIu32 " servers answered, %" PRIu32 " needed)", result->received,
                    result->sent, result->needed);
    }
    text_add(out, "\n");
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
    const char *name = confd_reply_int(reply, "", &role) == CONFD_OK ? confd_node_role_name(role) : NULL;
    if (name != NULL) {
        text_format(out, "%s\n", name);
    }
    return name != NULL;
}

/* IPv4 before IPv6 before anything else, then by number. */
static int compare_addresses(const void *left, const void *right)
{
    const char *const texts[] = {*(const char *const *)left, *(const char *const *)right};
    unsigned char bytes[2][16] = {{0}, {0}};
    int family[2];
    for (int i = 0; i < 2; i++) {
        bool is_v4 = inet_pton(AF_INET, texts[i], bytes[i]) == 1;
        bool is_v6 = !is_v4 && inet_pton(AF_INET6, texts[i], bytes[i]) == 1;
        family[i] = is_v4 ? 0 : is_v6 ? 1 : 2;
    }
    int order = family[0] != family[1] ? family[0] - family[1] : memcmp(bytes[0], bytes[1], sizeof bytes[0]);
    return order != 0 ? order : strcmp(texts[0], texts[1]);
}

/* Sorted: servers list them in an order that means nothing and differs from one to the next. */
static bool show_addresses(const confd_reply *reply, struct text *out)
{
    struct text pointer = {NULL, 0, 0};
    size_t count = 0;
    bool shaped = value_count(reply, "", &count);
    const char **addresses = calloc(count + 1, sizeof *addresses);
    if (addresses == NULL) {
        out_of_memory();
    }
    for (size_t i = 0; shaped && i < count; i++) {
        shaped = confd_reply_string(reply, value_at(&pointer, "/%zu", i), &addresses[i]) == CONFD_OK;
    }
    if (shaped) {
        qsort(addresses, count, sizeof *addresses, compare_addresses);
    }
    for (size_t i = 0; shaped && i < count; i++) {
        text_add_safe(out, addresses[i]);
        text_add(out, "\n");
    }
    free(addresses);
    text_free(&pointer);
    return shaped;
}

/* Why one of several IPs has no answer: its element is [status, error, serial]. */
static const char *where_error(const confd_reply *reply, size_t i, int32_t status)
{
    struct text pointer = {NULL, 0, 0};
    int64_t error = -1;
    (void)confd_reply_int(reply, value_at(&pointer, "/%zu/1", i), &error);
    text_free(&pointer);
    bool known = status == CONFD_STATUS_ERROR && error >= 0 && error < (int64_t)COUNT(error_words);
    return status == CONFD_STATUS_NOT_IMPLEMENTED ? "not implemented" : known ? error_words[error] : "unknown error";
}

static bool show_where(const struct arguments *args, const confd_reply *reply, struct text *out)
{
    struct table table = {"ll", NULL, 0, 0};
    const char *ip = NULL;
    size_t count = 0;
    bool shaped = true;
    if (args->n_operands == 1 && confd_reply_string(reply, "", &ip) == CONFD_OK) {
        table_add(&table, args->operands[0]);
        table_add(&table, ip);
    } else {
        shaped = value_count(reply, "", &count) && count == args->n_operands;
        for (size_t i = 0; shaped && i < count; i++) {
            int32_t status = 0;
            shaped = confd_reply_node_ip(reply, i, &status, &ip) == CONFD_OK;
            if (shaped) {
                table_add(&table, args->operands[i]);
                table_add(&table, ip != NULL ? ip : where_error(reply, i, status));
            }
        }
    }
    if (shaped) {
        table_print(&table, out);
    }
    table_free(&table);
    return shaped;
}

size_t where_failures(const struct arguments *args, const confd_reply *reply)
{
    size_t failures = 0;
    int32_t status = 0;
    const char *ip = NULL;
    for (size_t i = 0; i < args->n_operands && confd_reply_node_ip(reply, i, &status, &ip) == CONFD_OK; i++) {
        failures += status != CONFD_STATUS_OK;
    }
    return failures;
}

bool show(const struct arguments *args, const confd_result *result, struct text *out)
{
    const confd_reply *reply = result->reply;
    switch (args->command->type) {
    case CONFD_REQ_PING:
        return show_ping(args, result, out);
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

/* The command line: its commands and options. --help is in confd-query-help.c. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_DIR "/var/lib/ganeti"
#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_INTERVAL_MS 2000

static const struct command commands[] = {
    {"ping", CONFD_REQ_PING, 0, 0, "", false},
    {"master", CONFD_REQ_CLUSTER_MASTER, 0, 0, "", false},
    {"node-role", CONFD_REQ_NODE_ROLE_BYNAME, 1, 1, " NODE", false},
    {"where", CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, 1, INT_MAX, " [--link LINK] IP...|-", false},
    {"nodes", CONFD_REQ_NODE_PIP_LIST, 0, 0, "", false},
    {"candidates", CONFD_REQ_MC_PIP_LIST, 0, 0, "", false},
    {"instance-ips", CONFD_REQ_INSTANCES_IPS_LIST, 0, 1, " [LINK]", false},
    {"drbd", CONFD_REQ_NODE_DRBD, 1, 1, " NODE", false},
    {"instances", CONFD_REQ_NODE_INSTANCES, 1, 1, " NODE", true},
    {"disks", CONFD_REQ_INSTANCE_DISKS, 1, 1, " INSTANCE", false},
    {"config", CONFD_REQ_CONFIG_QUERY, 1, 1, " POINTER", true},
    {"collectors", CONFD_REQ_DATA_COLLECTORS, 0, 0, "", true},
};

/* Those without a letter have a number that is none. */
enum { OPTION_PORT = 256, OPTION_COVERAGE, OPTION_TIMEOUT, OPTION_RETRY, OPTION_LINK, OPTION_COUNT, OPTION_JSON };

static const struct option {
    int id;
    const char *name;
    bool takes_value;
} options[] = {
    {'d', "data-dir", true},
    {'p', "peers", true},
    {'k', "key-file", true},
    {OPTION_PORT, "port", true},
    {OPTION_COVERAGE, "coverage", true},
    {OPTION_TIMEOUT, "timeout", true},
    {OPTION_RETRY, "retry", true},
    {OPTION_LINK, "link", true},
    {'n', "interval", true},
    {OPTION_COUNT, "count", true},
    {OPTION_JSON, "json", false},
    {'v', "verbose", false},
    {'h', "help", false},
    {'V', "version", false},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool parse_number(const char *name, const char *value, long min, long max, long *out)
{
    char *end = NULL;
    bool digits = value[value[0] == '-'] >= '0' && value[value[0] == '-'] <= '9'; /* no space, no plus */
    errno = 0;
    long number = strtol(value, &end, 10);
    if (!digits || *end != '\0' || errno != 0 || number < min || number > max) {
        complain("--%s takes a whole number from %ld to %ld, not \"%s\"", name, min, max, value);
        return false;
    }
    *out = number;
    return true;
}

/* Seconds, perhaps with a fraction, as milliseconds. */
static bool parse_seconds(const char *name, const char *value, int32_t min_ms, int32_t *out)
{
    size_t whole = strspn(value, "0123456789");
    const char *rest = value + whole;
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    rest += *rest == '.' ? 1 + fraction : 0;
    /* Digits only: strtod would take "inf", hexadecimal and white space as well. */
    double seconds = whole + fraction > 0 && *rest == '\0' ? strtod(value, NULL) : -1;
    if (!(seconds >= min_ms / 1000.0 && seconds <= INT32_MAX / 1000)) {
        complain("--%s takes seconds from %g to %ld, not \"%s\"", name, min_ms / 1000.0, (long)(INT32_MAX / 1000),
                 value);
        return false;
    }
    *out = (int32_t)(seconds * 1000 + 0.5);
    return true;
}

static bool apply(struct arguments *args, const struct option *option, const char *value)
{
    long number = 0;
    switch (option->id) {
    case 'd':
        args->data_dir = value;
        return true;
    case 'p':
        if (args->peers.length > 0) {
            text_add(&args->peers, ",");
        }
        text_add(&args->peers, value);
        return true;
    case 'k':
        args->key_file = value;
        return true;
    case OPTION_PORT:
        if (!parse_number(option->name, value, 1, 65535, &number)) {
            return false;
        }
        args->port = (uint16_t)number;
        return true;
    case OPTION_COVERAGE:
        if (!parse_number(option->name, value, -1, INT32_MAX, &number)) {
            return false;
        }
        args->coverage = (int32_t)number;
        return true;
    case OPTION_TIMEOUT:
        return parse_seconds(option->name, value, 1, &args->timeout_ms);
    case OPTION_RETRY:
        return parse_seconds(option->name, value, 0, &args->retry_ms);
    case 'n':
        args->watch_option = option->name;
        return parse_seconds(option->name, value, 1, &args->interval_ms);
    case OPTION_COUNT:
        args->watch_option = option->name;
        return parse_number(option->name, value, 1, LONG_MAX, &args->count);
    case OPTION_LINK:
        args->link = value;
        return true;
    case OPTION_JSON:
        args->json = true;
        return true;
    default:
        args->verbose = true;
        return true;
    }
}

static const struct option *find_long(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static const struct option *find_short(char letter)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        if (options[i].id == letter) {
            return &options[i];
        }
    }
    return NULL;
}

/* One argument that starts with a dash; `next` is what follows it on the command line, or NULL. */
static enum parsed parse_option(struct arguments *args, const char *argument, const char *next, bool *took_next)
{
    bool is_long = argument[1] == '-';
    const char *at = argument + (is_long ? 2 : 1);
    while (*at != '\0') {
        size_t length = is_long ? strcspn(at, "=") : 1;
        const struct option *option = is_long ? find_long(at, length) : find_short(*at);
        if (option == NULL) {
            complain("unknown option \"%s\"", argument);
            return PARSED_WRONG;
        }
        if (option->id == 'h') {
            return PARSED_HELP;
        }
        if (option->id == 'V') {
            return PARSED_VERSION;
        }
        const char *value = NULL;
        at += length;
        if (is_long && *at == '=') {
            value = at + 1;
        } else if (!is_long && *at != '\0' && option->takes_value) {
            value = at;
        } else if (option->takes_value) {
            value = next;
            *took_next = true;
        }
        if (option->takes_value != (value != NULL)) {
            complain("option --%s %s", option->name, option->takes_value ? "needs a value" : "takes no value");
            return PARSED_WRONG;
        }
        if (!apply(args, option, value)) {
            return PARSED_WRONG;
        }
        if (is_long || value != NULL) {
            break;
        }
    }
    return PARSED_COMMAND;
}

static bool is_address(const char *string)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, string, bytes) == 1 || inet_pton(AF_INET6, string, bytes) == 1;
}

/* `-` among the addresses stands for those on standard input. */
static bool read_addresses(struct arguments *args)
{
    char bytes[4096];
    size_t got, kept = 0;
    bool asked = false;
    for (size_t i = 0; i < args->n_operands; i++) {
        if (strcmp(args->operands[i], "-") == 0) {
            asked = true;
        } else {
            args->operands[kept++] = args->operands[i];
        }
    }
    args->n_operands = kept;
    while (asked && (got = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
        text_add_bytes(&args->input, bytes, got);
    }
    if (asked && ferror(stdin)) {
        complain("cannot read standard input: %s", strerror(errno));
        return false;
    }
    if (args->input.length != strlen(text_string(&args->input))) {
        complain("standard input is not text");
        return false;
    }
    /* An address and its separator take two bytes at least. */
    const char **operands = realloc(args->operands, (kept + args->input.length / 2 + 1) * sizeof *operands);
    if (operands == NULL) {
        out_of_memory();
    }
    args->operands = operands;
    char *ip = asked && args->input.length > 0 ? strtok(args->input.at, " \t\r\n") : NULL;
    for (; ip != NULL; ip = strtok(NULL, " \t\r\n")) {
        args->operands[args->n_operands++] = ip;
    }
    if (args->n_operands == 0) {
        complain("standard input has no IP address");
        return false;
    }
    for (size_t i = 0; i < args->n_operands; i++) {
        if (!is_address(args->operands[i])) {
            complain("\"%s\" is not an IP address", args->operands[i]);
            return false;
        }
    }
    return true;
}

static void shift_operand(struct arguments *args)
{
    args->n_operands--;
    memmove(args->operands, args->operands + 1, args->n_operands * sizeof *args->operands);
}

/* The first operand is the command, the one behind `watch` where it begins with that; the others are its own. */
static bool choose_command(struct arguments *args)
{
    if (args->n_operands > 0 && strcmp(args->operands[0], "watch") == 0) {
        args->watch = true;
        shift_operand(args);
    }
    if (args->n_operands == 0) {
        complain("which command?");
        return false;
    }
    const char *name = args->operands[0];
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            args->command = &commands[i];
        }
    }
    if (args->command == NULL) {
        complain("unknown command \"%s\"", name);
        return false;
    }
    shift_operand(args);
    if (args->n_operands < (size_t)args->command->min_operands ||
        args->n_operands > (size_t)args->command->max_operands) {
        complain("wrong number of arguments: confd-query %s%s", name, args->command->operands);
        return false;
    }
    if (args->watch_option != NULL && !args->watch) {
        complain("--%s is an option of the command watch", args->watch_option);
        return false;
    }
    bool where = args->command->type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP;
    if (args->link != NULL && !where) {
        complain("--link is an option of the command where");
        return false;
    }
    if (args->command->type == CONFD_REQ_CONFIG_QUERY && args->operands[0][0] != '/' && args->operands[0][0] != '\0') {
        complain("a JSON pointer starts with a slash: \"/%s\"?", args->operands[0]);
        return false;
    }
    return !where || read_addresses(args);
}

enum parsed arguments_parse(struct arguments *args, int argc, char **argv)
{
    bool options_ended = false;
    args->data_dir = DATA_DIR;
    args->timeout_ms = DEFAULT_TIMEOUT_MS;
    args->retry_ms = -1;
    args->interval_ms = DEFAULT_INTERVAL_MS;
    args->operands = calloc(argc > 0 ? (size_t)argc : 1, sizeof *args->operands);
    if (args->operands == NULL) {
        out_of_memory();
    }
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            args->operands[args->n_operands++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
        } else {
            bool took_next = false;
            enum parsed parsed = parse_option(args, argument, i + 1 < argc ? argv[i + 1] : NULL, &took_next);
            if (parsed != PARSED_COMMAND) {
                return parsed;
            }
            i += took_next;
        }
    }
    return choose_command(args) ? PARSED_COMMAND : PARSED_WRONG;
}

void arguments_free(struct arguments *args)
{
    free(args->operands);
    text_free(&args->peers);
    text_free(&args->input);
}

/* The command line: commands, options, and the help that teaches them. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE "/var/lib/ganeti/hmac.key"
#define DEFAULT_TIMEOUT_MS 10000

static const struct command commands[] = {
    {"ping", CONFD_REQ_PING, 0, 0, "", false},
    {"master", CONFD_REQ_CLUSTER_MASTER, 0, 0, "", false},
    {"node-role", CONFD_REQ_NODE_ROLE_BYNAME, 1, 1, " NODE", false},
    {"where", CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, 1, INT_MAX, " [--link LINK] IP...", false},
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
enum { OPTION_PORT = 256, OPTION_COVERAGE, OPTION_TIMEOUT, OPTION_JSON, OPTION_LINK };

static const struct option {
    int id;
    const char *name;
    bool takes_value;
} options[] = {
    {'p', "peers", true},
    {'k', "key-file", true},
    {OPTION_PORT, "port", true},
    {OPTION_COVERAGE, "coverage", true},
    {OPTION_TIMEOUT, "timeout", true},
    {OPTION_LINK, "link", true},
    {OPTION_JSON, "json", false},
    {'v', "verbose", false},
    {'h', "help", false},
    {'V', "version", false},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

void help_print(struct text *text)
{
    text_add(text,
        "Usage: confd-query [OPTION]... COMMAND [ARGUMENT]...\n"
        "Ask the ganeti-confd servers of a Ganeti cluster, and print the answer.\n"
        "\n"
        "The question goes to several master candidates. When enough of them have\n"
        "replied, the best reply is printed: an answer beats an error, and among answers\n"
        "the highest configuration serial wins.\n"
        "\n"
        "Commands:\n"
        "  ping                 are the servers alive, which configuration version is it\n"
        "  master               name of the master node\n"
        "  node-role NODE       master, candidate, offline, drained or regular\n"
        "  where IP...          primary IP of the node that runs the instance of an IP\n"
        "  nodes                primary IPs of all nodes\n"
        "  candidates           primary IPs of the master candidates\n"
        "  instance-ips [LINK]  IPs of the instances, on the default link or on this one\n"
        "  drbd NODE            DRBD minors of a node\n"
        "  instances NODE       instances of a node, primary and secondary\n"
        "  disks INSTANCE       disks of an instance, given by name or UUID\n"
        "  config POINTER       part of the configuration, by JSON pointer, such as\n"
        "                       /cluster/cluster_name (in keys, ~1 for / and ~0 for ~)\n"
        "  collectors           the data collectors\n"
        "\n"
        "Options, before or after the command (-- ends them):\n"
        "  -p, --peers LIST       servers to ask: addresses, each perhaps with its port,\n"
        "                         separated by commas; may be repeated. Default: those in\n"
        "                         /var/lib/ganeti/ssconf_master_candidates_ips\n"
        "  -k, --key-file FILE    the cluster's key; default /var/lib/ganeti/hmac.key\n"
        "      --port N           UDP port of servers that are named without one;\n"
        "                         default: that of the service ganeti-confd, else 1814\n"
        "      --coverage N       how many servers to ask: 0, the default, for up to 6,\n"
        "                         -1 for all\n"
        "      --timeout SECONDS  how long to wait for replies; default 10; 0.5 is fine\n"
        "      --link LINK        for where: the instances' link, if not the default one\n"
        "      --json             print one JSON object, also when nobody replied\n"
        "  -v, --verbose          tell on stderr who replied what, and which reply won\n"
        "  -h, --help             print this help\n"
        "  -V, --version          print the version\n"
        "\n"
        "The key file holds the key that all nodes of a cluster share. It is used byte by\n"
        "byte: the newline at the end of Ganeti's own file is part of the key, so copy\n"
        "the file, do not retype it.\n"
        "\n"
        "Exit codes:\n"
        "  0  answered\n"
        "  1  no reply or too few (the best of too few is printed, with a warning); also\n"
        "     when the system fails, as when standard output cannot be written\n"
        "  2  wrong usage, or servers or a key that cannot be read\n"
        "  3  the servers answered with an error; where with several IPs: for any of them\n"
        "\n"
        "Examples:\n"
        "  confd-query master\n"
        "  confd-query -p 192.0.2.1,192.0.2.2 -k ./hmac.key ping -v\n"
        "  confd-query -p '[2001:db8::1]:2000' --timeout 0.5 node-role node1.example.com\n"
        "  confd-query where 198.51.100.7 198.51.100.8\n"
        "  confd-query --json config /cluster/enabled_hypervisors | jq -r '.answer[]'\n");
}

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
static bool parse_timeout(const char *value, int32_t *out)
{
    size_t whole = strspn(value, "0123456789");
    const char *rest = value + whole;
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    rest += *rest == '.' ? 1 + fraction : 0;
    /* Digits only: strtod would take "inf", hexadecimal and white space as well. */
    double seconds = whole + fraction > 0 && *rest == '\0' ? strtod(value, NULL) : 0;
    if (!(seconds >= 0.001 && seconds <= INT32_MAX / 1000)) {
        complain("--timeout takes seconds from 0.001 to %ld, not \"%s\"", (long)(INT32_MAX / 1000), value);
        return false;
    }
    *out = (int32_t)(seconds * 1000 + 0.5);
    return true;
}

static bool apply(struct arguments *args, const struct option *option, const char *value)
{
    long number = 0;
    switch (option->id) {
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
        return parse_timeout(value, &args->timeout_ms);
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

/* The first operand is the command; the others are its own. */
static bool choose_command(struct arguments *args)
{
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
    args->n_operands--;
    memmove(args->operands, args->operands + 1, args->n_operands * sizeof *args->operands);
    if (args->n_operands < (size_t)args->command->min_operands ||
        args->n_operands > (size_t)args->command->max_operands) {
        complain("wrong number of arguments: confd-query %s%s", name, args->command->operands);
        return false;
    }
    if (args->link != NULL && args->command->type != CONFD_REQ_NODE_PIP_BY_INSTANCE_IP) {
        complain("--link is an option of the command where");
        return false;
    }
    for (size_t i = 0; args->command->type == CONFD_REQ_NODE_PIP_BY_INSTANCE_IP && i < args->n_operands; i++) {
        if (!is_address(args->operands[i])) {
            complain("\"%s\" is not an IP address", args->operands[i]);
            return false;
        }
    }
    if (args->command->type == CONFD_REQ_CONFIG_QUERY && args->operands[0][0] != '/' && args->operands[0][0] != '\0') {
        complain("a JSON pointer starts with a slash: \"/%s\"?", args->operands[0]);
        return false;
    }
    return true;
}

enum parsed arguments_parse(struct arguments *args, int argc, char **argv)
{
    bool options_ended = false;
    args->key_file = KEY_FILE;
    args->timeout_ms = DEFAULT_TIMEOUT_MS;
    args->operands = calloc(argc > 0 ? (size_t)argc : 1, sizeof *args->operands);
    if (args->operands == NULL) {
        complain("out of memory");
        return PARSED_WRONG;
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
}

/*
 * confd-query, the command-line tool: asks the ganeti-confd servers of a cluster one question.
 *
 *     cc confd-query*.c -o confd-query -lconfdclient
 *     ./confd-query --help
 */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A caller may have closed standard descriptors. Taken up, they cannot become the library's socket, which would then
 * be written to; read-only, a write to them fails as it should. */
static void fill_standard_descriptors(void)
{
    int fd = -1;
    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

static int print_and_exit(void (*print)(struct text *))
{
    struct text text = {NULL, 0, 0};
    print(&text);
    int code = write_out(&text) ? EXIT_ANSWERED : EXIT_TOO_FEW;
    text_free(&text);
    return code;
}

static void version_print(struct text *text)
{
    text_format(text, "confd-query (libconfdclient) %s\n", confd_version());
}

int main(int argc, char **argv)
{
    struct arguments args = {.command = NULL};
    int code = EXIT_USAGE;
    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, with a message */
    switch (arguments_parse(&args, argc, argv)) {
    case PARSED_COMMAND:
        code = ask(&args);
        break;
    case PARSED_HELP:
        code = print_and_exit(help_print);
        break;
    case PARSED_VERSION:
        code = print_and_exit(version_print);
        break;
    case PARSED_WRONG:
        break;
    }
    if (code == EXIT_USAGE) {
        fputs("Try 'confd-query --help'.\n", stderr);
    }
    arguments_free(&args);
    return close_out() ? code : EXIT_TOO_FEW;
}

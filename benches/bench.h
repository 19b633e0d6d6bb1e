/*
 * What the benchmark programs share: clocks, complaints, peers and their results.
 *
 * A program prints one result a line, "name value"; run.py makes the table of them. The peers are always
 * 127.0.0.1, 127.0.0.2 and so on, at one port.
 */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <confdclient.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define BENCH_KEY "a key for the benchmarks\n"
#define BENCH_KEY_LEN (sizeof BENCH_KEY - 1)
#define BENCH_MAX_PEERS 16
/* So that valgrind finds it by its name. */
#define BENCH_NOINLINE __attribute__((noinline))

static inline double clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Processor time of this process, user and system. */
static inline double cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static inline double wall_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static inline void report(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}

static inline void give_up(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* A failed system call. */
static inline void check(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

/* A failed call of the library. */
static inline void must(confd_error error, const char *what)
{
    if (error != CONFD_OK) {
        fprintf(stderr, "%s: %s (%s)\n", what, confd_strerror(error), confd_last_error());
        exit(1);
    }
}

static inline long number(int argc, char **argv, int index)
{
    if (index >= argc) {
        give_up("an argument is missing: see run.py");
    }
    return strtol(argv[index], NULL, 10);
}

static inline const char *const *peer_list(void)
{
    static char text[BENCH_MAX_PEERS][16];
    static const char *list[BENCH_MAX_PEERS];
    for (int i = 0; i < BENCH_MAX_PEERS; i++) {
        snprintf(text[i], sizeof text[i], "127.0.0.%d", i + 1);
        list[i] = text[i];
    }
    return list;
}

static inline struct sockaddr_in peer_address(unsigned index, int port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index);
    return address;
}

static inline confd_options *options_for(int port)
{
    confd_options *options;
    must(confd_options_new(&options), "options");
    must(confd_options_set_port(options, (uint16_t)port), "port");
    return options;
}

/* Takes the options, too. */
static inline confd_client *client_with(confd_options *options, size_t n_peers, confd_upcall_fn callback, void *data)
{
    confd_client *client;
    must(confd_client_new(BENCH_KEY, BENCH_KEY_LEN, peer_list(), n_peers, callback, data, options, &client), "client");
    confd_options_free(options);
    return client;
}

static inline confd_request *ping_request(void)
{
    confd_request *request;
    must(confd_request_new(CONFD_REQ_PING, NULL, &request), "request");
    return request;
}

static inline confd_stats stats_of(confd_client *client)
{
    confd_stats stats;
    must(confd_client_stats(client, &stats, sizeof stats), "stats");
    return stats;
}

static inline void no_upcall(confd_client *client, const confd_upcall *upcall, void *data)
{
    (void)client;
    (void)upcall;
    (void)data;
}

#endif

/*
 * Many requests outstanding: own I/O, coverage 6, ping.
 *
 *     scale replies COUNT BATCHES   time of a reply while COUNT requests are outstanding; memory of each of them.
 *                                   A batch is the 6 replies to each of 1,000 random ones, mixed; then one reply to
 *                                   each of 1,000 others
 *     scale expire COUNT MS         they all expire: time of each, and the longest call
 */
#include "reply.h"
#ifdef __has_include
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define RUNNING_ON_VALGRIND 0
#endif

#define PEERS 6
#define BATCH 1000
#define PORT 1814

typedef char salt_text[40];

static char replies[BATCH * PEERS][REPLY_ROOM];
static size_t lengths[BATCH * PEERS];
static const char *from[BATCH * PEERS];
static long delivered, expired;

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *data)
{
    (void)client;
    (void)data;
    delivered += upcall->type == CONFD_UPCALL_REPLY;
    expired += upcall->type == CONFD_UPCALL_EXPIRE;
}

static confd_client *new_client(int expire_ms)
{
    confd_options *options = options_for(PORT);
    must(confd_options_set_external_io(options, 1), "external_io");
    must(confd_options_set_expire_ms(options, expire_ms), "expire_ms");
    return client_with(options, PEERS, on_upcall, NULL);
}

static void ask(confd_client *client, char *salt)
{
    confd_datagram datagram;
    confd_request *request = ping_request();
    must(confd_client_send(client, request, PEERS, 0, NULL), "send");
    strcpy(salt, confd_request_salt(request));
    confd_request_free(request);
    while (confd_client_poll_transmit(client, &datagram) == CONFD_OK) {
    }
}

static double resident_bytes(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file != NULL && fscanf(file, "%ld %ld", &total, &resident) == 2, "/proc/self/statm");
    fclose(file);
    return (double)resident * 4096;
}

/* Numbers that look random, the same in each run. */
static unsigned long chance(unsigned long below)
{
    static unsigned long long state = 42;
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned long)(state >> 33) % below;
}

/* Brings random salts to the first places. */
static void choose(salt_text *salts, unsigned long count, unsigned long wanted)
{
    for (unsigned long i = 0; i < wanted; i++) {
        unsigned long other = i + chance(count - i);
        salt_text kept;
        memcpy(kept, salts[i], sizeof kept);
        memcpy(salts[i], salts[other], sizeof kept);
        memcpy(salts[other], kept, sizeof kept);
    }
}

static void prepare(salt_text *salts, long requests, int peers)
{
    for (int peer = 0; peer < peers; peer++) {
        for (long i = 0; i < requests; i++) {
            long place = peer * requests + i;
            lengths[place] = make_reply(replies[place], salts[i]);
            from[place] = peer_list()[peer];
        }
    }
}

static BENCH_NOINLINE void deliver(confd_client *client, long count)
{
    for (long i = 0; i < count; i++) {
        must(confd_client_handle_datagram(client, replies[i], lengths[i], from[i], PORT), "handle_datagram");
    }
}

static double timed(confd_client *client, long count)
{
    long before = delivered;
    CALLGRIND_START_INSTRUMENTATION;
    double start = cpu_us(), used;
    deliver(client, count);
    used = cpu_us() - start;
    CALLGRIND_STOP_INSTRUMENTATION;
    if (delivered - before != count) {
        give_up("a reply was not delivered");
    }
    return used / (double)count;
}

static void measure_replies(unsigned long count, long batches)
{
    salt_text *salts = malloc(count * sizeof *salts);
    check(salts != NULL, "malloc");
    memset(salts, 1, count * sizeof *salts);
    /* Never in this program's time. */
    confd_client *client = new_client(3600000);
    double before = resident_bytes(), together = 0, apart = 0;
    for (unsigned long i = 0; i < count; i++) {
        ask(client, salts[i]);
    }
    report("bytes", (resident_bytes() - before) / (double)count);
    for (long batch = 0; batch <= batches; batch++) {
        choose(salts, count, BATCH);
        prepare(salts, BATCH, PEERS);
        double us = timed(client, BATCH * PEERS);
        for (int i = 0; i < BATCH; i++) {
            must(confd_client_cancel(client, salts[i]), "cancel");
            ask(client, salts[i]);
        }
        /* The first batch warms up. */
        together += batch > 0 ? us : 0;
        if (count > BATCH && !RUNNING_ON_VALGRIND) {
            choose(salts, count, BATCH);
            prepare(salts, BATCH, 1);
            apart += batch > 0 ? timed(client, BATCH) : (timed(client, BATCH), 0);
            for (int i = 0; i < BATCH; i++) {
                must(confd_client_cancel(client, salts[i]), "cancel");
                ask(client, salts[i]);
            }
        }
    }
    report("us_per_reply", together / (double)batches);
    report("us_per_reply_apart", apart / (double)batches);
    report("replies", (double)((batches + 1) * BATCH * PEERS));
    confd_client_free(client);
    free(salts);
}

static void measure_expiry(long count, int expire_ms)
{
    salt_text salt;
    double start = wall_us(), used = 0, longest = 0;
    long most = 0;
    confd_client *client = new_client(expire_ms);
    for (long i = 0; i < count; i++) {
        ask(client, salt);
    }
    if (wall_us() - start > 1e3 * expire_ms) {
        give_up("the first requests expired before the last was asked");
    }
    /* Until the last is due. */
    double due = wall_us() + 1e3 * expire_ms + 1e3;
    while (wall_us() < due) {
        struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
    }
    while (expired < count) {
        long ended = expired;
        double before = cpu_us();
        must(confd_client_expire(client), "expire");
        double took = cpu_us() - before;
        ended = expired - ended;
        used += took;
        longest = took > longest ? took : longest;
        most = ended > most ? ended : most;
    }
    report("us_per_expiry", used / (double)count);
    report("most_per_call", (double)most);
    report("longest_ms", longest / 1e3);
    confd_client_free(client);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "replies") == 0) {
        measure_replies((unsigned long)number(argc, argv, 2), number(argc, argv, 3));
    } else {
        measure_expiry(number(argc, argv, 2), (int)number(argc, argv, 3));
    }
    return 0;
}

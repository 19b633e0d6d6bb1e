/*
 * The library under load: so many requests in flight, a new one for each that is answered, for so long.
 *
 *     load WAY PORT COVERAGE IN-FLIGHT WARM-UP-MS MS EXPIRE-MS
 *
 * WAY: send      confd_client_send() without flags, from the callback; confd_client_receive()
 *      queued    the same with CONFD_SEND_QUEUED
 *      async     confd_client_query_async() from the completion; confd_client_receive()
 *      poll      as queued, with poll() on the descriptor and confd_client_process()
 */
#include "bench.h"
#include <poll.h>

struct load {
    confd_client *client;
    int coverage;
    uint32_t flags;
    int queries;
    int over;
};

static void on_result(confd_client *client, const confd_result *result, void *data);

static void ask(struct load *load)
{
    if (load->over) {
        return;
    }
    confd_request *request = ping_request();
    if (load->queries) {
        must(confd_client_query_async(load->client, request, load->coverage, 1000, on_result, load), "query_async");
    } else {
        must(confd_client_send(load->client, request, load->coverage, load->flags, NULL), "send");
    }
    confd_request_free(request);
}

static void on_result(confd_client *client, const confd_result *result, void *data)
{
    (void)client;
    (void)result;
    ask(data);
}

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *data)
{
    (void)client;
    if (upcall->type == CONFD_UPCALL_REPLY) {
        if (upcall->received == upcall->sent) {
            ask(data);
        }
    } else if (upcall->received < upcall->sent) {
        /* Something was lost; the load goes on. */
        ask(data);
    }
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    int port = (int)number(argc, argv, 2), coverage = (int)number(argc, argv, 3);
    long in_flight = number(argc, argv, 4);
    double warm_up = 1e3 * (double)number(argc, argv, 5), length = 1e3 * (double)number(argc, argv, 6);
    confd_options *options = options_for(port);
    must(confd_options_set_expire_ms(options, (int32_t)number(argc, argv, 7)), "expire_ms");
    struct load load = {NULL, coverage, strcmp(way, "send") == 0 ? 0 : CONFD_SEND_QUEUED, strcmp(way, "async") == 0, 0};
    load.client = client_with(options, (size_t)coverage, on_upcall, &load);

    int by_poll = strcmp(way, "poll") == 0;
    struct pollfd poll_fd = {by_poll ? confd_client_fd(load.client) : -1, POLLIN, 0};
    for (long i = 0; i < in_flight; i++) {
        ask(&load);
    }
    must(confd_client_flush(load.client), "flush");

    double cpu = 0, calls = 0, start = wall_us();
    confd_stats before = stats_of(load.client);
    for (int warm = 0;;) {
        if (by_poll) {
            check(poll(&poll_fd, 1, 200) >= 0, "poll");
            must(confd_client_process(load.client), "process");
        } else {
            must(confd_client_receive(load.client, 200, NULL), "receive");
        }
        calls += 1;
        double elapsed = wall_us() - start;
        if (!warm && elapsed >= warm_up) {
            warm = 1;
            before = stats_of(load.client);
            calls = 0;
            cpu = cpu_us();
        } else if (warm && elapsed >= warm_up + length) {
            break;
        }
    }
    cpu = cpu_us() - cpu;
    confd_stats after = stats_of(load.client);
    double replies = (double)(after.replies - before.replies);
    report("us_per_reply", cpu / replies);
    report("replies", replies);
    report("replies_per_call", replies / calls);
    report("dropped", (double)(after.dropped_overflow - before.dropped_overflow));
    report("outstanding", (double)after.outstanding);
    load.over = 1;
    confd_client_free(load.client);
    return 0;
}

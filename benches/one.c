/*
 * One question at a time: the blocking query against plain sendto() and recvfrom() of a prebuilt datagram, by turns of
 * 500 in one process. What one took is the median of the turns, and the ratio that of the pairs of neighbours: a turn
 * that something else has disturbed then counts no more than any other.
 *
 *     one PORT PAIRS [ours]
 *
 * With "ours" only the queries, for counting their system calls.
 */
#include "bench.h"

#define TURN 500

static double *latencies[2], *cpu[2];
static long done[2];

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, long count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

static size_t prebuild(char *out, size_t room, int port)
{
    confd_datagram datagram;
    confd_options *options = options_for(port);
    must(confd_options_set_external_io(options, 1), "external_io");
    confd_client *client = client_with(options, 1, no_upcall, NULL);
    confd_request *request = ping_request();
    must(confd_client_send(client, request, 1, 0, NULL), "send");
    must(confd_client_poll_transmit(client, &datagram), "poll_transmit");
    confd_request_free(request);
    size_t len = datagram.len;
    if (len > room) {
        give_up("a ping is too long");
    }
    memcpy(out, datagram.data, len);
    confd_client_free(client);
    return len;
}

static void ask_raw(int fd, const char *datagram, size_t len, const struct sockaddr_in *to)
{
    char reply[2048];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    check(sendto(fd, datagram, len, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)len, "sendto");
    check(recvfrom(fd, reply, sizeof reply, 0, (struct sockaddr *)&from, &from_len) > 0, "recvfrom");
}

static void ask_ours(confd_client *client)
{
    confd_result *result;
    confd_request *request = ping_request();
    must(confd_client_query(client, request, 1, 2000, &result), "query");
    if (result->outcome != CONFD_OUTCOME_ANSWERED) {
        give_up("a query was not answered");
    }
    confd_result_free(result);
    confd_request_free(request);
}

/* A turn of one way: the processor time of a question, in us. */
static double take_turn(int ours, confd_client *client, int fd, const char *datagram, size_t len,
                        const struct sockaddr_in *to)
{
    double start_cpu = cpu_us(), before = wall_us();
    for (int i = 0; i < TURN; i++) {
        if (ours) {
            ask_ours(client);
        } else {
            ask_raw(fd, datagram, len, to);
        }
        double now = wall_us();
        latencies[ours][done[ours]++] = now - before;
        before = now;
    }
    return (cpu_us() - start_cpu) / TURN;
}

int main(int argc, char **argv)
{
    int port = (int)number(argc, argv, 1), only_ours = argc > 3;
    long pairs = number(argc, argv, 2);
    char datagram[1024];
    size_t len = prebuild(datagram, sizeof datagram, port);
    struct sockaddr_in to = peer_address(0, port);
    struct timeval patience = {2, 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "socket");
    confd_client *client = client_with(options_for(port), 1, no_upcall, NULL);
    double *ratios = calloc((size_t)pairs, sizeof(double));
    for (int way = 0; way < 2; way++) {
        latencies[way] = calloc((size_t)(pairs * TURN), sizeof(double));
        cpu[way] = calloc((size_t)pairs, sizeof(double));
    }
    ask_ours(client);
    for (long pair = 0; pair < pairs; pair++) {
        /* Raw and ours, ours and raw. */
        for (int turn = only_ours; turn < 2; turn++) {
            int ours = only_ours || turn != pair % 2;
            cpu[ours][pair] = take_turn(ours, client, fd, datagram, len, &to);
        }
        ratios[pair] = cpu[1][pair] / cpu[0][pair];
    }
    report("questions", (double)done[1]);
    report("ours_cpu_us", median(cpu[1], pairs));
    report("ours_p50_us", median(latencies[1], done[1]));
    if (!only_ours) {
        report("raw_cpu_us", median(cpu[0], pairs));
        report("raw_p50_us", median(latencies[0], done[0]));
        report("cpu_ratio", median(ratios, pairs));
    }
    confd_client_free(client);
    return 0;
}

/*
 * A burst: 10,000 requests queued, coverage 6, one flush. Is every reply delivered?
 *
 *     burst PORT REQUESTS RECEIVE-BUFFER
 *
 * RECEIVE-BUFFER: bytes to ask for; 0: the default.
 */
#include "bench.h"

#define COVERAGE 6
#define QUIET_MS 2000

static long delivered, expired;

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *data)
{
    (void)client;
    (void)data;
    delivered += upcall->type == CONFD_UPCALL_REPLY;
    expired += upcall->type == CONFD_UPCALL_EXPIRE;
}

/* What the library's socket has for a receive buffer. */
static double buffer_of_the_socket(void)
{
    for (int fd = 3; fd < 64; fd++) {
        int type = 0, size = 0;
        socklen_t len = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM) {
            check(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len) == 0, "SO_RCVBUF");
            return size;
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    int port = (int)number(argc, argv, 1);
    long requests = number(argc, argv, 2), buffer = number(argc, argv, 3);
    confd_options *options = options_for(port);
    if (buffer > 0) {
        must(confd_options_set_receive_buffer(options, (size_t)buffer), "receive_buffer");
    }
    confd_client *client = client_with(options, COVERAGE, on_upcall, NULL);
    for (long i = 0; i < requests; i++) {
        confd_request *request = ping_request();
        must(confd_client_send(client, request, COVERAGE, CONFD_SEND_QUEUED, NULL), "send");
        confd_request_free(request);
    }
    double start = wall_us(), cpu = cpu_us(), last = start;
    must(confd_client_flush(client), "flush");
    double flushed = wall_us();
    /* What is late by more than two seconds is lost. */
    while (delivered < requests * COVERAGE && expired == 0 && wall_us() - last < 1e3 * QUIET_MS) {
        long before = delivered;
        must(confd_client_receive(client, QUIET_MS, NULL), "receive");
        if (delivered > before) {
            last = wall_us();
        }
    }
    confd_stats stats = stats_of(client);
    report("buffer", buffer_of_the_socket());
    report("delivered", (double)delivered);
    report("expected", (double)(requests * COVERAGE));
    report("sent", (double)stats.datagrams_out);
    report("dropped", (double)stats.dropped_overflow);
    report("flush_ms", (flushed - start) / 1e3);
    report("ms", (last - start) / 1e3);
    report("us_per_reply", (cpu_us() - cpu) / (double)delivered);
    confd_client_free(client);
    return 0;
}

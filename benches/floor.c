/*
 * The floor: what the system calls alone cost. Prebuilt datagrams, whole batches in both directions, nothing signed,
 * parsed or matched; one call that waits and reads, and one that sends.
 *
 *     floor PORT COVERAGE IN-FLIGHT WARM-UP-MS MS
 */
#include "bench.h"
#include <errno.h>

#define MOST 256
#define ROOM 2048

static struct mmsghdr out[MOST], in[MOST];
static struct iovec out_parts[MOST], in_parts[MOST];
static struct sockaddr_in to[MOST], from[MOST];
static char datagrams[MOST][1024], buffers[MOST][ROOM];

/* Signed pings, by a client that sends nothing itself. */
static void prebuild(unsigned count, unsigned coverage, int port)
{
    confd_options *options = options_for(port);
    must(confd_options_set_external_io(options, 1), "external_io");
    confd_client *client = client_with(options, 1, no_upcall, NULL);
    for (unsigned i = 0; i < count; i++) {
        confd_datagram datagram;
        if (i % coverage == 0) {
            confd_request *request = ping_request();
            must(confd_client_send(client, request, 1, 0, NULL), "send");
            must(confd_client_poll_transmit(client, &datagram), "poll_transmit");
            confd_request_free(request);
            memcpy(datagrams[i], datagram.data, datagram.len);
            out_parts[i].iov_len = datagram.len;
        } else {
            memcpy(datagrams[i], datagrams[i - 1], sizeof datagrams[i]);
            out_parts[i].iov_len = out_parts[i - 1].iov_len;
        }
        out_parts[i].iov_base = datagrams[i];
        to[i] = peer_address(i % coverage, port);
        out[i].msg_hdr.msg_name = &to[i];
        out[i].msg_hdr.msg_namelen = sizeof to[i];
        out[i].msg_hdr.msg_iov = &out_parts[i];
        out[i].msg_hdr.msg_iovlen = 1;
    }
    confd_client_free(client);
}

static void send_all(int fd, unsigned count)
{
    for (unsigned sent = 0; sent < count;) {
        int now = sendmmsg(fd, out + sent, count - sent, 0);
        check(now > 0, "sendmmsg");
        sent += (unsigned)now;
    }
}

int main(int argc, char **argv)
{
    int port = (int)number(argc, argv, 1);
    unsigned coverage = (unsigned)number(argc, argv, 2), most = coverage * (unsigned)number(argc, argv, 3);
    double warm_up = 1e3 * (double)number(argc, argv, 4), length = 1e3 * (double)number(argc, argv, 5);
    if (most > MOST) {
        give_up("too many in flight");
    }
    prebuild(most, coverage, port);
    for (unsigned i = 0; i < MOST; i++) {
        in_parts[i].iov_base = buffers[i];
        in_parts[i].iov_len = ROOM;
        in[i].msg_hdr.msg_name = &from[i];
        in[i].msg_hdr.msg_namelen = sizeof from[i];
        in[i].msg_hdr.msg_iov = &in_parts[i];
        in[i].msg_hdr.msg_iovlen = 1;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval patience = {0, 200000};
    check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "socket");

    double replies = 0, calls = 0, lost = 0, cpu = 0, start = wall_us();
    unsigned owed = 0;
    int warm = 0;
    for (send_all(fd, most);;) {
        int got = recvmmsg(fd, in, MOST, MSG_WAITFORONE, NULL);
        if (got < 0) {
            check(errno == EAGAIN, "recvmmsg");
            lost += most;
            owed = most;
        } else {
            owed += (unsigned)got;
            replies += got;
            calls += 1;
        }
        /* A whole request goes out for each that was answered. */
        send_all(fd, owed / coverage * coverage);
        owed %= coverage;
        double elapsed = wall_us() - start;
        if (!warm && elapsed >= warm_up) {
            warm = 1;
            replies = calls = lost = 0;
            cpu = cpu_us();
        } else if (warm && elapsed >= warm_up + length) {
            break;
        }
    }
    cpu = cpu_us() - cpu;
    report("us_per_reply", cpu / replies);
    report("replies", replies);
    report("replies_per_call", replies / calls);
    report("lost", lost);
    return 0;
}

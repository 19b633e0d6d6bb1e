/*
 * What forged datagrams cost beside the call that receives them. The program is client, peer and attacker in one: it
 * fills a socket, and times how the library empties its own, and how the same system call alone empties another.
 *
 *     forged MS
 */
#include "reply.h"

#define BATCH 1024
#define SLOTS 32
#define HEAD 2048

enum kind { WRONG_SOURCE, UNKNOWN_SALT, BAD_HMAC, KINDS };
static const char *const names[KINDS] = {"wrong_source_us", "unknown_salt_us", "bad_hmac_us"};

static struct mmsghdr out[BATCH];
static struct iovec out_part;

/* As the library receives: heads apart from the rest, addresses, room for the count of drops. */
static struct mmsghdr in[SLOTS];
static struct iovec in_parts[SLOTS][2];
static struct sockaddr_in6 in_names[SLOTS];
static char heads[SLOTS][HEAD], rests[SLOTS][65536 - HEAD], controls[SLOTS][32];

static int bound_socket(unsigned host, int port)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = 4 << 20, on = 1;
    struct sockaddr_in address = peer_address(host, port);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    return fd;
}

static struct sockaddr_in address_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    check(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    return address;
}

static void fill(int fd, struct sockaddr_in *to, char *datagram, size_t len)
{
    out_part.iov_base = datagram;
    out_part.iov_len = len;
    for (int i = 0; i < BATCH; i++) {
        out[i].msg_hdr.msg_name = to;
        out[i].msg_hdr.msg_namelen = sizeof *to;
        out[i].msg_hdr.msg_iov = &out_part;
        out[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned sent = 0; sent < BATCH;) {
        int now = sendmmsg(fd, out + sent, BATCH - sent, 0);
        check(now > 0, "sendmmsg");
        sent += (unsigned)now;
    }
}

static double empty_raw(int fd)
{
    double start = cpu_us();
    for (int got = 0; got < BATCH;) {
        for (int i = 0; i < SLOTS; i++) {
            in[i].msg_hdr.msg_namelen = sizeof in_names[i];
            in[i].msg_hdr.msg_controllen = sizeof controls[i];
        }
        int now = recvmmsg(fd, in, SLOTS, MSG_DONTWAIT, NULL);
        check(now > 0, "recvmmsg");
        got += now;
    }
    return cpu_us() - start;
}

static double empty_ours(confd_client *client)
{
    double start = cpu_us();
    for (size_t got = 0, now; got < BATCH; got += now) {
        must(confd_client_receive(client, 0, &now), "receive");
        if (now == 0) {
            give_up("datagrams were lost");
        }
    }
    return cpu_us() - start;
}

int main(int argc, char **argv)
{
    double length = 1e3 * (double)number(argc, argv, 1);
    for (int i = 0; i < SLOTS; i++) {
        in_parts[i][0].iov_base = heads[i];
        in_parts[i][0].iov_len = HEAD;
        in_parts[i][1].iov_base = rests[i];
        in_parts[i][1].iov_len = sizeof rests[i];
        in[i].msg_hdr.msg_name = &in_names[i];
        in[i].msg_hdr.msg_iov = in_parts[i];
        in[i].msg_hdr.msg_iovlen = 2;
        in[i].msg_hdr.msg_control = controls[i];
    }
    int peer = bound_socket(0, 0), stranger = bound_socket(8, 0), other = bound_socket(0, 0);
    struct sockaddr_in peers_own = address_of(peer), raw = address_of(other), ours;
    confd_options *options = options_for(ntohs(peers_own.sin_port));
    must(confd_options_set_receive_buffer(options, 4 << 20), "receive_buffer");
    must(confd_options_set_expire_ms(options, 3600000), "expire_ms");
    confd_client *client = client_with(options, 1, no_upcall, NULL);
    confd_request *request = ping_request();
    must(confd_client_send(client, request, 1, 0, NULL), "send");
    char datagram[2048], forged[KINDS][REPLY_ROOM];
    socklen_t ours_len = sizeof ours;
    check(recvfrom(peer, datagram, sizeof datagram, 0, (struct sockaddr *)&ours, &ours_len) > 0, "recvfrom");

    const char *salt = confd_request_salt(request);
    size_t len = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        len = make_reply(forged[kind], kind == UNKNOWN_SALT ? "11111111-2222-4333-8444-555555555555" : salt);
        char *digit = strstr(forged[kind], "hmac\":\"") + 7;
        *digit = *digit == '0' ? '1' : '0';
    }
    double raw_us[KINDS] = {0}, ours_us[KINDS] = {0}, start = wall_us();
    long batches = 0;
    for (int warm = 0; batches < 3 || wall_us() - start < length; batches += warm, warm = 1) {
        for (int kind = 0; kind < KINDS; kind++) {
            int from = kind == WRONG_SOURCE ? stranger : peer;
            fill(from, &raw, forged[kind], len);
            double by_call = empty_raw(other);
            fill(from, &ours, forged[kind], len);
            double by_library = empty_ours(client);
            raw_us[kind] += warm * by_call;
            ours_us[kind] += warm * by_library;
        }
    }
    double each = (double)batches * BATCH;
    for (int kind = 0; kind < KINDS; kind++) {
        report(names[kind], (ours_us[kind] - raw_us[kind]) / each);
    }
    report("receive_us", raw_us[0] / each);
    confd_stats stats = stats_of(client);
    if (stats.replies > 0 || stats.dropped_source < (uint64_t)each || stats.dropped_salt < (uint64_t)each ||
        stats.dropped_signature < (uint64_t)each) {
        give_up("datagrams were not dropped as expected");
    }
    confd_request_free(request);
    confd_client_free(client);
    return 0;
}

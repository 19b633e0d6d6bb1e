/* What goes between the client and the servers, overheard by a raw socket: one who stands on the way knows every salt. */
#define _GNU_SOURCE
#include "attacker.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { IP_HEADER = 20, UDP_HEADER = 8, SOURCE_AT = IP_HEADER, TARGET_AT = IP_HEADER + 2, TTL_AT = 8 };

/* Only what has the usual TTL and the servers' port: the flood itself costs nothing here. */
static void filter(int fd, uint16_t port)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TTL_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_TTL, 5, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SOURCE_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 2, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TARGET_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog all = {sizeof program / sizeof *program, program};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all) != 0) {
        perror("attacker: filter");
        exit(1);
    }
}

void listen_open(struct heard *heard, uint16_t port)
{
    const int buffer = 1 << 20;
    memset(heard, 0, sizeof *heard);
    heard->port = port;
    heard->socket = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_UDP);
    if (heard->socket < 0) {
        perror("attacker: a raw socket");
        exit(1);
    }
    filter(heard->socket, port);
    setsockopt(heard->socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
}

static uint16_t port_at(const char *packet, size_t at)
{
    uint16_t port;
    memcpy(&port, packet + at, sizeof port);
    return ntohs(port);
}

static void take_request(struct heard *heard, const char *packet, const char *data)
{
    static const char before[] = "\\\"rsalt\\\": \\\"";
    const char *salt = strstr(data, before);
    const size_t place = heard->requests % REMEMBERED;
    if (salt == NULL) {
        return;
    }
    salt += sizeof before - 1;
    snprintf(heard->salts[place], SALT_ROOM, "%.*s", (int)strcspn(salt, "\\"), salt);
    memcpy(&heard->asked[place], packet + 16, 4);
    memcpy(&heard->victim.sin_addr, packet + 12, 4);
    heard->victim.sin_family = AF_INET;
    heard->victim.sin_port = htons(port_at(packet, SOURCE_AT));
    heard->requests++;
}

static void take_reply(struct heard *heard, const char *packet, const char *data, size_t len)
{
    struct genuine *genuine = &heard->genuine[heard->replies % REMEMBERED];
    if (len > GENUINE_ROOM) {
        return;
    }
    memcpy(&genuine->from, packet + 12, 4);
    memcpy(genuine->data, data, len);
    genuine->len = len;
    heard->replies++;
}

void listen_on(struct heard *heard)
{
    static char packet[65536];
    for (int i = 0; i < 256; i++) {
        const ssize_t got = recv(heard->socket, packet, sizeof packet - 1, 0);
        if (got < IP_HEADER + UDP_HEADER) {
            return;
        }
        const char *data = packet + IP_HEADER + UDP_HEADER;
        packet[got] = '\0';
        if (port_at(packet, TARGET_AT) == heard->port) {
            take_request(heard, packet, data);
        } else {
            take_reply(heard, packet, data, (size_t)got - IP_HEADER - UDP_HEADER);
        }
    }
}

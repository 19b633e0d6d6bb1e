/* What the attacker's parts share. */
#ifndef ATTACKER_H
#define ATTACKER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum { LONGEST = 65507, SALT_ROOM = 64, REMEMBERED = 64, GENUINE_ROOM = 2048 };

/* So that what is overheard is never one's own: others' datagrams have 64. */
enum { OWN_TTL = 63 };

/* A reply of a real server, as it was overheard. */
struct genuine {
    struct in_addr from;
    size_t len;
    char data[GENUINE_ROOM];
};

/* What was overheard so far: whom to attack, and by what. The latest are in a ring. */
struct heard {
    int socket;
    uint16_t port; /* that of the servers */
    struct sockaddr_in victim;
    uint64_t requests, replies;
    char salts[REMEMBERED][SALT_ROOM];
    struct in_addr asked[REMEMBERED]; /* the server that each of the salts went to */
    struct genuine genuine[REMEMBERED];
};

void listen_open(struct heard *heard, uint16_t port);
/* Takes in what has passed since, without waiting. */
void listen_on(struct heard *heard);

enum kind {
    WRONG_SOURCE,   /* the salt of a request that is out, from an address that was not asked */
    WRONG_PORT,     /* from a server's address and another port */
    UNKNOWN_SALT,   /* from a server */
    WRONG_HMAC,     /* from the server that was asked, with the salt of the request; only the signature is wrong */
    REPLAY,         /* a genuine reply again, from where it came */
    ALTERED,        /* a genuine reply with one byte changed */
    TRUNCATED,      /* the beginning of a genuine reply */
    EMPTY,
    NOISE,
    NESTED,         /* brackets within brackets, in the envelope and in the message */
    NUMBERS,        /* numbers that no machine holds, where texts belong and in the message */
    BAD_UTF8,       /* each class of bytes that are no UTF-8, in a reply that is otherwise of good shape */
    HUGE_ONE,       /* 65,507 bytes with the right salt */
    HUGE_NOISE,
    KINDS
};
extern const char *const kind_names[KINDS];

/* A number that is another one each time. */
uint32_t chance(uint32_t below);
/* Makes a datagram of a kind; gives its length, or -1 if nothing was overheard that it could be made of. */
long forge(enum kind kind, const struct heard *heard, char *out, struct sockaddr_in *from);

#endif

/* Keys that this process does not know in the clear, and a search of all of its memory for what is left of them.

   A key is made in a child process, which sends it and its traces with every byte xor-ed: what the search compares with
   is itself nothing that it finds. Traces are pieces of eight bytes, so that a copy that was half overwritten is found:

   - of the key, as it is, and as HMAC pads it (xor 0x36, xor 0x5c); of a key of more than a block its SHA-1 instead
   - of the two states that SHA-1 is in after the padded blocks: who has these can sign as well as with the key

   each as bytes, as words of the machine's own order, and with two words in each other's place, as the processor's
   SHA instructions want them. */
#ifndef SEARCH_H
#define SEARCH_H

#include "world.h"

enum { MOST_KEY = 160, MOST_TRACES = 512 };

struct trace {
    const char *of; /* "the key", "the inner state" … */
    unsigned at;    /* the piece's place in it */
    uint8_t hidden[8];
};

struct secret {
    size_t len;
    uint8_t hidden[MOST_KEY];
    size_t n;
    struct trace traces[MOST_TRACES];
};

/* A fresh key of so many printable bytes. */
void secret_make(struct secret *secret, size_t len);
/* The key in the clear, on a page of its own, until it is hidden again. */
char *secret_show(const struct secret *secret);
void secret_hide(char *key);
/* Writes the key to a file, in a child process. */
void secret_write(const struct secret *secret, const char *path);

/* How many traces are in readable memory. Says where on stderr, if asked to. Runs on a stack of its own, so that what
   earlier calls have left below the caller's frame is there to be found. One thread at a time. */
size_t secret_search(const struct secret *secret, int say);
/* The same in a text: pieces of the key, as they are and in hexadecimal. */
size_t secret_in_text(const struct secret *secret, const char *text);

/* A child process that answers every request at the socket of a peer, signed with this key. */
pid_t secret_server(const struct secret *secret, struct peer *peer);
void server_stop(pid_t pid);

#define GONE(secret)                                                                                      \
    do {                                                                                                  \
        if (secret_search(secret, 1) != 0) {                                                              \
            FAIL("there is something left of %s", #secret);                                               \
        }                                                                                                 \
    } while (0)
#define THERE(secret) CHECK(secret_search(secret, 0) != 0)

#endif

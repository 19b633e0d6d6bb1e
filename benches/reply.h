/*
 * Replies as a server signs them, for benchmarks that need many at once or forged ones: HMAC-SHA1 (RFC 2104, RFC 3174)
 * in plain C, fast enough for a million.
 */
#ifndef REPLY_H
#define REPLY_H

#include "bench.h"

struct sha1 {
    uint32_t state[5];
    uint64_t length;
    unsigned char block[64];
};

static inline uint32_t rotated(uint32_t value, int by)
{
    return value << by | value >> (32 - by);
}

static inline void sha1_block(uint32_t *state, const unsigned char *block)
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    }
    for (int i = 16; i < 80; i++) {
        w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = rotated(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static inline void sha1_add(struct sha1 *hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    while (len > 0) {
        size_t used = (size_t)(hash->length % 64), room = 64 - used, part = len < room ? len : room;
        memcpy(hash->block + used, bytes, part);
        hash->length += part;
        bytes += part;
        len -= part;
        if (used + part == 64) {
            sha1_block(hash->state, hash->block);
        }
    }
}

static inline void sha1_end(struct sha1 *hash, unsigned char *digest)
{
    unsigned char pad[72] = {0x80}, bits[8];
    uint64_t length = hash->length * 8;
    for (int i = 0; i < 8; i++) {
        bits[i] = (unsigned char)(length >> (56 - 8 * i));
    }
    sha1_add(hash, pad, (size_t)((119 - hash->length % 64) % 64 + 1));
    sha1_add(hash, bits, 8);
    for (int i = 0; i < 20; i++) {
        digest[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

/* The hash that has taken in the key's block, xored with pad. */
static inline struct sha1 sha1_keyed(unsigned char pad)
{
    struct sha1 hash = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, 0, {0}};
    unsigned char block[64] = {0};
    memcpy(block, BENCH_KEY, BENCH_KEY_LEN);
    for (int i = 0; i < 64; i++) {
        block[i] ^= pad;
    }
    sha1_add(&hash, block, sizeof block);
    return hash;
}

/* HMAC-SHA1 with the benchmarks' key, over salt and message, in hexadecimal. */
static inline void sign(const char *salt, const char *message, char hex[41])
{
    static struct sha1 inner_key, outer_key;
    unsigned char digest[20];
    if (inner_key.length == 0) {
        inner_key = sha1_keyed(0x36);
        outer_key = sha1_keyed(0x5c);
    }
    struct sha1 inner = inner_key, outer = outer_key;
    sha1_add(&inner, salt, strlen(salt));
    sha1_add(&inner, message, strlen(message));
    sha1_end(&inner, digest);
    sha1_add(&outer, digest, sizeof digest);
    sha1_end(&outer, digest);
    for (int i = 0; i < 20; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[40] = 0;
}

#define REPLY_ROOM 320

/* The answer to the ping with this salt, to the byte as ganeti-confd writes it. Gives its length. */
static inline size_t make_reply(char out[REPLY_ROOM], const char *salt)
{
    static const char message[] = "{\"protocol\":1,\"status\":0,\"answer\":3000000,\"serial\":0}";
    static const char escaped[] = "{\\\"protocol\\\":1,\\\"status\\\":0,\\\"answer\\\":3000000,\\\"serial\\\":0}";
    char hex[41];
    sign(salt, message, hex);
    return (size_t)snprintf(out, REPLY_ROOM, "plj0{\"hmac\":\"%s\",\"msg\":\"%s\",\"salt\":\"%s\"}", hex, escaped,
                            salt);
}

#endif

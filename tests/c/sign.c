/* The test's own HMAC-SHA1 and envelope, so that replies can be made to any measure. */
#include "world.h"
#include "sha1.h"

static uint32_t turned(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

void sha1_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[80];
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
        if (i < 16) {
            w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | (uint32_t)block[4 * i + 3];
        } else {
            w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        }
        uint32_t f, k;
        if (i < 20) {
            f = (b & c) | (~b & d), k = 0x5a827999u;
        } else if (i < 40) {
            f = b ^ c ^ d, k = 0x6ed9eba1u;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdcu;
        } else {
            f = b ^ c ^ d, k = 0xca62c1d6u;
        }
        const uint32_t next = turned(a, 5) + f + e + k + w[i];
        e = d, d = c, c = turned(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

void sha1(const uint8_t *data, size_t len, uint8_t out[20])
{
    uint32_t h[5] = SHA1_BEGIN;
    uint8_t tail[128] = {0};
    const size_t whole = len / 64 * 64;
    const size_t rest = len - whole;
    const size_t end = rest < 56 ? 64 : 128;
    for (size_t at = 0; at < whole; at += 64) {
        sha1_block(h, data + at);
    }
    memcpy(tail, data + whole, rest);
    tail[rest] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        tail[end - 1 - i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
    }
    for (size_t at = 0; at < end; at += 64) {
        sha1_block(h, tail + at);
    }
    for (size_t i = 0; i < 20; i++) {
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    }
}

/* Keys of at most 64 bytes, texts that fit a datagram. */
static void hmac(const char *key, const char *text, char hex[41])
{
    uint8_t block[64 + DATAGRAM] = {0};
    uint8_t digest[20];
    const size_t len = strlen(text);
    CHECK(strlen(key) <= 64 && len <= DATAGRAM);
    memcpy(block, key, strlen(key));
    for (size_t i = 0; i < 64; i++) {
        block[i] ^= 0x36;
    }
    memcpy(block + 64, text, len);
    sha1(block, 64 + len, digest);
    for (size_t i = 0; i < 64; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    memcpy(block + 64, digest, sizeof digest);
    sha1(block, 64 + sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

size_t make_reply(char *out, const char *key, const char *salt, int status, const char *answer, long serial)
{
    char message[DATAGRAM / 2];
    char escaped[DATAGRAM];
    char text[DATAGRAM];
    char tag[41];
    size_t n = 0;
    int len = snprintf(message, sizeof message, "{\"protocol\":1,\"status\":%d,\"answer\":%s,\"serial\":%ld}",
                       status, answer, serial);
    CHECK(len > 0 && (size_t)len < sizeof message);
    len = snprintf(text, sizeof text, "%s%s", salt, message);
    CHECK(len > 0 && (size_t)len < sizeof text);
    hmac(key, text, tag);
    for (const char *p = message; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            escaped[n++] = '\\';
        }
        escaped[n++] = *p;
    }
    escaped[n] = '\0';
    len = snprintf(out, DATAGRAM, "plj0{\"hmac\":\"%s\",\"msg\":\"%s\",\"salt\":\"%s\"}", tag, escaped, salt);
    CHECK(len > 0 && len < DATAGRAM);
    return (size_t)len;
}

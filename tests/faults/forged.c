/* The datagrams of an attacker who knows all but the key. */
#include "attacker.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *const kind_names[KINDS] = {"wrong_source", "wrong_port", "unknown_salt", "wrong_hmac", "replay",
                                       "altered",      "truncated",  "empty",        "noise",      "nested",
                                       "numbers",      "bad_utf8",   "huge",         "huge_noise"};

/* What is no UTF-8: bytes alone, sequences that end early, overlong forms, surrogates, beyond the last character. */
static const char *const not_utf8[] = {
    "\x80",             "\xbf",             "\xc2",                 "\xc2\x41",         "\xe0\xa0",
    "\xe0\xa0\x41",     "\xf0\x90\x80",     "\xf0\x90\x80\x41",     "\xc0\xaf",         "\xc1\xbf",
    "\xe0\x80\xaf",     "\xe0\x9f\xbf",     "\xf0\x80\x80\xaf",     "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
    "\xed\xbf\xbf",     "\xed\xa0\x80\xed\xb0\x80",                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80",                 "\xfc\x84\x80\x80\x80\x80",                 "\xfe",
    "\xff",             "\xfe\xff",         "\xff\xfe",             "\xef\xbb\xbf\x80", "\xc3\x28",
};

static const char *const numbers[] = {
    "1e999999999", "-1e-999999999", "123456789012345678901234567890123456789012345678901234567890", "-0", "1E+400",
    "0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e1e1", "00000001", ".5", "+1", "NaN",
};

uint32_t chance(uint32_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static const char *digits(void)
{
    static char hex[41];
    for (int i = 0; i < 40; i++) {
        hex[i] = "0123456789abcdef"[chance(16)];
    }
    return hex;
}

/* A reply of good shape but for its signature. */
static long envelope(char *out, const char *message, const char *salt, const char *hmac)
{
    return snprintf(out, LONGEST, "plj0{\"msg\": \"%s\", \"salt\": \"%s\", \"hmac\": \"%s\"}", message, salt, hmac);
}

static const char *message(const char *answer)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "{\\\"protocol\\\": 1, \\\"status\\\": 0, \\\"answer\\\": %s, \\\"serial\\\": 99999}", answer);
    return text;
}

static long nested(char *out, const char *salt)
{
    static const char *const opening[] = {"[", "{\\\"a\\\":", "[[{\\\"b\\\":"};
    char deep[4000];
    size_t len = 0;
    const char *one = opening[chance(3)];
    if (chance(2) == 0) { /* the envelope itself */
        memcpy(out, "plj0", 4);
        memset(out + 4, chance(2) ? '[' : '{', 3996);
        return 4000;
    }
    while (len + strlen(one) < sizeof deep - 1) {
        memcpy(deep + len, one, strlen(one));
        len += strlen(one);
    }
    deep[len] = '\0';
    return envelope(out, deep, salt, digits());
}

static long of_numbers(char *out, const char *salt)
{
    const char *number = numbers[chance(sizeof numbers / sizeof *numbers)];
    switch (chance(4)) {
    case 0: return snprintf(out, LONGEST, "plj0{\"msg\": %s, \"salt\": \"%s\", \"hmac\": \"%s\"}", number, salt, digits());
    case 1: return snprintf(out, LONGEST, "plj0{\"msg\": \"x\", \"salt\": %s, \"hmac\": \"%s\"}", number, digits());
    case 2: return snprintf(out, LONGEST, "plj0{\"msg\": \"x\", \"salt\": \"%s\", \"hmac\": %s}", salt, number);
    default: return envelope(out, message(number), salt, digits());
    }
}

static long huge(char *out, const char *salt)
{
    char tail[256];
    const int len = snprintf(tail, sizeof tail, "\", \"salt\": \"%s\", \"hmac\": \"%s\"}", salt, digits());
    static const char head[] = "plj0{\"msg\": \"";
    memset(out, chance(2) ? 'x' : '\xe9', LONGEST);
    memcpy(out, head, sizeof head - 1);
    memcpy(out + LONGEST - len, tail, (size_t)len);
    return LONGEST;
}

static long noise(char *out, long len)
{
    for (long i = 0; i < len; i++) {
        out[i] = (char)chance(256);
    }
    if (chance(2) == 0 && len > 5) {
        memcpy(out, "plj0{", 5);
    }
    return len;
}

/* A genuine reply, and what was done to it. */
static long spoilt(enum kind kind, const struct genuine *genuine, char *out)
{
    const size_t at = chance((uint32_t)genuine->len);
    memcpy(out, genuine->data, genuine->len);
    if (kind == ALTERED) {
        out[at] = (char)(out[at] ^ (1 << chance(8)));
    }
    return (long)(kind == TRUNCATED ? at : genuine->len);
}

long forge(enum kind kind, const struct heard *heard, char *out, struct sockaddr_in *from)
{
    if (heard->requests < REMEMBERED || heard->replies < REMEMBERED) {
        return -1;
    }
    const size_t place = chance(REMEMBERED);
    const struct genuine *genuine = &heard->genuine[chance(REMEMBERED)];
    const char *salt = heard->salts[place];
    char text[SALT_ROOM + 8];
    from->sin_family = AF_INET;
    from->sin_port = htons(heard->port);
    from->sin_addr = heard->asked[place];
    switch (kind) {
    case WRONG_SOURCE:
        from->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x10000 + chance(0xfff0));
        return envelope(out, message("\\\"forged\\\""), salt, digits());
    case WRONG_PORT:
        from->sin_port = htons((uint16_t)(1024 + chance(60000)));
        return envelope(out, message("\\\"forged\\\""), salt, digits());
    case UNKNOWN_SALT:
        snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012x", chance(0xffffffff), chance(0xffff), chance(0xfff),
                 chance(0xfff), chance(0xffffffff));
        return envelope(out, message("\\\"forged\\\""), text, digits());
    case WRONG_HMAC: return envelope(out, message("\\\"forged\\\""), salt, digits());
    case REPLAY:
    case ALTERED:
    case TRUNCATED: from->sin_addr = genuine->from; return spoilt(kind, genuine, out);
    case EMPTY: return 0;
    case NOISE: return noise(out, (long)chance(400));
    case NESTED: return nested(out, salt);
    case NUMBERS: return of_numbers(out, salt);
    case BAD_UTF8: {
        const char *bad = not_utf8[chance(sizeof not_utf8 / sizeof *not_utf8)];
        snprintf(text, sizeof text, "\\\"%s\\\"", bad);
        return envelope(out, message(text), salt, digits());
    }
    case HUGE_ONE: return huge(out, salt);
    case HUGE_NOISE: return noise(out, LONGEST);
    case KINDS: break;
    }
    return -1;
}

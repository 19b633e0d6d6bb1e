/* What a datagram costs is bounded by its size, whatever is in it: little stack, and time in proportion to its length.
   All of this runs on a stack of 64 KiB, where the guard page ends a program that needs more. The large answers are
   signed, as by a server that holds the key and means ill; the rest needs no key. */
#include "search.h"
#include "sha1.h"
#include <pthread.h>
#include <time.h>

enum { LARGEST = 65507, STACK = 1 << 16, MESSAGE = 1 << 17 };

static confd_client *client;
static struct tally tally;
static confd_reply *kept;
static char salt[SALT];
static uint8_t plain[64 + SALT + MESSAGE];
static char datagram[2 * MESSAGE];

static void keep_reply(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    count_upcall(of, upcall, user_data);
    if (upcall->type == CONFD_UPCALL_REPLY) {
        OK(confd_reply_clone(upcall->reply, &kept));
    }
}

/* Signs what is in a message, of any length, and gives the datagram's. */
static size_t seal(const char *message)
{
    uint8_t block[64 + 20] = {0};
    uint8_t tag[20];
    size_t n;
    const size_t len = (size_t)snprintf((char *)plain + 64, sizeof plain - 64, "%s%s", salt, message);
    memcpy(block, KEY, strlen(KEY));
    for (size_t i = 0; i < 64; i++) {
        plain[i] = block[i] ^ 0x36;
        block[i] ^= 0x5c;
    }
    sha1(plain, 64 + len, block + 64);
    sha1(block, sizeof block, tag);
    n = (size_t)sprintf(datagram, "plj0{\"hmac\":\"");
    for (size_t i = 0; i < sizeof tag; i++) {
        n += (size_t)sprintf(datagram + n, "%02x", tag[i]);
    }
    n += (size_t)sprintf(datagram + n, "\",\"msg\":\"");
    for (const char *p = message; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            datagram[n++] = '\\';
        }
        datagram[n++] = *p;
    }
    n += (size_t)sprintf(datagram + n, "\",\"salt\":\"%s\"}", salt);
    CHECK(n <= LARGEST);
    return n;
}

/* An answer of about `size` bytes on the wire. */
struct shape {
    const char *name;
    const char *head; /* once */
    const char *unit; /* as often as it fits, escaped as it travels */
    const char *tail; /* as often */
    const char *end;  /* once */
    int is_json;
    size_t wire; /* bytes of a unit and a tail in the datagram */
};

static const struct shape shapes[] = {
    {"nested lists", "", "[", "]", "", 1, 2},
    {"lists that do not end", "", "[", "", "", 0, 1},
    {"nested objects", "", "{\"a\":", "}", "0", 0, 8},
    {"nested objects around 0", "", "{\"a\":", "}", "", 2, 8},
    {"a long list", "[0", ",0", "", "]", 1, 2},
    {"a list of lists", "[[]", ",[]", "", "]", 1, 3},
    {"one name many times", "{\"a\":1", ",\"a\":1", "", "}", 1, 8},
    {"a huge number", "1", "7", "", "", 1, 1},
    {"a huge fraction", "0.", "7", "", "1", 1, 1},
    {"a huge exponent", "1e", "9", "", "9", 1, 1},
    {"a string of NULs", "\"", "\\u0000", "", "\"", 1, 7},
    {"a string of halves", "\"", "\\ud800", "", "\"", 1, 7},
    {"a string of quotes", "\"", "\\\"", "", "\"", 1, 4},
    {"white space", "[", " ", "", "]", 1, 1},
};

static void write_message(char *out, const struct shape *shape, size_t size)
{
    const size_t times = (size - 300) / shape->wire;
    char *p = out;
    p += sprintf(p, "{\"protocol\":1,\"status\":0,\"answer\":%s", shape->head);
    for (size_t i = 0; i < times; i++) {
        p = stpcpy(p, shape->unit);
    }
    if (shape->is_json == 2) {
        p = stpcpy(p, "0");
    }
    for (size_t i = 0; i < times; i++) {
        p = stpcpy(p, shape->tail);
    }
    sprintf(p, "%s,\"serial\":7}", shape->end);
}

/* What a program may ask of an answer; whether it succeeds is not the point. */
static confd_error read_all(const confd_reply *reply, size_t depth)
{
    static char pointer[2048];
    const char *text;
    int64_t whole;
    double real;
    bool yes;
    size_t n;
    char *p = pointer;
    for (size_t i = 0; i < depth; i++) {
        p = stpcpy(p, confd_reply_answer_json(reply)[0] == '{' ? "/a" : "/0");
    }
    CHECK(confd_reply_answer_json(reply) != NULL);
    (void)confd_reply_string(reply, pointer, &text);
    (void)confd_reply_int(reply, pointer, &whole);
    (void)confd_reply_double(reply, pointer, &real);
    (void)confd_reply_bool(reply, pointer, &yes);
    (void)confd_reply_count(reply, pointer, &n);
    (void)confd_reply_key(reply, pointer, 0, &text);
    (void)confd_reply_error_text(reply);
    return confd_reply_json(reply, pointer, &text);
}

static double cpu_now(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The least of some measures: seconds of this thread's own time for a datagram of this shape, taken and read. */
static double cost_of(const struct shape *shape, size_t size)
{
    static char message[MESSAGE];
    double least = 1e9;
    for (int i = 0; i < 7; i++) {
        double begun;
        size_t len;
        send_ping(client, 0, 0, NULL, salt);
        write_message(message, shape, size);
        len = seal(message);
        kept = NULL;
        begun = cpu_now();
        OK(confd_client_handle_datagram(client, datagram, len, EXTERNAL_IP, EXTERNAL_PORT));
        CHECK((kept != NULL) == (shape->is_json != 0));
        if (kept != NULL) {
            OK(read_all(kept, 0));
            confd_reply_free(kept);
        }
        begun = cpu_now() - begun;
        least = begun < least ? begun : least;
        OK(confd_client_cancel(client, salt));
    }
    return least;
}

static void signed_answers(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const double small = cost_of(&shapes[i], 15000);
        const double large = cost_of(&shapes[i], 60000);
        printf("%s: %.0f us for 15 kB, %.0f us for 60 kB\n", shapes[i].name, small * 1e6, large * 1e6);
        /* Four times is in proportion, sixteen would be its square; below a millisecond no attack lies. */
        if (large > 10 * small && large > 1e-3) {
            FAIL("%s: %.0f us for 15 kB, %.0f us for 60 kB", shapes[i].name, small * 1e6, large * 1e6);
        }
    }
}

/* As deep as anything is looked for, and given free again. */
static void read_deep_down(void)
{
    static char message[MESSAGE];
    for (int i = 0; i < 4; i++) {
        if (shapes[i].is_json) {
            send_ping(client, 0, 0, NULL, salt);
            write_message(message, &shapes[i], 60000);
            OK(confd_client_handle_datagram(client, datagram, seal(message), EXTERNAL_IP, EXTERNAL_PORT));
            for (size_t depth = 1; depth < 500; depth += 83) {
                OK(read_all(kept, depth));
            }
            OK(read_all(kept, 511));
            GIVES(CONFD_ERR_NOT_FOUND, read_all(kept, 512));
            confd_reply_free(kept);
            OK(confd_client_cancel(client, salt));
        }
    }
}

/* Of those without a key: the largest datagrams there are, each byte of which may be looked at. */
static void unsigned_datagrams(void)
{
    static const char *const units[] = {"[", "{\"msg\":", "\\", "\"", "{\"hmac\":\"", "\xc3\xa9", "\xe9", "\\u0041", ",",
                                        " ", "\\\""};
    static const char *const heads[] = {"plj0", "plj0{\"msg\":\"", "plj0{\"hmac\":\"", "plj0{\"x\":",
                                        "plj0{\"salt\":\""};
    double most = 0;
    send_ping(client, 0, 0, NULL, salt);
    for (size_t head = 0; head < sizeof heads / sizeof heads[0]; head++) {
        for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
            for (int ends = 0; ends < 2; ends++) {
                double took;
                char *p = stpcpy(datagram, heads[head]);
                while (p - datagram < LARGEST - 200) {
                    p = stpcpy(p, units[unit]);
                }
                if (ends) {
                    p += sprintf(p, "\",\"salt\":\"%s\"}", salt);
                }
                took = cpu_now();
                OK(confd_client_handle_datagram(client, datagram, (size_t)(p - datagram), EXTERNAL_IP, EXTERNAL_PORT));
                took = cpu_now() - took;
                most = took > most ? took : most;
            }
        }
    }
    SAME(stats_of(client).replies, tally.replies);
    check_sums(client);
    OK(confd_client_cancel(client, salt));
    printf("unsigned, 65,507 bytes: %.0f us at the most\n", most * 1e6);
    CHECK(most < 0.1);
}

static void *on_little_stack(void *nothing)
{
    signed_answers();
    read_deep_down();
    unsigned_datagrams();
    return nothing;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    client = external_client(keep_reply, &tally, NULL);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK) == 0);
    CHECK(pthread_create(&thread, &attributes, on_little_stack, NULL) == 0 && pthread_join(thread, NULL) == 0);
    confd_client_free(client);
    return 0;
}

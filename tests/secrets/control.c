/* The search finds what is there: without this, that it finds nothing elsewhere would mean nothing. */
#include "search.h"
#include <pthread.h>
#include <sys/mman.h>

static struct secret secret;
static uint8_t in_data[64] = {1};

/* Eight bytes of each trace, in the clear at `place`, are found there and, once overwritten, nowhere. */
static void each_trace_is_found_at(uint8_t *place)
{
    for (size_t i = 0; i < secret.n; i += 7) {
        volatile uint8_t *at = place + i % 13; /* in no line with anything */
        for (size_t byte = 0; byte < 8; byte++) {
            at[byte] = secret.traces[i].hidden[byte] ^ 0xa5;
        }
        THERE(&secret);
        for (size_t byte = 0; byte < 8; byte++) {
            at[byte] = 0;
        }
        GONE(&secret);
    }
}

static void *on_a_thread(void *unused)
{
    uint8_t place[64];
    each_trace_is_found_at(place);
    return unused;
}

/* Far below this frame, in one that is gone. */
static __attribute__((noinline)) void leave_behind(size_t depth)
{
    volatile uint8_t room[4096];
    for (size_t i = 0; i < sizeof room; i++) {
        room[i] = 1;
    }
    for (size_t byte = 0; byte < 8; byte++) {
        room[sizeof room - depth + byte] = secret.traces[0].hidden[byte] ^ 0xa5;
    }
}

static void left_on_the_stack(void)
{
    for (size_t depth = 512; depth <= 4096; depth += 256) {
        leave_behind(depth);
        SAME(secret_search(&secret, 0), 1);
    }
    leave_behind(8);
}

#ifdef __x86_64__
static void in_a_register(void)
{
    const struct trace *trace = &secret.traces[0];
    uint64_t piece;
    memcpy(&piece, trace->hidden, sizeof piece);
    __asm__ volatile("movq %0, %%xmm13" : : "r"(piece ^ 0xa5a5a5a5a5a5a5a5u) : "xmm13");
    THERE(&secret);
    __asm__ volatile("pxor %%xmm13, %%xmm13" : : : "xmm13");
    GONE(&secret);
}
#endif

/* On the heap, on both kinds of stack, in static memory and in a mapping that is only readable by then. */
static void planted(void)
{
    pthread_t thread;
    uint8_t *heap = malloc(64);
    uint8_t *mapped;
    char *key;
    GONE(&secret);
    each_trace_is_found_at(heap);
    each_trace_is_found_at(in_data);
    on_a_thread(NULL);
    CHECK(pthread_create(&thread, NULL, on_a_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    free(heap);
    /* Over the border of two of the search's windows, and at the end of the last. */
    mapped = mmap(NULL, 3 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK((void *)mapped != MAP_FAILED);
    for (size_t at = (1 << 20) - 24; at < (1 << 20) + 24; at++) {
        key = secret_show(&secret);
        memcpy(mapped + at, key, 8);
        secret_hide(key);
        CHECK(mprotect(mapped, 3 << 20, PROT_READ) == 0);
        SAME(secret_search(&secret, 0), 1);
        CHECK(mprotect(mapped, 3 << 20, PROT_READ | PROT_WRITE) == 0);
        memset(mapped + at, 0, 8);
    }
    key = secret_show(&secret);
    memcpy(mapped + (3 << 20) - 8, key, 8);
    secret_hide(key);
    SAME(secret_search(&secret, 0), 1);
    munmap(mapped, 3 << 20);
    GONE(&secret);
}

static void texts(void)
{
    char *key = secret_show(&secret);
    char text[256];
    size_t n = 0;
    SAME(secret_in_text(&secret, "a peer answered, and the signature is none of this key"), 0);
    snprintf(text, sizeof text, "key %s", key);
    CHECK(secret_in_text(&secret, text) != 0);
    for (size_t i = 0; i < secret.len; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%02X", (unsigned)(uint8_t)key[i]);
    }
    CHECK(secret_in_text(&secret, text) != 0);
    secret_hide(key);
}

/* While a client lives, both states of its schedule are there, and of the key nothing else is: neither it nor a block. */
static void a_living_client(void)
{
    const char *peer = "192.0.2.7";
    confd_client *client = NULL;
    char *key = secret_show(&secret);
    struct secret rest = secret;
    OK(confd_client_new(key, secret.len, &peer, 1, NULL, NULL, NULL, &client));
    secret_hide(key);
    /* Of a state of five words, four pieces begin at a word of it. */
    CHECK(secret_search(&secret, 0) >= 8);
    rest.n = 0;
    for (size_t i = 0; i < secret.n; i++) {
        if (strstr(secret.traces[i].of, "state") == NULL) {
            rest.traces[rest.n++] = secret.traces[i];
        }
    }
    CHECK(rest.n != 0 && rest.n != secret.n);
    GONE(&rest);
    confd_client_free(client);
    GONE(&secret);
}

int main(void)
{
    pid_t pid;
    secret_make(&secret, 41);
    planted();
    left_on_the_stack();
#ifdef __x86_64__
    in_a_register();
#endif
    /* In a child process: printing leaves what is printed in memory. */
    pid = fork();
    if (pid == 0) {
        texts();
        _exit(0);
    }
    child_succeeds(pid);
    a_living_client();
    secret_make(&secret, 100);
    a_living_client();
    return 0;
}

#include "search.h"
#include "sha1.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

enum { MASK = 0xa5, BLOCK = 64, PIECE = 8, WINDOW = 1 << 20, PAGE = 4096, STACK = 1 << 18 };

static void hide(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= MASK;
    }
}

static void swap_words(uint8_t *to, const uint8_t *from)
{
    for (size_t i = 0; i < PIECE; i++) {
        to[i] = from[i ^ 3];
    }
}

/* The four forms of each whole piece of what has this name. */
static void add_traces(struct secret *secret, const char *of, const uint8_t *bytes, size_t len, size_t step)
{
    for (size_t at = 0; at + PIECE <= len; at += step) {
        for (int form = 0; form < 4; form++) {
            struct trace *trace = &secret->traces[secret->n++];
            uint8_t piece[PIECE];
            CHECK(secret->n <= MOST_TRACES);
            memcpy(piece, bytes + at, PIECE);
            if (form & 1) {
                swap_words(piece, bytes + at);
            }
            trace->of = of;
            trace->at = (unsigned)at;
            for (size_t i = 0; i < PIECE; i++) {
                trace->hidden[i] = piece[form & 2 ? (i + 4) % PIECE : i];
            }
            hide(trace->hidden, PIECE);
        }
    }
}

static void add_state(struct secret *secret, const char *of, const uint8_t *block)
{
    uint32_t state[5] = SHA1_BEGIN;
    sha1_block(state, block);
    add_traces(secret, of, (const uint8_t *)state, sizeof state, 4);
}

/* In the child process: the key, and what HMAC makes of it. */
static void make_traces(struct secret *secret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t key[MOST_KEY];
    uint8_t block[BLOCK] = {0};
    size_t used = secret->len;
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && read(fd, key, sizeof key) == (ssize_t)sizeof key);
    close(fd);
    for (size_t i = 0; i < secret->len; i++) {
        key[i] = (uint8_t)digits[key[i] % 64];
    }
    key[secret->len - 1] = '\n';
    memcpy(secret->hidden, key, secret->len);
    hide(secret->hidden, secret->len);
    add_traces(secret, "the key", key, secret->len, PIECE);
    if (used <= BLOCK) {
        memcpy(block, key, used);
    } else {
        sha1(key, used, block);
        used = 20;
        add_traces(secret, "the key's digest", block, used, 4);
    }
    for (int i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36;
    }
    add_traces(secret, "the inner block", block, used, PIECE);
    add_state(secret, "the inner state", block);
    for (int i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    add_traces(secret, "the outer block", block, used, PIECE);
    add_state(secret, "the outer state", block);
}

void secret_make(struct secret *secret, size_t len)
{
    /* Shared, so that the child's work is seen here; it comes through no buffer in the clear. */
    struct secret *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;
    CHECK(made != MAP_FAILED && len > 2 * PIECE && len <= MOST_KEY);
    made->len = len;
    pid = fork();
    if (pid == 0) {
        make_traces(made);
        _exit(0);
    }
    child_succeeds(pid);
    *secret = *made;
    munmap(made, sizeof *made);
}

char *secret_show(const struct secret *secret)
{
    volatile uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK((void *)(uintptr_t)page != MAP_FAILED);
    /* Byte by byte: nothing that could be left in a register is as long as a trace. */
    for (size_t i = 0; i < secret->len; i++) {
        page[i] = secret->hidden[i] ^ MASK;
    }
    return (char *)(uintptr_t)page;
}

void secret_hide(char *key)
{
    CHECK(munmap(key, PAGE) == 0);
}

void secret_write(const struct secret *secret, const char *path)
{
    const pid_t pid = fork();
    if (pid == 0) {
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && write(fd, secret_show(secret), secret->len) == (ssize_t)secret->len);
        _exit(0);
    }
    child_succeeds(pid);
}

/* The place in `secret` of the trace that is at `data`, or -1. */
static int trace_at(const struct secret *secret, const uint8_t *data)
{
    for (size_t i = 0; i < secret->n; i++) {
        const uint8_t *hidden = secret->traces[i].hidden;
        size_t same = 0;
        while (same < PIECE && (data[same] ^ MASK) == hidden[same]) {
            same++;
        }
        if (same == PIECE) {
            return (int)i;
        }
    }
    return -1;
}

/* Which first two bytes a trace may have, hidden as they are. */
static void note_beginnings(const struct secret *secret, uint8_t *begins)
{
    memset(begins, 0, 1 << 16);
    for (size_t i = 0; i < secret->n; i++) {
        begins[secret->traces[i].hidden[0] << 8 | secret->traces[i].hidden[1]] = 1;
    }
}

static size_t search_range(const struct secret *secret, const uint8_t *begins, const char *line, int memory,
                           uint8_t *window, uintptr_t from, uintptr_t to, int say)
{
    size_t found = 0;
    while (from < to) {
        const size_t want = to - from < WINDOW ? to - from : WINDOW;
        const ssize_t got = pread(memory, window, want, (off_t)from);
        if (got <= 0) {
            /* The kernel's own pages ([vvar]) cannot be read this way. Everything else can. */
            CHECK(strstr(line, "[vvar") != NULL || strstr(line, "[vsyscall]") != NULL);
            break;
        }
        for (ssize_t i = 0; i + PIECE <= got; i++) {
            const unsigned begin = (unsigned)(window[i] ^ MASK) << 8 | (window[i + 1] ^ MASK);
            const int which = begins[begin] ? trace_at(secret, window + i) : -1;
            if (which >= 0) {
                found++;
                if (say) {
                    fprintf(stderr, "%s, 8 bytes at %u, at %#lx in %s", secret->traces[which].of,
                            secret->traces[which].at, (unsigned long)from + (unsigned long)i, line);
                }
            }
        }
        if ((size_t)got < want || want < WINDOW) {
            break;
        }
        from += want - (PIECE - 1);
    }
    memset(window, 0, WINDOW);
    return found;
}

static size_t search(const struct secret *secret, int say)
{
    char line[512];
    size_t found = 0;
    size_t readable = 0;
    const size_t size = WINDOW + (1 << 16);
    /* Of its own, and passed over: what is found elsewhere comes to lie here. */
    uint8_t *window = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK((void *)window != MAP_FAILED && memory >= 0 && maps != NULL);
    note_beginnings(secret, window + WINDOW);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from, to;
        char right;
        CHECK(sscanf(line, "%lx-%lx %c", &from, &to, &right) == 3);
        if (right != 'r') {
            continue;
        }
        readable++;
        /* The kernel may show the window in one mapping with its neighbour. */
        const uintptr_t mine = (uintptr_t)window;
        if (from <= mine && mine < to) {
            found += search_range(secret, window + WINDOW, line, memory, window, from, mine, say);
            from = mine + size;
        }
        found += search_range(secret, window + WINDOW, line, memory, window, from, to, say);
    }
    CHECK(readable > 5);
    fclose(maps);
    close(memory);
    munmap(window, size);
    return found;
}

/* The search's own stack: on the caller's it would lie down on what calls before it have left there. */
static struct {
    ucontext_t caller;
    ucontext_t own;
    const struct secret *secret;
    int say;
    size_t found;
} task;

static void run_task(void)
{
    task.found = search(task.secret, task.say);
}

/* What is in the vector registers when a search begins. It gets to memory in the end: with lazy binding the loader saves
   them on the stack at the first call of any function. Other processors than this one have no such test. */
static uint8_t registers[1 << 14] __attribute__((aligned(64)));

static inline void note_registers(void)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) != 0) {
        __asm__ volatile("xsave64 %0" : "+m"(registers) : "a"(0xe7), "d"(0)); /* SSE, AVX, AVX-512 */
    } else {
        __asm__ volatile("fxsave64 %0" : "=m"(registers));
    }
#endif
}

size_t secret_search(const struct secret *secret, int say)
{
    note_registers();
    void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED && getcontext(&task.own) == 0);
    task.own.uc_stack.ss_sp = stack;
    task.own.uc_stack.ss_size = STACK;
    task.own.uc_link = &task.caller;
    task.secret = secret;
    task.say = say;
    makecontext(&task.own, run_task, 0);
    CHECK(swapcontext(&task.caller, &task.own) == 0);
    munmap(stack, STACK);
    return task.found;
}

size_t secret_in_text(const struct secret *secret, const char *text)
{
    const size_t len = strlen(text);
    size_t found = 0;
    for (size_t i = 0; i + PIECE <= len; i++) {
        found += trace_at(secret, (const uint8_t *)text + i) >= 0;
    }
    for (size_t i = 0; i + 2 * PIECE <= len; i++) {
        uint8_t bytes[PIECE];
        size_t n = 0;
        unsigned byte;
        while (n < PIECE && strspn(text + i + 2 * n, "0123456789abcdefABCDEF") >= 2 &&
               sscanf(text + i + 2 * n, "%2x", &byte) == 1) {
            bytes[n++] = (uint8_t)byte;
        }
        found += n == PIECE && trace_at(secret, bytes) >= 0;
    }
    return found;
}

pid_t secret_server(const struct secret *secret, struct peer *peer)
{
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char salt[SALT];
        char data[DATAGRAM];
        const char *key = secret_show(secret);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            peer_take(peer, salt);
            peer_throw(peer, data, make_reply(data, key, salt, CONFD_STATUS_OK, "1", 1));
        }
    }
    return pid;
}

void server_stop(pid_t pid)
{
    int status;
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Memory that cannot be had: in each run one allocation fails, or all from one on. A run then ends as documented: with
   CONFD_ERR_NO_MEMORY from a call that has changed nothing and succeeds when it is made again, with the allocator's
   own abort, or, where libc can do without, as if nothing had been. Nothing else: no other signal, no lock held. */
#include "search.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* How many allocations there were, in which the first fails, and how many do. 0: it does not begin yet. */
static volatile int counting;
static volatile long count;
static volatile long first;
static volatile long many;

static int is_refused(void)
{
    if (!counting) {
        return 0;
    }
    count++;
    if (count >= first && count - first < many) {
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    return is_refused() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *got = memalign(alignment, size);
    if (got != NULL) {
        *out = got;
    }
    return got != NULL ? 0 : ENOMEM;
}

static int refused_calls;

/* Where an allocation failed, the same call succeeds as soon as there is memory again. */
#define TRY(call)                                                                                         \
    do {                                                                                                  \
        confd_error tried_ = (call);                                                                      \
        if (tried_ == CONFD_ERR_NO_MEMORY) {                                                              \
            CHECK(count >= first && strstr(confd_last_error(), "memory") != NULL);                        \
            refused_calls++;                                                                              \
            counting = 0;                                                                                 \
            tried_ = (call);                                                                              \
            counting = 1;                                                                                 \
        }                                                                                                 \
        if (tried_ != CONFD_OK) {                                                                         \
            FAIL("%s gives %d at allocation %ld", #call, (int)tried_, first);                             \
        }                                                                                                 \
    } while (0)

enum { LIST = 100 };
static char many_peers[LIST][24];
static const char *peers[LIST];

static void take_line(int32_t level, const char *message, void *data)
{
    CHECK(level >= 0 && message != NULL && data == NULL);
}

/* What a program does with the library, once each. */
static void typical_run(void)
{
    struct peer peer;
    const char *address = peer.address;
    const char *const ips[] = {"192.0.2.1", "192.0.2.2"};
    const int32_t fields[] = {0, 1, 2};
    struct tally tally = {0, 0, 0};
    char salt[SALT];
    confd_options *options = NULL;
    confd_client *client = NULL;
    confd_client *external = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    confd_datagram datagram;
    confd_error code;
    pid_t server;
    peer_open(&peer);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            peer_take(&peer, salt);
            peer_answer(&peer, salt, "{\"a\": [1, \"two\", {\"b\": null}]}", 7);
        }
    }
    CHECK(server > 0);
    counting = 1;
    TRY(confd_options_new(&options));
    TRY(confd_options_set_log(options, take_line, NULL, CONFD_LOG_DEBUG));
    TRY(confd_client_new(KEY, strlen(KEY), &address, 1, count_upcall, &tally, options, &client));
    CHECK(confd_client_fd(client) >= 0);
    TRY(confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL, &request));
    TRY(confd_request_set_ips(request, ips, 2, "link"));
    TRY(confd_request_set_ips(request, peers, LIST, NULL));
    TRY(confd_request_set_ip(request, ips[0], "br0"));
    TRY(confd_client_query(client, request, 0, 10000, &result));
    SAME(result->outcome, CONFD_OUTCOME_ANSWERED);
    {
        confd_reply *kept = NULL;
        const char *text = NULL;
        size_t n = 0;
        TRY(confd_reply_clone(result->reply, &kept));
        TRY(confd_reply_string(kept, "/a/1", &text));
        SAME_TEXT(text, "two");
        TRY(confd_reply_count(kept, "/a", &n));
        TRY(confd_reply_json(kept, "/a/2", &text));
        SAME_TEXT(text, "{\"b\": null}");
        GIVES(CONFD_ERR_NOT_FOUND, confd_reply_json(kept, "/none", &text));
        confd_reply_free(kept);
    }
    confd_result_free(result);
    confd_request_free(request);
    TRY(confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request));
    TRY(confd_request_set_fields(request, fields, 3));
    TRY(confd_request_set_query_json(request, "{\"3\": [0]}"));
    TRY(confd_client_send(client, request, -1, 0, NULL));
    do {
        TRY(confd_client_receive(client, 5000, NULL));
    } while (tally.replies == 0);
    TRY(confd_client_set_hmac_key(client, "another\n", 8));
    TRY(confd_client_update_peers(client, peers, LIST));
    TRY(confd_client_process(client));
    GIVES(CONFD_ERR_UNKNOWN_REQUEST, confd_client_cancel(client, "no such salt"));
    TRY(confd_client_close(client));
    confd_client_free(client);
    SAME(last_upcalls(&tally), 1);
    /* Its own input and output. */
    TRY(confd_options_set_external_io(options, 1));
    TRY(confd_client_new(KEY, strlen(KEY), peers, LIST, count_upcall, &tally, options, &external));
    confd_request_free(request);
    TRY(confd_request_new(CONFD_REQ_PING, NULL, &request));
    TRY(confd_client_send(external, request, -1, 0, NULL));
    do {
        code = confd_client_poll_transmit(external, &datagram);
    } while (code == CONFD_OK);
    SAME(code, CONFD_ERR_NOT_FOUND);
    confd_client_free(external);
    confd_request_free(request);
    confd_options_free(options);
    counting = 0;
    SAME(kill(server, SIGKILL), 0);
    CHECK(waitpid(server, NULL, 0) == server);
    SAME(last_upcalls(&tally), 2);
    peer_close(&peer);
}

enum { UNHARMED = 20, REFUSED, BEYOND };

static struct {
    long unharmed, refused, aborted;
} tallied;

/* One run in a child process; whether there were as many allocations at all. */
static int run_with(long from, long how_many)
{
    char said[256] = {0};
    int status = -1;
    const int words = memfd_create("words", MFD_CLOEXEC);
    const pid_t pid = fork();
    CHECK(words >= 0 && pid >= 0);
    if (pid == 0) {
        dup2(words, STDERR_FILENO);
        first = from;
        many = how_many;
        alarm(30);
        prctl(PR_SET_DUMPABLE, 0); /* no core, wherever the system pipes it */
        typical_run();
        _exit(count < from ? BEYOND : refused_calls > 0 ? REFUSED : UNHARMED);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(pread(words, said, sizeof said - 1, 0) >= 0);
    close(words);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
        (strncmp(said, "memory allocation of ", 21) == 0 || strstr(said, "TLS destructor: out of memory") != NULL)) {
        tallied.aborted++;
        return 1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) < UNHARMED) {
        FAIL("with allocation %ld failing, and %ld in all, a run ended with %#x: %s", from, how_many,
             (unsigned)status, said);
    }
    tallied.unharmed += WEXITSTATUS(status) == UNHARMED;
    tallied.refused += WEXITSTATUS(status) == REFUSED;
    return WEXITSTATUS(status) != BEYOND;
}

/* Each of the first allocations, then one in so many: the later ones are of loops that the first were of, too. */
static void each_fails(long how_many, long step)
{
    long from = 1;
    memset(&tallied, 0, sizeof tallied);
    while (run_with(from, how_many)) {
        CHECK(from < 1000000);
        from += from < 150 ? step : 1 + from / 8;
    }
    printf("%ld allocations, %s failing: %ld runs aborted, %ld with an error, %ld unharmed\n", from - 1,
           how_many == 1 ? "one" : "all from one on", tallied.aborted, tallied.refused, tallied.unharmed);
    CHECK(tallied.aborted > 0);
}

/* What no memory can hold is an error, not the end: texts and lists, with little memory left to the process. */
static void large_arguments(void)
{
    const size_t size = 64u << 20;
    char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const size_t entries = size / 2 / sizeof(char *);
    const char **list = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int32_t *fields = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rlimit limit = {400u << 20, 400u << 20};
    confd_request *request = NULL;
    confd_request *none = NULL;
    confd_client *client = NULL;
    CHECK((void *)text != MAP_FAILED && (void *)list != MAP_FAILED && (void *)fields != MAP_FAILED);
    memset(text, 'x', size - 1);
    for (size_t i = 0; i < entries; i++) {
        list[i] = "192.0.2.1";
    }
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_new(CONFD_REQ_CONFIG_QUERY, text, &none));
    CHECK(none == NULL);
    OK(confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, "kept", &request));
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_ip(request, text, NULL));
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_ip(request, "192.0.2.1", text));
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_ips(request, list, entries, NULL));
    text[0] = '"';
    text[size - 2] = '"';
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_query_json(request, text));
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_salt(request, text));
    SAME_TEXT(confd_request_query_json(request), "\"kept\"");
    confd_request_free(request);
    OK(confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request));
    GIVES(CONFD_ERR_NO_MEMORY, confd_request_set_fields(request, fields, size / sizeof *fields));
    SAME_TEXT(confd_request_query_json(request), "null");
    confd_request_free(request);
    GIVES(CONFD_ERR_NO_MEMORY, confd_client_new(KEY, 16, list, entries, NULL, NULL, NULL, &client));
    CHECK(client == NULL);
    client = client_of(list, 1, NULL, NULL, NULL);
    GIVES(CONFD_ERR_NO_MEMORY, confd_client_update_peers(client, list, entries));
    GIVES(CONFD_ERR_NO_MEMORY, confd_client_cancel(client, text));
    SAME_TEXT(confd_strerror(CONFD_ERR_NO_MEMORY), "out of memory");
    confd_client_free(client);
}

int main(void)
{
    pid_t pid;
    for (int i = 0; i < LIST; i++) {
        snprintf(many_peers[i], sizeof many_peers[i], "10.%d.%d.1:7", i / 200, i % 200);
        peers[i] = many_peers[i];
    }
    /* What glibc sets up at the first of these it cannot do without: it crashes itself (nss_database.c of 2.36). */
    CHECK(getservbyname("no such service", "udp") == NULL);
    each_fails(1, 1);
    CHECK(tallied.refused > 0);
    each_fails(1 << 30, 7);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        large_arguments();
        _exit(0);
    }
    child_succeeds(pid);
    return 0;
}

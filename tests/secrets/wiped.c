/* A key leaves nothing in memory: when its client goes, when it was replaced and its last request has ended, and when
   a client cannot be made. Copies on the stacks of threads that signed or verified with it count, too.

   That signatures are compared in constant time cannot be shown by such a test, nor by one that measures: it is seen in
   the sources, where Key::verifies (src/wire/key.rs) leaves the comparison to the hmac crate, whose `verify` compares by
   the subtle crate, and where no other comparison has a tag of the key's as an operand. */
#include "search.h"
#include <pthread.h>
#include <sys/resource.h>

enum { LEN = 41 }; /* as Ganeti's own: 40 digits and a newline */

static struct secret old;
static struct secret new;

static confd_client *client_with(const struct secret *secret, const char *const *peers, size_t n,
                                 confd_upcall_fn callback, void *user_data, const confd_options *options)
{
    confd_client *client = NULL;
    char *key = secret_show(secret);
    OK(confd_client_new(key, secret->len, peers, n, callback, user_data, options, &client));
    secret_hide(key);
    return client;
}

static void change_key(confd_client *client, const struct secret *secret)
{
    char *key = secret_show(secret);
    OK(confd_client_set_hmac_key(client, key, secret->len));
    secret_hide(key);
}

static void query(confd_client *client, int32_t coverage, int32_t outcome)
{
    confd_request *request = ping();
    confd_result *result = NULL;
    OK(confd_client_query(client, request, coverage, outcome == CONFD_OUTCOME_ANSWERED ? 10000 : 30, &result));
    SAME(result->outcome, outcome);
    confd_result_free(result);
    confd_request_free(request);
}

static void unused(void)
{
    const char *peer = "192.0.2.7";
    for (size_t len = 17; len <= 129; len += 8) {
        struct secret secret;
        secret_make(&secret, len);
        confd_client_free(client_with(&secret, &peer, 1, NULL, NULL, NULL));
        GONE(&secret);
    }
}

/* Requests signed, replies verified, and replies of another key refused. */
static void used(void)
{
    struct peer peers[2];
    const char *addresses[] = {peers[0].address, peers[1].address};
    struct tally tally = {0, 0, 0};
    pid_t servers[2];
    confd_client *client;
    for (int i = 0; i < 2; i++) {
        peer_open(&peers[i]);
        servers[i] = secret_server(i == 0 ? &old : &new, &peers[i]);
    }
    client = client_with(&old, addresses, 2, count_upcall, &tally, NULL);
    for (int i = 0; i < 20; i++) {
        query(client, 1, CONFD_OUTCOME_ANSWERED);
        send_ping(client, -1, 0, NULL, NULL);
    }
    SOON(confd_client_receive(client, 10, NULL) == CONFD_OK && stats_of(client).dropped_signature >= 20 &&
         tally.replies >= 20);
    THERE(&old);
    confd_client_free(client);
    GONE(&old);
    for (int i = 0; i < 2; i++) {
        server_stop(servers[i]);
        peer_close(&peers[i]);
    }
}

static confd_client *shared;

static void *asks(void *nothing)
{
    for (int i = 0; i < 10; i++) {
        query(shared, 1, CONFD_OUTCOME_ANSWERED);
    }
    return nothing;
}

static pthread_barrier_t asked;
static pthread_barrier_t searched;

static void *asks_and_stays(void *nothing)
{
    asks(nothing);
    pthread_barrier_wait(&asked);
    pthread_barrier_wait(&searched);
    return nothing;
}

/* Threads that used the client: some are gone, their stacks still there; one sleeps somewhere else. */
static void by_threads(void)
{
    struct peer peer;
    const char *address = peer.address;
    pthread_t threads[4];
    pthread_t stays;
    pid_t server;
    peer_open(&peer);
    server = secret_server(&old, &peer);
    shared = client_with(&old, &address, 1, NULL, NULL, NULL);
    CHECK(pthread_barrier_init(&asked, NULL, 2) == 0 && pthread_barrier_init(&searched, NULL, 2) == 0);
    CHECK(pthread_create(&stays, NULL, asks_and_stays, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, asks, NULL) == 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pthread_barrier_wait(&asked);
    confd_client_free(shared);
    GONE(&old);
    pthread_barrier_wait(&searched);
    CHECK(pthread_join(stays, NULL) == 0);
    server_stop(server);
    peer_close(&peer);
}

/* The old key stays while a request that it signed is outstanding or a peer has not come along, and not longer. */
static void rotated(void)
{
    struct peer peer;
    const char *address = peer.address;
    struct tally tally = {0, 0, 0};
    char salt[SALT];
    pid_t server;
    confd_client *client;
    peer_open(&peer);
    client = client_with(&old, &address, 1, count_upcall, &tally, NULL);
    send_ping(client, 1, CONFD_SEND_QUEUED, NULL, salt);
    change_key(client, &new);
    THERE(&old);
    OK(confd_client_cancel(client, salt));
    SAME(tally.cancelled, 1);
    /* The peer has not come along. */
    THERE(&old);
    server = secret_server(&new, &peer);
    query(client, 1, CONFD_OUTCOME_ANSWERED);
    GONE(&old);
    THERE(&new);
    /* The other way about: the peer has come along, and the request is outstanding still. */
    send_ping(client, 1, 0, NULL, salt);
    change_key(client, &old);
    server_stop(server);
    server = secret_server(&old, &peer);
    query(client, 1, CONFD_OUTCOME_ANSWERED);
    THERE(&new);
    OK(confd_client_cancel(client, salt));
    GONE(&new);
    THERE(&old);
    /* The same key once more is no change, and leaves no second copy. */
    const size_t before = secret_search(&old, 0);
    change_key(client, &old);
    SAME(secret_search(&old, 0), before);
    change_key(client, &new);
    OK(confd_client_close(client));
    confd_client_free(client);
    GONE(&old);
    GONE(&new);
    server_stop(server);
    peer_close(&peer);
}

/* Queries that retry with both keys, expire, and are cut off by the client's end. */
static void unanswered(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_options *options = options_expire(50);
    confd_client *client;
    OK(confd_options_set_retry_ms(options, 5));
    peer_open(&peer);
    client = client_with(&old, &address, 1, NULL, NULL, options);
    change_key(client, &new);
    query(client, 1, CONFD_OUTCOME_NO_REPLY);
    THERE(&old);
    THERE(&new);
    confd_client_free(client);
    GONE(&old);
    GONE(&new);
    confd_options_free(options);
    peer_close(&peer);
}

/* A child process frees its copy of the client, and has no key any more; the parent's goes on. */
static void inherited(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    pid_t server;
    pid_t pid;
    peer_open(&peer);
    server = secret_server(&old, &peer);
    client = client_with(&old, &address, 1, NULL, NULL, NULL);
    query(client, 1, CONFD_OUTCOME_ANSWERED);
    pid = fork();
    if (pid == 0) {
        THERE(&old);
        confd_client_free(client);
        GONE(&old);
        _exit(0);
    }
    child_succeeds(pid);
    query(client, 1, CONFD_OUTCOME_ANSWERED);
    confd_client_free(client);
    GONE(&old);
    server_stop(server);
    peer_close(&peer);
}

static void fails(confd_error code, const char *const *peers, size_t n, const confd_options *options)
{
    confd_client *client = NULL;
    char *key = secret_show(&old);
    const confd_error gave = confd_client_new(key, old.len, peers, n, NULL, NULL, options, &client);
    secret_hide(key);
    GIVES(code, gave);
    CHECK(client == NULL && confd_last_error()[0] != '\0');
    SAME(secret_in_text(&old, confd_last_error()), 0);
    GONE(&old);
}

static void not_made(void)
{
    const char *bad[] = {"192.0.2.7", "not an address"};
    const char *mixed[] = {"192.0.2.7", "2001:db8::7"};
    const char *null[] = {"192.0.2.7", NULL};
    confd_options *options = options_new();
    struct rlimit limit;
    rlim_t had;
    fails(CONFD_ERR_NO_PEERS, NULL, 0, NULL);
    fails(CONFD_ERR_BAD_PEER, bad, 2, NULL);
    fails(CONFD_ERR_MIXED_FAMILIES, mixed, 2, NULL);
    fails(CONFD_ERR_INVALID_ARGUMENT, null, 2, NULL);
    OK(confd_options_set_bind_address(options, "2001:db8::1"));
    fails(CONFD_ERR_MIXED_FAMILIES, bad, 1, options);
    OK(confd_options_set_bind_address(options, "192.0.2.200"));
    fails(CONFD_ERR_IO, bad, 1, options);
    confd_options_free(options);
    /* Where no descriptor is left for a socket. The search needs some itself. */
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    had = limit.rlim_cur;
    for (int more = 0; more < 2; more++) {
        confd_client *client = NULL;
        char *key = secret_show(&old);
        const int next = dup(STDIN_FILENO);
        CHECK(next >= 0 && close(next) == 0);
        limit.rlim_cur = (rlim_t)(next + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        GIVES(CONFD_ERR_IO, confd_client_new(key, old.len, bad, 1, NULL, NULL, NULL, &client));
        secret_hide(key);
        limit.rlim_cur = had;
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        GONE(&old);
    }
}

int main(void)
{
    secret_make(&old, LEN);
    secret_make(&new, LEN);
    unused();
    used();
    by_threads();
    rotated();
    unanswered();
    inherited();
    not_made();
    GONE(&old);
    GONE(&new);
    return 0;
}

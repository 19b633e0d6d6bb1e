/* After fork: in the child everything is CLOSED and free only releases; the parent's client goes on undisturbed. */
#include "world.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

static struct tally tally;
static int in_child;
static int before; /* descriptors before there was a client */
static int base;   /* descriptors without a client */

static void upcall_fn(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    if (in_child) {
        fprintf(stderr, "an upcall in the child\n");
        _exit(3);
    }
    count_upcall(client, upcall, user_data);
}

static int fds(void)
{
    return open_descriptors();
}

static void every_call_is_closed(confd_client *client)
{
    const char *nobody = "127.0.0.1:9";
    confd_request *request = ping();
    confd_wait_result wait;
    confd_stats stats;
    size_t n;
    GIVES(CONFD_ERR_CLOSED, confd_client_send(client, request, 0, 0, NULL));
    GIVES(CONFD_ERR_CLOSED, confd_client_flush(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, -1, &n));
    GIVES(CONFD_ERR_CLOSED, confd_client_wake(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, "salt", -1, &wait));
    GIVES(CONFD_ERR_CLOSED, confd_client_expire(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_cancel(client, "salt"));
    GIVES(CONFD_ERR_CLOSED, confd_client_outstanding(client, &n, &n));
    GIVES(CONFD_ERR_CLOSED, confd_client_process(client));
    GIVES(CONFD_ERR_CLOSED, confd_client_update_peers(client, &nobody, 1));
    GIVES(CONFD_ERR_CLOSED, confd_client_stats(client, &stats, sizeof stats));
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_datagram(client, "x", 1, "127.0.0.1", 9));
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_unreachable(client, "127.0.0.1", 9));
    GIVES(CONFD_ERR_CLOSED, confd_client_close(client));
    SAME(confd_client_fd(client), -1);
    SAME(confd_client_timeout_ms(client), -1);
    confd_request_free(request);
}

/* The child's share, which ends its process. */
static void child(confd_client *client)
{
    in_child = 1;
    every_call_is_closed(client);
    confd_client_free(client);
    SAME(fds(), base);
    /* And it may have a client of its own. */
    const char *nobody = "127.0.0.1:9";
    struct tally own = {0, 0, 0};
    in_child = 0;
    client = client_of(&nobody, 1, upcall_fn, &own, NULL);
    send_ping(client, 0, 0, NULL, NULL);
    confd_client_free(client);
    SAME(own.cancelled, 1);
    SAME(fds(), base);
    _exit(0);
}

static void the_parent_goes_on(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    int fd;
    pid_t pid;
    peer_open(&peer);
    before = fds();
    memset(&tally, 0, sizeof tally);
    client = client_of(&address, 1, upcall_fn, &tally, NULL);
    fd = confd_client_fd(client);
    CHECK(fd >= 0);
    base = before;
    send_ping(client, 0, 0, NULL, salt);
    CHECK(!readable(fd, 0));
    pid = fork();
    if (pid == 0) {
        child(client);
    }
    child_succeeds(pid);
    CHECK(!readable(fd, 0));
    SAME(confd_client_fd(client), fd);
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    SOON(readable(fd, 0));
    OK(confd_client_process(client));
    SAME(tally.replies, 1);
    CHECK(!readable(fd, 0));
    /* Its deadlines, too. */
    confd_options *options = options_expire(20);
    confd_client *brief = client_of(&address, 1, upcall_fn, &tally, options);
    confd_options_free(options);
    fd = confd_client_fd(brief);
    base = before + 5;
    send_ping(brief, 0, 0, NULL, NULL);
    pid = fork();
    if (pid == 0) {
        confd_client_free(client);
        base = before;
        child(brief);
    }
    child_succeeds(pid);
    SOON(readable(fd, 0));
    OK(confd_client_process(brief));
    SAME(tally.expired, 1);
    confd_client_free(brief);
    OK(confd_client_wait(client, salt, 0, &wait));
    SAME(wait.received, 1);
    confd_client_free(client);
    SAME(fds(), before);
    peer_close(&peer);
}

/* Two processes draw from where there was one: no salt comes twice. Salts were drawn before, so that there is a stock of
   random bytes to be shared; and a process that was made past libc, which calls no handler of pthread_atfork(), is no
   exception. */
static void salts_differ(int past_libc)
{
    enum { MANY = 600 };
    static char salts[2 * MANY][37];
    confd_request *request = ping();
    int ends[2];
    pid_t pid;
    CHECK(pipe(ends) == 0);
    for (int i = 0; i < 5; i++) {
        OK(confd_request_set_salt(request, NULL));
    }
    pid = past_libc ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
    CHECK(pid >= 0);
    for (int i = 0; i < MANY; i++) {
        OK(confd_request_set_salt(request, NULL));
        snprintf(salts[i], sizeof salts[i], "%s", confd_request_salt(request));
        if (pid == 0) {
            SAME(write(ends[1], salts[i], sizeof salts[i]), sizeof salts[i]);
        }
    }
    confd_request_free(request);
    if (pid == 0) {
        _exit(0);
    }
    close(ends[1]);
    for (int i = MANY; i < 2 * MANY; i++) {
        size_t got = 0;
        while (got < sizeof salts[i]) {
            const ssize_t more = read(ends[0], salts[i] + got, sizeof salts[i] - got);
            CHECK(more > 0);
            got += (size_t)more;
        }
    }
    close(ends[0]);
    child_succeeds(pid);
    qsort(salts, 2 * MANY, sizeof salts[0], (int (*)(const void *, const void *))strcmp);
    for (int i = 1; i < 2 * MANY; i++) {
        CHECK(strcmp(salts[i - 1], salts[i]) != 0);
    }
}

static pid_t forked;
static int free_inside;

static void forks(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    upcall_fn(client, upcall, user_data);
    if (upcall->type == CONFD_UPCALL_REPLY && forked == 0) {
        forked = fork();
        if (forked == 0) {
            in_child = 1;
            every_call_is_closed(client);
            if (free_inside) {
                confd_client_free(client);
                SAME_TEXT(confd_reply_answer_json(upcall->reply), "1");
                SAME_TEXT(upcall->salt, confd_request_salt(upcall->request));
            }
        }
    }
}

/* In the child the call that delivers is CLOSED, with no further upcall, whether or not it was freed inside. */
static void inside_an_upcall(int freed)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    char salt[SALT];
    peer_open(&peer);
    before = fds();
    memset(&tally, 0, sizeof tally);
    forked = 0;
    free_inside = freed;
    client = client_of(&address, 1, forks, &tally, NULL);
    CHECK(confd_client_fd(client) >= 0);
    for (int i = 0; i < 5; i++) {
        send_ping(client, 0, 0, NULL, NULL);
        peer_take(&peer, salt);
        peer_answer(&peer, salt, "1", 1);
    }
    confd_error code = confd_client_receive(client, 10000, NULL);
    if (in_child) {
        GIVES(CONFD_ERR_CLOSED, code);
        if (!freed) {
            every_call_is_closed(client);
            confd_client_free(client);
        }
        SAME(fds(), before);
        _exit(0);
    }
    OK(code);
    child_succeeds(forked);
    SOON(confd_client_receive(client, 0, NULL) == CONFD_OK && tally.replies == 5);
    confd_client_free(client);
    SAME(fds(), before);
    peer_close(&peer);
}

static void external(void)
{
    pid_t pid;
    confd_client *client = external_client(upcall_fn, NULL, NULL);
    send_ping(client, 0, 0, NULL, NULL);
    pid = fork();
    if (pid == 0) {
        confd_datagram datagram;
        in_child = 1;
        GIVES(CONFD_ERR_CLOSED, confd_client_poll_transmit(client, &datagram));
        every_call_is_closed(client);
        confd_client_free(client);
        _exit(0);
    }
    child_succeeds(pid);
    confd_client_free(client);
}

int main(void)
{
    the_parent_goes_on();
    salts_differ(0);
    salts_differ(1);
    inside_an_upcall(0);
    inside_an_upcall(1);
    external();
    return 0;
}

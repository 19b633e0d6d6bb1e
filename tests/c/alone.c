/* The only thread of a program waits in the call that reads, since nobody is there to wake it; deadlines, retries, signals,
   refusals and forks are kept to all the same. With another thread it waits as ever. */
#include "world.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* Calls that wait for being woken, too, which are the library's alone here. */
static unsigned ppolls;

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    ADD(ppolls);
    return kernel_ppoll(fds, n, timeout, mask);
}

static int32_t ask(confd_client *client, int32_t timeout_ms)
{
    confd_request *request = ping();
    confd_result *result;
    OK(confd_client_query(client, request, 0, timeout_ms, &result));
    const int32_t outcome = result->outcome;
    confd_result_free(result);
    confd_request_free(request);
    return outcome;
}

static void *lives(void *gate)
{
    SAME(pthread_mutex_lock(gate), 0);
    SAME(pthread_mutex_unlock(gate), 0);
    return NULL;
}

/* That the first half holds says that this C library tells; glibc does. */
static void it_waits_where_it_reads_until_there_is_another_thread(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t other;
    struct sim sim;
    struct tally tally = {0, 0, 0};
    confd_wait_result wait;
    char salt[SALT];
    sim_start(&sim, 6, "--fault", "delay_ms=2", (char *)NULL);
    confd_client *client = client_of(sim.peers, sim.n, count_upcall, &tally, NULL);
    for (int i = 0; i < 20; i++) {
        SAME(ask(client, 10000), CONFD_OUTCOME_ANSWERED);
    }
    send_ping(client, 0, 0, NULL, salt);
    OK(confd_client_wait(client, salt, 10000, &wait));
    CHECK(!wait.timed_out && wait.received >= 4);
    SAME(ppolls, 0);
    SAME(pthread_mutex_lock(&gate), 0);
    SAME(pthread_create(&other, NULL, lives, &gate), 0);
    SAME(ask(client, 10000), CONFD_OUTCOME_ANSWERED);
    CHECK(ppolls > 0);
    SAME(pthread_mutex_unlock(&gate), 0);
    SAME(pthread_join(other, NULL), 0);
    confd_client_free(client);
    sim_stop(&sim);
}

static void storm(void (*handler)(int), long first_us, long every_us)
{
    const struct itimerval timer = {{0, every_us}, {0, first_us}};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    SAME(sigaction(SIGALRM, &action, NULL), 0);
    SAME(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static confd_client *to_wake;

static void wakes(int number)
{
    (void)number;
    if (confd_client_wake(to_wake) != CONFD_OK) {
        _exit(2);
    }
}

/* Longer than the kernel waits at once, and no multiple of it. On a busy machine a single query may be late; the best of
   some is not by nearly as much as such a wait is long. */
static void a_deadline_is_kept_whatever_signals_come(void)
{
    int64_t late = INT64_MAX;
    for (int round = 0; round < 6 && (round < 2 || late > 150); round++) {
        const int stormy = round % 2 == 1;
        struct peer peer;
        const char *address = peer.address;
        char first[SALT];
        char second[SALT];
        size_t handled = 77;
        peer_open(&peer);
        confd_client *client = to_wake = client_of(&address, 1, count_upcall, NULL, NULL);
        if (stormy) {
            storm(wakes, 20000, 20000);
        }
        const int64_t start = now_ms();
        SAME(ask(client, 1700), CONFD_OUTCOME_NO_REPLY);
        const int64_t took = now_ms() - start;
        storm(wakes, 0, 0);
        CHECK(took >= 1700);
        if (!stormy && took - 1700 < late) {
            late = took - 1700;
        }
        /* It has asked again after a second, and no third time. */
        peer_take(&peer, first);
        peer_take(&peer, second);
        SAME_TEXT(first, second);
        SAME(stats_of(client).retries, 1);
        if (stormy) {
            /* The wakes were for a receive. */
            OK(confd_client_receive(client, 10000, &handled));
            SAME(handled, 0);
        }
        confd_client_free(client);
        peer_close(&peer);
    }
    CHECK(late <= slowed(150));
}

static struct peer peer_of_handler;

/* For handlers: the program may not have come so far yet, and then there is no request. */
static int is_taken(struct peer *peer, char *salt)
{
    const int is_asked = readable(peer->fd, 0);
    if (is_asked) {
        peer_take(peer, salt);
    }
    return is_asked;
}

/* What is no reply, and then the reply, while the program waits. */
static void answers(int number)
{
    char salt[SALT];
    (void)number;
    if (!is_taken(&peer_of_handler, salt)) {
        return;
    }
    for (int i = 0; i < 40; i++) {
        peer_throw(&peer_of_handler, "plj0 and no more", 16);
    }
    peer_answer(&peer_of_handler, salt, "1", 1);
}

static void strays_end_no_wait(void)
{
    const char *address = peer_of_handler.address;
    peer_open(&peer_of_handler);
    confd_client *client = client_of(&address, 1, NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        storm(answers, 50000, 50000);
        SAME(ask(client, 20000), CONFD_OUTCOME_ANSWERED);
        storm(answers, 0, 0);
    }
    const confd_stats stats = stats_of(client);
    SAME(stats.dropped_malformed, 120);
    SAME(stats.replies, 3);
    check_received(client);
    confd_client_free(client);
    peer_close(&peer_of_handler);
}

/* A refusal ends the wait, and another peer is asked at once: there is no further attempt that would find one. A call
   that waits does so for half a second; a single query may be late on a busy machine, but not most of them. */
static void refusals_are_made_up_for(size_t candidates, int32_t coverage)
{
    struct sim sim;
    char closed[64];
    unsigned refused = 0;
    unsigned late = 0;
    confd_options *options = options_new();
    OK(confd_options_set_retry_ms(options, 0));
    closed_address(closed, sizeof closed);
    sim_start(&sim, candidates, (char *)NULL);
    const char *peers[MOST_PEERS] = {closed};
    for (size_t i = 0; i < candidates; i++) {
        peers[1 + i] = sim.peers[i];
    }
    for (int i = 0; i < 16; i++) {
        confd_client *client = client_of(peers, 1 + candidates, NULL, NULL, options);
        confd_request *request = ping();
        confd_result *result;
        const int64_t start = now_ms();
        OK(confd_client_query(client, request, coverage, slowed(2000), &result));
        SAME(result->outcome, CONFD_OUTCOME_ANSWERED);
        if ((int)result->sent > coverage) {
            refused++;
            late += now_ms() - start > slowed(400);
        }
        confd_result_free(result);
        confd_request_free(request);
        confd_client_free(client);
    }
    /* Of all clients some ask the closed one first. */
    CHECK(refused > 0);
    CHECK(2 * late <= refused);
    confd_options_free(options);
    sim_stop(&sim);
}

static void who_refuses_is_replaced_at_once(void)
{
    refusals_are_made_up_for(1, 1);
    /* Here the refusal comes while the others are sent to, and cuts that call short. */
    refusals_are_made_up_for(3, 2);
    refusals_are_made_up_for(7, 5);
}

static struct peer peer_of_log;

static void throws(int number)
{
    char salt[SALT];
    (void)number;
    if (!is_taken(&peer_of_log, salt)) {
        return;
    }
    peer_throw(&peer_of_log, "plj0 and no more", 16);
    /* No signal cuts the wait short that comes now. */
    storm(throws, 0, 0);
}

static void dawdles(int32_t level, const char *message, void *data)
{
    const int64_t start = now_ms();
    (void)level;
    (void)message;
    (void)data;
    while (now_ms() - start < 600) {
        poll(NULL, 0, 50);
    }
}

/* The deadline was far when the line was logged, and is near when the log's function returns. */
static void a_deadline_is_kept_beside_a_slow_log(void)
{
    int64_t late = INT64_MAX;
    for (int round = 0; round < 4 && late > 150; round++) {
        const char *address = peer_of_log.address;
        confd_options *options = options_new();
        OK(confd_options_set_retry_ms(options, 0));
        OK(confd_options_set_log(options, dawdles, NULL, CONFD_LOG_DEBUG));
        peer_open(&peer_of_log);
        confd_client *client = client_of(&address, 1, NULL, NULL, options);
        storm(throws, 50000, 50000);
        const int64_t start = now_ms();
        SAME(ask(client, 800), CONFD_OUTCOME_NO_REPLY);
        const int64_t took = now_ms() - start;
        CHECK(took >= 800);
        late = took - 800 < late ? took - 800 : late;
        SAME(stats_of(client).dropped_malformed, 1);
        confd_client_free(client);
        confd_options_free(options);
        peer_close(&peer_of_log);
    }
    CHECK(late <= slowed(150));
}

/* Makes recvfrom() fail, as a sandbox does that does not know that the library calls it. */
static void forbid_recvfrom(void)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvfrom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof lines / sizeof *lines, lines};
    SAME(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL), 0);
    SAME(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void a_sandbox_without_recvfrom_is_no_busy_loop(void)
{
    struct sim sim;
    sim_start(&sim, 1, "--fault", "delay_ms=5", (char *)NULL);
    const pid_t child = fork();
    if (child == 0) {
        confd_options *options = options_new();
        OK(confd_options_set_retry_ms(options, 0));
        forbid_recvfrom();
        confd_client *client = client_of(sim.peers, 1, NULL, NULL, options);
        ppolls = 0;
        for (int i = 0; i < 3; i++) {
            const int64_t start = now_ms();
            SAME(ask(client, 60000), CONFD_OUTCOME_ANSWERED);
            CHECK(now_ms() - start < 30000);
        }
        /* It has tried, and then waited otherwise, once for each. */
        CHECK(ppolls >= 3 && ppolls < 30);
        confd_client_free(client);
        confd_options_free(options);
        _exit(0);
    }
    child_succeeds(child);
    sim_stop(&sim);
}

static volatile sig_atomic_t child_of_handler;

/* The fork that handlers may call. */
static void forks(int number)
{
    (void)number;
    child_of_handler = (sig_atomic_t)_Fork();
}

/* In the child the call that was under way ends. */
static void a_fork_by_a_handler_ends_the_childs_wait(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_result *result = NULL;
    peer_open(&peer);
    confd_client *client = client_of(&address, 1, NULL, NULL, NULL);
    confd_request *request = ping();
    child_of_handler = 1;
    storm(forks, 100000, 0);
    const confd_error code = confd_client_query(client, request, 1, 1500, &result);
    if (child_of_handler == 0) {
        SAME(code, CONFD_ERR_CLOSED);
        confd_client_free(client);
        confd_request_free(request);
        _exit(0);
    }
    SAME(code, CONFD_OK);
    SAME(result->outcome, CONFD_OUTCOME_NO_REPLY);
    child_succeeds((pid_t)child_of_handler);
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    peer_close(&peer);
}

int main(void)
{
    /* First, while the C library has seen no other thread. */
    a_deadline_is_kept_whatever_signals_come();
    strays_end_no_wait();
    who_refuses_is_replaced_at_once();
    a_deadline_is_kept_beside_a_slow_log();
    a_sandbox_without_recvfrom_is_no_busy_loop();
    a_fork_by_a_handler_ends_the_childs_wait();
    ppolls = 0;
    it_waits_where_it_reads_until_there_is_another_thread();
    return 0;
}

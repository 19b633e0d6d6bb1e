/* Eight threads make every call of the API on one client at once: each request that was accepted ends exactly once.
 * What upcalls, completions and log lines count up is not guarded, since the library promises one at a time, each after
 * the other; ThreadSanitizer holds it to that. HAMMER_SECONDS says how long the first client lasts; others follow for a
 * second each. They end as threads do end a client: close, wait until everybody is out, free. */
#include "hammer.h"
#include <fcntl.h>
#include <poll.h>

enum { THREADS = 8, SLOTS = 512, NUMBER = 4711, CALLS = 15, MORE = 2, MOST = 60 };

/* A request or a query under way. */
struct slot {
    unsigned busy; /* atomic */
    /* Written by the sender before it sends, and checked in the upcall. */
    unsigned number;
    /* Written in the first reply's upcall, and checked by the sender after its wait. */
    unsigned answered;
    unsigned ended;
};

struct job {
    pthread_t thread;
    unsigned number;
    struct dice dice;
    unsigned next;
    struct slot slots[SLOTS];
    unsigned long accepted, asked;
    unsigned long made[CALLS];
};

/* Told by upcalls and log lines, one at a time. */
static struct {
    unsigned inside;
    unsigned long replies, ended, accepted, completed, asked;
    unsigned logging;
    unsigned long lines;
} told;

static struct job jobs[THREADS];
static struct sim sim;
static char folder[100];
static confd_client *client;
static unsigned out;

static void log_fn(int32_t level, const char *message, void *data)
{
    CHECK(data == &told && level >= CONFD_LOG_DEBUG && level <= CONFD_LOG_ERROR);
    SAME(told.logging++, 0);
    told.lines += strchr(message, '\n') == NULL;
    SAME(--told.logging, 0);
}

/* The last upcall of a request, or the completion of a query. */
static void ends(struct slot *slot)
{
    SAME(slot->number, NUMBER);
    SAME(slot->ended++, 0);
    PUT(slot->busy, 0);
}

static void completed(confd_client *of, const confd_result *result, void *data)
{
    CHECK(of == client && result->outcome >= CONFD_OUTCOME_ANSWERED && result->outcome <= CONFD_OUTCOME_CANCELLED);
    SAME(told.inside++, 0);
    told.completed++;
    if (data != NULL) {
        ends(data);
    }
    SAME(--told.inside, 0);
}

/* CONFD_OK, or CLOSED at the end. */
static int goes_on(confd_error code)
{
    if (code != CONFD_OK && code != CONFD_ERR_CLOSED) {
        FAIL("a call gives %d, %s", (int)code, confd_strerror(code));
    }
    return code == CONFD_OK;
}

static void busy(confd_error code)
{
    CHECK(code == CONFD_ERR_BUSY || code == CONFD_ERR_CLOSED);
}

/* All that may be called inside an upcall, and what may not. */
static void calls_inside(const confd_upcall *upcall)
{
    confd_request *request = ping();
    confd_wait_result wait;
    confd_result *result;
    switch (told.replies % 32) {
    case 3:
    case 11:
    case 19: (void)confd_client_cancel(client, upcall->salt); break;
    case 5: told.accepted += (unsigned)goes_on(confd_client_send(client, request, 0, CONFD_SEND_QUEUED, NULL)); break;
    case 6: told.asked += (unsigned)goes_on(confd_client_query_async(client, request, 0, 5, completed, NULL)); break;
    case 7:
        busy(confd_client_receive(client, 5, NULL));
        busy(confd_client_wait(client, upcall->salt, 5, &wait));
        busy(confd_client_process(client));
        busy(confd_client_expire(client));
        busy(confd_client_query(client, request, 0, 5, &result));
        break;
    case 8: publish(upcall->reply); break;
    case 9: (void)goes_on(confd_client_update_peers(client, sim.peers, sim.n)); break;
    default: break;
    }
    confd_request_free(request);
}

static void upcall_fn(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    struct slot *slot = upcall->request_data;
    CHECK(of == client && user_data == &told && upcall->size == sizeof *upcall);
    SAME_TEXT(upcall->salt, confd_request_salt(upcall->request));
    SAME(told.inside++, 0);
    if (upcall->type == CONFD_UPCALL_REPLY) {
        told.replies++;
        if (slot != NULL && !slot->answered) {
            slot->answered = 1;
        }
        calls_inside(upcall);
    } else {
        told.ended++;
        if (slot != NULL) {
            ends(slot);
        }
    }
    SAME(--told.inside, 0);
}

/* A slot that nothing is under way in, NULL where there is none. */
static struct slot *takes(struct job *job)
{
    struct slot *slot = &job->slots[job->next++ % SLOTS];
    if (SEEN(slot->busy)) {
        return NULL;
    }
    slot->number = NUMBER;
    slot->answered = 0;
    slot->ended = 0;
    PUT(slot->busy, 1);
    return slot;
}

static int sends(struct job *job)
{
    struct slot *slot = takes(job);
    confd_request *request;
    confd_wait_result wait = {true, 0, 0};
    confd_error code;
    if (slot == NULL) {
        return goes_on(confd_client_receive(client, 1, NULL));
    }
    request = some_request(&job->dice);
    code = confd_client_send(client, request, chance(&job->dice, 2) ? 0 : -1,
                             chance(&job->dice, 2) ? CONFD_SEND_QUEUED : 0, slot);
    if (!goes_on(code)) {
        PUT(slot->busy, 0);
    } else {
        job->accepted++;
        switch (chance(&job->dice, 3)) {
        case 0:
            code = confd_client_wait(client, confd_request_salt(request), (int32_t)chance(&job->dice, 5), &wait);
            if (code == CONFD_OK && !wait.timed_out) {
                SAME(slot->answered, 1);
            }
            break;
        case 1:
            code = confd_client_cancel(client, confd_request_salt(request));
            code = code == CONFD_ERR_UNKNOWN_REQUEST ? CONFD_OK : code;
            break;
        default: break;
        }
    }
    confd_request_free(request);
    return goes_on(code);
}

static int asks(struct job *job)
{
    confd_request *request = some_request(&job->dice);
    confd_result *result = NULL;
    const confd_error code = confd_client_query(client, request, 0, (int32_t)chance(&job->dice, 10), &result);
    if (code == CONFD_OK && result->reply != NULL) {
        read_reply(result->reply);
    }
    confd_result_free(result);
    confd_request_free(request);
    return goes_on(code);
}

static int asks_without_waiting(struct job *job)
{
    struct slot *slot = takes(job);
    confd_request *request;
    confd_error code;
    if (slot == NULL) {
        return goes_on(confd_client_receive(client, 1, NULL));
    }
    request = some_request(&job->dice);
    code = confd_client_query_async(client, request, 2, (int32_t)chance(&job->dice, 10), completed, slot);
    if (goes_on(code)) {
        job->asked++;
        if (chance(&job->dice, 4) == 0) {
            const confd_error cancelled = confd_client_cancel(client, confd_request_salt(request));
            CHECK(cancelled == CONFD_ERR_UNKNOWN_REQUEST || goes_on(cancelled) || cancelled == CONFD_ERR_CLOSED);
        }
    } else {
        PUT(slot->busy, 0);
    }
    confd_request_free(request);
    return goes_on(code);
}

static int receives(struct job *job)
{
    return goes_on(confd_client_receive(client, (int32_t)chance(&job->dice, 3), NULL));
}

static int polls(struct job *job)
{
    struct pollfd ready = {confd_client_fd(client), POLLIN, 0};
    (void)job;
    (void)poll(&ready, 1, 1);
    return goes_on(confd_client_process(client));
}

static int expires(struct job *job)
{
    (void)job;
    return goes_on(confd_client_expire(client));
}

static int flushes(struct job *job)
{
    (void)job;
    return goes_on(confd_client_flush(client)) && goes_on(confd_client_wake(client));
}

static int counts(struct job *job)
{
    confd_stats stats;
    confd_peer_stats peer;
    size_t total = 0, unanswered = 0;
    confd_error code = confd_client_stats(client, &stats, sizeof stats);
    if (code == CONFD_OK) {
        SAME(stats.datagrams_in, stats.replies + stats.dropped_magic + stats.dropped_malformed + stats.dropped_signature +
                                     stats.dropped_salt + stats.dropped_source + stats.dropped_duplicate);
        code = confd_client_peer_stats(client, chance(&job->dice, 4), &peer, sizeof peer);
        code = code == CONFD_ERR_NOT_FOUND ? CONFD_OK : code;
    }
    CHECK(confd_client_timeout_ms(client) >= -1);
    return goes_on(code) && goes_on(confd_client_outstanding(client, &total, &unanswered)) && unanswered <= total;
}

static int changes_peers(struct job *job)
{
    return goes_on(confd_client_update_peers(client, sim.peers, 2 + chance(&job->dice, 2)));
}

/* The servers know one of the two keys. */
static int changes_key(struct job *job)
{
    static const char other[] = "another key";
    (void)job;
    return goes_on(confd_client_set_hmac_key(client, other, sizeof other)) &&
           goes_on(confd_client_set_hmac_key(client, KEY, strlen(KEY)));
}

static int reloads(struct job *job)
{
    if (job->number == 0) {
        write_cluster(folder);
    }
    return goes_on(confd_client_reload(client));
}

static int hands_in(struct job *job)
{
    const confd_error code = confd_client_handle_unreachable(client, "127.0.0.1", (uint16_t)(1 + job->number));
    return goes_on(code) && goes_on(confd_client_handle_datagram(client, "plj0{", 5, "127.0.0.1", 9));
}

static int by_its_own_io(struct job *job)
{
    pulls_and_pushes(&job->dice);
    return 1;
}

static int its_own(struct job *job)
{
    makes_and_frees(&job->dice, folder);
    return 1;
}

static int reads_what_others_got(struct job *job)
{
    (void)job;
    read_published();
    return 1;
}

static const struct {
    int (*call)(struct job *job);
    unsigned often;
} calls[CALLS] = {{sends, 24},   {asks, 4},          {asks_without_waiting, 6}, {receives, 8},  {polls, 8},
             {expires, 4},  {flushes, 6},       {counts, 6},               {changes_peers, 2}, {changes_key, 1},
             {reloads, 1},  {hands_in, 4},      {by_its_own_io, 6},        {its_own, 1},   {reads_what_others_got, 8}};

static void *works(void *data)
{
    struct job *job = data;
    unsigned sum = 0;
    int on = 1;
    for (unsigned i = 0; i < CALLS; i++) {
        sum += calls[i].often;
    }
    while (on) {
        unsigned which = 0;
        for (unsigned left = chance(&job->dice, sum); left >= calls[which].often; which++) {
            left -= calls[which].often;
        }
        on = calls[which].call(job);
        job->made[which] += (unsigned)on;
    }
    OK(confd_client_close(client));
    ADD(out);
    return NULL;
}

static void one_round(long ms)
{
    confd_options *options = options_expire(5);
    OK(confd_options_set_port(options, sim_port(&sim)));
    OK(confd_options_set_retry_ms(options, 3));
    OK(confd_options_set_refresh_ms(options, 20));
    OK(confd_options_set_log(options, log_fn, &told, CONFD_LOG_DEBUG));
    OK(confd_client_open(folder, upcall_fn, &told, options, &client));
    confd_options_free(options);
    out = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        SAME(pthread_create(&jobs[i].thread, NULL, works, &jobs[i]), 0);
    }
    pause_us(ms * 1000);
    OK(confd_client_close(client));
    /* Everybody is out of the library, though not at the end of their threads. */
    SOON(SEEN(out) == THREADS);
    confd_client_free(client);
    for (unsigned i = 0; i < THREADS; i++) {
        SAME(pthread_join(jobs[i].thread, NULL), 0);
    }
}

/* Each call of the table was made with success, and there was something to it. */
static int enough(unsigned long accepted, unsigned long asked)
{
    for (unsigned which = 0; which < CALLS; which++) {
        unsigned long made = 0;
        for (unsigned i = 0; i < THREADS; i++) {
            made += jobs[i].made[which];
        }
        if (made == 0) {
            return 0;
        }
    }
    return accepted > 100 && told.replies > 100 && asked > 10 && told.completed > 10 && told.lines > 10;
}

int main(void)
{
    const char *seconds = getenv("HAMMER_SECONDS");
    const char *temporary = getenv("TMPDIR");
    const int least = seconds != NULL ? atoi(seconds) : 1;
    unsigned long accepted = 0, asked = 0;
    int rounds = 0;
    snprintf(folder, sizeof folder, "%s/confd-hammer-XXXXXX", temporary != NULL ? temporary : "/tmp");
    CHECK(least > 0 && mkdtemp(folder) != NULL);
    sim_start(&sim, 3, "--fault", "duplicate=0.1", "--fault", "loss=0.1", NULL);
    write_cluster(folder);
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i].number = i;
        jobs[i].dice.state = i + 1;
    }
    its_own_begin();
    /* A machine that has other things to do takes longer to come to anything. */
    while (rounds <= MORE || (rounds < MOST && !enough(accepted, asked))) {
        one_round(rounds == 0 ? least * 1000 : 1000);
        rounds++;
        accepted = told.accepted;
        asked = told.asked;
        for (unsigned i = 0; i < THREADS; i++) {
            accepted += jobs[i].accepted;
            asked += jobs[i].asked;
            for (unsigned n = 0; n < SLOTS; n++) {
                SAME(jobs[i].slots[n].busy, 0);
            }
        }
        SAME(told.ended, accepted);
        SAME(told.completed, asked);
    }
    its_own_end();
    CHECK(enough(accepted, asked));
    printf("%d clients, the first for %d s: %lu requests, %lu replies, %lu queries, %lu lines of log\n", rounds, least,
           told.ended, told.replies, told.completed, told.lines);
    remove_cluster(folder);
    sim_stop(&sim);
    return 0;
}

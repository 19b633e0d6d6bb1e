/*
 * A client that asks a number of questions and tells of each how it ended, and when.
 *
 *     asker key=FILE peers=A,B… port=N [count= every= window= coverage= timeout= retry= how= storm= log= buffer= type= hold=]
 *
 * how=async: query_async, poll and process; query: the blocking form; wait: send and wait; receive: send and receive.
 * every: microseconds from the start of one to the start of the next; window: the most at once (async). storm: an
 * itimer of so many hertz interrupts all that runs. hold=1: when all have ended it goes on to read what comes, until there
 * is a line on standard input. It writes
 *
 *     q INDEX BEGAN ENDED OUTCOME SENT RECEIVED NEEDED LATE EXCUSE
 *
 * in microseconds of the monotonic clock: OUTCOME is a CONFD_OUTCOME_ number or a negative error; LATE is how long after
 * its deadline the call returned, and EXCUSE how late the machine was. `r N` says that N datagrams were sent again.
 * Then come the counters.
 */
#include "asker.h"
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

static const char *text(int argc, char **argv, const char *name, const char *usual)
{
    const size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return usual;
}

static long number(int argc, char **argv, const char *name, long usual)
{
    const char *found = text(argc, argv, name, NULL);
    return found == NULL ? usual : strtol(found, NULL, 10);
}

static struct {
    long count, every, window, type, storm;
    int32_t coverage, timeout, retry;
} set;
static confd_client *client;
static long ended, flying;
static volatile sig_atomic_t alarms;

struct question {
    long index;
    int64_t began;
};

/* So that nobody's number is taken for another's: all of a call's numbers in one line. */
static void tell(const struct question *q, int64_t now, int outcome, uint32_t sent, uint32_t received, uint32_t needed)
{
    int64_t late, excuse;
    lateness_of(q->began + (int64_t)set.timeout * 1000, now, &late, &excuse);
    printf("q %ld %lld %lld %d %u %u %u %lld %lld\n", q->index, (long long)q->began, (long long)now, outcome,
           (unsigned)sent, (unsigned)received, (unsigned)needed, (long long)late, (long long)excuse);
    fflush(stdout);
    ended++;
    if (ended == set.count / 10 || ended == set.count / 2) {
        note_memory();
    }
}

static void tell_failed(const struct question *q, confd_error code)
{
    printf("why %s\n", confd_last_error());
    tell(q, now_us(), -code, 0, 0, 0);
}

static void on_result(confd_client *of, const confd_result *result, void *data)
{
    struct question *q = data;
    CHECK(of == client);
    tell(q, now_us(), result->outcome, result->sent, result->received, result->needed);
    free(q);
    flying--;
}

static confd_request *question(void)
{
    confd_request *request;
    OK(confd_request_new((int32_t)set.type, NULL, &request));
    return request;
}

static void ask_async(long index)
{
    struct question *q = malloc(sizeof *q);
    confd_request *request = question();
    CHECK(q != NULL);
    q->index = index;
    q->began = now_us();
    const confd_error code = confd_client_query_async(client, request, set.coverage, set.timeout, on_result, q);
    if (code == CONFD_OK) {
        flying++;
    } else {
        tell_failed(q, code);
        free(q);
    }
    confd_request_free(request);
}

static void say_retries(void)
{
    static uint64_t said;
    const uint64_t retries = stats_of(client).retries;
    if (retries != said) {
        said = retries;
        printf("r %llu\n", (unsigned long long)said);
        fflush(stdout);
    }
}

/* Waits on the one descriptor, without a timeout of the library's: only until the next question is to be asked. */
static void run_async(void)
{
    struct pollfd wait = {confd_client_fd(client), POLLIN, 0};
    int64_t next = now_us();
    long asked = 0;
    CHECK(wait.fd >= 0);
    while (ended < set.count) {
        while (asked < set.count && flying < set.window && now_us() >= next) {
            ask_async(asked++);
            next += set.every;
        }
        if (ended >= set.count) {
            break; /* none of the last ones could be asked */
        }
        const int64_t rest = next - now_us();
        const int64_t most = (int64_t)set.timeout * 1000 + 10000000;
        const int64_t pause = asked < set.count && flying < set.window ? (rest > 0 ? rest : 0) : most;
        const struct timespec limit = {pause / 1000000, pause % 1000000 * 1000};
        const int ready = ppoll(&wait, 1, &limit, NULL);
        CHECK(ready >= 0 || alarms > 0);
        if (ready == 0 && pause == most) {
            FAIL("the descriptor has not become readable by the deadline");
        }
        if (ready > 0) {
            OK(confd_client_process(client));
            say_retries();
        }
    }
}

static void run_query(const struct question *q, confd_request *request)
{
    confd_result *result = NULL;
    const confd_error code = confd_client_query(client, request, set.coverage, set.timeout, &result);
    const int64_t now = now_us();
    if (code != CONFD_OK) {
        tell_failed(q, code);
        return;
    }
    tell(q, now, result->outcome, result->sent, result->received, result->needed);
    confd_result_free(result);
}

static int outcome_of(uint32_t sent, uint32_t received)
{
    return received >= confd_needed_replies(sent) ? CONFD_OUTCOME_ANSWERED
           : received > 0                         ? CONFD_OUTCOME_PARTIAL
                                                  : CONFD_OUTCOME_NO_REPLY;
}

static void run_wait(struct question *q, confd_request *request, int by_receive, const struct tally *tally)
{
    confd_wait_result found = {0};
    const confd_error code = confd_client_send(client, request, set.coverage, 0, (void *)tally);
    const char *salt = confd_request_salt(request);
    if (code != CONFD_OK) {
        tell_failed(q, code);
        return;
    }
    q->began = now_us(); /* the time is that of the call which waits */
    if (by_receive) {
        OK(confd_client_wait(client, salt, 0, &found));
        for (int64_t rest; !(SEEN(tally->replies) >= confd_needed_replies(found.sent)); ) {
            rest = q->began / 1000 + set.timeout - now_us() / 1000;
            if (rest <= 0) {
                break;
            }
            OK(confd_client_receive(client, (int32_t)rest, NULL));
        }
        found.received = SEEN(tally->replies);
    } else {
        OK(confd_client_wait(client, salt, set.timeout, &found));
    }
    const int64_t now = now_us();
    tell(q, now, outcome_of(found.sent, found.received), found.sent, found.received,
         confd_needed_replies(found.sent));
    OK(confd_client_cancel(client, salt));
    SAME(last_upcalls(tally), 1);
}

static void run_blocking(const char *how)
{
    int64_t next = now_us();
    for (long index = 0; index < set.count; index++, next += set.every) {
        struct tally tally = {0, 0, 0};
        confd_request *request = question();
        while (now_us() < next) {
            pause_us((long)(next - now_us()));
        }
        struct question q = {index, now_us()};
        if (strcmp(how, "query") == 0) {
            run_query(&q, request);
        } else {
            CHECK(strcmp(how, "wait") == 0 || strcmp(how, "receive") == 0);
            run_wait(&q, request, how[0] == 'r', &tally);
        }
        confd_request_free(request);
        say_retries();
    }
}

/* Reads what others send, until it is told that nobody sends any more; then all that is left. The last reply brings the
   system's count of what it dropped. */
static void hold(void)
{
    struct pollfd waits[2] = {{confd_client_fd(client), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    confd_request *request = question();
    confd_result *result = NULL;
    size_t handled;
    printf("held\n");
    fflush(stdout);
    do {
        CHECK(poll(waits, 2, 60000) > 0 || alarms > 0);
        OK(confd_client_process(client));
    } while (waits[1].revents == 0);
    do {
        OK(confd_client_receive(client, 300, &handled));
    } while (handled > 0);
    OK(confd_client_query(client, request, 1, 10000, &result));
    confd_result_free(result);
    confd_request_free(request);
    do {
        OK(confd_client_receive(client, 300, &handled));
    } while (handled > 0);
}

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

static void make_client(int argc, char **argv)
{
    static char key[4096];
    static const char *peers[MOST_PEERS];
    char *list = strdup(text(argc, argv, "peers", ""));
    const long buffer = number(argc, argv, "buffer", 0);
    FILE *file = fopen(text(argc, argv, "key", ""), "re");
    confd_options *options = options_new();
    size_t n = 0;
    CHECK(file != NULL && list != NULL);
    const size_t len = fread(key, 1, sizeof key, file);
    fclose(file);
    for (char *save = NULL, *peer = strtok_r(list, ",", &save); peer != NULL; peer = strtok_r(NULL, ",", &save)) {
        CHECK(n < MOST_PEERS);
        peers[n++] = peer;
    }
    OK(confd_options_set_port(options, (uint16_t)number(argc, argv, "port", 1814)));
    OK(confd_options_set_retry_ms(options, set.retry));
    OK(confd_options_set_log(options, count_line, NULL, (int32_t)number(argc, argv, "log", CONFD_LOG_INFO)));
    if (buffer > 0) {
        OK(confd_options_set_receive_buffer(options, (size_t)buffer));
    }
    OK(confd_client_new(key, len, peers, n, count_upcall, NULL, options, &client));
    confd_options_free(options);
    free(list);
}

int main(int argc, char **argv)
{
    const char *how = text(argc, argv, "how", "async");
    set.count = number(argc, argv, "count", 1);
    set.every = number(argc, argv, "every", 0);
    set.window = number(argc, argv, "window", 64);
    set.coverage = (int32_t)number(argc, argv, "coverage", -1);
    set.timeout = (int32_t)number(argc, argv, "timeout", 2000);
    set.retry = (int32_t)number(argc, argv, "retry", 100);
    set.type = number(argc, argv, "type", CONFD_REQ_CLUSTER_MASTER);
    set.storm = number(argc, argv, "storm", 0);
    make_client(argc, argv);
    lateness_watch();
    if (set.storm > 0) {
        const struct itimerval timer = {{0, 1000000 / set.storm}, {0, 1000000 / set.storm}};
        struct sigaction action;
        memset(&action, 0, sizeof action); /* no SA_RESTART */
        action.sa_handler = on_alarm;
        SAME(sigaction(SIGALRM, &action, NULL), 0);
        SAME(setitimer(ITIMER_REAL, &timer, NULL), 0);
    }
    printf("ready\n");
    fflush(stdout);
    if (strcmp(how, "async") == 0) {
        run_async();
    } else {
        run_blocking(how);
    }
    if (number(argc, argv, "hold", 0)) {
        hold();
    }
    note_memory();
    printf("alarms %ld\n", (long)alarms);
    report(client);
    confd_client_free(client);
    return 0;
}

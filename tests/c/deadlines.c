/* Blocking calls and deadlines, their own and those of requests. */
#include "world.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static confd_client *client;
static struct peer peer;
static struct tally late;

/* Stopped in its sleep past its own deadline and that of three requests: one upcall is made, and the rest is left. */
static void no_upcall_but_one_after_the_deadline(void)
{
    pid_t pid;
    int status;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        const char *nobody = "127.0.0.1:9";
        confd_options *options = options_expire(250);
        client = client_of(&nobody, 1, count_upcall, &late, options);
        confd_options_free(options);
        const int64_t sent = now_ms();
        for (int i = 0; i < 3; i++) {
            send_ping(client, 0, CONFD_SEND_QUEUED, NULL, NULL);
        }
        OK(confd_client_receive(client, 1, NULL));
        raise(SIGSTOP);
        const int64_t start = now_ms();
        OK(confd_client_receive(client, 100, NULL));
        /* On a busy machine it may have begun too late to prove anything. */
        if (start - sent < 140) {
            CHECK(SEEN(late.expired) <= 1);
            SAME(confd_client_timeout_ms(client), 0);
        }
        OK(confd_client_process(client));
        SAME(SEEN(late.expired), 3);
        confd_client_free(client);
        _exit(0);
    }
    SAME(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    kill(pid, SIGCONT);
    pause_us(50000);
    kill(pid, SIGSTOP);
    pause_us(400000);
    kill(pid, SIGCONT);
    child_succeeds(pid);
}

static void *receives_an_expiry(void *tally)
{
    OK(confd_client_receive(client, 20000, NULL));
    SAME(SEEN(((struct tally *)tally)->expired), 1);
    return NULL;
}

/* A thread that blocks learns of a deadline that another thread's send has brought. */
static void a_deadline_that_another_thread_sets(void)
{
    struct tally tally = {0, 0, 0};
    confd_options *options = options_expire(20);
    const char *address = peer.address;
    pthread_t thread;
    peer_open(&peer);
    client = client_of(&address, 1, count_upcall, NULL, options);
    confd_options_free(options);
    SAME(pthread_create(&thread, NULL, receives_an_expiry, &tally), 0);
    pause_us(10000);
    const int64_t start = now_ms();
    send_ping(client, 0, 0, &tally, NULL);
    SAME(pthread_join(thread, NULL), 0);
    CHECK(now_ms() - start < 10000);
    confd_client_free(client);
    peer_close(&peer);
}

static unsigned lines;

/* What it does makes the next line. */
static void feeds_itself(int32_t level, const char *message, void *data)
{
    const char *address = peer.address;
    (void)level;
    (void)message;
    (void)data;
    CHECK(++lines < 100000);
    OK(confd_client_update_peers(client, &address, 1));
}

/* A call passes on as many log lines as it makes upcalls at the most, and not for longer; the rest is left. */
static void a_log_that_feeds_itself_holds_no_call(void)
{
    const char *address = peer.address;
    confd_options *options = options_new();
    OK(confd_options_set_log(options, feeds_itself, NULL, CONFD_LOG_INFO));
    peer_open(&peer);
    client = client_of(&address, 1, NULL, NULL, options);
    confd_options_free(options);
    const int fd = confd_client_fd(client);
    lines = 0;
    OK(confd_client_update_peers(client, &address, 1));
    CHECK(lines > 0 && lines <= 1024);
    CHECK(readable(fd, 0));
    SAME(confd_client_timeout_ms(client), 0);
    lines = 0;
    OK(confd_client_process(client));
    CHECK(lines > 0 && lines <= 1024);
    lines = 0;
    OK(confd_client_receive(client, 20, NULL));
    CHECK(lines > 0);
    confd_client_free(client);
    peer_close(&peer);
}

static unsigned logging;
static unsigned answered;

static void logs_until_the_answer(int32_t level, const char *message, void *data)
{
    (void)level;
    (void)message;
    (void)data;
    ADD(logging);
    SOON(SEEN(answered) > 0);
}

static void *reads_for_all(void *unused)
{
    while (confd_client_receive(client, -1, NULL) == CONFD_OK) {
    }
    return unused;
}

/* What is worth a line, and, while that is logged, the answer. */
static void *throws_and_answers(void *unused)
{
    char salt[SALT];
    peer_take(&peer, salt);
    peer_throw(&peer, "plj0 and no more", 16);
    SOON(SEEN(logging) > 0);
    peer_answer(&peer, salt, "1", 1);
    return unused;
}

/* The thread that reads for all is inside the log's function; another takes its place. */
static void a_slow_log_holds_up_no_other_thread(void)
{
    const char *address = peer.address;
    pthread_t reader;
    pthread_t server;
    confd_request *request = ping();
    confd_result *result;
    confd_options *options = options_new();
    OK(confd_options_set_log(options, logs_until_the_answer, NULL, CONFD_LOG_DEBUG));
    peer_open(&peer);
    client = client_of(&address, 1, NULL, NULL, options);
    confd_options_free(options);
    SAME(pthread_create(&reader, NULL, reads_for_all, NULL), 0);
    SAME(pthread_create(&server, NULL, throws_and_answers, NULL), 0);
    /* By then it reads for all. */
    pause_us(300000);
    OK(confd_client_query(client, request, 0, 20000, &result));
    PUT(answered, 1);
    SAME(result->outcome, CONFD_OUTCOME_ANSWERED);
    confd_result_free(result);
    OK(confd_client_close(client));
    SAME(pthread_join(server, NULL), 0);
    SAME(pthread_join(reader, NULL), 0);
    SAME(logging, 1);
    confd_client_free(client);
    confd_request_free(request);
    peer_close(&peer);
}

int main(void)
{
    no_upcall_but_one_after_the_deadline();
    a_deadline_that_another_thread_sets();
    a_log_that_feeds_itself_holds_no_call();
    a_slow_log_holds_up_no_other_thread();
    return 0;
}

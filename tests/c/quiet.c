/* The program does not notice the library: no output, no threads, no signal dispositions, no descriptors left. */
#include "world.h"
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

enum { SIGNALS = 65 };

static void dispositions(struct sigaction all[SIGNALS])
{
    memset(all, 0, SIGNALS * sizeof all[0]);
    for (int number = 1; number < SIGNALS; number++) {
        (void)sigaction(number, NULL, &all[number]);
    }
}

static void *works(void *data)
{
    const struct sim *sim = data;
    struct tally tally = {0, 0, 0};
    confd_options *options = options_expire(30);
    confd_client *client = client_of(sim->peers, sim->n, count_upcall, &tally, options);
    confd_client *none = NULL;
    confd_wait_result wait;
    char salt[SALT];
    confd_options_free(options);
    CHECK(confd_client_fd(client) >= 0);
    send_ping(client, -1, 0, NULL, salt);
    OK(confd_client_wait(client, salt, 10, &wait));
    OK(confd_client_process(client));
    while (tally.expired == 0) {
        OK(confd_client_receive(client, -1, NULL));
    }
    send_ping(client, -1, 0, NULL, salt);
    GIVES(CONFD_ERR_BAD_PEER, confd_client_new("key", 3, (const char *const[]){"x"}, 1, NULL, NULL, NULL, &none));
    OK(confd_client_handle_datagram(client, "plj0 rubbish", 12, "127.0.0.1", 1));
    confd_client_free(client);
    SAME(last_upcalls(&tally), 2);
    return NULL;
}

static void no_descriptors_stay_of_a_client_that_could_not_be_made(void)
{
    const int before = open_descriptors();
    const char *peer = "127.0.0.1";
    confd_options *options = options_new();
    confd_client *client = NULL;
    OK(confd_options_set_bind_address(options, "203.0.113.77"));
    for (int i = 0; i < 20; i++) {
        GIVES(CONFD_ERR_IO, confd_client_new(KEY, strlen(KEY), &peer, 1, count_upcall, NULL, options, &client));
    }
    confd_options_free(options);
    SAME(open_descriptors(), before);
}

int main(void)
{
    static struct sigaction at_first[SIGNALS];
    static struct sigaction after[SIGNALS];
    struct sim sim;
    char path[] = "/tmp/confdclient-quiet-XXXXXX";
    sigset_t mask_before;
    sigset_t mask_after;
    struct stat said;
    pthread_t thread;
    int kept;
    int fd;
    sim_start(&sim, 3, "--fault", "sim2:wrong_signature", "--fault", "sim3:garbage", NULL);
    no_descriptors_stay_of_a_client_that_could_not_be_made();
    fd = mkstemp(path);
    kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    CHECK(fd >= 0 && kept >= 0);
    unlink(path);
    const int threads = threads_running();
    const int descriptors = open_descriptors();
    const char *locale = setlocale(LC_ALL, NULL);
    fflush(NULL);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    dispositions(at_first);
    SAME(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);
    for (int i = 0; i < 10; i++) {
        works(&sim);
        SAME(threads_running(), threads);
        SAME(open_descriptors(), descriptors);
    }
    SAME(pthread_create(&thread, NULL, works, &sim), 0);
    SAME(pthread_join(thread, NULL), 0);
    fflush(NULL);
    SAME(fstat(fd, &said), 0);
    dup2(kept, STDERR_FILENO);
    SAME(said.st_size, 0);
    dispositions(after);
    SAME(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
        for (int number = 1; number < SIGNALS; number++) {
        CHECK(at_first[number].sa_handler == after[number].sa_handler);
        SAME(sigismember(&mask_before, number), sigismember(&mask_after, number));
        SAME(at_first[number].sa_flags, after[number].sa_flags);
    }
    SAME_TEXT(setlocale(LC_ALL, NULL), locale);
    SAME(open_descriptors(), descriptors);
    close(fd);
    close(kept);
    sim_stop(&sim);
    return 0;
}

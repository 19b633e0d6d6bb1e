/*
 * A process that has no descriptor left: what the library does then, at every number of descriptors that is too few, and
 * that it recovers. Real: the process's own limit is lowered to what it has open.
 */
#include "world.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct rlimit usual;
static struct sim sim;

/* The lowest descriptors are in use without a gap, so the limit is the number that may be open. */
static void allow(int more)
{
    struct rlimit limit = usual;
    limit.rlim_cur = (rlim_t)(open_descriptors() + more);
    SAME(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void allow_all(void)
{
    SAME(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void fill_gaps(void)
{
    for (;;) {
        const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0);
        if (fd == open_descriptors() - 1) {
            close(fd);
            return;
        }
    }
}

static int answered(confd_client *client)
{
    confd_request *request = ping();
    confd_result *result = NULL;
    OK(confd_client_query(client, request, 0, 10000, &result));
    const int outcome = result->outcome;
    confd_result_free(result);
    confd_request_free(request);
    return outcome == CONFD_OUTCOME_ANSWERED;
}

/* With each number of descriptors that is too few it fails, says why, leaves the output alone and nothing open. */
static void a_client_needs_descriptors_and_leaks_none(void)
{
    confd_client *const untouched = (confd_client *)&sim;
    const int before = open_descriptors();
    int needs = 0;
    for (;; needs++) {
        confd_client *client = untouched;
        CHECK(needs < 10);
        allow(needs);
        const confd_error code =
            confd_client_new(KEY, sizeof KEY - 1, sim.peers, sim.n, count_upcall, NULL, NULL, &client);
        if (code == CONFD_OK) {
            /* And what it has suffices: no call that asks opens another. */
            allow(0);
            CHECK(answered(client));
            send_ping(client, -1, 0, NULL, NULL);
            OK(confd_client_receive(client, 10000, NULL));
            confd_client_free(client);
            allow_all();
            SAME(open_descriptors(), before);
            break;
        }
        SAME(code, CONFD_ERR_IO);
        CHECK(strstr(confd_last_error(), "oo many open files") != NULL);
        CHECK(client == untouched);
        allow_all();
        SAME(open_descriptors(), before);
    }
    CHECK(needs > 0);
    printf("descriptors: a client needs %d\n", needs);
}

static void the_descriptor_to_poll_is_refused_and_made_later(void)
{
    confd_client *client = client_of(sim.peers, sim.n, count_upcall, NULL, NULL);
    const int before = open_descriptors();
    int needs = 0;
    for (;; needs++) {
        CHECK(needs < 10);
        allow(needs);
        const int fd = confd_client_fd(client);
        if (fd >= 0) {
            allow(0);
            struct pollfd wait = {fd, POLLIN, 0};
            confd_stats stats;
            SAME(confd_client_fd(client), fd);
            send_ping(client, -1, 0, NULL, NULL);
            do {
                SAME(poll(&wait, 1, 10000), 1);
                OK(confd_client_process(client));
                stats = stats_of(client);
            } while (stats.replies < sim.n);
            allow_all();
            break;
        }
        SAME(fd, -1);
        CHECK(strstr(confd_last_error(), "oo many open files") != NULL);
        /* The client itself goes on. */
        CHECK(answered(client));
        allow_all();
        SAME(open_descriptors(), before);
    }
    CHECK(needs > 0);
    confd_client_free(client);
}

static void write_file(const char *folder, const char *name, const char *text, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fwrite(text, 1, len, file) == len && fclose(file) == 0);
}

static void files_cannot_be_read_and_what_was_read_stays(void)
{
    char folder[] = "/tmp/descriptors-XXXXXX", peers[512] = "", path[256];
    confd_client *client = NULL;
    confd_options *options = options_new();
    uint16_t port = (uint16_t)strtol(strrchr(sim.text[0], ':') + 1, NULL, 10);
    CHECK(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < sim.n; i++) {
        const size_t at = strlen(peers);
        snprintf(peers + at, sizeof peers - at, "%.*s\n", (int)(strrchr(sim.text[i], ':') - sim.text[i]), sim.text[i]);
    }
    write_file(folder, "hmac.key", KEY, sizeof KEY - 1);
    write_file(folder, "ssconf_master_candidates_ips", peers, strlen(peers));
    OK(confd_options_set_port(options, port));
    OK(confd_options_set_refresh_ms(options, 1));
    const int before = open_descriptors();
    allow(0);
    GIVES(CONFD_ERR_CLUSTER_DIR, confd_client_open(folder, count_upcall, NULL, options, &client));
    CHECK(client == NULL && strstr(confd_last_error(), "oo many open files") != NULL);
    allow_all();
    SAME(open_descriptors(), before);
    OK(confd_client_open(folder, count_upcall, NULL, options, &client));
    const int with_it = open_descriptors();
    allow(0);
    for (int i = 0; i < 20; i++) {
        GIVES(CONFD_ERR_CLUSTER_DIR, confd_client_reload(client));
        CHECK(strstr(confd_last_error(), "oo many open files") != NULL);
        /* The refresh fails as well, inside this, and nobody is bothered. */
        CHECK(answered(client));
    }
    allow_all();
    OK(confd_client_reload(client));
    CHECK(answered(client));
    SAME(open_descriptors(), with_it);
    confd_client_free(client);
    confd_options_free(options);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i ? "hmac.key" : "ssconf_master_candidates_ips");
        SAME(unlink(path), 0);
    }
    SAME(rmdir(folder), 0);
}

int main(void)
{
    SAME(getrlimit(RLIMIT_NOFILE, &usual), 0);
    sim_start(&sim, 3, NULL);
    fill_gaps();
    a_client_needs_descriptors_and_leaks_none();
    the_descriptor_to_poll_is_refused_and_made_later();
    files_cannot_be_read_and_what_was_read_stays();
    sim_stop(&sim);
    return 0;
}

/* A key that was read from hmac.key leaves nothing in memory either, whatever else is wrong with the data directory; and
   no key is in a log line or in the text of an error. */
#include "search.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct secret old;
static struct secret new;
static char dir[128];
static unsigned lines;

static const char *path(const char *name)
{
    static char text[256];
    snprintf(text, sizeof text, "%s/%s", dir, name);
    return text;
}

static void put(const char *name, const char *text, size_t len)
{
    const int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
}

static void put_peers(const char *text)
{
    put("ssconf_master_candidates_ips", text, strlen(text));
}

/* Every line at every level, searched for both keys. */
static void read_line(int32_t level, const char *message, void *data)
{
    CHECK(level >= CONFD_LOG_DEBUG && data == &lines);
    SAME(secret_in_text(&old, message), 0);
    SAME(secret_in_text(&new, message), 0);
    lines++;
}

static confd_options *logging(void)
{
    confd_options *options = options_new();
    OK(confd_options_set_log(options, read_line, &lines, CONFD_LOG_DEBUG));
    return options;
}

static void no_text_tells(void)
{
    CHECK(confd_last_error()[0] != '\0');
    SAME(secret_in_text(&old, confd_last_error()), 0);
    SAME(secret_in_text(&new, confd_last_error()), 0);
}

static void opening_fails(confd_error code, const confd_options *options)
{
    confd_client *client = NULL;
    GIVES(code, confd_client_open(dir, count_upcall, NULL, options, &client));
    CHECK(client == NULL);
    GONE(&old);
    no_text_tells();
}

static void not_opened(void)
{
    confd_options *options = logging();
    struct rlimit limit;
    const rlim_t most = (1 << 20) + 100;
    rlim_t had;
    secret_write(&old, path("hmac.key"));
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    put_peers("\n");
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    put_peers("192.0.2.7\nno address\n");
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    put_peers("192.0.2.7\n2001:db8::7\n");
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    put_peers("192.0.2.7\n\xff\n");
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    put_peers("192.0.2.7\n");
    OK(confd_options_set_bind_address(options, "192.0.2.200"));
    opening_fails(CONFD_ERR_IO, options);
    confd_options_free(options);
    options = logging();
    /* Of a megabyte and more nothing is read. */
    CHECK(truncate(path("hmac.key"), (off_t)most) == 0);
    opening_fails(CONFD_ERR_CLUSTER_DIR, options);
    secret_write(&old, path("hmac.key"));
    /* Descriptors for the files, and none for the socket, or one. */
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    had = limit.rlim_cur;
    for (int more = 0; more < 2; more++) {
        confd_client *client = NULL;
        const int next = dup(STDIN_FILENO);
        CHECK(next >= 0 && close(next) == 0);
        limit.rlim_cur = (rlim_t)(next + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        GIVES(more ? CONFD_ERR_IO : CONFD_ERR_CLUSTER_DIR, confd_client_open(dir, NULL, NULL, options, &client));
        no_text_tells();
        limit.rlim_cur = had;
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        GONE(&old);
    }
    confd_options_free(options);
}

static void opened_and_freed(void)
{
    confd_options *options = logging();
    confd_client *client = NULL;
    OK(confd_client_open(dir, NULL, NULL, options, &client));
    confd_client_free(client);
    GONE(&old);
    confd_options_free(options);
}

/* Reloaded, with and without success, and at work in between, with all that the log has to say of that. */
static void reloaded(void)
{
    struct peer peer;
    char list[64];
    char text[64];
    confd_options *options = logging();
    confd_client *client = NULL;
    pid_t server;
    peer_open(&peer);
    server = secret_server(&new, &peer);
    OK(confd_options_set_port(options, peer.port));
    OK(confd_options_set_retry_ms(options, 5));
    snprintf(list, sizeof list, "127.0.0.1\n");
    put_peers(list);
    OK(confd_client_open(dir, count_upcall, NULL, options, &client));
    put_peers("no address\n");
    GIVES(CONFD_ERR_CLUSTER_DIR, confd_client_reload(client));
    no_text_tells();
    put_peers(list);
    CHECK(unlink(path("hmac.key")) == 0);
    GIVES(CONFD_ERR_CLUSTER_DIR, confd_client_reload(client));
    no_text_tells();
    secret_write(&new, path("hmac.key"));
    lines = 0;
    for (int i = 0; i < 4; i++) {
        confd_request *request = ping();
        confd_result *result = NULL;
        /* The first under a key that the server has not. */
        OK(confd_client_query(client, request, 0, i == 0 ? 30 : 10000, &result));
        SAME(result->outcome, i == 0 ? CONFD_OUTCOME_NO_REPLY : CONFD_OUTCOME_ANSWERED);
        confd_result_free(result);
        confd_request_free(request);
        OK(confd_client_reload(client));
    }
    GONE(&old);
    THERE(&new);
    send_ping(client, 0, 0, NULL, NULL);
    snprintf(text, sizeof text, "plj0 nonsense");
    OK(confd_client_handle_datagram(client, text, strlen(text), "127.0.0.1", peer.port));
    CHECK(lines > 2);
    confd_client_free(client);
    GONE(&new);
    confd_options_free(options);
    server_stop(server);
    peer_close(&peer);
}

int main(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/confd-XXXXXX", parent != NULL ? parent : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    secret_make(&old, 41);
    secret_make(&new, 41);
    not_opened();
    opened_and_freed();
    reloaded();
    GONE(&old);
    GONE(&new);
    CHECK(unlink(path("hmac.key")) == 0 && unlink(path("ssconf_master_candidates_ips")) == 0 && rmdir(dir) == 0);
    return 0;
}

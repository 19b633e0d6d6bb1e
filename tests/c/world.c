#include "world.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_us(long microseconds)
{
    struct timespec rest = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

int slowed(int ms)
{
    return getenv("CHECK_SLOWLY") != NULL ? 20 * ms : ms;
}

/* Not by /proc: a debugger has descriptors of its own up there. */
int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

int threads_running(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = -2; /* . and .. */
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}

static void count(struct tally *tally, int32_t type)
{
    if (tally != NULL) {
        switch (type) {
        case CONFD_UPCALL_REPLY: ADD(tally->replies); break;
        case CONFD_UPCALL_EXPIRE: ADD(tally->expired); break;
        case CONFD_UPCALL_CANCEL: ADD(tally->cancelled); break;
        default: FAIL("an upcall of type %d", (int)type);
        }
    }
}

void count_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    CHECK(client != NULL && upcall->size == sizeof *upcall);
    CHECK((upcall->type == CONFD_UPCALL_REPLY) == (upcall->reply != NULL));
    CHECK((upcall->type == CONFD_UPCALL_REPLY) == (upcall->server_ip != NULL));
    SAME_TEXT(upcall->salt, confd_request_salt(upcall->request));
    count((struct tally *)upcall->request_data, upcall->type);
    count((struct tally *)user_data, upcall->type);
}

unsigned last_upcalls(const struct tally *tally)
{
    return SEEN(tally->expired) + SEEN(tally->cancelled);
}

confd_client *client_of(const char *const *peers, size_t n, confd_upcall_fn callback, void *user_data,
                        const confd_options *options)
{
    confd_client *client = NULL;
    OK(confd_client_new(KEY, strlen(KEY), peers, n, callback, user_data, options, &client));
    CHECK(client != NULL);
    return client;
}

confd_client *external_client(confd_upcall_fn callback, void *user_data, const confd_options *options)
{
    const char *peer = EXTERNAL_IP ":1000";
    confd_options *own = NULL;
    confd_client *client;
    if (options == NULL) {
        own = options_new();
        OK(confd_options_set_external_io(own, 1));
    }
    client = client_of(&peer, 1, callback, user_data, options != NULL ? options : own);
    confd_options_free(own);
    return client;
}

confd_options *options_new(void)
{
    confd_options *options = NULL;
    OK(confd_options_new(&options));
    return options;
}

confd_options *options_expire(int32_t ms)
{
    confd_options *options = options_new();
    OK(confd_options_set_expire_ms(options, ms));
    return options;
}

confd_request *ping(void)
{
    confd_request *request = NULL;
    OK(confd_request_new(CONFD_REQ_PING, NULL, &request));
    return request;
}

void send_ping(confd_client *client, int32_t coverage, uint32_t flags, void *request_data, char *salt)
{
    confd_request *request = ping();
    if (salt != NULL) {
        snprintf(salt, SALT, "%s", confd_request_salt(request));
    }
    OK(confd_client_send(client, request, coverage, flags, request_data));
    confd_request_free(request);
}

confd_stats stats_of(confd_client *client)
{
    confd_stats stats;
    OK(confd_client_stats(client, &stats, sizeof stats));
    return stats;
}

void check_received(confd_client *client)
{
    const confd_stats s = stats_of(client);
    SAME(s.datagrams_in, s.replies + s.dropped_magic + s.dropped_malformed + s.dropped_signature +
                             s.dropped_salt + s.dropped_source + s.dropped_duplicate);
}

void check_sums(confd_client *client)
{
    const confd_stats s = stats_of(client);
    check_received(client);
    SAME(s.requests, s.expired + s.cancelled + s.outstanding);
}

void peer_open(struct peer *peer)
{
    struct sockaddr_in here;
    socklen_t len = sizeof here;
    memset(&here, 0, sizeof here);
    memset(peer, 0, sizeof *peer);
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(peer->fd >= 0 && bind(peer->fd, (struct sockaddr *)&here, len) == 0);
    CHECK(getsockname(peer->fd, (struct sockaddr *)&here, &len) == 0);
    peer->port = ntohs(here.sin_port);
    snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", (unsigned)peer->port);
}

void peer_close(struct peer *peer)
{
    close(peer->fd);
}

void closed_address(char *out, size_t size)
{
    struct peer peer;
    peer_open(&peer);
    snprintf(out, size, "%s", peer.address);
    peer_close(&peer);
}

void peer_take(struct peer *peer, char *salt)
{
    static const char before[] = "rsalt\\\": \\\"";
    struct pollfd ready = {peer->fd, POLLIN, 0};
    socklen_t len = sizeof peer->client;
    char data[DATAGRAM];
    ssize_t got;
    const char *start;
    int polled;
    do {
        polled = poll(&ready, 1, 10000);
    } while (polled < 0 && errno == EINTR);
    SAME(polled, 1);
    got = recvfrom(peer->fd, data, sizeof data - 1, 0, (struct sockaddr *)&peer->client, &len);
    CHECK(got > 0);
    data[got] = '\0';
    start = strstr(data, before);
    CHECK(start != NULL);
    start += sizeof before - 1;
    snprintf(salt, SALT, "%.*s", (int)strcspn(start, "\\"), start);
}

void peer_throw(struct peer *peer, const void *data, size_t len)
{
    const struct sockaddr *to = (const struct sockaddr *)&peer->client;
    SAME(sendto(peer->fd, data, len, 0, to, sizeof peer->client), (ssize_t)len);
}

void peer_answer(struct peer *peer, const char *salt, const char *answer, long serial)
{
    char data[DATAGRAM];
    peer_throw(peer, data, make_reply(data, KEY, salt, CONFD_STATUS_OK, answer, serial));
}

void answer_from(confd_client *client, const char *salt, const char *ip, uint16_t port, const char *answer,
                 long serial)
{
    char data[DATAGRAM];
    const size_t len = make_reply(data, KEY, salt, CONFD_STATUS_OK, answer, serial);
    OK(confd_client_handle_datagram(client, data, len, ip, port));
}

int readable(int fd, int timeout_ms)
{
    struct pollfd ready = {fd, POLLIN, 0};
    const int n = poll(&ready, 1, timeout_ms);
    CHECK(n == 0 || ready.revents == POLLIN);
    return n == 1;
}

int kernel_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    /* It writes there what is left. */
    struct timespec rest = {0, 0};
    if (timeout != NULL) {
        rest = *timeout;
    }
    return (int)syscall(SYS_ppoll, fds, n, timeout == NULL ? NULL : &rest, mask, 8UL);
}

void child_succeeds(pid_t pid)
{
    int status = -1;
    pid_t got;
    CHECK(pid > 0);
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    SAME(got, pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        FAIL("a child process ended with status %#x", (unsigned)status);
    }
}

void leave_child(void)
{
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
}

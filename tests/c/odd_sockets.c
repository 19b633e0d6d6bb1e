/* What a socket does at times, and cannot be made to do: the calls on it are this program's, which then ask the kernel. */
#include "world.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the next wait on the socket is in error with nothing in its queue of errors, until a call receives. */
static int is_to_be_marked;
static int marked;
/* Who waits is not told of datagrams: another thread was faster. */
static int blind;
/* What each call that sends gives, if it is not 0. */
static int no_room;
/* What each call that receives gives, if it is not 0. */
static int deaf;
/* How many messages were sent, and how many of them are several datagrams. */
static unsigned messages;
static unsigned pieces;
static unsigned polls;

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    ADD(polls);
    if (SEEN(is_to_be_marked)) {
        PUT(is_to_be_marked, 0);
        PUT(marked, 1);
    }
    if (SEEN(marked)) {
        fds[0].revents = POLLERR;
        fds[1].revents = 0;
        return 1;
    }
    const nfds_t from = SEEN(blind) ? 1 : 0;
    fds[0].revents = 0;
    return kernel_ppoll(fds + from, n - from, timeout, mask);
}

int recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags, struct timespec *timeout)
{
    PUT(marked, 0);
    if (SEEN(deaf) != 0) {
        errno = deaf;
        return -1;
    }
    return (int)syscall(SYS_recvmmsg, fd, headers, n, flags, timeout);
}

int sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags)
{
    if (SEEN(no_room) != 0) {
        errno = no_room;
        return -1;
    }
    for (unsigned i = 0; i < n; i++) {
        messages++;
        pieces += headers[i].msg_hdr.msg_iovlen > 1;
    }
    return (int)syscall(SYS_sendmmsg, fd, headers, n, flags);
}

static struct tally tally;
static struct peer peer;
static struct peer other;

/* Two peers, which are sent to in one call. */
static confd_client *begin(int32_t expire_ms)
{
    const char *const addresses[] = {peer.address, other.address};
    memset(&tally, 0, sizeof tally);
    peer_open(&peer);
    peer_open(&other);
    confd_options *options = options_expire(expire_ms);
    confd_client *client = client_of(addresses, 2, count_upcall, &tally, options);
    confd_options_free(options);
    polls = 0;
    return client;
}

static void end(confd_client *client)
{
    confd_client_free(client);
    peer_close(&peer);
    peer_close(&other);
}

static void an_error_that_no_queue_holds_is_taken_away(void)
{
    confd_client *client = begin(10000);
    size_t handled = 77;
    PUT(is_to_be_marked, 1);
    OK(confd_client_receive(client, 100, &handled));
    SAME(handled, 0);
    SAME(is_to_be_marked + marked, 0);
    CHECK(polls >= 1 && polls < 20);
    end(client);
}

/* What waited for room has expired; nothing waits for room any more. */
static void a_full_socket_is_forgotten_with_what_it_kept_waiting(int error)
{
    confd_client *client = begin(100);
    size_t handled;
    PUT(no_room, error);
    for (int i = 0; i < 3; i++) {
        send_ping(client, 0, i == 0 ? 0 : CONFD_SEND_QUEUED, NULL, NULL);
    }
    SAME(stats_of(client).queued, 6);
    while (SEEN(tally.expired) < 3) {
        OK(confd_client_receive(client, 10000, &handled));
    }
    SAME(stats_of(client).queued, 0);
    SAME(confd_client_timeout_ms(client), -1);
    polls = 0;
    OK(confd_client_receive(client, 100, &handled));
    CHECK(polls < 20);
    PUT(no_room, 0);
    send_ping(client, 0, 0, NULL, NULL);
    SAME(stats_of(client).datagrams_out, 2);
    end(client);
}

static void send_many(confd_client *client)
{
    for (int i = 0; i < 8; i++) {
        send_ping(client, 0, CONFD_SEND_QUEUED, NULL, NULL);
    }
    messages = pieces = 0;
    OK(confd_client_flush(client));
}

/* Of a piece the system may lose a part where it is short of buffers, and says nothing of that. */
static void who_is_short_of_buffers_is_given_one_datagram_at_a_time(void)
{
    size_t handled;
    confd_client *client = begin(60000);
    send_many(client);
    CHECK(messages > 0 && pieces == messages);
    PUT(no_room, ENOBUFS);
    send_many(client);
    SAME(messages, 0);
    PUT(no_room, 0);
    OK(confd_client_receive(client, 20, &handled));
    SAME(messages, 16);
    SAME(pieces, 0);
    /* Until nothing waits any more. */
    send_many(client);
    CHECK(messages > 0 && pieces == messages);
    SAME(stats_of(client).datagrams_out, 48);
    end(client);
}

static void *receives(void *client)
{
    size_t handled;
    while (confd_client_receive(client, -1, &handled) == CONFD_OK) {
    }
    return NULL;
}

/* A query reads before it asks. If it then cannot ask, the thread that waits makes the upcalls. */
static void what_a_refused_query_has_read_goes_to_the_thread_that_waits(void)
{
    pthread_t waiter;
    char salt[SALT];
    confd_client *client = begin(60000);
    confd_request *request = ping();
    confd_result *result = NULL;
    PUT(blind, 1);
    SAME(pthread_create(&waiter, NULL, receives, client), 0);
    SOON(SEEN(polls) > 0);
    send_ping(client, 0, 0, NULL, NULL);
    peer_take(&peer, salt);
    /* By then the thread has seen that there is a request, and waits again. */
    pause_us(50000);
    peer_answer(&peer, salt, "1", 1);
    for (int i = 0; i < 2000 && stats_of(client).replies == 0; i++) {
        GIVES(CONFD_ERR_COVERAGE, confd_client_query(client, request, 99, 10000, &result));
        pause_us(1000);
    }
    SOON(SEEN(tally.replies) > 0);
    SAME(SEEN(tally.replies), 1);
    PUT(blind, 0);
    OK(confd_client_close(client));
    SAME(pthread_join(waiter, NULL), 0);
    confd_request_free(request);
    end(client);
}

/* A program that closes all descriptors, the library's too, gets errors, and no call that never ends. */
static void a_socket_that_was_closed_is_an_error(void)
{
    int before[64];
    size_t handled;
    confd_wait_result waited;
    confd_result *result = NULL;
    char salt[SALT];
    for (int fd = 0; fd < 64; fd++) {
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    }
    confd_client *client = begin(60000);
    confd_request *request = ping();
    send_ping(client, 0, 0, NULL, salt);
    for (int fd = 0; fd < 64; fd++) {
        int type;
        socklen_t len = sizeof type;
        if (!before[fd] && fd != peer.fd && fd != other.fd && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0) {
            /* Another takes its place, so that nobody else's is closed in the end: one that no call works on. */
            const int nothing = open("/dev/null", O_PATH | O_CLOEXEC);
            CHECK(nothing >= 0);
            CHECK(dup2(nothing, fd) == fd);
            close(nothing);
        }
    }
    GIVES(CONFD_ERR_IO, confd_client_receive(client, -1, &handled));
    CHECK(strstr(confd_last_error(), "socket") != NULL);
    GIVES(CONFD_ERR_IO, confd_client_wait(client, salt, -1, &waited));
    GIVES(CONFD_ERR_IO, confd_client_query(client, request, 0, -1, &result));
    CHECK(result == NULL);
    SAME(stats_of(client).outstanding, 1);
    confd_request_free(request);
    end(client);
    SAME(tally.cancelled, 1);
}

/* A sandbox, or a security module, that lets the program wait for what it may not read. */
static void a_socket_that_cannot_be_read_is_an_error(int error)
{
    char salt[SALT];
    size_t handled;
    confd_result *result = NULL;
    confd_client *client = begin(60000);
    confd_request *request = ping();
    send_ping(client, 0, 0, NULL, salt);
    peer_take(&peer, salt);
    peer_answer(&peer, salt, "1", 1);
    PUT(deaf, error);
    GIVES(CONFD_ERR_IO, confd_client_receive(client, -1, &handled));
    GIVES(CONFD_ERR_IO, confd_client_query(client, request, 0, -1, &result));
    CHECK(result == NULL && polls < 20);
    PUT(deaf, 0);
    SAME(stats_of(client).outstanding, 1);
    OK(confd_client_receive(client, 10000, &handled));
    SAME(tally.replies, 1);
    confd_request_free(request);
    end(client);
}

int main(void)
{
    an_error_that_no_queue_holds_is_taken_away();
    a_full_socket_is_forgotten_with_what_it_kept_waiting(EAGAIN);
    a_full_socket_is_forgotten_with_what_it_kept_waiting(ENOBUFS);
    who_is_short_of_buffers_is_given_one_datagram_at_a_time();
    what_a_refused_query_has_read_goes_to_the_thread_that_waits();
    a_socket_that_cannot_be_read_is_an_error(EPERM);
    a_socket_that_cannot_be_read_is_an_error(EACCES);
    a_socket_that_was_closed_is_an_error();
    return 0;
}

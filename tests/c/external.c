/* A program that does its own input and output drives a whole exchange with the simulator over its own socket. */
#include "world.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static struct tally tally;

static confd_client *client_with(const struct sim *sim, int32_t expire_ms)
{
    confd_options *options = options_expire(expire_ms);
    confd_client *client;
    OK(confd_options_set_external_io(options, 1));
    memset(&tally, 0, sizeof tally);
    client = client_of(sim->peers, sim->n, count_upcall, &tally, options);
    confd_options_free(options);
    return client;
}

/* Sends what there is to send; says how much that was. */
static int pull(confd_client *client, int fd)
{
    confd_datagram datagram;
    confd_error code;
    int n = 0;
    while ((code = confd_client_poll_transmit(client, &datagram)) == CONFD_OK) {
        struct sockaddr_in to;
        memset(&to, 0, sizeof to);
        to.sin_family = AF_INET;
        to.sin_port = htons(datagram.port);
        SAME(inet_pton(AF_INET, datagram.ip, &to.sin_addr), 1);
        SAME(sendto(fd, datagram.data, datagram.len, 0, (struct sockaddr *)&to, sizeof to), datagram.len);
        n++;
    }
    GIVES(CONFD_ERR_NOT_FOUND, code);
    return n;
}

static void push(confd_client *client, int fd)
{
    char data[65536];
    char ip[INET_ADDRSTRLEN];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    const ssize_t got = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
    CHECK(got >= 0 && inet_ntop(AF_INET, &from.sin_addr, ip, sizeof ip) != NULL);
    OK(confd_client_handle_datagram(client, data, (size_t)got, ip, ntohs(from.sin_port)));
}

static void a_whole_exchange(void)
{
    const int before = open_descriptors();
    struct sim sim;
    confd_client *client;
    size_t unanswered;
    /* All have answered by then, also on a busy machine. */
    const int expiry = slowed(150);
    sim_start(&sim, 4, NULL);
    const int with_sim = open_descriptors();
    client = client_with(&sim, expiry);
    SAME(open_descriptors(), with_sim);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    SAME(confd_client_timeout_ms(client), -1);
    const int64_t start = now_ms();
    for (int i = 0; i < 3; i++) {
        /* Queued or not: what is to be sent is pulled. */
        send_ping(client, -1, i == 1 ? CONFD_SEND_QUEUED : 0, NULL, NULL);
    }
    OK(confd_client_flush(client));
    SAME(stats_of(client).queued, 12);
    SAME(stats_of(client).datagrams_out, 0);
    SAME(pull(client, fd), 12);
    SAME(stats_of(client).datagrams_out, 12);
    while (tally.expired < 3) {
        struct pollfd ready = {fd, POLLIN, 0};
        const int32_t ms = confd_client_timeout_ms(client);
        CHECK(ms >= 0 && ms <= expiry);
        const int n = poll(&ready, 1, ms);
        CHECK(n >= 0);
        if (n == 1) {
            push(client, fd);
        } else {
            OK(confd_client_expire(client));
        }
        SAME(pull(client, fd), 0);
        if (tally.replies == 12) {
            OK(confd_client_outstanding(client, NULL, &unanswered));
            SAME(unanswered, 0);
        }
    }
    CHECK(now_ms() - start >= expiry);
    SAME(tally.replies, 12);
    SAME(confd_client_timeout_ms(client), -1);
    check_sums(client);
    confd_client_free(client);
    SAME(last_upcalls(&tally), 3);
    close(fd);
    sim_stop(&sim);
    SAME(open_descriptors(), before);
}

/* The pointers are good until the next poll_transmit, whatever else is called. */
static void pointers_last(void)
{
    const struct sim sim = {.n = 2, .peers = {"192.0.2.1:1001", "[::ffff:192.0.2.2]:1002"}};
    confd_client *client = client_with(&sim, 10000);
    confd_datagram datagram;
    char *data;
    char ip[64];
    char salt[SALT];
    char text[DATAGRAM];
    send_ping(client, -1, 0, NULL, salt);
    OK(confd_client_poll_transmit(client, &datagram));
    data = malloc(datagram.len);
    memcpy(data, datagram.data, datagram.len);
    snprintf(ip, sizeof ip, "%s", datagram.ip);
    CHECK(strncmp(ip, "192.0.2.", 8) == 0);
    SAME(datagram.port, 1000 + ip[8] - '0');
    OK(confd_client_cancel(client, salt));
    for (int i = 0; i < 100; i++) {
        send_ping(client, -1, 0, NULL, NULL);
    }
    OK(confd_client_expire(client));
    OK(confd_client_process(client));
    OK(confd_client_close(client));
    confd_datagram after = datagram;
    GIVES(CONFD_ERR_CLOSED, confd_client_poll_transmit(client, &after));
    CHECK(after.data == datagram.data && after.len == datagram.len && after.ip == datagram.ip);
    CHECK(memcmp(data, datagram.data, datagram.len) == 0);
    SAME_TEXT(datagram.ip, ip);
    snprintf(text, sizeof text, "%.*s", (int)datagram.len, (const char *)datagram.data);
    CHECK(memcmp(text, "plj0{", 5) == 0 && strstr(text, salt) != NULL);
    free(data);
    confd_client_free(client);
}

static void what_needs_a_socket_is_refused(void)
{
    const struct sim sim = {.n = 1, .peers = {"192.0.2.1"}};
    confd_client *client = client_with(&sim, 1);
    confd_wait_result wait = {false, 77, 77};
    char salt[SALT];
    size_t handled = 77;
    send_ping(client, 0, 0, NULL, salt);
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_client_receive(client, -1, &handled));
    GIVES(CONFD_ERR_INVALID_ARGUMENT, confd_client_wait(client, salt, -1, &wait));
    SAME(confd_client_fd(client), -1);
    CHECK(*confd_last_error() != '\0');
    CHECK(handled == 77 && wait.sent == 77);
    OK(confd_client_wake(client));
    /* Process is expire. */
    SOON(confd_client_process(client) == CONFD_OK && tally.expired == 1);
    /* What expired is not there to be pulled. */
    confd_datagram datagram;
    GIVES(CONFD_ERR_NOT_FOUND, confd_client_poll_transmit(client, &datagram));
    confd_client_free(client);
    SAME(last_upcalls(&tally), 1);
}

/* Handing datagrams in also works on a client with a socket. */
static void beside_a_socket(void)
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    confd_wait_result wait;
    char salt[SALT];
    peer_open(&peer);
    memset(&tally, 0, sizeof tally);
    client = client_of(&address, 1, count_upcall, &tally, NULL);
    send_ping(client, 0, 0, NULL, salt);
    answer_from(client, salt, "127.0.0.1", peer.port, "1", 1);
    SAME(tally.replies, 1);
    OK(confd_client_wait(client, salt, 10000, &wait));
    SAME(wait.received, 1);
    confd_client_free(client);
    peer_close(&peer);
}

int main(void)
{
    a_whole_exchange();
    pointers_last();
    what_needs_a_socket_is_refused();
    beside_a_socket();
    return 0;
}

/* What the library's tests need around it: a key, a signer, peers, upcalls that are counted, and the simulator. */
#ifndef WORLD_H
#define WORLD_H

#include "check.h"
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#define KEY "a key for tests\n"

enum { DATAGRAM = 2048, SALT = 128, MOST_PEERS = 64 };

/* What a request's upcalls came to, or those of a whole client. Added to atomically, read with SEEN. */
struct tally {
    unsigned replies;
    unsigned expired;
    unsigned cancelled;
};

#define SEEN(place) __atomic_load_n(&(place), __ATOMIC_SEQ_CST)
#define ADD(place) __atomic_add_fetch(&(place), 1, __ATOMIC_SEQ_CST)
#define PUT(place, value) __atomic_store_n(&(place), (value), __ATOMIC_SEQ_CST)

/* A callback: counts into the struct tally at user_data and into that at request_data, either of which may be NULL. */
void count_upcall(confd_client *client, const confd_upcall *upcall, void *user_data);
unsigned last_upcalls(const struct tally *tally);

/* A client of KEY. */
confd_client *client_of(const char *const *peers, size_t n, confd_upcall_fn callback, void *user_data,
                        const confd_options *options);
/* The same of one peer, 192.0.2.7:1000, that does its own input and output. */
confd_client *external_client(confd_upcall_fn callback, void *user_data, const confd_options *options);
#define EXTERNAL_IP "192.0.2.7"
enum { EXTERNAL_PORT = 1000 };

confd_options *options_new(void);
confd_options *options_expire(int32_t ms);
confd_request *ping(void);
/* Sends a ping and gives its salt in `salt`, of SALT bytes (may be NULL). */
void send_ping(confd_client *client, int32_t coverage, uint32_t flags, void *request_data, char *salt);
confd_stats stats_of(confd_client *client);
/* Every datagram that came in was counted once. */
void check_received(confd_client *client);
/* And so was every request, where none is a query: those end in other ways. */
void check_sums(confd_client *client);

/* A signed reply to the request with this salt; gives its length. */
size_t make_reply(char *out, const char *key, const char *salt, int status, const char *answer, long serial);
/* Hands the client a signed ok reply from there. */
void answer_from(confd_client *client, const char *salt, const char *ip, uint16_t port, const char *answer,
                 long serial);

/* A peer in this process: a socket that reads requests and answers when told to. */
struct peer {
    int fd;
    uint16_t port;
    char address[32]; /* as for confd_client_new() */
    struct sockaddr_in client;
};
void peer_open(struct peer *peer);
void peer_close(struct peer *peer);
/* Waits for the next request and gives its salt. */
void peer_take(struct peer *peer, char *salt);
/* Answers the client that peer_take() last heard of. */
void peer_answer(struct peer *peer, const char *salt, const char *answer, long serial);
void peer_throw(struct peer *peer, const void *data, size_t len);
/* An address on loopback where nothing listens. */
void closed_address(char *out, size_t size);

/* The simulator as a child process, with KEY. */
struct sim {
    pid_t pid;
    int input;
    size_t n;
    char text[MOST_PEERS][64];
    const char *peers[MOST_PEERS];
};
/* Candidates 127.0.0.1 and up on one port, and further arguments up to a NULL. */
void sim_start(struct sim *sim, size_t candidates, ...);
/* With these arguments alone, "--listen" and so on, up to a NULL. */
void sim_start_with(struct sim *sim, const char *const *arguments);
void sim_stop(struct sim *sim);

/* Whether a descriptor is readable, or becomes so within this time. */
int readable(int fd, int timeout_ms);
/* For programs that have a ppoll() of their own: the kernel's. */
int kernel_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);

/* Waits for a child process that exits with 0. */
void child_succeeds(pid_t pid);
/* Ends a child process well, and unseen by a leak checker: of a client that another thread was in the midst of changing
   at the fork, the child cannot release the memory. */
void leave_child(void);

#endif

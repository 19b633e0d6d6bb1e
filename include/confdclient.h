/*
 * libconfdclient: a client for ganeti-confd, the read-only query daemon of Ganeti clusters.
 *
 * Copyright (c) 2026, the libconfdclient authors. SPDX-License-Identifier: BSD-2-Clause
 *
 * Generated from the library's sources: do not edit it here.
 *
 * A program makes a client with the cluster's HMAC key and the addresses of its master candidates, makes a
 * request, and asks several of them at once, since any may be stale, slow or down:
 *
 *     confd_client *client;
 *     confd_request *request;
 *     confd_result *result;
 *     if (confd_client_new(key, key_len, peers, n_peers, NULL, NULL, NULL, &client) != CONFD_OK ||
 *         confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request) != CONFD_OK ||
 *         confd_client_query(client, request, 0, 5000, &result) != CONFD_OK) {
 *       fprintf(stderr, "%s\n", confd_last_error());
 *     } else if (result->reply != NULL) {
 *       printf("%s\n", confd_reply_answer_json(result->reply));
 *     }
 *
 * confd_client_query() gives one answer to one question: the one with the highest serial. confd_client_send() gives
 * the parts: its callback is told of each reply; of those with status CONFD_STATUS_OK the one with the highest
 * serial is to be believed.
 *
 * - A call that can fail returns a confd_error; outputs come last, and are written only on success. A failed call
 *   leaves everything as it was. NULL where something is required is CONFD_ERR_INVALID_ARGUMENT, or NULL or -1 from
 *   functions that return no error, and never a crash.
 * - Strings are NUL-terminated UTF-8. Times are milliseconds: 0 does not block, negative has no limit.
 * - Every function on a client may be called from any thread at any time. Requests and options are used by one
 *   thread at a time, replies are read by any number. To end a client that threads share: close, join, free.
 * - Every request that was accepted gets exactly one last upcall, so what its request_data points to can be
 *   released there. After confd_client_free() nothing is called.
 * - No callback is made with a lock held, and none on another thread than that of a call into the library.
 * - The library has no threads of its own, no signal handlers, and writes nothing to stdout or stderr. A text or
 *   list too large for the memory there is, and lack of memory in the kernel, give CONFD_ERR_NO_MEMORY. Where any
 *   smaller piece cannot be had the process is aborted, with a line on stderr that says so.
 */


#ifndef CONFDCLIENT_H
#define CONFDCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * No error.
 */
#define CONFD_OK 0

/**
 * An argument is outside what the function takes: NULL where something is required, a number out of range, a
 * text that is not UTF-8, an empty key.
 */
#define CONFD_ERR_INVALID_ARGUMENT 1

/**
 * A peer is not an IPv4 or IPv6 address of one host.
 */
#define CONFD_ERR_BAD_PEER 2

/**
 * The list of peers is empty.
 */
#define CONFD_ERR_NO_PEERS 3

/**
 * The peers are not all of one address family, that of the client.
 */
#define CONFD_ERR_MIXED_FAMILIES 4

/**
 * The coverage asks for more peers than are known.
 */
#define CONFD_ERR_COVERAGE 5

/**
 * The request type is not one of 0 to 11, or the call does not apply to the request's type.
 */
#define CONFD_ERR_REQUEST_TYPE 6

/**
 * The request has an empty salt.
 */
#define CONFD_ERR_MISSING_SALT 7

/**
 * The request's salt has been used: a salt serves once.
 */
#define CONFD_ERR_DUPLICATE_SALT 8

/**
 * The signed datagram would pass the client's limit on the size of a request.
 */
#define CONFD_ERR_REQUEST_TOO_BIG 9

/**
 * No outstanding request has this salt.
 */
#define CONFD_ERR_UNKNOWN_REQUEST 10

/**
 * The operating system refused an operation on the socket.
 */
#define CONFD_ERR_IO 11

/**
 * There is nothing at this pointer or index, or nothing left to transmit.
 */
#define CONFD_ERR_NOT_FOUND 12

/**
 * The value is there, and is not of the type that was asked for.
 */
#define CONFD_ERR_WRONG_TYPE 13

/**
 * A file of the cluster's data directory is absent, unreadable or malformed.
 */
#define CONFD_ERR_CLUSTER_DIR 14

/**
 * The call waits for upcalls, and was made inside one.
 */
#define CONFD_ERR_BUSY 15

/**
 * The client is closed, or was inherited through fork().
 */
#define CONFD_ERR_CLOSED 16

/**
 * A defect of the library. Each later call on the handle gives this, too; free it.
 */
#define CONFD_ERR_INTERNAL 17

/**
 * There is no memory for a text or a list of this size, or none in the kernel. Any call that is passed one, or makes
 * a system call, may give this.
 */
#define CONFD_ERR_NO_MEMORY 18

/**
 * The version of the library that this header belongs to: major << 16 | minor << 8 | patch.
 */
#define CONFD_VERSION_NUMBER 256

/**
 * Request type: is the daemon there? No query. Answered with the version of its configuration, an integer.
 */
#define CONFD_REQ_PING 0

/**
 * Request type: the role of a node. The query is the node's name. Answered with a CONFD_NODE_ROLE_ number:
 * 0 master, 1 candidate, 2 offline, 3 drained, 4 regular.
 */
#define CONFD_REQ_NODE_ROLE_BYNAME 1

/**
 * Request type: which node runs the instance with this IP address. The query is made by confd_request_set_ip(),
 * and answered with the node's primary IP address, a string; or by confd_request_set_ips(), and answered with a
 * list of [status, answer, serial], one for each address, in order.
 */
#define CONFD_REQ_NODE_PIP_BY_INSTANCE_IP 2

/**
 * Request type: who is the master. No query, answered with the master's name, a string; or the query of
 * confd_request_set_fields(), answered with a list of strings, in the order of the fields.
 */
#define CONFD_REQ_CLUSTER_MASTER 3

/**
 * Request type: the primary IP addresses of all nodes, a list of strings. No query.
 */
#define CONFD_REQ_NODE_PIP_LIST 4

/**
 * Request type: the primary IP addresses of the master candidates, a list of strings. No query.
 */
#define CONFD_REQ_MC_PIP_LIST 5

/**
 * Request type: the IP addresses of the instances, a list of strings. No query, or a link.
 */
#define CONFD_REQ_INSTANCES_IPS_LIST 6

/**
 * Request type: the DRBD minors of a node. The query is the node's name. Answered with a list of
 * [node, minor, instance, disk, role, peer].
 */
#define CONFD_REQ_NODE_DRBD 7

/**
 * Request type: the instances of a node. The query is the node's name. Answered with two lists of objects, the
 * instances that it is the primary node of and those that it is the secondary node of.
 */
#define CONFD_REQ_NODE_INSTANCES 8

/**
 * Request type: the disks of an instance. The query is its name or UUID. Answered with a list of objects.
 */
#define CONFD_REQ_INSTANCE_DISKS 9

/**
 * Request type: any part of the configuration. The query is an RFC 6901 JSON pointer. A server never sends an
 * answer that makes a datagram of more than 65,507 bytes: a query for a larger part gets no reply at all.
 */
#define CONFD_REQ_CONFIG_QUERY 10

/**
 * Request type: the data collectors of the monitoring daemon, an object. No query.
 */
#define CONFD_REQ_DATA_COLLECTORS 11

/**
 * A field of CONFD_REQ_CLUSTER_MASTER: the master's name.
 */
#define CONFD_REQFIELD_NAME 0

/**
 * A field of CONFD_REQ_CLUSTER_MASTER: the cluster's IP address.
 */
#define CONFD_REQFIELD_IP 1

/**
 * A field of CONFD_REQ_CLUSTER_MASTER: the primary IP address of the master node.
 */
#define CONFD_REQFIELD_MNODE_PIP 2

/**
 * Log level: each dropped datagram and the like, for those who look for a fault.
 */
#define CONFD_LOG_DEBUG 0

/**
 * Log level: what changed, such as the peers.
 */
#define CONFD_LOG_INFO 1

/**
 * Log level: what works, but not as its user would want.
 */
#define CONFD_LOG_WARNING 2

/**
 * Log level: what does not work.
 */
#define CONFD_LOG_ERROR 3

/**
 * Flag of confd_client_send(): leave the datagrams for confd_client_flush(), _process(), _receive(), _wait() or
 * the next send without this flag.
 */
#define CONFD_SEND_QUEUED 1

/**
 * Kind of upcall: a peer has answered.
 */
#define CONFD_UPCALL_REPLY 1

/**
 * Kind of upcall: the request has reached its expiry. The last one of its request.
 */
#define CONFD_UPCALL_EXPIRE 2

/**
 * Kind of upcall: the request was cancelled, or its client closed or freed. The last one of its request.
 */
#define CONFD_UPCALL_CANCEL 3

/**
 * Outcome of a query: enough peers have answered for the answer to be safe.
 */
#define CONFD_OUTCOME_ANSWERED 0

/**
 * Outcome of a query: some peers, but too few, have answered in time.
 */
#define CONFD_OUTCOME_PARTIAL 1

/**
 * Outcome of a query: nobody has answered in time.
 */
#define CONFD_OUTCOME_NO_REPLY 2

/**
 * Outcome of a query: it was cancelled, or its client closed or freed.
 */
#define CONFD_OUTCOME_CANCELLED 3

/**
 * Status of a reply: the server answered the question.
 */
#define CONFD_STATUS_OK 0

/**
 * Status of a reply: the server could not answer; confd_reply_error_text() says why.
 */
#define CONFD_STATUS_ERROR 1

/**
 * Status of a reply: the server does not know the question.
 */
#define CONFD_STATUS_NOT_IMPLEMENTED 2

/**
 * Kind of a JSON value: null.
 */
#define CONFD_JSON_NULL 0

/**
 * Kind of a JSON value: a boolean.
 */
#define CONFD_JSON_BOOL 1

/**
 * Kind of a JSON value: a number.
 */
#define CONFD_JSON_NUMBER 2

/**
 * Kind of a JSON value: a string.
 */
#define CONFD_JSON_STRING 3

/**
 * Kind of a JSON value: an array.
 */
#define CONFD_JSON_ARRAY 4

/**
 * Kind of a JSON value: an object.
 */
#define CONFD_JSON_OBJECT 5

/**
 * Role of a node: the master.
 */
#define CONFD_NODE_ROLE_MASTER 0

/**
 * Role of a node: a master candidate.
 */
#define CONFD_NODE_ROLE_CANDIDATE 1

/**
 * Role of a node: offline.
 */
#define CONFD_NODE_ROLE_OFFLINE 2

/**
 * Role of a node: drained.
 */
#define CONFD_NODE_ROLE_DRAINED 3

/**
 * Role of a node: regular.
 */
#define CONFD_NODE_ROLE_REGULAR 4

/**
 * A client of the confd daemons of one cluster. Every function may be called from any thread at any time, except
 * that confd_client_free() ends the handle: close, join the threads that use it, free.
 *
 * After fork() every call in the child gives CONFD_ERR_CLOSED, and confd_client_free() releases memory and
 * descriptors without an upcall.
 */
typedef struct confd_client confd_client;

/**
 * What a client is told at its creation, where a copy is made. Used by one thread at a time.
 */
typedef struct confd_options confd_options;

/**
 * A verified reply. Any number of threads may read it at once; it may outlive its client. What its functions
 * return belongs to it and lives as long as it does, and is made once for each value however often it is asked
 * for.
 *
 * Values are found by RFC 6901 JSON pointers into the answer, "" being the whole: "/0/name" is the member name of
 * the first element. Of members with one name the last counts. Nothing is found deeper than 511 levels.
 */
typedef struct confd_reply confd_reply;

/**
 * A question: its type, its query and its salt, which the replies carry. Made by confd_request_new(), owned by
 * the program, used by one thread at a time. Sending copies it: it may be freed or changed at once. The request
 * that an upcall shows belongs to the library and is valid during the upcall.
 */
typedef struct confd_request confd_request;

/**
 * What a call that can fail returns: CONFD_OK or one of the CONFD_ERR_ numbers. A failed call leaves its outputs
 * unwritten and the client as it was, expiries that it came upon apart. confd_last_error() says in words what
 * went wrong. The numbers are fixed for ever.
 */
typedef int32_t confd_error;

/**
 * Takes a line for the program's log. Called inside calls on the client, on the calling thread, one line at a
 * time for each client, with no lock held. The message is valid during the call. It has no control character, no
 * newline either, and no byte of a datagram whose signature was not verified. It may call the client except for
 * confd_client_free(), and returns normally. A call passes on at most 1,024
 * lines, and 16 more after each upcall that it makes; what is left is for the next, or for a thread that waits.
 */
typedef void (*confd_log_fn)(int32_t level, const char *message, void *data);

/**
 * What has happened to a request. The library owns it and all that it points to, which is valid during the
 * upcall. It may grow at its end in later versions.
 */
typedef struct confd_upcall {
  /**
   * Bytes of this struct, as the library that made it knows it.
   */
  size_t size;
  /**
   * A CONFD_UPCALL_ number.
   */
  int32_t type;
  /**
   * The request's salt.
   */
  const char *salt;
  /**
   * The request, as it was sent.
   */
  const struct confd_request *request;
  /**
   * What the program attached to the request when it sent it.
   */
  void *request_data;
  /**
   * The reply; NULL unless the kind is CONFD_UPCALL_REPLY. confd_reply_clone() keeps it longer.
   */
  const struct confd_reply *reply;
  /**
   * The address of the peer that replied, without brackets and with the zone where it is link-local; NULL
   * unless the kind is CONFD_UPCALL_REPLY.
   */
  const char *server_ip;
  /**
   * The port of the peer that replied; 0 unless the kind is CONFD_UPCALL_REPLY.
   */
  uint16_t server_port;
  /**
   * Peers that the request was sent to.
   */
  uint32_t sent;
  /**
   * Distinct ones of them that have answered so far, this one included.
   */
  uint32_t received;
  /**
   * False once two ok replies to the request had one serial and different answers (as JSON values).
   */
  bool consistent;
} confd_upcall;

/**
 * Told of every event of the requests of a client. Called inside confd_client_send(), _query(), _query_async(),
 * _receive(), _wait(), _process(), _expire(), _cancel(), _handle_datagram(), _close() and _free(), on the calling
 * thread, one at a time for each client, in the order of the events, with no lock held. It may call any function:
 * on its own client confd_client_receive(), _wait(), _process(), _expire() and _query() give CONFD_ERR_BUSY, and
 * what other calls bring about is delivered after it returns, confd_client_free() excepted. It returns normally:
 * no exception, longjmp or thread exit may pass through the library.
 *
 * Every request that was accepted gets exactly one last upcall, CONFD_UPCALL_EXPIRE or CONFD_UPCALL_CANCEL.
 */
typedef void (*confd_upcall_fn)(struct confd_client *client,
                                const struct confd_upcall *upcall,
                                void *user_data);

/**
 * What confd_client_wait() found. Frozen: it never changes.
 */
typedef struct confd_wait_result {
  /**
   * True if fewer peers than confd_needed_replies(sent) had answered in time, or the request is unknown.
   */
  bool timed_out;
  /**
   * Peers that the request was sent to; 0 if it is unknown.
   */
  uint32_t sent;
  /**
   * Distinct ones of them that have answered; 0 if it is unknown.
   */
  uint32_t received;
} confd_wait_result;

/**
 * A datagram that the program is to send. Frozen: it never changes.
 */
typedef struct confd_datagram {
  /**
   * The bytes.
   */
  const uint8_t *data;
  /**
   * How many.
   */
  size_t len;
  /**
   * The address to send them to.
   */
  const char *ip;
  /**
   * The port to send them to.
   */
  uint16_t port;
} confd_datagram;

/**
 * What a query found. The library makes it, and all that it points to lives as long as it does: until
 * confd_result_free() for the blocking form, during the callback for the other. It may grow at its end in later
 * versions.
 */
typedef struct confd_result {
  /**
   * Bytes of this struct, as the library that made it knows it.
   */
  size_t size;
  /**
   * A CONFD_OUTCOME_ number.
   */
  int32_t outcome;
  /**
   * The best reply so far: an ok one beats an error, among ok ones the highest serial wins, and the first of
   * equals. NULL if there is none. An error carries no serial, so a fresh "unknown entry" loses to a stale ok
   * reply; errors tells that there were some. confd_reply_clone() keeps it longer.
   */
  const struct confd_reply *reply;
  /**
   * The address of the peer that gave the best reply; NULL if there is none.
   */
  const char *server_ip;
  /**
   * The port of the peer that gave the best reply; 0 if there is none.
   */
  uint16_t server_port;
  /**
   * Peers that were asked, those included that were asked later in the place of others.
   */
  uint32_t sent;
  /**
   * Distinct ones of them that have answered.
   */
  uint32_t received;
  /**
   * Replies that make the query answered: confd_needed_replies() of its first coverage.
   */
  uint32_t needed;
  /**
   * Error replies among those received.
   */
  uint32_t errors;
  /**
   * False once two ok replies had one serial and different answers (as JSON values).
   */
  bool consistent;
} confd_result;

/**
 * Told of the result of a query, exactly once, under the same rules as a confd_upcall_fn. What result points to is
 * valid during the call.
 */
typedef void (*confd_query_fn)(struct confd_client *client,
                               const struct confd_result *result,
                               void *data);

/**
 * A DRBD minor of a node, of an answer of CONFD_REQ_NODE_DRBD. The texts live as long as the reply. Frozen: it
 * never changes.
 */
typedef struct confd_drbd_minor {
  /**
   * The node's name.
   */
  const char *node;
  /**
   * The number of the minor.
   */
  int64_t minor;
  /**
   * The instance's name.
   */
  const char *instance;
  /**
   * The disk, such as "disk/0".
   */
  const char *disk;
  /**
   * "primary" or "secondary".
   */
  const char *role;
  /**
   * The name of the node at the other end.
   */
  const char *peer;
} confd_drbd_minor;

/**
 * Counters since the client's creation; the last two are of now. Every datagram that came in is counted in exactly
 * one of replies and the dropped_ counters other than dropped_overflow. The struct may grow at its end: the
 * caller says which size it knows.
 */
typedef struct confd_stats {
  /**
   * Requests that were accepted.
   */
  uint64_t requests;
  /**
   * Datagrams that were sent.
   */
  uint64_t datagrams_out;
  /**
   * Datagrams that the system refused to send.
   */
  uint64_t send_errors;
  /**
   * Datagrams that were received.
   */
  uint64_t datagrams_in;
  /**
   * Replies that counted or, with any_source, were delivered.
   */
  uint64_t replies;
  /**
   * Dropped: without the protocol's magic.
   */
  uint64_t dropped_magic;
  /**
   * Dropped: not a well-formed datagram of the protocol.
   */
  uint64_t dropped_malformed;
  /**
   * Dropped: signed with another key, altered, or truncated by the server beyond repair.
   */
  uint64_t dropped_signature;
  /**
   * Dropped: for no outstanding request.
   */
  uint64_t dropped_salt;
  /**
   * Dropped: from an address that the request was not sent to.
   */
  uint64_t dropped_source;
  /**
   * Dropped: a further one from an address that has answered.
   */
  uint64_t dropped_duplicate;
  /**
   * Lost in the system because the socket's receive buffer was full. These are not among datagrams_in.
   */
  uint64_t dropped_overflow;
  /**
   * Requests that reached their expiry.
   */
  uint64_t expired;
  /**
   * Requests that were cancelled.
   */
  uint64_t cancelled;
  /**
   * Datagrams that were sent again.
   */
  uint64_t retries;
  /**
   * ICMP refusals of what was sent.
   */
  uint64_t refused;
  /**
   * Requests that are outstanding now.
   */
  uint64_t outstanding;
  /**
   * Datagrams that wait to be sent now.
   */
  uint64_t queued;
} confd_stats;

/**
 * What is known of a peer. The struct may grow at its end: the caller says which size it knows.
 */
typedef struct confd_peer_stats {
  /**
   * The peer as it was written, with its port where it names one.
   */
  char address[64];
  /**
   * Datagrams that were sent to it.
   */
  uint64_t sent;
  /**
   * Requests that it has answered, late answers to queries included.
   */
  uint64_t answered;
  /**
   * ICMP refusals (nothing listens there) of what was sent to it.
   */
  uint64_t refused;
  /**
   * Its smoothed round trip in microseconds; 0 if none was measured yet.
   */
  uint64_t rtt_us;
  /**
   * Its last round trip in microseconds; 0 if none was measured yet.
   */
  uint64_t rtt_last_us;
  /**
   * The cluster's serial in its last ok answer that carries it (not those of types 0, 7, 8 and 9); 0 if there was
   * none. Of two peers the one with the lower serial is the staler.
   */
  int64_t serial;
} confd_peer_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * What went wrong in this thread's last failed call, for a person: one line, such as
 * `peer 3, "node7", is not an IPv4 or IPv6 address`. A call that succeeds does not change it.
 *
 * @return Never NULL; "" if no call of this thread has failed. Valid until the thread's next call of this
 *   library; the library owns it.
 */
const char *confd_last_error(void);

/**
 * One line for an error code, without the particulars that confd_last_error() has.
 *
 * @param code Any number, also one that is no code.
 * @return Never NULL; static.
 */
const char *confd_strerror(confd_error code);

/**
 * The version of the library that the program runs with, as text: "0.1.0".
 *
 * @return Never NULL; static.
 */
const char *confd_version(void);

/**
 * The version of the library that the program runs with, to be compared with CONFD_VERSION_NUMBER, that of the
 * header it was compiled with.
 *
 * @return major << 16 | minor << 8 | patch.
 */
uint32_t confd_version_number(void);

/**
 * Makes a request with a fresh salt, a UUIDv4 from the system's random source (also right after fork()).
 *
 * @param type   One of the CONFD_REQ_ numbers.
 * @param query  The query where it is a text: a node's name, an instance's, a link, a pointer. NULL for none. A
 *               name that is not ASCII is sent as the server wants it.
 * @param out    Receives the request, which the program releases with confd_request_free().
 * @return CONFD_OK; CONFD_ERR_REQUEST_TYPE for any other type; CONFD_ERR_INVALID_ARGUMENT if out is NULL or query
 *   is not UTF-8; CONFD_ERR_IO if the system has no random bytes; CONFD_ERR_NO_MEMORY if query is too large.
 */
confd_error confd_request_new(int32_t type,
                              const char *query,
                              struct confd_request **out);

/**
 * Asks for the node that runs the instance with this IP address.
 *
 * @param request  Of type CONFD_REQ_NODE_PIP_BY_INSTANCE_IP.
 * @param ip       The instance's address, as the configuration has it.
 * @param link     The link that the address belongs to; NULL for the cluster's default link.
 * @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
 *   request or ip is NULL or a text is not UTF-8.
 */
confd_error confd_request_set_ip(struct confd_request *request,
                                 const char *ip,
                                 const char *link);

/**
 * Asks for the nodes that run the instances with these IP addresses, answered together and in order.
 *
 * @param request  Of type CONFD_REQ_NODE_PIP_BY_INSTANCE_IP.
 * @param ips      The instances' addresses.
 * @param n        How many.
 * @param link     The link that the addresses belong to; NULL for the cluster's default link.
 * @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
 *   request, ips (with n more than 0) or one of the addresses is NULL or a text is not UTF-8; CONFD_ERR_NO_MEMORY
 *   if the list is too large.
 */
confd_error confd_request_set_ips(struct confd_request *request,
                                  const char *const *ips,
                                  size_t n,
                                  const char *link);

/**
 * Asks for fields of the cluster's master, answered as a list of strings in this order.
 *
 * @param request  Of type CONFD_REQ_CLUSTER_MASTER.
 * @param fields   CONFD_REQFIELD_ numbers.
 * @param n        How many.
 * @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
 *   request or fields (with n more than 0) is NULL, or a field is another number; CONFD_ERR_NO_MEMORY if the list
 *   is too large.
 */
confd_error confd_request_set_fields(struct confd_request *request,
                                     const int32_t *fields,
                                     size_t n);

/**
 * Gives the request any query: what the other functions make, or what a later server understands.
 *
 * @param request  Of any type.
 * @param json     JSON text: null, a string or an object.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL, or json is not UTF-8, not JSON, or of
 *   another shape; CONFD_ERR_NO_MEMORY if it is too large.
 */
confd_error confd_request_set_query_json(struct confd_request *request,
                                         const char *json);

/**
 * Gives the request another salt: to ask again, or one of the program's own. A salt serves once, since a late
 * reply to an earlier round would answer the wrong one; and it should be one that nobody can guess. A client
 * knows a salt again that the program chose among the last 65,536 of those, and a fresh one that was copied to
 * another request among the last 8,192.
 *
 * @param request  The request.
 * @param salt     Any text; NULL for a fresh UUIDv4. An empty one makes sending fail. Of characters above U+00FF a
 *   server sends back the lowest eight bits only, so that no reply to a salt with one is ever taken for its own.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if request is NULL or salt is not UTF-8; CONFD_ERR_IO if the
 *   system has no random bytes.
 */
confd_error confd_request_set_salt(struct confd_request *request,
                                   const char *salt);

/**
 * The request's salt.
 *
 * @return The salt, valid until the request is changed or freed; NULL if request is NULL.
 */
const char *confd_request_salt(const struct confd_request *request);

/**
 * The request's type.
 *
 * @return One of the CONFD_REQ_ numbers; -1 if request is NULL.
 */
int32_t confd_request_type(const struct confd_request *request);

/**
 * The request's query as JSON text in ASCII, "null" where there is none.
 *
 * @return The text, valid until the request is changed or freed; NULL if request is NULL.
 */
const char *confd_request_query_json(const struct confd_request *request);

/**
 * Releases a request that confd_request_new() has made. NULL does nothing.
 */
void confd_request_free(struct confd_request *request);

/**
 * Makes options with their defaults.
 *
 * @param out  Receives the options, which the program releases with confd_options_free().
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if out is NULL.
 */
confd_error confd_options_new(struct confd_options **out);

/**
 * Releases options. Clients that were made with them keep their copies. NULL does nothing.
 */
void confd_options_free(struct confd_options *options);

/**
 * The port of peers that name none of their own.
 *
 * @param port  1 to 65535. Default: that of ganeti-confd over UDP in the services database, else 1814.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or port is 0.
 */
confd_error confd_options_set_port(struct confd_options *options,
                                   uint16_t port);

/**
 * How long a request is outstanding, unless confd_client_wait() puts it off.
 *
 * @param ms  Milliseconds, more than 0. Default: 10,000, as in the reference implementation.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is not more than 0.
 */
confd_error confd_options_set_expire_ms(struct confd_options *options, int32_t ms);

/**
 * The most bytes of a request's datagram; a larger request is refused with CONFD_ERR_REQUEST_TOO_BIG.
 *
 * @param bytes  1 to 65507. Default: 4,096, which is what ganeti-confd 3.0 reads: it drops a longer one silently.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or bytes is out of range.
 */
confd_error confd_options_set_max_request_bytes(struct confd_options *options,
                                                size_t bytes);

/**
 * Whether the callback is told only of replies that say something new: the first one, the first ok one, and later
 * ok ones with a higher serial and a different answer (the reference's ConfdFilterCallback). The others count all
 * the same.
 *
 * @param on  0 off (the default), else on.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
 */
confd_error confd_options_set_filter(struct confd_options *options,
                                     int32_t on);

/**
 * Whether correctly signed replies from addresses that a request was not sent to are delivered, as from a daemon
 * bound to the wildcard address of a node with several addresses. At most as many as the request has contacted
 * peers, one for each address; they never count as received.
 *
 * @param on  0 off (the default), else on.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
 */
confd_error confd_options_set_any_source(struct confd_options *options,
                                         int32_t on);

/**
 * After how long a query that is short of replies asks again: the peers that have not answered, and as many others.
 * Only queries are repeated, never what confd_client_send() has sent.
 *
 * @param ms  Milliseconds; 0 for never. Default: 1,000.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is negative.
 */
confd_error confd_options_set_retry_ms(struct confd_options *options,
                                       int32_t ms);

/**
 * How often the peers are brought up to date, inside calls on the client. A client that was opened from a data
 * directory reads its files again when they have changed; another one asks its peers for the list of master
 * candidates and takes it up if it is of the same family and not empty.
 *
 * @param ms  Milliseconds; 0, the default, for never.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is negative.
 */
confd_error confd_options_set_refresh_ms(struct confd_options *options,
                                         int32_t ms);

/**
 * Bytes asked of the kernel for the socket's receive buffer. The kernel gives what its limits allow.
 *
 * @param bytes  1 to 2147483647. Default: what the kernel gives by itself.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or bytes is out of range.
 */
confd_error confd_options_set_receive_buffer(struct confd_options *options,
                                             size_t bytes);

/**
 * The local address to send from, one of the peers' family. The port stays the kernel's choice.
 *
 * @param ip  An IPv4 or IPv6 address, with a zone where it is link-local. Default: as the kernel routes.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or ip is no address. Whether the host has
 *   the address shows when a client is made.
 */
confd_error confd_options_set_bind_address(struct confd_options *options,
                                           const char *ip);

/**
 * Whether the program does its own input and output: the client then opens no socket, and the program pulls
 * datagrams with confd_client_poll_transmit() and pushes them with confd_client_handle_datagram().
 *
 * @param on  0 off (the default), else on.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
 */
confd_error confd_options_set_external_io(struct confd_options *options,
                                          int32_t on);

/**
 * Where log lines go. By default there are none.
 *
 * @param log        Takes the lines; NULL for none. See confd_log_fn.
 * @param data       Passed to log as it is. The client uses it until it is freed.
 * @param min_level  The least level to log, a CONFD_LOG_ number.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or min_level is no level.
 */
confd_error confd_options_set_log(struct confd_options *options,
                                  confd_log_fn log,
                                  void *data,
                                  int32_t min_level);

/**
 * Makes a client.
 *
 * @param hmac_key      The cluster's HMAC key: every byte of /var/lib/ganeti/hmac.key, its trailing newline
 *                      included. A stripped key is another key and gets no answer. It is copied, and wiped from
 *                      memory when the client goes.
 * @param hmac_key_len  Bytes of the key, more than 0.
 * @param peers         The master candidates: IPv4 or IPv6 addresses of one family, each with its own port where
 *                      it has one (192.0.2.1:2000, [2001:db8::1]:2000), with a zone where it is link-local
 *                      (fe80::1%eth0). Repeated ones count once.
 * @param n_peers       How many, more than 0.
 * @param callback      Told of what happens to requests. NULL for a program that sends none.
 * @param user_data     Passed to callback as it is. The client uses it until it is freed.
 * @param options       NULL for the defaults; they are copied.
 * @param out           Receives the client, which the program releases with confd_client_free().
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if the key is empty, out is NULL, or hmac_key, peers or one of the
 *   peers is NULL; CONFD_ERR_NO_PEERS if n_peers is 0; CONFD_ERR_BAD_PEER; CONFD_ERR_MIXED_FAMILIES, also if the
 *   bind address is of another family than the peers; CONFD_ERR_IO if the system gives no socket, or has not
 *   the bind address; CONFD_ERR_NO_MEMORY if the list of peers is too large, or the kernel has none.
 */
confd_error confd_client_new(const void *hmac_key,
                             size_t hmac_key_len,
                             const char *const *peers,
                             size_t n_peers,
                             confd_upcall_fn callback,
                             void *user_data,
                             const struct confd_options *options,
                             struct confd_client **out);

/**
 * Makes a client of the cluster that this node belongs to, by two files of its data directory: hmac.key, every byte
 * of which is the key, and ssconf_master_candidates_ips, one address in each line.
 *
 * @param data_dir   The directory; NULL for /var/lib/ganeti.
 * @param callback   As for confd_client_new().
 * @param user_data  As for confd_client_new().
 * @param options    As for confd_client_new().
 * @param out        Receives the client, which the program releases with confd_client_free().
 * @return CONFD_OK; CONFD_ERR_CLUSTER_DIR if one of the files is absent, unreadable, empty or malformed:
 *   confd_last_error() names it and the line; CONFD_ERR_INVALID_ARGUMENT if out is NULL or data_dir is not UTF-8;
 *   CONFD_ERR_MIXED_FAMILIES if the bind address is of another family than the peers; CONFD_ERR_IO as for
 *   confd_client_new().
 */
confd_error confd_client_open(const char *data_dir,
                              confd_upcall_fn callback,
                              void *user_data,
                              const struct confd_options *options,
                              struct confd_client **out);

/**
 * Reads both files of a client of confd_client_open() again. All or nothing: when it fails, the client goes on with
 * what it has. A changed key is taken up as by confd_client_set_hmac_key().
 *
 * @return CONFD_OK; CONFD_ERR_CLUSTER_DIR; CONFD_ERR_MIXED_FAMILIES if the addresses are of another family than
 *   before; CONFD_ERR_INVALID_ARGUMENT if client is NULL or was made by confd_client_new(); CONFD_ERR_CLOSED.
 */
confd_error confd_client_reload(struct confd_client *client);

/**
 * Signs new requests with another key. Each outstanding request is verified with the key that signed it. Since
 * daemons read their key at their start only, both keys are held for a while, and queries try the old one, too,
 * until every peer has answered under the new one, or for 10 minutes; then the old one is wiped from memory.
 *
 * @param client  The client.
 * @param key     Every byte of the new hmac.key.
 * @param len     Bytes of the key, more than 0.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or key is NULL or len is 0; CONFD_ERR_CLOSED.
 */
confd_error confd_client_set_hmac_key(struct confd_client *client,
                                      const void *key,
                                      size_t len);

/**
 * Replaces the peers. Replies to what was sent before still count.
 *
 * @param client   The client.
 * @param peers    As for confd_client_new(), of the family that the client was made with.
 * @param n_peers  How many, more than 0.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client, peers or one of them is NULL; CONFD_ERR_NO_PEERS;
 *   CONFD_ERR_BAD_PEER; CONFD_ERR_MIXED_FAMILIES; CONFD_ERR_NO_MEMORY if the list is too large; CONFD_ERR_CLOSED.
 */
confd_error confd_client_update_peers(struct confd_client *client,
                                      const char *const *peers,
                                      size_t n_peers);

/**
 * Cancels what is outstanding, and ends the client: every running and later call returns CONFD_ERR_CLOSED. May
 * come from any thread, any number of times, also inside an upcall.
 *
 * @return CONFD_OK, also when the client is closed already; CONFD_ERR_INVALID_ARGUMENT if client is NULL;
 *   CONFD_ERR_CLOSED while the client is freed, by another thread or in an upcall of this call, or in a child
 *   after fork().
 */
confd_error confd_client_close(struct confd_client *client);

/**
 * Closes the client, makes the last upcalls of everything outstanding, and ends the handle. After it has returned
 * nothing is called, and what user_data points to may be released. Replies that were not delivered yet are
 * dropped. Inside an upcall it does the same, nested in that upcall, whose arguments stay valid until it returns;
 * the call that was delivering returns CONFD_ERR_CLOSED. From another thread it first waits for the upcall that
 * runs. NULL does nothing.
 *
 * No other thread may use the handle from then on: close, join, free. In a child after fork() it releases memory
 * and descriptors, with no upcall.
 */
void confd_client_free(struct confd_client *client);

/**
 * Sends a request to some of the peers, chosen at random anew for each request, and keeps it until its expiry.
 * Each reply is one upcall; the expiry is the last one. The request is copied and may be freed at once.
 *
 * Checked in this order: coverage, a salt is there, the salt is unused, the size. One peer that cannot be reached
 * does not fail the sending to the others; when the socket's buffer is full the datagrams wait.
 *
 * @param client        A client with a callback.
 * @param request       The request.
 * @param coverage      How many peers: 0 for the smaller of 6 and all, -1 for all, else that many.
 * @param flags         0 or CONFD_SEND_QUEUED.
 * @param request_data  Comes back with each upcall of the request.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or request is NULL, the client has no callback, coverage
 *   is less than -1 or flags has another bit; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
 *   CONFD_ERR_DUPLICATE_SALT if the salt has been used, even if that request has ended: give the request a fresh
 *   one with confd_request_set_salt(); CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to none of the
 *   peers; CONFD_ERR_CLOSED, also if an upcall that was made here has closed or freed the client. A request that was
 *   refused is not outstanding and gets no upcall.
 */
confd_error confd_client_send(struct confd_client *client,
                              const struct confd_request *request,
                              int32_t coverage,
                              uint32_t flags,
                              void *request_data);

/**
 * Sends the datagrams that wait, as far as the socket takes them. With external_io they wait for
 * confd_client_poll_transmit() all the same.
 *
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
 */
confd_error confd_client_flush(struct confd_client *client);

/**
 * Handles the datagrams that are there, at most 128; if there are none, blocks until a datagram has been handled
 * (dropped ones included) or an upcall was made. Signals do not cut it short, confd_client_wake() does.
 *
 * @param client      The client.
 * @param timeout_ms  Milliseconds; 0 does not block, negative blocks without limit.
 * @param handled     Receives how many datagrams were handled, 0 at the timeout; may be NULL.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL or has external_io; CONFD_ERR_IO if the socket fails;
 *   CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
 */
confd_error confd_client_receive(struct confd_client *client,
                                 int32_t timeout_ms,
                                 size_t *handled);

/**
 * Makes the confd_client_receive() that blocks, or else the next one, return CONFD_OK with 0 at once.
 * Async-signal-safe.
 *
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
 */
confd_error confd_client_wake(struct confd_client *client);

/**
 * Blocks until confd_needed_replies(sent) distinct contacted peers have answered the request and the upcalls of
 * those replies have returned, which may be at once. The request's expiry is put off by the timeout, as in the
 * reference; sums saturate.
 *
 * @param client      The client.
 * @param salt        The request's salt.
 * @param timeout_ms  Milliseconds; 0 does not block, negative blocks until the request is answered or expires,
 *                    and puts nothing off.
 * @param out         Receives what was found; {true, 0, 0} if no outstanding request has this salt, or it expired
 *                    or was cancelled meanwhile.
 * @return CONFD_OK, also at the timeout; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or the client has
 *   external_io; CONFD_ERR_IO if the socket fails; CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
 */
confd_error confd_client_wait(struct confd_client *client,
                              const char *salt,
                              int32_t timeout_ms,
                              struct confd_wait_result *out);

/**
 * Ends the requests whose expiry has come and makes their upcalls, at most 65,536 in one call.
 *
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_BUSY inside an upcall of this client;
 *   CONFD_ERR_CLOSED.
 */
confd_error confd_client_expire(struct confd_client *client);

/**
 * Ends an outstanding request. Its last upcall, CONFD_UPCALL_CANCEL, is made before this returns, or, where
 * another thread delivers or this is called inside an upcall, afterwards.
 *
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL; CONFD_ERR_UNKNOWN_REQUEST if no outstanding
 *   request has this salt; CONFD_ERR_CLOSED.
 */
confd_error confd_client_cancel(struct confd_client *client,
                                const char *salt);

/**
 * Counts what is outstanding.
 *
 * @param client      The client.
 * @param total       Receives how many requests are outstanding; may be NULL.
 * @param unanswered  Receives how many of them no peer has answered; may be NULL. 0 is the reference's
 *                    ConfdCountingCallback.AllAnswered.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
 */
confd_error confd_client_outstanding(struct confd_client *client,
                                     size_t *total,
                                     size_t *unanswered);

/**
 * How many replies make an answer safe: of up to two peers all, of up to four all but one, else more than half.
 *
 * @return The number: 0→0 1→1 2→2 3→2 4→3 5→3 6→4 7→4.
 */
uint32_t confd_needed_replies(uint32_t sent);

/**
 * The one descriptor to poll for reading: it is readable whenever confd_client_process() has something to do: a
 * datagram, a due deadline, queued datagrams, room in a full socket, an upcall left over, the client's closing.
 * Level- and edge-triggered loops can wait on it alone and without a timeout, also while other threads send.
 *
 * @return A descriptor that is the library's: never read or close it. It is non-blocking and close-on-exec, the
 *   same for the client's life, and opened at the first call. -1 if client is NULL, has external_io, is closed, or
 *   the system has no descriptor; confd_last_error() tells.
 */
int confd_client_fd(struct confd_client *client);

/**
 * Does what is to be done now: reads at most 128 datagrams, ends at most 1,024 requests, sends what waits, makes
 * at most 1,024 upcalls. Never blocks. Where it leaves work, the descriptor of confd_client_fd() stays readable,
 * and makes a new edge for edge-triggered loops. With external_io it is confd_client_expire().
 *
 * @return CONFD_OK, also when there was nothing to do; CONFD_ERR_INVALID_ARGUMENT if client is NULL;
 *   CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
 */
confd_error confd_client_process(struct confd_client *client);

/**
 * The time to the next deadline, for programs that do not wait on confd_client_fd().
 *
 * @return Milliseconds, rounded up; 0 if something is due; -1 if nothing is outstanding, client is NULL, or it is
 *   closed.
 */
int32_t confd_client_timeout_ms(struct confd_client *client);

/**
 * Takes the next datagram to send, of a client with external_io. Call it after every other call until there is
 * none; one thread at a time.
 *
 * @param client  A client with external_io.
 * @param out     Receives the datagram, whose pointers are valid until the next confd_client_poll_transmit() or
 *                confd_client_free().
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if there is none; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or the
 *   client has a socket; CONFD_ERR_CLOSED.
 */
confd_error confd_client_poll_transmit(struct confd_client *client,
                                       struct confd_datagram *out);

/**
 * Takes in a datagram that the program has received. Works on every client. Whatever the datagram holds is no
 * error: what does not count as a reply is dropped, and counted in confd_client_stats().
 *
 * @param client  The client.
 * @param data    The bytes; NULL if len is 0.
 * @param len     How many.
 * @param ip      The address that it came from; IPv4-mapped forms and zones count as the address that they mean.
 * @param port    The port that it came from.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client, ip or data (with len more than 0) is NULL, or ip is no
 *   address; CONFD_ERR_CLOSED.
 */
confd_error confd_client_handle_datagram(struct confd_client *client,
                                         const void *data,
                                         size_t len,
                                         const char *ip,
                                         uint16_t port);

/**
 * Tells the client of an ICMP refusal (port unreachable) that the program has received for what it sent. It ends
 * no request and counts as no answer; a late reply of the peer still counts.
 *
 * @param client  The client.
 * @param ip      The address that the refused datagram was sent to.
 * @param port    The port that it was sent to.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or ip is no address; CONFD_ERR_CLOSED.
 */
confd_error confd_client_handle_unreachable(struct confd_client *client,
                                            const char *ip,
                                            uint16_t port);

/**
 * Asks a question and blocks until confd_needed_replies() of the first coverage's peers have answered, or the time
 * is over. While it is short of replies it asks again every retry_ms: the peers that have not answered, and as
 * many others as there are silent ones; a peer whose host refuses is replaced by another at once. Meanwhile it
 * handles the datagrams of other requests, too, and makes their upcalls.
 *
 * Peers are chosen at random; those that lately refused or stayed silent come last. A request whose salt has been
 * used gets a fresh one. A list of addresses (type 2) that is too long for one datagram is asked in parts, each
 * judged by itself, and the answers are joined in order: sent and errors are then the most of any part, received
 * the least, and an address that no peer has answered for stands there with the status of an error, [1, 1, 0].
 *
 * @param client      The client; it needs no callback.
 * @param request     The question.
 * @param coverage    How many peers at first: 0 for the smaller of 6 and all, -1 for all, else that many.
 * @param timeout_ms  Milliseconds; negative for no limit.
 * @param out         Receives the result, which the program releases with confd_result_free().
 * @return CONFD_OK if it could be asked: outcome says how it ended; CONFD_ERR_INVALID_ARGUMENT if an argument is
 *   NULL, coverage is less than -1, or the client has external_io; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
 *   CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to nobody, or the socket fails; CONFD_ERR_BUSY inside
 *   an upcall of this client; CONFD_ERR_CLOSED, also if the client is closed meanwhile.
 */
confd_error confd_client_query(struct confd_client *client,
                               struct confd_request *request,
                               int32_t coverage,
                               int32_t timeout_ms,
                               struct confd_result **out);

/**
 * Asks a question as confd_client_query() does, without blocking. The callback is told of the result exactly once,
 * and never inside this call (but for a log callback that drives the client there). confd_client_cancel() with the
 * request's salt ends it as CONFD_OUTCOME_CANCELLED, and so do closing and freeing the client.
 *
 * @param client      The client.
 * @param request     The question; it may be freed at once.
 * @param coverage    As for confd_client_query().
 * @param timeout_ms  Milliseconds; negative for no limit.
 * @param callback    Told of the result.
 * @param data        Passed to callback as it is.
 * @return CONFD_OK: there will be one completion. Otherwise there is none: CONFD_ERR_INVALID_ARGUMENT if client,
 *   request or callback is NULL or coverage is less than -1; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
 *   CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to nobody; CONFD_ERR_CLOSED.
 */
confd_error confd_client_query_async(struct confd_client *client,
                                     struct confd_request *request,
                                     int32_t coverage,
                                     int32_t timeout_ms,
                                     confd_query_fn callback,
                                     void *data);

/**
 * Releases a result of confd_client_query(), and its reply. NULL does nothing. The result of a callback is the
 * library's: never free it.
 */
void confd_result_free(struct confd_result *result);

/**
 * Whether the server answered the question.
 *
 * @return A CONFD_STATUS_ number, or what else the server said; -1 if reply is NULL.
 */
int32_t confd_reply_status(const struct confd_reply *reply);

/**
 * The version of the protocol that the server speaks, 1.
 *
 * @return The version; -1 if reply is NULL.
 */
int32_t confd_reply_protocol(const struct confd_reply *reply);

/**
 * The configuration's serial: of two ok replies the one with the higher serial is the fresher. By type of the
 * request it is that of the cluster, the node or the instance; 0 for a ping and for every error.
 *
 * @return The serial; -1 if reply is NULL.
 */
int64_t confd_reply_serial(const struct confd_reply *reply);

/**
 * The whole answer as JSON text, as the server sent it.
 *
 * @return The text, which lives as long as the reply; NULL if reply is NULL.
 */
const char *confd_reply_answer_json(const struct confd_reply *reply);

/**
 * What went wrong, for a person: the server's text, which may hold newlines, or words for its number ("unknown
 * entry").
 *
 * @return The text, which lives as long as the reply; NULL if the status is CONFD_STATUS_OK or reply is NULL.
 */
const char *confd_reply_error_text(const struct confd_reply *reply);

/**
 * A string.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the text, which lives as long as the reply.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no string, or holds
 *   U+0000 or half a surrogate pair: confd_reply_json() gives it; CONFD_ERR_INVALID_ARGUMENT if an argument is
 *   NULL or pointer is malformed.
 */
confd_error confd_reply_string(const struct confd_reply *reply,
                               const char *pointer,
                               const char **out);

/**
 * An integer: a number without a fraction or an exponent.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the number.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no integer or does not
 *   fit; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
 */
confd_error confd_reply_int(const struct confd_reply *reply,
                            const char *pointer,
                            int64_t *out);

/**
 * A boolean.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the value.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no boolean;
 *   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
 */
confd_error confd_reply_bool(const struct confd_reply *reply,
                             const char *pointer,
                             bool *out);

/**
 * A number of any kind, also an integer.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the nearest double.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no number or beyond
 *   what a double holds; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
 */
confd_error confd_reply_double(const struct confd_reply *reply,
                               const char *pointer,
                               double *out);

/**
 * How many elements an array has, or members an object.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the count.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is neither;
 *   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
 */
confd_error confd_reply_count(const struct confd_reply *reply, const char *pointer, size_t *out);

/**
 * The name of an object's member, in the order in which the server sent them. In a pointer, "~" in a name is
 * written "~0" and "/" is written "~1".
 *
 * @param reply    The reply.
 * @param pointer  Where the object is.
 * @param i        Which member, from 0.
 * @param out      Receives the name, which lives as long as the reply.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there, or i is past the end; CONFD_ERR_WRONG_TYPE if it is no
 *   object, or the name holds U+0000; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
 */
confd_error confd_reply_key(const struct confd_reply *reply,
                            const char *pointer,
                            size_t i,
                            const char **out);

/**
 * Any value as JSON text, as the server sent it.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives the text, which lives as long as the reply.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or
 *   pointer is malformed.
 */
confd_error confd_reply_json(const struct confd_reply *reply,
                             const char *pointer,
                             const char **out);

/**
 * What kind of value it is.
 *
 * @param reply    The reply.
 * @param pointer  Where it is.
 * @param out      Receives a CONFD_JSON_ number.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or
 *   pointer is malformed.
 */
confd_error confd_reply_kind(const struct confd_reply *reply,
                             const char *pointer,
                             int32_t *out);

/**
 * Keeps a reply longer than its upcall. The clone shares what the reply has; it costs little.
 *
 * @param reply  The reply.
 * @param out    Receives the clone, which the program releases with confd_reply_free().
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
 */
confd_error confd_reply_clone(const struct confd_reply *reply, struct confd_reply **out);

/**
 * Releases a clone. NULL does nothing. The reply of an upcall is the library's: never free it.
 */
void confd_reply_free(struct confd_reply *reply);

/**
 * The role of a node in a word.
 *
 * @param role  An answer of CONFD_REQ_NODE_ROLE_BYNAME.
 * @return "master", "candidate", "offline", "drained" or "regular", static; NULL for any other number.
 */
const char *confd_node_role_name(int64_t role);

/**
 * One element of the list that answers confd_request_set_ips(): the node that runs the instance with the i-th
 * address.
 *
 * @param reply   An ok reply to such a request.
 * @param i       Which address, from 0.
 * @param status  Receives a CONFD_STATUS_ number.
 * @param ip      Receives the primary IP address of the node, which lives as long as the reply; NULL unless the
 *                status is CONFD_STATUS_OK.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if i is past the end; CONFD_ERR_WRONG_TYPE if the answer is no such list;
 *   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
 */
confd_error confd_reply_node_ip(const struct confd_reply *reply,
                                size_t i,
                                int32_t *status,
                                const char **ip);

/**
 * One element of the list that answers CONFD_REQ_NODE_DRBD.
 *
 * @param reply  An ok reply to such a request.
 * @param i      Which minor, from 0.
 * @param out    Receives the minor.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND if i is past the end; CONFD_ERR_WRONG_TYPE if the answer is no such list;
 *   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
 */
confd_error confd_reply_drbd_minor(const struct confd_reply *reply,
                                   size_t i,
                                   struct confd_drbd_minor *out);

/**
 * Gives what the client has counted.
 *
 * @param client  The client.
 * @param out     Receives the counters. What the library knows and the caller does not is left out, what the caller
 *                knows and the library does not is 0.
 * @param size    sizeof(confd_stats) as the caller was compiled.
 * @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or out is NULL, or size is less than in the first
 *   version; CONFD_ERR_CLOSED.
 */
confd_error confd_client_stats(struct confd_client *client,
                               struct confd_stats *out,
                               size_t size);

/**
 * Gives what is known of a peer. The statistics of a peer that is no longer in the list are gone.
 *
 * @param client  The client.
 * @param index   Which peer, from 0, in the order of the list of peers without its repetitions.
 * @param out     Receives it, as in confd_client_stats().
 * @param size    sizeof(confd_peer_stats) as the caller was compiled.
 * @return CONFD_OK; CONFD_ERR_NOT_FOUND past the end; CONFD_ERR_INVALID_ARGUMENT if client or out is NULL, or size is
 *   less than in the first version; CONFD_ERR_CLOSED.
 */
confd_error confd_client_peer_stats(struct confd_client *client,
                                    size_t index,
                                    struct confd_peer_stats *out,
                                    size_t size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CONFDCLIENT_H */

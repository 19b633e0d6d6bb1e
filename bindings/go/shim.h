/*
 * What stands between the Go code and the library: calls that fail give their detail back at once, since the
 * goroutine may be on another thread by its next call; texts come packed, so that no memory of Go's holds pointers
 * to other memory of Go's; and completions are flattened before they go up.
 */
#ifndef CONFDGO_SHIM_H
#define CONFDGO_SHIM_H

#include <confdclient.h>

/* How a call went. The detail, NULL if all is well, is the caller's to free. */
struct confdgo_status {
    confd_error code;
    char *detail;
};

/* How to make a client. Zero is "by default" for numbers that have another default. */
struct confdgo_settings {
    bool opens; /* from a data directory, not from a key and peers */
    uint16_t port;
    int32_t expire_ms;
    int32_t retry_ms; /* negative: by default */
    int32_t refresh_ms;
    size_t max_request_bytes;
    size_t receive_buffer;
    int32_t any_source;
    int32_t log_level;
    uintptr_t log; /* the handle of what takes log lines, 0 for nothing */
};

/* A client with its descriptor to poll: one that is the caller's to close, and that Go's poller takes. */
struct confdgo_made {
    struct confdgo_status status;
    confd_client *client;
    int fd;
};

/* In what way the texts of a question are its query. */
enum {
    CONFDGO_PLAIN,  /* the one text, or none */
    CONFDGO_IP,     /* an address, with a link or none */
    CONFDGO_IPS,    /* addresses, with a link or none */
    CONFDGO_FIELDS, /* numbers, no text */
    CONFDGO_JSON    /* JSON */
};

struct confdgo_question {
    int32_t type;
    int32_t form;
    int32_t coverage;
    int32_t timeout_ms; /* of queries only */
    size_t count;       /* of texts or numbers */
};

/* A salt, which is a UUID. By value, so that asking and cancelling need no memory. */
struct confdgo_salt {
    char text[40];
};

struct confdgo_asked {
    struct confdgo_status status;
    struct confdgo_salt salt;
};

struct confdgo_reply {
    int32_t status;
    int32_t protocol;
    int64_t serial;
    const char *answer; /* NULL: there is no reply */
    int answer_len;
    const char *error_text;
    const char *server_ip;
    uint16_t server_port;
};

/* A query has ended. Valid during the call. */
struct confdgo_ending {
    struct confdgo_reply reply;
    int32_t outcome;
    uint32_t sent, received, needed, errors;
    bool consistent;
};

/* Something has happened to a request of a survey. Valid during the call. */
struct confdgo_event {
    struct confdgo_reply reply;
    int32_t type;
    uint32_t sent, received;
    bool consistent;
};

/* Texts that are packed stand one after the other, each with its NUL. */
struct confdgo_made confdgo_make(const void *key, size_t key_len, const char *peers, size_t n_peers,
                                 const char *data_dir, const char *bind_address, struct confdgo_settings settings);
struct confdgo_asked confdgo_query(confd_client *client, struct confdgo_question question, const char *texts,
                                   const char *link, const int32_t *fields, uintptr_t handle);
struct confdgo_asked confdgo_send(confd_client *client, struct confdgo_question question, const char *texts,
                                  const char *link, const int32_t *fields, uintptr_t handle);
confd_error confdgo_cancel(confd_client *client, struct confdgo_salt salt);
struct confdgo_status confdgo_update_peers(confd_client *client, const char *peers, size_t n_peers);
struct confdgo_status confdgo_set_key(confd_client *client, const void *key, size_t key_len);
struct confdgo_status confdgo_reload(confd_client *client);
struct confdgo_status confdgo_stats(confd_client *client, confd_stats *out);
struct confdgo_status confdgo_peer_stats(confd_client *client, size_t index, confd_peer_stats *out);

/* In Go. */
extern void confdgoQueryEnded(uintptr_t handle, struct confdgo_ending *ending);
extern void confdgoSurveyEvent(uintptr_t handle, struct confdgo_event *event);
extern void confdgoLogLine(uintptr_t handle, int32_t level, char *message);

#endif

/*
 * Between libconfdclient and Haskell. Two things that Haskell code cannot do by itself:
 *
 * - confd_last_error() is of an OS thread, and a green thread may be on another one in its next foreign call. So
 *   each function here that can fail gives the detail with the error.
 * - Callbacks are C functions that leave what they are told in the client's mailbox. Haskell empties it after each
 *   call, so that no call ever enters Haskell from C.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef HS_CONFD_H
#define HS_CONFD_H

#include <confdclient.h>

/* A client and its mailbox. */
typedef struct hs_confd hs_confd;

/* What a query has found, to be released with hs_confd_done_free(). */
typedef struct hs_confd_done {
    struct hs_confd_done *next;
    hs_confd *home;
    uint64_t token;
    confd_error error; /* why there is no result */
    int32_t outcome;
    confd_reply *reply; /* NULL for none; who takes it sets it to NULL */
    char server_ip[96];
    uint16_t server_port;
    uint32_t sent, received, needed, errors;
    bool consistent;
} hs_confd_done;

/* A line for the log, to be released with free(). */
typedef struct hs_confd_line {
    struct hs_confd_line *next;
    int32_t level;
    char message[];
} hs_confd_line;

/* Options; what is negative, or NULL, is left at the library's default. */
typedef struct hs_confd_options {
    int32_t port;
    int64_t max_request_bytes;
    int32_t retry_ms;
    int32_t refresh_ms;
    int64_t receive_buffer;
    const char *bind_address;
    int32_t log_level;
} hs_confd_options;

/* How the query of a request is written. */
enum {
    HS_CONFD_PLAIN = 0,  /* texts[0], or no query if n is 0 */
    HS_CONFD_IP = 1,     /* the address texts[0] on link */
    HS_CONFD_IPS = 2,    /* the n addresses in texts on link */
    HS_CONFD_FIELDS = 3, /* the n numbers in fields */
    HS_CONFD_JSON = 4    /* the JSON text texts[0] */
};

typedef struct hs_confd_question {
    int32_t type;
    int32_t form;
    const char *const *texts;
    const int32_t *fields;
    size_t n;
    const char *link;
    int32_t coverage;
    int32_t timeout_ms;
} hs_confd_question;

/* A failed call sets *detail to a text to be released with free(), or to NULL if memory is short. */
confd_error hs_confd_new(const hs_confd_options *options, const void *key, size_t key_len, const char *const *peers,
                         size_t n_peers, hs_confd **out, char **detail);
confd_error hs_confd_open(const hs_confd_options *options, const char *data_dir, hs_confd **out, char **detail);
int hs_confd_fd(hs_confd *home, char **detail);
/* The result comes into the mailbox under this token; *salt, to be released with free(), is for hs_confd_cancel(). */
confd_error hs_confd_ask(hs_confd *home, const hs_confd_question *question, uint64_t token, char **salt,
                         char **detail);
confd_error hs_confd_cancel(hs_confd *home, const char *salt, char **detail);
confd_error hs_confd_process(hs_confd *home, char **detail);
confd_error hs_confd_close(hs_confd *home, char **detail);
confd_error hs_confd_reload(hs_confd *home, char **detail);
confd_error hs_confd_update_peers(hs_confd *home, const char *const *peers, size_t n_peers, char **detail);
confd_error hs_confd_set_hmac_key(hs_confd *home, const void *key, size_t key_len, char **detail);
confd_error hs_confd_stats(hs_confd *home, confd_stats *out, char **detail);
confd_error hs_confd_peer_stats(hs_confd *home, size_t index, confd_peer_stats *out, char **detail);

/* Whether the client belongs to the parent of this process. */
bool hs_confd_inherited(const hs_confd *home);
/* Frees the client, the mailbox not: what this puts into it is still to be taken. */
void hs_confd_end(hs_confd *home);
/* Frees the mailbox, with what is in it. */
void hs_confd_destroy(hs_confd *home);

/* All that is in the mailbox, the oldest first. */
hs_confd_done *hs_confd_take_done(hs_confd *home);
hs_confd_line *hs_confd_take_lines(hs_confd *home);
void hs_confd_done_free(hs_confd_done *done);

confd_error hs_confd_reply_string(const confd_reply *reply, const char *pointer, const char **out, char **detail);
confd_error hs_confd_reply_int(const confd_reply *reply, const char *pointer, int64_t *out, char **detail);
confd_error hs_confd_reply_bool(const confd_reply *reply, const char *pointer, bool *out, char **detail);
confd_error hs_confd_reply_double(const confd_reply *reply, const char *pointer, double *out, char **detail);
confd_error hs_confd_reply_count(const confd_reply *reply, const char *pointer, size_t *out, char **detail);
confd_error hs_confd_reply_kind(const confd_reply *reply, const char *pointer, int32_t *out, char **detail);
confd_error hs_confd_reply_json(const confd_reply *reply, const char *pointer, const char **out, char **detail);
confd_error hs_confd_reply_key(const confd_reply *reply, const char *pointer, size_t i, const char **out,
                               char **detail);
confd_error hs_confd_reply_node_ip(const confd_reply *reply, size_t i, int32_t *status, const char **ip,
                                   char **detail);
confd_error hs_confd_reply_drbd_minor(const confd_reply *reply, size_t i, confd_drbd_minor *out, char **detail);

#endif

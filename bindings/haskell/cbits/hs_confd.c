/* The client and its mailbox. SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include "hs_confd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hs_confd {
    confd_client *client;
    pid_t owner; /* the process that made it: in a child the lock may be held by a thread that is not there */
    pthread_mutex_t lock;
    hs_confd_done *done, **last_done;
    hs_confd_line *lines, **last_line;
};

/* The detail of a failed call, read on the thread that failed. */
static confd_error tell(confd_error error, char **detail)
{
    if (error != CONFD_OK)
        *detail = strdup(confd_last_error());
    return error;
}

static confd_error no_memory(char **detail)
{
    *detail = strdup(confd_strerror(CONFD_ERR_NO_MEMORY));
    return CONFD_ERR_NO_MEMORY;
}

/* Called by the library with a query's one result. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    hs_confd_done *done = data;
    hs_confd *home = done->home;
    (void)client;
    done->outcome = result->outcome;
    if (result->reply != NULL)
        done->error = confd_reply_clone(result->reply, &done->reply);
    if (result->server_ip != NULL)
        snprintf(done->server_ip, sizeof done->server_ip, "%s", result->server_ip);
    done->server_port = result->server_port;
    done->sent = result->sent;
    done->received = result->received;
    done->needed = result->needed;
    done->errors = result->errors;
    done->consistent = result->consistent;
    pthread_mutex_lock(&home->lock);
    *home->last_done = done;
    home->last_done = &done->next;
    pthread_mutex_unlock(&home->lock);
}

/* Called by the library with a line. Where memory is short the line is lost, which is all that a log can do. */
static void on_line(int32_t level, const char *message, void *data)
{
    hs_confd *home = data;
    size_t size = strlen(message) + 1;
    hs_confd_line *line = malloc(sizeof *line + size);
    if (line == NULL)
        return;
    line->next = NULL;
    line->level = level;
    memcpy(line->message, message, size);
    pthread_mutex_lock(&home->lock);
    *home->last_line = line;
    home->last_line = &line->next;
    pthread_mutex_unlock(&home->lock);
}

static confd_error set(confd_options *to, const hs_confd_options *from, hs_confd *home)
{
    confd_error error = CONFD_OK;
    if (error == CONFD_OK && from->port >= 0)
        error = confd_options_set_port(to, (uint16_t)from->port);
    if (error == CONFD_OK && from->max_request_bytes >= 0)
        error = confd_options_set_max_request_bytes(to, (size_t)from->max_request_bytes);
    if (error == CONFD_OK && from->retry_ms >= 0)
        error = confd_options_set_retry_ms(to, from->retry_ms);
    if (error == CONFD_OK && from->refresh_ms >= 0)
        error = confd_options_set_refresh_ms(to, from->refresh_ms);
    if (error == CONFD_OK && from->receive_buffer >= 0)
        error = confd_options_set_receive_buffer(to, (size_t)from->receive_buffer);
    if (error == CONFD_OK && from->bind_address != NULL)
        error = confd_options_set_bind_address(to, from->bind_address);
    if (error == CONFD_OK && from->log_level >= 0)
        error = confd_options_set_log(to, on_line, home, from->log_level);
    return error;
}

/* A mailbox without a client yet, and the options that lead to it. */
static confd_error prepare(const hs_confd_options *from, hs_confd **home, confd_options **options, char **detail)
{
    confd_error error;
    hs_confd *made = calloc(1, sizeof *made);
    if (made == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made);
        return no_memory(detail);
    }
    made->owner = getpid();
    made->last_done = &made->done;
    made->last_line = &made->lines;
    *options = NULL;
    error = confd_options_new(options);
    if (error == CONFD_OK)
        error = set(*options, from, made);
    if (error != CONFD_OK) {
        tell(error, detail);
        confd_options_free(*options);
        hs_confd_destroy(made);
        return error;
    }
    *home = made;
    return CONFD_OK;
}

static confd_error made(confd_error error, hs_confd *home, confd_options *options, hs_confd **out, char **detail)
{
    tell(error, detail);
    confd_options_free(options);
    if (error == CONFD_OK)
        *out = home;
    else
        hs_confd_destroy(home);
    return error;
}

confd_error hs_confd_new(const hs_confd_options *from, const void *key, size_t key_len, const char *const *peers,
                         size_t n_peers, hs_confd **out, char **detail)
{
    hs_confd *home;
    confd_options *options;
    confd_error error = prepare(from, &home, &options, detail);
    if (error != CONFD_OK)
        return error;
    error = confd_client_new(key, key_len, peers, n_peers, NULL, NULL, options, &home->client);
    return made(error, home, options, out, detail);
}

confd_error hs_confd_open(const hs_confd_options *from, const char *data_dir, hs_confd **out, char **detail)
{
    hs_confd *home;
    confd_options *options;
    confd_error error = prepare(from, &home, &options, detail);
    if (error != CONFD_OK)
        return error;
    error = confd_client_open(data_dir, NULL, NULL, options, &home->client);
    return made(error, home, options, out, detail);
}

int hs_confd_fd(hs_confd *home, char **detail)
{
    int fd = confd_client_fd(home->client);
    if (fd < 0)
        *detail = strdup(confd_last_error());
    return fd;
}

static confd_error write_query(confd_request *request, const hs_confd_question *question)
{
    switch (question->form) {
    case HS_CONFD_IP:
        return confd_request_set_ip(request, question->n > 0 ? question->texts[0] : NULL, question->link);
    case HS_CONFD_IPS:
        return confd_request_set_ips(request, question->texts, question->n, question->link);
    case HS_CONFD_FIELDS:
        return confd_request_set_fields(request, question->fields, question->n);
    case HS_CONFD_JSON:
        return confd_request_set_query_json(request, question->n > 0 ? question->texts[0] : NULL);
    default:
        return CONFD_OK;
    }
}

confd_error hs_confd_ask(hs_confd *home, const hs_confd_question *question, uint64_t token, char **salt,
                         char **detail)
{
    confd_request *request = NULL;
    const char *plain = question->form == HS_CONFD_PLAIN && question->n > 0 ? question->texts[0] : NULL;
    /* Before the question, so that nothing can fail any more once it is asked. */
    hs_confd_done *done = calloc(1, sizeof *done);
    confd_error error;
    if (done == NULL)
        return no_memory(detail);
    done->home = home;
    done->token = token;
    error = confd_request_new(question->type, plain, &request);
    if (error == CONFD_OK)
        error = write_query(request, question);
    tell(error, detail);
    /* A fresh request keeps the salt that it has. */
    if (error == CONFD_OK && (*salt = strdup(confd_request_salt(request))) == NULL)
        error = no_memory(detail);
    if (error == CONFD_OK) {
        error = confd_client_query_async(home->client, request, question->coverage, question->timeout_ms, on_result,
                                         done);
        tell(error, detail);
        if (error != CONFD_OK) {
            free(*salt);
            *salt = NULL;
        }
    }
    if (error != CONFD_OK)
        free(done); /* and otherwise it may be in the mailbox, or gone, already */
    confd_request_free(request);
    return error;
}

confd_error hs_confd_cancel(hs_confd *home, const char *salt, char **detail)
{
    return tell(confd_client_cancel(home->client, salt), detail);
}

confd_error hs_confd_process(hs_confd *home, char **detail)
{
    return tell(confd_client_process(home->client), detail);
}

confd_error hs_confd_close(hs_confd *home, char **detail)
{
    return tell(confd_client_close(home->client), detail);
}

confd_error hs_confd_reload(hs_confd *home, char **detail)
{
    return tell(confd_client_reload(home->client), detail);
}

confd_error hs_confd_update_peers(hs_confd *home, const char *const *peers, size_t n_peers, char **detail)
{
    return tell(confd_client_update_peers(home->client, peers, n_peers), detail);
}

confd_error hs_confd_set_hmac_key(hs_confd *home, const void *key, size_t key_len, char **detail)
{
    return tell(confd_client_set_hmac_key(home->client, key, key_len), detail);
}

confd_error hs_confd_stats(hs_confd *home, confd_stats *out, char **detail)
{
    return tell(confd_client_stats(home->client, out, sizeof *out), detail);
}

confd_error hs_confd_peer_stats(hs_confd *home, size_t index, confd_peer_stats *out, char **detail)
{
    return tell(confd_client_peer_stats(home->client, index, out, sizeof *out), detail);
}

bool hs_confd_inherited(const hs_confd *home)
{
    return getpid() != home->owner;
}

void hs_confd_end(hs_confd *home)
{
    confd_client_free(home->client);
    home->client = NULL;
}

void hs_confd_destroy(hs_confd *home)
{
    hs_confd_done *done = home->done;
    hs_confd_line *line = home->lines;
    while (done != NULL) {
        hs_confd_done *next = done->next;
        hs_confd_done_free(done);
        done = next;
    }
    while (line != NULL) {
        hs_confd_line *next = line->next;
        free(line);
        line = next;
    }
    if (!hs_confd_inherited(home))
        pthread_mutex_destroy(&home->lock);
    free(home);
}

hs_confd_done *hs_confd_take_done(hs_confd *home)
{
    hs_confd_done *taken;
    if (hs_confd_inherited(home))
        return NULL;
    pthread_mutex_lock(&home->lock);
    taken = home->done;
    home->done = NULL;
    home->last_done = &home->done;
    pthread_mutex_unlock(&home->lock);
    return taken;
}

hs_confd_line *hs_confd_take_lines(hs_confd *home)
{
    hs_confd_line *taken;
    if (hs_confd_inherited(home))
        return NULL;
    pthread_mutex_lock(&home->lock);
    taken = home->lines;
    home->lines = NULL;
    home->last_line = &home->lines;
    pthread_mutex_unlock(&home->lock);
    return taken;
}

void hs_confd_done_free(hs_confd_done *done)
{
    confd_reply_free(done->reply);
    free(done);
}

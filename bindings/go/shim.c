#define _POSIX_C_SOURCE 200809L

#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct confdgo_status fine = {CONFD_OK, NULL};

/* Takes the detail before the next call of the library, which is the end of it. */
static struct confdgo_status status_of(confd_error code)
{
    if (code == CONFD_OK) {
        return fine;
    }
    return (struct confdgo_status){code, strdup(confd_last_error())};
}

static struct confdgo_status status_with(confd_error code, const char *detail)
{
    return (struct confdgo_status){code, strdup(detail)};
}

/* Pointers to the packed texts. NULL if there is no memory, or no text. */
static const char **unpack(const char *packed, size_t count)
{
    const char **texts = count == 0 ? NULL : calloc(count, sizeof *texts);
    if (texts != NULL) {
        for (size_t i = 0; i < count; i++) {
            texts[i] = packed;
            packed += strlen(packed) + 1;
        }
    }
    return texts;
}

static void *pointer_of(uintptr_t handle)
{
    return (void *)handle; /* a number that only Go knows how to read */
}

static void flatten(struct confdgo_reply *out, const confd_reply *reply, const char *server_ip, uint16_t server_port)
{
    const char *answer = confd_reply_answer_json(reply);
    if (answer == NULL) {
        return;
    }
    *out = (struct confdgo_reply){
        .status = confd_reply_status(reply),
        .protocol = confd_reply_protocol(reply),
        .serial = confd_reply_serial(reply),
        .answer = answer,
        .answer_len = (int)strlen(answer), /* a datagram's at the most, or the parts of some */
        .error_text = confd_reply_error_text(reply),
        .server_ip = server_ip,
        .server_port = server_port,
    };
}

static void on_result(confd_client *client, const confd_result *result, void *data)
{
    struct confdgo_ending ending = {
        .outcome = result->outcome,
        .sent = result->sent,
        .received = result->received,
        .needed = result->needed,
        .errors = result->errors,
        .consistent = result->consistent,
    };
    (void)client;
    flatten(&ending.reply, result->reply, result->server_ip, result->server_port);
    confdgoQueryEnded((uintptr_t)data, &ending);
}

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    struct confdgo_event event = {
        .type = upcall->type,
        .sent = upcall->sent,
        .received = upcall->received,
        .consistent = upcall->consistent,
    };
    (void)user_data;
    flatten(&event.reply, upcall->reply, upcall->server_ip, upcall->server_port);
    confdgoSurveyEvent((uintptr_t)upcall->request_data, &event);
    if (upcall->type == CONFD_UPCALL_REPLY && upcall->received == upcall->sent) {
        (void)confd_client_cancel(client, upcall->salt); /* all have answered: the last upcall comes now */
    }
}

static void on_log(int32_t level, const char *message, void *data)
{
    confdgoLogLine((uintptr_t)data, level, (char *)message);
}

static confd_error set_options(confd_options *options, const char *bind_address,
                               const struct confdgo_settings *settings)
{
    confd_error code = confd_options_set_any_source(options, settings->any_source);
    if (code == CONFD_OK && settings->port != 0) {
        code = confd_options_set_port(options, settings->port);
    }
    if (code == CONFD_OK && settings->expire_ms != 0) {
        code = confd_options_set_expire_ms(options, settings->expire_ms);
    }
    if (code == CONFD_OK && settings->retry_ms >= 0) {
        code = confd_options_set_retry_ms(options, settings->retry_ms);
    }
    if (code == CONFD_OK) {
        code = confd_options_set_refresh_ms(options, settings->refresh_ms);
    }
    if (code == CONFD_OK && settings->max_request_bytes != 0) {
        code = confd_options_set_max_request_bytes(options, settings->max_request_bytes);
    }
    if (code == CONFD_OK && settings->receive_buffer != 0) {
        code = confd_options_set_receive_buffer(options, settings->receive_buffer);
    }
    if (code == CONFD_OK && bind_address != NULL) {
        code = confd_options_set_bind_address(options, bind_address);
    }
    if (code == CONFD_OK && settings->log != 0) {
        code = confd_options_set_log(options, on_log, pointer_of(settings->log), settings->log_level);
    }
    return code;
}

static struct confdgo_made make_client(const void *key, size_t key_len, const char *peers, size_t n_peers,
                                       const char *data_dir, bool opens, const confd_options *options)
{
    struct confdgo_made made = {fine, NULL, -1};
    if (opens) {
        made.status = status_of(confd_client_open(data_dir, on_upcall, NULL, options, &made.client));
        return made;
    }
    const char **list = unpack(peers, n_peers);
    if (list == NULL && n_peers != 0) {
        made.status = status_with(CONFD_ERR_NO_MEMORY, strerror(ENOMEM));
        return made;
    }
    made.status = status_of(confd_client_new(key, key_len, list, n_peers, on_upcall, NULL, options, &made.client));
    free(list);
    return made;
}

/* A descriptor of the caller's own. Go's poller takes only those that say that they do not block. */
static struct confdgo_status own_fd(confd_client *client, int *out)
{
    int theirs = confd_client_fd(client);
    if (theirs < 0) {
        return status_of(CONFD_ERR_IO);
    }
    int own = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK) != 0) {
        struct confdgo_status status = status_with(CONFD_ERR_IO, strerror(errno));
        if (own >= 0) {
            close(own);
        }
        return status;
    }
    *out = own;
    return fine;
}

struct confdgo_made confdgo_make(const void *key, size_t key_len, const char *peers, size_t n_peers,
                                 const char *data_dir, const char *bind_address, struct confdgo_settings settings)
{
    struct confdgo_made made = {fine, NULL, -1};
    confd_options *options = NULL;
    made.status = status_of(confd_options_new(&options));
    if (made.status.code == CONFD_OK) {
        made.status = status_of(set_options(options, bind_address, &settings));
    }
    if (made.status.code == CONFD_OK) {
        made = make_client(key, key_len, peers, n_peers, data_dir, settings.opens, options);
    }
    confd_options_free(options);
    if (made.status.code == CONFD_OK) {
        made.status = own_fd(made.client, &made.fd);
    }
    if (made.status.code != CONFD_OK) {
        confd_client_free(made.client);
        made.client = NULL;
    }
    return made;
}

static struct confdgo_status fill_request(confd_request *request, const struct confdgo_question *question,
                                          const char *texts, const char *link, const int32_t *fields)
{
    switch (question->form) {
    case CONFDGO_IP:
        return status_of(confd_request_set_ip(request, texts, link));
    case CONFDGO_IPS: {
        const char **list = unpack(texts, question->count);
        if (list == NULL && question->count != 0) {
            return status_with(CONFD_ERR_NO_MEMORY, strerror(ENOMEM));
        }
        struct confdgo_status status = status_of(confd_request_set_ips(request, list, question->count, link));
        free(list);
        return status;
    }
    case CONFDGO_FIELDS:
        return status_of(confd_request_set_fields(request, fields, question->count));
    case CONFDGO_JSON:
        return status_of(confd_request_set_query_json(request, texts));
    default:
        return fine;
    }
}

static struct confdgo_asked ask(confd_client *client, const struct confdgo_question *question, const char *texts,
                                const char *link, const int32_t *fields, uintptr_t handle, bool is_query)
{
    struct confdgo_asked asked = {fine, {""}};
    confd_request *request = NULL;
    const char *query = question->form == CONFDGO_PLAIN && question->count != 0 ? texts : NULL;
    asked.status = status_of(confd_request_new(question->type, query, &request));
    if (asked.status.code == CONFD_OK) {
        asked.status = fill_request(request, question, texts, link, fields);
    }
    if (asked.status.code == CONFD_OK && is_query) {
        asked.status = status_of(confd_client_query_async(client, request, question->coverage, question->timeout_ms,
                                                          on_result, pointer_of(handle)));
    } else if (asked.status.code == CONFD_OK) {
        asked.status = status_of(confd_client_send(client, request, question->coverage, 0, pointer_of(handle)));
    }
    if (asked.status.code == CONFD_OK) {
        strncpy(asked.salt.text, confd_request_salt(request), sizeof asked.salt.text - 1);
    }
    confd_request_free(request);
    return asked;
}

struct confdgo_asked confdgo_query(confd_client *client, struct confdgo_question question, const char *texts,
                                   const char *link, const int32_t *fields, uintptr_t handle)
{
    return ask(client, &question, texts, link, fields, handle, true);
}

struct confdgo_asked confdgo_send(confd_client *client, struct confdgo_question question, const char *texts,
                                  const char *link, const int32_t *fields, uintptr_t handle)
{
    return ask(client, &question, texts, link, fields, handle, false);
}

confd_error confdgo_cancel(confd_client *client, struct confdgo_salt salt)
{
    return confd_client_cancel(client, salt.text);
}

struct confdgo_status confdgo_update_peers(confd_client *client, const char *peers, size_t n_peers)
{
    const char **list = unpack(peers, n_peers);
    if (list == NULL && n_peers != 0) {
        return status_with(CONFD_ERR_NO_MEMORY, strerror(ENOMEM));
    }
    struct confdgo_status status = status_of(confd_client_update_peers(client, list, n_peers));
    free(list);
    return status;
}

struct confdgo_status confdgo_set_key(confd_client *client, const void *key, size_t key_len)
{
    return status_of(confd_client_set_hmac_key(client, key, key_len));
}

struct confdgo_status confdgo_reload(confd_client *client)
{
    return status_of(confd_client_reload(client));
}

struct confdgo_status confdgo_stats(confd_client *client, confd_stats *out)
{
    return status_of(confd_client_stats(client, out, sizeof *out));
}

struct confdgo_status confdgo_peer_stats(confd_client *client, size_t index, confd_peer_stats *out)
{
    return status_of(confd_client_peer_stats(client, index, out, sizeof *out));
}

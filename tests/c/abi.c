/* The numbers, the layout and the names that programs were compiled with. Also compiled as C++.
   `make abi-check` sees to it that nothing of the header is missing here. */
#include "check.h"
#include <stddef.h>

#define NUMBER(name, value) SAME(name, value)
#define AT(type, member, offset) SAME(offsetof(type, member), offset)

static void numbers(void)
{
    NUMBER(CONFD_OK, 0);
    NUMBER(CONFD_ERR_INVALID_ARGUMENT, 1);
    NUMBER(CONFD_ERR_BAD_PEER, 2);
    NUMBER(CONFD_ERR_NO_PEERS, 3);
    NUMBER(CONFD_ERR_MIXED_FAMILIES, 4);
    NUMBER(CONFD_ERR_COVERAGE, 5);
    NUMBER(CONFD_ERR_REQUEST_TYPE, 6);
    NUMBER(CONFD_ERR_MISSING_SALT, 7);
    NUMBER(CONFD_ERR_DUPLICATE_SALT, 8);
    NUMBER(CONFD_ERR_REQUEST_TOO_BIG, 9);
    NUMBER(CONFD_ERR_UNKNOWN_REQUEST, 10);
    NUMBER(CONFD_ERR_IO, 11);
    NUMBER(CONFD_ERR_NOT_FOUND, 12);
    NUMBER(CONFD_ERR_WRONG_TYPE, 13);
    NUMBER(CONFD_ERR_CLUSTER_DIR, 14);
    NUMBER(CONFD_ERR_BUSY, 15);
    NUMBER(CONFD_ERR_CLOSED, 16);
    NUMBER(CONFD_ERR_INTERNAL, 17);
    NUMBER(CONFD_ERR_NO_MEMORY, 18);
    NUMBER(CONFD_REQ_PING, 0);
    NUMBER(CONFD_REQ_NODE_ROLE_BYNAME, 1);
    NUMBER(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, 2);
    NUMBER(CONFD_REQ_CLUSTER_MASTER, 3);
    NUMBER(CONFD_REQ_NODE_PIP_LIST, 4);
    NUMBER(CONFD_REQ_MC_PIP_LIST, 5);
    NUMBER(CONFD_REQ_INSTANCES_IPS_LIST, 6);
    NUMBER(CONFD_REQ_NODE_DRBD, 7);
    NUMBER(CONFD_REQ_NODE_INSTANCES, 8);
    NUMBER(CONFD_REQ_INSTANCE_DISKS, 9);
    NUMBER(CONFD_REQ_CONFIG_QUERY, 10);
    NUMBER(CONFD_REQ_DATA_COLLECTORS, 11);
    NUMBER(CONFD_REQFIELD_NAME, 0);
    NUMBER(CONFD_REQFIELD_IP, 1);
    NUMBER(CONFD_REQFIELD_MNODE_PIP, 2);
    NUMBER(CONFD_LOG_DEBUG, 0);
    NUMBER(CONFD_LOG_INFO, 1);
    NUMBER(CONFD_LOG_WARNING, 2);
    NUMBER(CONFD_LOG_ERROR, 3);
    NUMBER(CONFD_SEND_QUEUED, 1);
    NUMBER(CONFD_UPCALL_REPLY, 1);
    NUMBER(CONFD_UPCALL_EXPIRE, 2);
    NUMBER(CONFD_UPCALL_CANCEL, 3);
    NUMBER(CONFD_OUTCOME_ANSWERED, 0);
    NUMBER(CONFD_OUTCOME_PARTIAL, 1);
    NUMBER(CONFD_OUTCOME_NO_REPLY, 2);
    NUMBER(CONFD_OUTCOME_CANCELLED, 3);
    NUMBER(CONFD_STATUS_OK, 0);
    NUMBER(CONFD_STATUS_ERROR, 1);
    NUMBER(CONFD_STATUS_NOT_IMPLEMENTED, 2);
    NUMBER(CONFD_JSON_NULL, 0);
    NUMBER(CONFD_JSON_BOOL, 1);
    NUMBER(CONFD_JSON_NUMBER, 2);
    NUMBER(CONFD_JSON_STRING, 3);
    NUMBER(CONFD_JSON_ARRAY, 4);
    NUMBER(CONFD_JSON_OBJECT, 5);
    NUMBER(CONFD_NODE_ROLE_MASTER, 0);
    NUMBER(CONFD_NODE_ROLE_CANDIDATE, 1);
    NUMBER(CONFD_NODE_ROLE_OFFLINE, 2);
    NUMBER(CONFD_NODE_ROLE_DRAINED, 3);
    NUMBER(CONFD_NODE_ROLE_REGULAR, 4);
    SAME(sizeof(confd_error), 4);
}

/* As 64-bit systems lay them out; the structs may grow at their ends, except for the frozen ones. */
static void layouts(void)
{
    if (sizeof(void *) != 8) {
        return;
    }
    AT(confd_upcall, size, 0);
    AT(confd_upcall, type, 8);
    AT(confd_upcall, salt, 16);
    AT(confd_upcall, request, 24);
    AT(confd_upcall, request_data, 32);
    AT(confd_upcall, reply, 40);
    AT(confd_upcall, server_ip, 48);
    AT(confd_upcall, server_port, 56);
    AT(confd_upcall, sent, 60);
    AT(confd_upcall, received, 64);
    AT(confd_upcall, consistent, 68);
    CHECK(sizeof(confd_upcall) >= 72);
    AT(confd_result, size, 0);
    AT(confd_result, outcome, 8);
    AT(confd_result, reply, 16);
    AT(confd_result, server_ip, 24);
    AT(confd_result, server_port, 32);
    AT(confd_result, sent, 36);
    AT(confd_result, received, 40);
    AT(confd_result, needed, 44);
    AT(confd_result, errors, 48);
    AT(confd_result, consistent, 52);
    CHECK(sizeof(confd_result) >= 56);
    AT(confd_wait_result, timed_out, 0);
    AT(confd_wait_result, sent, 4);
    AT(confd_wait_result, received, 8);
    SAME(sizeof(confd_wait_result), 12);
    AT(confd_datagram, data, 0);
    AT(confd_datagram, len, 8);
    AT(confd_datagram, ip, 16);
    AT(confd_datagram, port, 24);
    SAME(sizeof(confd_datagram), 32);
    AT(confd_drbd_minor, node, 0);
    AT(confd_drbd_minor, minor, 8);
    AT(confd_drbd_minor, instance, 16);
    AT(confd_drbd_minor, disk, 24);
    AT(confd_drbd_minor, role, 32);
    AT(confd_drbd_minor, peer, 40);
    SAME(sizeof(confd_drbd_minor), 48);
    AT(confd_stats, requests, 0);
    AT(confd_stats, datagrams_out, 8);
    AT(confd_stats, send_errors, 16);
    AT(confd_stats, datagrams_in, 24);
    AT(confd_stats, replies, 32);
    AT(confd_stats, dropped_magic, 40);
    AT(confd_stats, dropped_malformed, 48);
    AT(confd_stats, dropped_signature, 56);
    AT(confd_stats, dropped_salt, 64);
    AT(confd_stats, dropped_source, 72);
    AT(confd_stats, dropped_duplicate, 80);
    AT(confd_stats, dropped_overflow, 88);
    AT(confd_stats, expired, 96);
    AT(confd_stats, cancelled, 104);
    AT(confd_stats, retries, 112);
    AT(confd_stats, refused, 120);
    AT(confd_stats, outstanding, 128);
    AT(confd_stats, queued, 136);
    CHECK(sizeof(confd_stats) >= 144);
    AT(confd_peer_stats, address, 0);
    AT(confd_peer_stats, sent, 64);
    AT(confd_peer_stats, answered, 72);
    AT(confd_peer_stats, refused, 80);
    AT(confd_peer_stats, rtt_us, 88);
    AT(confd_peer_stats, rtt_last_us, 96);
    AT(confd_peer_stats, serial, 104);
    CHECK(sizeof(confd_peer_stats) >= 112);
}

static void callback(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    (void)client, (void)upcall, (void)user_data;
}

static void take_result(confd_client *client, const confd_result *result, void *data)
{
    (void)client, (void)result, (void)data;
}

static void take_line(int32_t level, const char *message, void *data)
{
    (void)level, (void)message, (void)data;
}

/* Every function with its type: a change of one does not compile, a missing one does not link. */
static void functions(void)
{
    const char *(*const texts[])(void) = {confd_last_error, confd_version};
    const char *(*const strerror_)(confd_error) = confd_strerror;
    uint32_t (*const version)(void) = confd_version_number;
    confd_error (*const new_)(int32_t, const char *, confd_request **) = confd_request_new;
    confd_error (*const ip)(confd_request *, const char *, const char *) = confd_request_set_ip;
    confd_error (*const ips)(confd_request *, const char *const *, size_t, const char *) = confd_request_set_ips;
    confd_error (*const fields)(confd_request *, const int32_t *, size_t) = confd_request_set_fields;
    confd_error (*const of_text[])(confd_request *, const char *) = {confd_request_set_query_json,
                                                                      confd_request_set_salt};
    const char *(*const shown[])(const confd_request *) = {confd_request_salt, confd_request_query_json};
    int32_t (*const type)(const confd_request *) = confd_request_type;
    void (*const gone)(confd_request *) = confd_request_free;
    confd_error (*const made)(confd_options **) = confd_options_new;
    void (*const options_gone)(confd_options *) = confd_options_free;
    confd_error (*const port)(confd_options *, uint16_t) = confd_options_set_port;
    confd_error (*const numbers_[])(confd_options *, int32_t) = {
        confd_options_set_expire_ms,  confd_options_set_filter,   confd_options_set_any_source,
        confd_options_set_external_io, confd_options_set_retry_ms, confd_options_set_refresh_ms};
    confd_error (*const sizes[])(confd_options *, size_t) = {confd_options_set_max_request_bytes,
                                                              confd_options_set_receive_buffer};
    confd_error (*const bind_)(confd_options *, const char *) = confd_options_set_bind_address;
    confd_error (*const log_)(confd_options *, confd_log_fn, void *, int32_t) = confd_options_set_log;
    confd_error (*const client)(const void *, size_t, const char *const *, size_t, confd_upcall_fn, void *,
                                const confd_options *, confd_client **) = confd_client_new;
    confd_error (*const opened)(const char *, confd_upcall_fn, void *, const confd_options *, confd_client **) =
        confd_client_open;
    confd_error (*const key_)(confd_client *, const void *, size_t) = confd_client_set_hmac_key;
    confd_error (*const peers)(confd_client *, const char *const *, size_t) = confd_client_update_peers;
    confd_error (*const plain[])(confd_client *) = {confd_client_close, confd_client_flush, confd_client_wake,
                                                     confd_client_expire, confd_client_process,
                                                     confd_client_reload};
    void (*const client_gone)(confd_client *) = confd_client_free;
    confd_error (*const send_)(confd_client *, const confd_request *, int32_t, uint32_t, void *) =
        confd_client_send;
    confd_error (*const receive)(confd_client *, int32_t, size_t *) = confd_client_receive;
    confd_error (*const wait_)(confd_client *, const char *, int32_t, confd_wait_result *) = confd_client_wait;
    confd_error (*const cancel)(confd_client *, const char *) = confd_client_cancel;
    confd_error (*const count)(confd_client *, size_t *, size_t *) = confd_client_outstanding;
    uint32_t (*const needed)(uint32_t) = confd_needed_replies;
    int (*const fd)(confd_client *) = confd_client_fd;
    int32_t (*const timeout)(confd_client *) = confd_client_timeout_ms;
    confd_error (*const pull)(confd_client *, confd_datagram *) = confd_client_poll_transmit;
    confd_error (*const push)(confd_client *, const void *, size_t, const char *, uint16_t) =
        confd_client_handle_datagram;
    confd_error (*const refused)(confd_client *, const char *, uint16_t) = confd_client_handle_unreachable;
    confd_error (*const query)(confd_client *, confd_request *, int32_t, int32_t, confd_result **) =
        confd_client_query;
    confd_error (*const query_async)(confd_client *, confd_request *, int32_t, int32_t, confd_query_fn, void *) =
        confd_client_query_async;
    void (*const result_gone)(confd_result *) = confd_result_free;
    const char *(*const role)(int64_t) = confd_node_role_name;
    confd_error (*const node_ip)(const confd_reply *, size_t, int32_t *, const char **) = confd_reply_node_ip;
    confd_error (*const minor_)(const confd_reply *, size_t, confd_drbd_minor *) = confd_reply_drbd_minor;
    confd_error (*const of_peer)(confd_client *, size_t, confd_peer_stats *, size_t) = confd_client_peer_stats;
    confd_error (*const stats)(confd_client *, confd_stats *, size_t) = confd_client_stats;
    int32_t (*const parts[])(const confd_reply *) = {confd_reply_status, confd_reply_protocol};
    int64_t (*const serial)(const confd_reply *) = confd_reply_serial;
    const char *(*const words[])(const confd_reply *) = {confd_reply_answer_json, confd_reply_error_text};
    confd_error (*const strings[])(const confd_reply *, const char *, const char **) = {confd_reply_string,
                                                                                         confd_reply_json};
    confd_error (*const integer)(const confd_reply *, const char *, int64_t *) = confd_reply_int;
    confd_error (*const truth)(const confd_reply *, const char *, bool *) = confd_reply_bool;
    confd_error (*const real)(const confd_reply *, const char *, double *) = confd_reply_double;
    confd_error (*const size)(const confd_reply *, const char *, size_t *) = confd_reply_count;
    confd_error (*const key)(const confd_reply *, const char *, size_t, const char **) = confd_reply_key;
    confd_error (*const kind)(const confd_reply *, const char *, int32_t *) = confd_reply_kind;
    confd_error (*const clone)(const confd_reply *, confd_reply **) = confd_reply_clone;
    void (*const reply_gone)(confd_reply *) = confd_reply_free;
    const confd_upcall_fn upcall = callback;
    const confd_query_fn answer = take_result;
    const confd_log_fn log_line = take_line;
    CHECK(texts[1] && strerror_ && version && new_ && ip && ips && fields && of_text[1] && shown[1] && type);
    CHECK(gone && made && options_gone && port && numbers_[5] && sizes[1] && bind_ && log_ && client && peers);
    CHECK(plain[5] && client_gone && send_ && receive && wait_ && cancel && count && needed && fd && timeout);
    CHECK(pull && push && refused && stats && parts[1] && serial && words[1] && strings[1] && integer && truth);
    CHECK(opened && key_ && query && query_async && result_gone && role && node_ip && minor_ && of_peer && answer);
    CHECK(real && size && key && kind && clone && reply_gone && upcall && log_line);
}

static void versions(void)
{
    char text[32];
    const uint32_t number = confd_version_number();
    SAME(number, CONFD_VERSION_NUMBER);
    snprintf(text, sizeof text, "%u.%u.%u", number >> 16, number >> 8 & 0xff, number & 0xff);
    SAME_TEXT(confd_version(), text);
}

static void needed_replies(void)
{
    static const uint32_t needed[] = {0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6};
    for (uint32_t sent = 0; sent < sizeof needed / sizeof needed[0]; sent++) {
        SAME(confd_needed_replies(sent), needed[sent]);
    }
    SAME(confd_needed_replies(UINT32_MAX), 0x80000000u);
}

int main(void)
{
    numbers();
    layouts();
    functions();
    versions();
    needed_replies();
    return 0;
}

/* confd_client_free() inside an upcall: the others' last upcalls nest in it, nothing follows, its arguments last. */
#include "world.h"

enum { OTHERS = 9 };

static struct tally *all[OTHERS + 1];
static int freed_at;
static int depth;
static int calls;
static int after_free;
static void *user;
static char last_salt[SALT];

/* request_data is malloc'ed, and released in the last upcall of its request. */
static void upcall_fn(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    char salt[SALT];
    SAME(after_free, 0);
    CHECK(user_data == user);
    ++depth;
    ++calls;
    count_upcall(client, upcall, NULL);
    snprintf(salt, sizeof salt, "%s", upcall->salt);
    if (upcall->type == freed_at) {
        const confd_upcall before = *upcall;
        char *answer = upcall->reply ? strdup(confd_reply_answer_json(upcall->reply)) : NULL;
        char *ip = upcall->server_ip ? strdup(upcall->server_ip) : NULL;
        freed_at = 0;
        confd_client_free(client);
        after_free = 1;
        /* The arguments are what they were. */
        CHECK(before.type == upcall->type && before.salt == upcall->salt && before.request == upcall->request);
        CHECK(before.request_data == upcall->request_data && before.reply == upcall->reply);
        CHECK(before.server_ip == upcall->server_ip && before.server_port == upcall->server_port);
        CHECK(before.sent == upcall->sent && before.received == upcall->received);
        SAME_TEXT(upcall->salt, salt);
        SAME_TEXT(confd_request_salt(upcall->request), salt);
        SAME_TEXT(confd_request_query_json(upcall->request), "null");
        if (answer != NULL) {
            SAME_TEXT(confd_reply_answer_json(upcall->reply), answer);
            SAME_TEXT(upcall->server_ip, ip);
        }
        free(answer);
        free(ip);
    } else if (depth > 1) {
        /* Nested in the free: every call says so. */
        size_t n;
        GIVES(CONFD_ERR_CLOSED, confd_client_outstanding(client, &n, NULL));
        GIVES(CONFD_ERR_CLOSED, confd_client_close(client));
        GIVES(CONFD_ERR_CLOSED, confd_client_flush(client));
        GIVES(CONFD_ERR_CLOSED, confd_client_expire(client));
        GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, 0, NULL));
        SAME(confd_client_fd(client), -1);
        SAME(confd_client_timeout_ms(client), -1);
    }
    if (upcall->type != CONFD_UPCALL_REPLY) {
        struct tally *tally = upcall->request_data;
        int i = 0;
        while (i <= OTHERS && all[i] != tally) {
            i++;
        }
        CHECK(i <= OTHERS);
        all[i] = NULL;
        free(tally);
    }
    --depth;
}

static void none_left(void)
{
    SAME(depth, 0);
    SAME(after_free, 1);
    for (int i = 0; i <= OTHERS; i++) {
        CHECK(all[i] == NULL);
    }
}

static int64_t spread; /* from the first send to the last, in ms */

static void all_are_due(confd_client *client)
{
    SOON(confd_client_timeout_ms(client) == 0);
    pause_us(1000 * (long)(spread + 2));
}

static confd_client *begin(int type, int32_t expire_ms, char salts[][SALT])
{
    confd_options *options = options_expire(expire_ms);
    confd_client *client;
    OK(confd_options_set_external_io(options, 1));
    freed_at = type;
    calls = after_free = 0;
    user = malloc(1);
    client = external_client(upcall_fn, user, options);
    confd_options_free(options);
    spread = now_ms();
    for (int i = 0; i <= OTHERS; i++) {
        all[i] = calloc(1, sizeof *all[i]);
        send_ping(client, 0, 0, all[i], salts[i]);
    }
    spread = now_ms() - spread;
    return client;
}

static void in_a_reply(char salts[][SALT])
{
    char data[DATAGRAM];
    confd_client *client = begin(CONFD_UPCALL_REPLY, 10000, salts);
    const size_t len = make_reply(data, KEY, salts[4], 0, "{\"a\":[1,2]}", 1);
    GIVES(CONFD_ERR_CLOSED, confd_client_handle_datagram(client, data, len, EXTERNAL_IP, EXTERNAL_PORT));
    free(user);
    none_left();
    SAME(calls, 1 + OTHERS + 1);
}

static void in_an_expiry(char salts[][SALT])
{
    confd_client *client = begin(CONFD_UPCALL_EXPIRE, 300, salts);
    all_are_due(client);
    GIVES(CONFD_ERR_CLOSED, confd_client_expire(client));
    free(user);
    none_left();
    SAME(calls, OTHERS + 1);
}

static void in_a_cancel(char salts[][SALT])
{
    confd_client *client = begin(CONFD_UPCALL_CANCEL, 10000, salts);
    GIVES(CONFD_ERR_CLOSED, confd_client_cancel(client, salts[0]));
    free(user);
    none_left();
    SAME(calls, OTHERS + 1);
}

static void in_a_cancel_of_close(char salts[][SALT])
{
    confd_client *client = begin(CONFD_UPCALL_CANCEL, 10000, salts);
    GIVES(CONFD_ERR_CLOSED, confd_client_close(client));
    free(user);
    none_left();
    SAME(calls, OTHERS + 1);
}

/* What a send comes upon is told before its own request is accepted: it fails without having had any effect. */
static void in_an_expiry_that_send_comes_upon(char salts[][SALT])
{
    confd_client *client = begin(CONFD_UPCALL_EXPIRE, 300, salts);
    confd_request *request = ping();
    struct tally *own = calloc(1, sizeof *own);
    struct tally *before = all[OTHERS];
    all_are_due(client);
    /* There are OTHERS + 1 places for data; two requests share the last. */
    freed_at = 0;
    OK(confd_client_expire(client));
    SAME(calls, OTHERS + 1);
    CHECK(before != NULL && all[OTHERS] == NULL);
    all[0] = calloc(1, sizeof *all[0]);
    all[1] = own;
    send_ping(client, 0, 0, all[0], NULL);
    SOON(confd_client_timeout_ms(client) == 0);
    freed_at = CONFD_UPCALL_EXPIRE;
    GIVES(CONFD_ERR_CLOSED, confd_client_send(client, request, 0, 0, own));
    confd_request_free(request);
    CHECK(all[1] == own);
    free(own);
    all[1] = NULL;
    free(user);
    none_left();
    SAME(calls, OTHERS + 2);
}

/* Replies that were read and not told yet are dropped. */
static void undelivered_replies_are_dropped(void (*finish)(confd_client *, struct peer *))
{
    struct peer peer;
    const char *address = peer.address;
    confd_client *client;
    peer_open(&peer);
    freed_at = CONFD_UPCALL_REPLY;
    calls = after_free = 0;
    user = malloc(1);
    client = client_of(&address, 1, upcall_fn, user, NULL);
    for (int i = 0; i <= OTHERS; i++) {
        all[i] = calloc(1, sizeof *all[i]);
        send_ping(client, 0, 0, all[i], NULL);
        peer_take(&peer, last_salt);
        peer_answer(&peer, last_salt, "1", 1);
    }
    finish(client, &peer);
    free(user);
    none_left();
    SAME(calls, 1 + OTHERS + 1);
    peer_close(&peer);
}

static void by_receive(confd_client *client, struct peer *peer)
{
    size_t handled = 77;
    (void)peer;
    GIVES(CONFD_ERR_CLOSED, confd_client_receive(client, 10000, &handled));
    SAME(handled, 77);
}

static void by_process(confd_client *client, struct peer *peer)
{
    confd_error code = CONFD_OK;
    (void)peer;
    SOON((code = confd_client_process(client)) != CONFD_OK || after_free);
    SAME(code, CONFD_ERR_CLOSED);
}

static void by_wait(confd_client *client, struct peer *peer)
{
    confd_wait_result wait = {false, 77, 77};
    (void)peer;
    GIVES(CONFD_ERR_CLOSED, confd_client_wait(client, last_salt, 10000, &wait));
    SAME(wait.sent, 77);
}

int main(void)
{
    static char salts[OTHERS + 1][SALT];
    in_a_reply(salts);
    in_an_expiry(salts);
    in_a_cancel(salts);
    in_a_cancel_of_close(salts);
    in_an_expiry_that_send_comes_upon(salts);
    undelivered_replies_are_dropped(by_receive);
    undelivered_replies_are_dropped(by_process);
    undelivered_replies_are_dropped(by_wait);
    return 0;
}

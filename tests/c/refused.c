/* Requests that send refuses, in the order of its checks: they leave no trace. */
#include "world.h"

static struct tally all;

/* Refused with this code, and as if it had never been. */
static void refused(confd_error code, confd_client *client, const confd_request *request, int32_t coverage)
{
    const confd_stats before = stats_of(client);
    size_t total = 77;
    GIVES(code, confd_client_send(client, request, coverage, 0, &all));
    CHECK(*confd_last_error() != '\0');
    const confd_stats after = stats_of(client);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    OK(confd_client_outstanding(client, &total, NULL));
    SAME(total, before.outstanding);
}

static confd_request *salted(const char *salt)
{
    confd_request *request = ping();
    OK(confd_request_set_salt(request, salt));
    return request;
}

static void in_this_order(void)
{
    static char big[70000];
    confd_client *client = external_client(count_upcall, &all, NULL);
    confd_request *request = NULL;
    memset(big, 'a', sizeof big - 1);
    OK(confd_request_new(CONFD_REQ_NODE_ROLE_BYNAME, big, &request));
    OK(confd_request_set_salt(request, ""));
    refused(CONFD_ERR_COVERAGE, client, request, 2);
    refused(CONFD_ERR_INVALID_ARGUMENT, client, request, -2);
    refused(CONFD_ERR_MISSING_SALT, client, request, 1);
    confd_request *first = salted("mine");
    OK(confd_client_send(client, first, 0, 0, NULL));
    OK(confd_request_set_salt(request, "mine"));
    refused(CONFD_ERR_COVERAGE, client, request, 2);
    refused(CONFD_ERR_DUPLICATE_SALT, client, request, 1);
    OK(confd_request_set_salt(request, "another"));
    refused(CONFD_ERR_REQUEST_TOO_BIG, client, request, 1);
    /* What was refused has not used its salt. */
    confd_request *small = salted("another");
    OK(confd_client_send(client, small, 0, 0, NULL));
    confd_request_free(small);
    confd_request_free(first);
    confd_request_free(request);
    SAME(all.replies + last_upcalls(&all), 0);
    confd_client_free(client);
    SAME(last_upcalls(&all), 2);
}

/* A salt serves once: while outstanding, after an expiry, after a cancel, and in another request. */
static void a_salt_serves_once(void)
{
    confd_options *options = options_expire(slowed(150));
    OK(confd_options_set_external_io(options, 1));
    struct tally tally = {0, 0, 0};
    confd_client *client = external_client(count_upcall, &tally, options);
    confd_request *fresh = ping();
    confd_request *given = salted("given");
    confd_request *copy = salted(confd_request_salt(fresh));
    confd_request *same = salted("given");
    confd_options_free(options);
    OK(confd_client_send(client, fresh, 0, 0, NULL));
    OK(confd_client_send(client, given, 0, 0, NULL));
    for (int round = 0; round < 2; round++) {
        refused(CONFD_ERR_DUPLICATE_SALT, client, fresh, 0);
        refused(CONFD_ERR_DUPLICATE_SALT, client, given, 0);
        refused(CONFD_ERR_DUPLICATE_SALT, client, same, 0);
        refused(CONFD_ERR_DUPLICATE_SALT, client, copy, 0);
        SOON(confd_client_expire(client) == CONFD_OK && last_upcalls(&tally) == 2);
    }
    OK(confd_request_set_salt(fresh, NULL));
    OK(confd_client_send(client, fresh, 0, 0, NULL));
    confd_client_cancel(client, confd_request_salt(fresh));
    refused(CONFD_ERR_DUPLICATE_SALT, client, fresh, 0);
    OK(confd_request_set_salt(same, "fresh again"));
    OK(confd_client_send(client, same, 0, 0, NULL));
    confd_client_free(client);
    SAME(last_upcalls(&tally), 4);
    confd_request_free(fresh);
    confd_request_free(given);
    confd_request_free(copy);
    confd_request_free(same);
}

/* The checks come after expiring, which makes its upcall also where the send is refused then. */
static void expiries_that_a_refused_send_comes_upon_stay(void)
{
    confd_options *options = options_expire(1);
    OK(confd_options_set_external_io(options, 1));
    struct tally tally = {0, 0, 0};
    confd_client *client = external_client(count_upcall, &tally, options);
    confd_request *request = ping();
    confd_options_free(options);
    OK(confd_client_send(client, request, 0, 0, NULL));
    SOON(confd_client_timeout_ms(client) == 0);
    GIVES(CONFD_ERR_DUPLICATE_SALT, confd_client_send(client, request, 0, 0, NULL));
    SAME(tally.expired, 1);
    SAME(stats_of(client).outstanding, 0);
    confd_request_free(request);
    confd_client_free(client);
    SAME(last_upcalls(&tally), 1);
}

/* The limit counts the whole datagram: one byte less and it does not fit. */
static void the_size_is_that_of_the_datagram(void)
{
    confd_options *options = options_new();
    confd_datagram datagram;
    confd_request *request = salted("of a fixed length");
    confd_client *client;
    size_t len;
    OK(confd_options_set_external_io(options, 1));
    client = external_client(count_upcall, NULL, options);
    OK(confd_client_send(client, request, 0, 0, NULL));
    OK(confd_client_poll_transmit(client, &datagram));
    len = datagram.len;
    confd_client_free(client);
    OK(confd_options_set_max_request_bytes(options, len - 1));
    client = external_client(count_upcall, NULL, options);
    OK(confd_request_set_salt(request, "of a fixed length"));
    refused(CONFD_ERR_REQUEST_TOO_BIG, client, request, 0);
    confd_client_free(client);
    OK(confd_options_set_max_request_bytes(options, len));
    client = external_client(count_upcall, NULL, options);
    OK(confd_request_set_salt(request, "of a fixed length"));
    OK(confd_client_send(client, request, 0, 0, NULL));
    confd_client_free(client);
    confd_options_free(options);
    confd_request_free(request);
}

int main(void)
{
    in_this_order();
    a_salt_serves_once();
    expiries_that_a_refused_send_comes_upon_stay();
    the_size_is_that_of_the_datagram();
    return 0;
}

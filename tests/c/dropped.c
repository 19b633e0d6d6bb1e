/* What does not count as a reply is dropped, and counted for the reason it was dropped for. */
#include "world.h"

static confd_client *client;
static struct tally tally;
static char salt[SALT];

static void throw(const void *data, size_t len, const char *ip, uint16_t port)
{
    OK(confd_client_handle_datagram(client, data, len, ip, port));
    check_sums(client);
}

static void begin(const confd_options *options)
{
    memset(&tally, 0, sizeof tally);
    client = external_client(count_upcall, &tally, options);
    send_ping(client, 0, 0, NULL, salt);
}

static void end(void)
{
    confd_client_free(client);
    SAME(last_upcalls(&tally), 1);
}

static void each_reason_has_its_counter(void)
{
    char good[DATAGRAM];
    char data[DATAGRAM];
    size_t len;
    char *tag;
    begin(NULL);
    len = make_reply(good, KEY, salt, 0, "1", 1);
    throw("", 0, EXTERNAL_IP, EXTERNAL_PORT);
    throw("plj1{}", 6, EXTERNAL_IP, EXTERNAL_PORT);
    throw(good + 1, len - 1, EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_magic, 3);
    throw("plj0", 4, EXTERNAL_IP, EXTERNAL_PORT);
    throw("plj0{}", 6, EXTERNAL_IP, EXTERNAL_PORT);
    throw("plj0\xff\xfe\0\x01", 8, EXTERNAL_IP, EXTERNAL_PORT);
    throw(good, len - 1, EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_malformed, 4);
    /* Signed, but no reply. */
    throw(data, make_reply(data, KEY, salt, 0, "1,\"serial\":{}", 1), EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_malformed, 5);
    throw(data, make_reply(data, KEY, "another salt", 0, "1", 1), EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_salt, 1);
    throw(good, len, EXTERNAL_IP, EXTERNAL_PORT + 1);
    throw(good, len, "192.0.2.8", EXTERNAL_PORT);
    throw(good, len, "::1", EXTERNAL_PORT);
    throw("plj0 rubbish", 12, "192.0.2.8", EXTERNAL_PORT);
    SAME(stats_of(client).dropped_source, 4);
    throw(data, make_reply(data, "another key\n", salt, 0, "1", 1), EXTERNAL_IP, EXTERNAL_PORT);
    memcpy(data, good, len);
    tag = strstr(data, "hmac");
    CHECK(tag != NULL);
    tag[7] = tag[7] == '0' ? '1' : '0';
    throw(data, len, EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_signature, 2);
    /* None of these kept the true one from counting; a second one is a duplicate, whatever it says. */
    SAME(tally.replies, 0);
    throw(good, len, EXTERNAL_IP, EXTERNAL_PORT);
    SAME(tally.replies, 1);
    throw(good, len, EXTERNAL_IP, EXTERNAL_PORT);
    throw(data, make_reply(data, KEY, salt, 0, "2", 2), EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_duplicate, 2);
    SAME(stats_of(client).replies, 1);
    SAME(tally.replies, 1);
    OK(confd_client_cancel(client, salt));
    throw(good, len, EXTERNAL_IP, EXTERNAL_PORT);
    SAME(stats_of(client).dropped_salt, 2);
    end();
}

/* An IPv4-mapped source is the IPv4 address that it means, and so is a zone that says nothing. */
static void sources_in_other_forms(void)
{
    begin(NULL);
    answer_from(client, salt, "::ffff:" EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    SAME(tally.replies, 1);
    answer_from(client, salt, EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    SAME(stats_of(client).dropped_duplicate, 1);
    end();
    const char *v6 = "[2001:db8::7]:1000";
    confd_options *options = options_new();
    OK(confd_options_set_external_io(options, 1));
    memset(&tally, 0, sizeof tally);
    client = client_of(&v6, 1, count_upcall, &tally, options);
    confd_options_free(options);
    send_ping(client, 0, 0, NULL, salt);
    answer_from(client, salt, "2001:DB8:0:0::7%lo", 1000, "1", 1);
    SAME(tally.replies, 1);
    end();
}

struct lines {
    unsigned warnings;
    char last[256];
};

static void take_line(int32_t level, const char *message, void *data)
{
    struct lines *lines = data;
    for (const char *p = message; *p != '\0'; p++) {
        CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
    CHECK(strstr(message, "rubbish") == NULL);
    if (level >= CONFD_LOG_WARNING) {
        lines->warnings++;
        snprintf(lines->last, sizeof lines->last, "%s", message);
    }
}

/* The first signed reply from a stranger is worth one warning, which names it and the way out. */
static void a_stranger_is_warned_of_once(void)
{
    struct lines lines = {0, ""};
    char forged[DATAGRAM];
    confd_options *options = options_new();
    OK(confd_options_set_external_io(options, 1));
    OK(confd_options_set_log(options, take_line, &lines, CONFD_LOG_DEBUG));
    begin(options);
    confd_options_free(options);
    throw(forged, make_reply(forged, "another key", salt, 0, "\"rubbish\"", 1), "192.0.2.99", EXTERNAL_PORT);
    throw("plj0 \n\x1b[2Jrubbish", 16, "192.0.2.99", EXTERNAL_PORT);
    SAME(lines.warnings, 0);
    for (int i = 0; i < 3; i++) {
        answer_from(client, salt, "192.0.2.99", EXTERNAL_PORT, "1", 1);
        SAME(lines.warnings, 1);
        CHECK(strstr(lines.last, "192.0.2.99") != NULL && strstr(lines.last, "any_source") != NULL);
    }
    answer_from(client, salt, "192.0.2.98", EXTERNAL_PORT, "1", 1);
    SAME(lines.warnings, 1);
    SAME(tally.replies, 0);
    end();
}

/* any_source delivers strangers' replies, as many as were asked and one for each; they count for nothing. */
static void any_source(void)
{
    static const char *const peers[] = {EXTERNAL_IP ":1000", "192.0.2.8:1000"};
    char forged[DATAGRAM];
    size_t unanswered;
    confd_options *options = options_new();
    OK(confd_options_set_external_io(options, 1));
    OK(confd_options_set_any_source(options, 1));
    memset(&tally, 0, sizeof tally);
    client = client_of(peers, 2, count_upcall, &tally, options);
    confd_options_free(options);
    send_ping(client, -1, 0, NULL, salt);
    throw(forged, make_reply(forged, "another key", salt, 0, "1", 1), "192.0.2.20", 1);
    SAME(stats_of(client).dropped_signature, 1);
    answer_from(client, salt, "192.0.2.20", 1, "1", 1);
    answer_from(client, salt, "192.0.2.20", 1, "1", 1);
    SAME(stats_of(client).dropped_duplicate, 1);
    answer_from(client, salt, "192.0.2.21", 1, "1", 1);
    answer_from(client, salt, "192.0.2.22", 1, "1", 1);
    SAME(stats_of(client).dropped_source, 1);
    SAME(tally.replies, 2);
    OK(confd_client_outstanding(client, NULL, &unanswered));
    SAME(unanswered, 1);
    answer_from(client, salt, EXTERNAL_IP, EXTERNAL_PORT, "1", 1);
    OK(confd_client_outstanding(client, NULL, &unanswered));
    SAME(unanswered, 0);
    SAME(stats_of(client).replies, 3);
    check_sums(client);
    end();
}

/* Over a socket, from simulated peers that each misbehave in one way. */
static void simulated_faults(void)
{
    struct sim sim;
    confd_stats stats;
    sim_start(&sim, 6, "--fault", "sim2:wrong_signature", "--fault", "sim3:wrong_salt", "--fault", "sim4:garbage",
              "--fault", "sim5:wrong_source", "--fault", "sim6:duplicate", NULL);
    memset(&tally, 0, sizeof tally);
    client = client_of(sim.peers, sim.n, count_upcall, &tally, NULL);
    send_ping(client, -1, 0, NULL, NULL);
    do {
        OK(confd_client_receive(client, 10000, NULL));
        stats = stats_of(client);
    } while (stats.datagrams_in < 7);
    SAME(stats.replies, 2);
    SAME(stats.dropped_signature, 1);
    SAME(stats.dropped_salt, 1);
    SAME(stats.dropped_magic + stats.dropped_malformed, 1);
    SAME(stats.dropped_source, 1);
    SAME(stats.dropped_duplicate, 1);
    SAME(tally.replies, 2);
    check_sums(client);
    end();
    sim_stop(&sim);
}

int main(void)
{
    each_reason_has_its_counter();
    sources_in_other_forms();
    a_stranger_is_warned_of_once();
    any_source();
    simulated_faults();
    return 0;
}

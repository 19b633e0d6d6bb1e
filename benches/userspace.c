/*
 * What the library costs beside all input and output: own I/O, replies made beforehand.
 *
 *     userspace MS
 */
#include "reply.h"

#define REQUESTS 256
#define PEERS 6
#define PORT 1814

static char replies[REQUESTS * PEERS][REPLY_ROOM];
static size_t lengths[REQUESTS * PEERS];
static char salts[REQUESTS][64];
static const char *from[REQUESTS * PEERS];
static long delivered;

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *data)
{
    (void)client;
    (void)data;
    delivered += upcall->type == CONFD_UPCALL_REPLY;
}

/* Creates and sends, which signs; the datagrams wait. */
static BENCH_NOINLINE void ask(confd_client *client)
{
    for (int i = 0; i < REQUESTS; i++) {
        confd_request *request = ping_request();
        must(confd_client_send(client, request, PEERS, 0, NULL), "send");
        strcpy(salts[i], confd_request_salt(request));
        confd_request_free(request);
    }
}

static BENCH_NOINLINE void drain(confd_client *client)
{
    confd_datagram datagram;
    for (int i = 0; i < REQUESTS * PEERS; i++) {
        must(confd_client_poll_transmit(client, &datagram), "poll_transmit");
    }
}

/* As replies come in: the peers answer one after the other, the requests mixed. */
static void answer(void)
{
    for (int i = 0; i < REQUESTS; i++) {
        for (int peer = 0; peer < PEERS; peer++) {
            int place = peer * REQUESTS + i;
            lengths[place] = make_reply(replies[place], salts[i]);
            from[place] = peer_list()[peer];
        }
    }
}

static BENCH_NOINLINE void deliver(confd_client *client)
{
    for (int i = 0; i < REQUESTS * PEERS; i++) {
        must(confd_client_handle_datagram(client, replies[i], lengths[i], from[i], PORT), "handle_datagram");
    }
}

int main(int argc, char **argv)
{
    double length = 1e3 * (double)number(argc, argv, 1), start = wall_us();
    confd_options *options = options_for(PORT);
    must(confd_options_set_external_io(options, 1), "external_io");
    confd_client *client = client_with(options, PEERS, on_upcall, NULL);
    double asked = 0, drained = 0, handled = 0, cancelled = 0, signing = 0;
    long rounds = 0;
    for (int warm = 0; rounds < 10 || wall_us() - start < length; rounds += warm, warm = 1) {
        long before = delivered;
        double began = cpu_us();
        ask(client);
        double after_asking = cpu_us();
        drain(client);
        double after_draining = cpu_us();
        answer();
        double after_signing = cpu_us();
        deliver(client);
        double after_delivery = cpu_us();
        if (delivered - before != REQUESTS * PEERS) {
            give_up("a reply was not delivered");
        }
        double cancelling = cpu_us();
        for (int i = 0; i < REQUESTS; i++) {
            must(confd_client_cancel(client, salts[i]), "cancel");
        }
        cancelling = cpu_us() - cancelling;
        if (warm) {
            asked += after_asking - began;
            drained += after_draining - after_asking;
            signing += after_signing - after_draining;
            handled += after_delivery - after_signing;
            cancelled += cancelling;
        }
    }
    double requests = (double)rounds * REQUESTS;
    report("request_us", asked / requests);
    report("poll_transmit_us", drained / requests / PEERS);
    report("reply_us", handled / requests / PEERS);
    report("cancel_us", cancelled / requests);
    /* Always the same work, and none of the library's: tells how fast the machine is now. */
    report("yardstick_us", signing / requests / PEERS);
    confd_client_free(client);
    return 0;
}

/*
 * The smallest blocking program: pings the confd servers and prints who answered.
 *
 *     cc ping.c -o ping -lconfdclient
 *     ./ping /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#include <confdclient.h>
#include <stdio.h>

static void on_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    (void)client;
    (void)user_data;
    if (upcall->type == CONFD_UPCALL_REPLY) {
        printf("%s port %u answered\n", upcall->server_ip, (unsigned)upcall->server_port);
    }
}

static int failed(const char *what)
{
    fprintf(stderr, "ping: %s: %s\n", what, confd_last_error());
    return 1;
}

static int ping(confd_client *client)
{
    confd_request *request = NULL;
    confd_wait_result result;

    if (confd_request_new(CONFD_REQ_PING, NULL, &request) != CONFD_OK) {
        return failed("request");
    }
    confd_error error = confd_client_send(client, request, -1 /* to every peer */, 0, NULL);
    if (error == CONFD_OK) {
        error = confd_client_wait(client, confd_request_salt(request), 5000, &result);
    }
    int code = error == CONFD_OK ? 0 : failed("send and wait");
    confd_request_free(request);
    if (code == 0) {
        printf("%u of %u answered%s\n", (unsigned)result.received, (unsigned)result.sent,
               result.timed_out ? ", too few" : ", enough");
        code = result.timed_out ? 1 : 0;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char *const here[] = {"127.0.0.1"};
    const char *const *peers = argc > 2 ? (const char *const *)(argv + 2) : here;
    size_t n_peers = argc > 2 ? (size_t)argc - 2 : 1;
    unsigned char key[4096];

    /* The key is every byte of the file: the newline at its end belongs to it. */
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "Usage: ping KEY-FILE [PEER...], with a KEY-FILE that can be read\n");
        return 2;
    }
    size_t key_len = fread(key, 1, sizeof key, file);
    fclose(file);

    confd_client *client = NULL;
    if (confd_client_new(key, key_len, peers, n_peers, on_upcall, NULL, NULL, &client) != CONFD_OK) {
        return failed("client");
    }
    int code = ping(client);
    confd_client_free(client);
    return code;
}

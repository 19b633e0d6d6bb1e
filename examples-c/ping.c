/*
 * The smallest blocking program: asks the confd servers which configuration version they have.
 *
 *     cc ping.c -o ping -lconfdclient
 *     ./ping /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#include <confdclient.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *const here[] = {"127.0.0.1"};
    const char *const *peers = argc > 2 ? (const char *const *)(argv + 2) : here;
    size_t n_peers = argc > 2 ? (size_t)argc - 2 : 1;
    unsigned char key[4096];
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    int code = 1;

    /* The key is every byte of the file: the newline at its end belongs to it. */
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "Usage: ping KEY-FILE [PEER...], with a KEY-FILE that can be read\n");
        return 2;
    }
    size_t key_len = fread(key, 1, sizeof key, file);
    fclose(file);

    if (confd_client_new(key, key_len, peers, n_peers, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_PING, NULL, &request) != CONFD_OK ||
        confd_client_query(client, request, 0 /* up to six of the peers */, 3000 /* ms */, &result) != CONFD_OK) {
        fprintf(stderr, "ping: %s\n", confd_last_error());
    } else {
        if (result->reply != NULL) {
            printf("%s says: version %s\n", result->server_ip, confd_reply_answer_json(result->reply));
        }
        code = result->outcome == CONFD_OUTCOME_ANSWERED ? 0 : 1;
        printf("%u of %u answered, %s\n", (unsigned)result->received, (unsigned)result->sent,
               code == 0 ? "enough" : "too few");
    }
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return code;
}

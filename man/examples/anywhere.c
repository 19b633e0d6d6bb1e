#include <confdclient.h>
#include <stdio.h>

int main(int argc, char **argv) /* ./anywhere ADDRESS... <hmac.key */
{
    char key[4096];
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    /* All of it: the newline at its end belongs to the key. */
    size_t length = fread(key, 1, sizeof key, stdin);
    const char *const *peers = (const char *const *)argv + 1;
    if (argc < 2 ||
        confd_client_new(key, length, peers, (size_t)(argc - 1), NULL,
                         NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 5000, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    else if (result->reply != NULL)
        printf("%s\n", confd_reply_answer_json(result->reply));
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return 0;
}

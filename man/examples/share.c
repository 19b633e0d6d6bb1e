#include <confdclient.h>
#include <pthread.h>
#include <stdio.h>

/* Handles what comes in and makes the upcalls, until the client is
 * closed. */
static void *receive(void *client)
{
    while (confd_client_receive(client, -1, NULL) == CONFD_OK)
        ;
    return NULL;
}

int main(void)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    pthread_t receiver;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK) {
        fprintf(stderr, "%s\n", confd_last_error());
        return 1;
    }
    if (pthread_create(&receiver, NULL, receive, client) != 0)
        return 1;
    if (confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 5000, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error()); /* of this thread */
    else if (result->reply != NULL)
        printf("%s\n", confd_reply_answer_json(result->reply));
    confd_result_free(result);
    confd_request_free(request);

    /* The call that the receiver is in returns CONFD_ERR_CLOSED. */
    (void)confd_client_close(client);
    pthread_join(receiver, NULL);
    confd_client_free(client);
    return 0;
}

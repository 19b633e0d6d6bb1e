#include <confdclient.h>
#include <stdio.h>

static void on_upcall(confd_client *client, const confd_upcall *upcall,
                      void *best)
{
    confd_reply **kept = best;
    (void)client;
    if (upcall->type != CONFD_UPCALL_REPLY ||
        confd_reply_status(upcall->reply) != CONFD_STATUS_OK)
        return;
    if (*kept == NULL ||
        confd_reply_serial(upcall->reply) > confd_reply_serial(*kept)) {
        confd_reply_free(*kept);
        *kept = NULL;
        (void)confd_reply_clone(upcall->reply, kept);
    }
}

int main(void)
{
    confd_reply *best = NULL;
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_wait_result found;
    if (confd_client_open(NULL, on_upcall, &best, NULL,
                          &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name",
                          &request) != CONFD_OK ||
        confd_client_send(client, request, 0, 0, NULL) != CONFD_OK ||
        confd_client_wait(client, confd_request_salt(request), 3000,
                          &found) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    else if (found.timed_out || best == NULL)
        printf("too few answers: %u of %u\n", (unsigned)found.received,
               (unsigned)found.sent);
    else
        printf("%s\n", confd_reply_answer_json(best));
    confd_request_free(request);
    confd_client_free(client);
    confd_reply_free(best); /* a clone may outlive its client */
    return 0;
}

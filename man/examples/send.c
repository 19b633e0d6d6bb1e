#include <confdclient.h>
#include <stdio.h>
#include <stdlib.h>

/* What belongs to one request; released at its last upcall. */
struct progress {
    int64_t newest; /* serial */
    int *pending;
};

static void on_upcall(confd_client *client, const confd_upcall *upcall,
                      void *user_data)
{
    struct progress *progress = upcall->request_data;
    (void)client;
    (void)user_data;
    if (upcall->type == CONFD_UPCALL_REPLY) {
        int64_t serial = confd_reply_serial(upcall->reply);
        if (confd_reply_status(upcall->reply) == CONFD_STATUS_OK &&
            serial > progress->newest)
            progress->newest = serial;
    } else if (upcall->type == CONFD_UPCALL_EXPIRE ||
               upcall->type == CONFD_UPCALL_CANCEL) {
        printf("%u of %u answered, the newest serial is %lld\n",
               (unsigned)upcall->received, (unsigned)upcall->sent,
               (long long)progress->newest);
        --*progress->pending;
        free(progress);
    }
}

int main(void)
{
    confd_options *options = NULL;
    confd_client *client = NULL;
    confd_request *request = NULL;
    int pending = 0, code = 1;
    struct progress *progress = malloc(sizeof *progress);
    if (progress == NULL)
        return 1;
    *progress = (struct progress){0, &pending};

    if (confd_options_new(&options) != CONFD_OK ||
        confd_options_set_expire_ms(options, 1000) != CONFD_OK ||
        confd_client_open(NULL, on_upcall, NULL, options,
                          &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_send(client, request, -1 /* to all */, 0,
                          progress) != CONFD_OK) {
        fprintf(stderr, "%s\n", confd_last_error());
        free(progress); /* a request that was refused gets no upcall */
    } else {
        pending = 1;
        code = 0;
        while (pending > 0 &&
               confd_client_receive(client, -1, NULL) == CONFD_OK)
            ;
    }
    confd_request_free(request);
    /* Makes the last upcall of what is outstanding. */
    confd_client_free(client);
    confd_options_free(options);
    return code;
}

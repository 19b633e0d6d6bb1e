#include <confdclient.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    confd_drbd_minor minor;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_NODE_DRBD, argc > 1 ? argv[1] : "",
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 5000, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    else if (result->reply != NULL) {
        size_t i = 0;
        while (confd_reply_drbd_minor(result->reply, i++, &minor) ==
               CONFD_OK)
            printf("/dev/drbd%lld: %s of %s, %s to %s\n",
                   (long long)minor.minor, minor.disk, minor.instance,
                   minor.role, minor.peer);
    }
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return 0;
}

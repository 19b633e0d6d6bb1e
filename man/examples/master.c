#include <confdclient.h>
#include <stdio.h>

int main(void)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    const char *master = NULL;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 5000, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    else if (result->reply == NULL)
        fprintf(stderr, "none of %u servers has answered\n",
                (unsigned)result->sent);
    else if (confd_reply_string(result->reply, "", &master) != CONFD_OK)
        fprintf(stderr, "an error: %s\n",
                confd_reply_error_text(result->reply));
    else
        printf("%s, says %s\n", master, result->server_ip);
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return master != NULL ? 0 : 1;
}

#include <confdclient.h>
#include <stdio.h>

static void on_log(int32_t level, const char *message, void *data)
{
    fprintf(stderr, "%s%s: %s\n", (const char *)data,
            level >= CONFD_LOG_WARNING ? " warning" : "", message);
}

int main(void)
{
    static char name[] = "options";
    confd_options *options = NULL;
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;

    if (confd_options_new(&options) != CONFD_OK ||
        confd_options_set_log(options, on_log, name,
                              CONFD_LOG_WARNING) != CONFD_OK ||
        confd_options_set_retry_ms(options, 500) != CONFD_OK ||
        confd_options_set_refresh_ms(options, 60000) != CONFD_OK ||
        confd_client_open(NULL, NULL, NULL, options,
                          &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_PING, NULL, &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 3000, &result) != CONFD_OK)
        fprintf(stderr, "%s: %s\n", name, confd_last_error());
    else
        printf("%u of %u servers are there\n", (unsigned)result->received,
               (unsigned)result->sent);

    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    confd_options_free(options); /* the client has its own copy */
    return 0;
}

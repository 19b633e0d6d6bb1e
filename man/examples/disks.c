#include <confdclient.h>
#include <stdio.h>

static void show(const confd_reply *reply)
{
    size_t count = 0;
    char pointer[64];
    if (confd_reply_status(reply) != CONFD_STATUS_OK)
        fprintf(stderr, "%s\n", confd_reply_error_text(reply));
    else if (confd_reply_count(reply, "", &count) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    for (size_t i = 0; i < count; i++) {
        const char *type = "?";
        int64_t size = 0;
        snprintf(pointer, sizeof pointer, "/%zu/dev_type", i);
        /* Where there is no such member the text stays as it is. */
        (void)confd_reply_string(reply, pointer, &type);
        snprintf(pointer, sizeof pointer, "/%zu/size", i);
        (void)confd_reply_int(reply, pointer, &size);
        printf("disk %zu: %s, %lld MiB\n", i, type, (long long)size);
    }
}

int main(int argc, char **argv)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_INSTANCE_DISKS,
                          argc > 1 ? argv[1] : "",
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0, 5000, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error());
    else if (result->reply != NULL)
        show(result->reply);
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return 0;
}

#include <confdclient.h>
#include <stdio.h>

static int show(const confd_result *result)
{
    int64_t role = 0;
    if (result->reply == NULL) {
        fprintf(stderr, "none of %u servers has answered\n",
                (unsigned)result->sent);
        return 1;
    }
    if (result->outcome != CONFD_OUTCOME_ANSWERED)
        fprintf(stderr, "only %u of %u have answered\n",
                (unsigned)result->received, (unsigned)result->needed);
    if (confd_reply_status(result->reply) != CONFD_STATUS_OK) {
        fprintf(stderr, "%s\n", confd_reply_error_text(result->reply));
        return 1;
    }
    if (confd_reply_int(result->reply, "", &role) != CONFD_OK ||
        confd_node_role_name(role) == NULL) {
        fprintf(stderr, "an unknown role: %s\n",
                confd_reply_answer_json(result->reply));
        return 1;
    }
    puts(confd_node_role_name(role));
    return 0;
}

int main(int argc, char **argv)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    int code = 1;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_NODE_ROLE_BYNAME,
                          argc > 1 ? argv[1] : "",
                          &request) != CONFD_OK ||
        confd_client_query(client, request, 0 /* up to six */,
                           5000 /* ms */, &result) != CONFD_OK)
        fprintf(stderr, "%s\n", confd_last_error()); /* not asked */
    else
        code = show(result);
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return code;
}

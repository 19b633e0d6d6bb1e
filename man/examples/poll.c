#define _POSIX_C_SOURCE 200809L
#include <confdclient.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>

struct question {
    int32_t type;
    const char *query;
    char answer[100];
};

static int pending;

static void on_result(confd_client *client, const confd_result *result,
                      void *data)
{
    struct question *question = data;
    (void)client;
    if (result->reply != NULL)
        snprintf(question->answer, sizeof question->answer, "%s",
                 confd_reply_answer_json(result->reply));
    pending--;
}

static void ask(confd_client *client, struct question *question)
{
    confd_request *request = NULL;
    if (confd_request_new(question->type, question->query, &request) ==
            CONFD_OK &&
        confd_client_query_async(client, request, 0, 5000, on_result,
                                 question) == CONFD_OK)
        pending++;
    else
        fprintf(stderr, "%s\n", confd_last_error());
    confd_request_free(request); /* the client has its copy */
}

int main(void)
{
    struct question questions[] = {
        {CONFD_REQ_CLUSTER_MASTER, NULL, "no reply"},
        {CONFD_REQ_NODE_ROLE_BYNAME, "node5.example.com", "no reply"},
        {CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name", "no reply"},
    };
    confd_client *client = NULL;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK) {
        fprintf(stderr, "%s\n", confd_last_error());
        return 1;
    }
    for (int i = 0; i < 3; i++)
        ask(client, &questions[i]);
    /* Beside it there would be the program's other descriptors. */
    struct pollfd descriptor = {.fd = confd_client_fd(client),
                                .events = POLLIN};
    while (pending > 0) {
        if (poll(&descriptor, 1, -1) < 0 && errno != EINTR)
            break;
        if (confd_client_process(client) != CONFD_OK)
            break;
    }
    for (int i = 0; i < 3; i++)
        printf("%s\n", questions[i].answer);
    confd_client_free(client);
    return 0;
}

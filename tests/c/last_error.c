/* confd_last_error() belongs to a thread, and every number has its line. */
#include "world.h"
#include <pthread.h>

static void *other_thread(void *unused)
{
    (void)unused;
    SAME_TEXT(confd_last_error(), "");
    GIVES(CONFD_ERR_REQUEST_TYPE, confd_request_new(99, NULL, &(confd_request *){NULL}));
    CHECK(strstr(confd_last_error(), "99") != NULL);
    return NULL;
}

int main(void)
{
    const char *peers[] = {"192.0.2.1", "192.0.2.2", "node7"};
    confd_client *client = NULL;
    confd_request *request;
    pthread_t thread;
    char *unknown = strdup(confd_strerror(12345));
    SAME_TEXT(confd_last_error(), "");
    GIVES(CONFD_ERR_BAD_PEER, confd_client_new("key", 3, peers, 3, NULL, NULL, NULL, &client));
    SAME_TEXT(confd_last_error(), "peer 3, \"node7\", is not an IPv4 or IPv6 address");
    request = ping();
    confd_request_free(request);
    SAME_TEXT(confd_last_error(), "peer 3, \"node7\", is not an IPv4 or IPv6 address");
    SAME(pthread_create(&thread, NULL, other_thread, NULL), 0);
    SAME(pthread_join(thread, NULL), 0);
    SAME_TEXT(confd_last_error(), "peer 3, \"node7\", is not an IPv4 or IPv6 address");
    CHECK(client == NULL);
    for (int32_t code = 0; code <= 18; code++) {
        const char *line = confd_strerror(code);
        CHECK(*line != '\0' && strchr(line, '\n') == NULL && strcmp(line, unknown) != 0);
        for (int32_t other = 0; other < code; other++) {
            CHECK(strcmp(line, confd_strerror(other)) != 0);
        }
    }
    for (unsigned bit = 5; bit < 32; bit++) {
        SAME_TEXT(confd_strerror((int32_t)(1u << bit)), unknown);
        SAME_TEXT(confd_strerror((int32_t)-(1ll << bit)), unknown);
    }
    SAME_TEXT(confd_strerror(-1), unknown);
    SAME_TEXT(confd_strerror(19), unknown);
    free(unknown);
    return 0;
}

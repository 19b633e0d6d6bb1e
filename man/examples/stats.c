#include <confdclient.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
    confd_client *client = NULL;
    confd_request *request = NULL;
    confd_result *result = NULL;
    confd_stats stats;
    confd_peer_stats peer;
    if (confd_client_open(NULL, NULL, NULL, NULL, &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_query(client, request, -1, 3000,
                           &result) != CONFD_OK ||
        confd_client_stats(client, &stats, sizeof stats) != CONFD_OK) {
        fprintf(stderr, "%s\n", confd_last_error());
        return 1;
    }
    int64_t newest = confd_reply_serial(result->reply); /* -1: no reply */
    size_t i = 0;
    while (confd_client_peer_stats(client, i++, &peer, sizeof peer) ==
           CONFD_OK) {
        bool stale = peer.answered > 0 && peer.serial < newest;
        printf("%s: answered %" PRIu64 ", serial %" PRId64 "%s\n",
               peer.address, peer.answered, peer.serial,
               stale ? ", stale" : "");
    }
    printf("%" PRIu64 " replies, %" PRIu64 " forged\n", stats.replies,
           stats.dropped_signature);
    confd_result_free(result);
    confd_request_free(request);
    confd_client_free(client);
    return 0;
}

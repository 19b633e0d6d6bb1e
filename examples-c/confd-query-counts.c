/* What the client has counted, as a whole and of each peer. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <stdlib.h>

void counts_take(struct counts *counts, confd_client *client)
{
    confd_peer_stats peer;
    size_t capacity = 0;
    counts_free(counts);
    /* For hints and --verbose: without the numbers they are only less precise. */
    (void)confd_client_stats(client, &counts->stats, sizeof counts->stats);
    for (size_t i = 0; confd_client_peer_stats(client, i, &peer, sizeof peer) == CONFD_OK; i++) {
        if (counts->n_peers == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            confd_peer_stats *peers = realloc(counts->peers, capacity * sizeof *peers);
            if (peers == NULL) {
                out_of_memory();
            }
            counts->peers = peers;
        }
        counts->peers[counts->n_peers++] = peer;
    }
}

void counts_free(struct counts *counts)
{
    free(counts->peers);
    *counts = (struct counts){.peers = NULL};
}

bool counts_all_known(const struct counts *counts)
{
    for (size_t i = 0; i < counts->n_peers; i++) {
        const confd_peer_stats *peer = &counts->peers[i];
        if (peer->sent > 0 && peer->answered == 0 && peer->refused == 0) {
            return false;
        }
    }
    return true;
}

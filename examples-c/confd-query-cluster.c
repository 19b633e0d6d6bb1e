/* Whom to ask and the key to sign with: from the command line, or from the files of a cluster node. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEERS_FILE "/var/lib/ganeti/ssconf_master_candidates_ips"
#define MAX_PEERS_BYTES ((size_t)1 << 20)
#define MAX_KEY_BYTES ((size_t)1 << 16)

/* Not optimised away, as memset before free may be. */
static void wipe(void *memory, size_t length)
{
    volatile unsigned char *byte = memory;
    while (length-- > 0) {
        *byte++ = 0;
    }
}

/* The bytes of a file and a NUL behind them, to be freed; NULL, with a message, when it cannot be read. Without
 * stdio, whose buffer would keep a copy of the key. */
static void *read_file(const char *path, const char *what, const char *advice, size_t limit, size_t *length)
{
    char *bytes = NULL;
    const char *problem = NULL;
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (bytes = malloc(limit + 1)) == NULL) {
        problem = strerror(errno);
    }
    while (problem == NULL) {
        ssize_t got = read(fd, bytes + used, limit + 1 - used);
        if (got > 0) {
            used += (size_t)got;
        } else if (got == 0) {
            break;
        } else if (errno != EINTR) {
            problem = strerror(errno);
        }
        if (used > limit) {
            problem = "it is too large";
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (problem != NULL) {
        complain("cannot read %s %s: %s (%s)", what, path, problem, advice);
        if (bytes != NULL) {
            wipe(bytes, used);
        }
        free(bytes);
        return NULL;
    }
    bytes[used] = '\0';
    *length = used;
    return bytes;
}

/* Cuts `peer_text` at commas and white space. */
static bool split_peers(struct cluster *cluster)
{
    static const char separators[] = ", \t\r\n";
    /* A peer and its separator take two bytes at least. */
    cluster->peers = calloc(strlen(cluster->peer_text) / 2 + 1, sizeof *cluster->peers);
    if (cluster->peers == NULL) {
        complain("out of memory");
        return false;
    }
    char *peer = strtok(cluster->peer_text, separators);
    for (; peer != NULL; peer = strtok(NULL, separators)) {
        cluster->peers[cluster->n_peers++] = peer;
    }
    return true;
}

static bool load_peers(struct cluster *cluster, const struct arguments *args)
{
    size_t length = 0;
    if (args->peers.at != NULL) {
        cluster->peer_text = strdup(args->peers.at);
        if (cluster->peer_text == NULL) {
            complain("out of memory");
            return false;
        }
    } else {
        cluster->peer_text =
            read_file(PEERS_FILE, "the list of servers", "name them with -p", MAX_PEERS_BYTES, &length);
        if (cluster->peer_text == NULL) {
            return false;
        }
    }
    if (!split_peers(cluster)) {
        return false;
    }
    if (cluster->n_peers == 0) {
        complain("%s names no servers", args->peers.at != NULL ? "-p" : PEERS_FILE);
        return false;
    }
    return true;
}

bool cluster_load(struct cluster *cluster, const struct arguments *args)
{
    if (!load_peers(cluster, args)) {
        return false;
    }
    /* Every byte counts, the newline at the end included. */
    cluster->key =
        read_file(args->key_file, "the key", "name its file with -k", MAX_KEY_BYTES, &cluster->key_length);
    if (cluster->key != NULL && cluster->key_length == 0) {
        complain("the key %s is empty", args->key_file);
    }
    return cluster->key != NULL && cluster->key_length > 0;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster->key != NULL) {
        wipe(cluster->key, cluster->key_length);
    }
    free(cluster->key);
    free(cluster->peers);
    free(cluster->peer_text);
}

/* Whom to ask and the key to sign with: from the command line, or from the data folder of a cluster node. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PEERS_BYTES ((size_t)1 << 20)
#define MAX_KEY_BYTES ((size_t)1 << 16)

/* What -p and -k give, and what one of them leaves to the data folder. */
struct cluster {
    char *peer_text;    /* what the peers point into */
    const char **peers;
    size_t n_peers;
    unsigned char *key; /* wiped by cluster_free */
    size_t key_length;
};

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
static void split_peers(struct cluster *cluster)
{
    static const char separators[] = ", \t\r\n";
    /* A peer and its separator take two bytes at least. */
    cluster->peers = calloc(strlen(cluster->peer_text) / 2 + 1, sizeof *cluster->peers);
    if (cluster->peers == NULL) {
        out_of_memory();
    }
    char *peer = strtok(cluster->peer_text, separators);
    for (; peer != NULL; peer = strtok(NULL, separators)) {
        cluster->peers[cluster->n_peers++] = peer;
    }
}

static bool load_peers(struct cluster *cluster, const struct arguments *args)
{
    struct text path = {NULL, 0, 0};
    size_t length = 0;
    if (args->peers.at != NULL) {
        text_add(&path, "-p");
        cluster->peer_text = strdup(args->peers.at);
        if (cluster->peer_text == NULL) {
            out_of_memory();
        }
    } else {
        text_format(&path, "%s/ssconf_master_candidates_ips", args->data_dir);
        cluster->peer_text = read_file(path.at, "the list of servers", "name them with -p", MAX_PEERS_BYTES, &length);
    }
    if (cluster->peer_text != NULL) {
        split_peers(cluster);
        if (cluster->n_peers == 0) {
            complain("%s names no servers", path.at);
        }
    }
    text_free(&path);
    return cluster->n_peers > 0;
}

static bool load_key(struct cluster *cluster, const struct arguments *args)
{
    struct text path = {NULL, 0, 0};
    cluster_key_path(args, &path);
    /* Every byte counts, the newline at the end included. */
    cluster->key = read_file(path.at, "the key", "name its file with -k", MAX_KEY_BYTES, &cluster->key_length);
    if (cluster->key != NULL && cluster->key_length == 0) {
        complain("the key %s is empty", path.at);
    }
    text_free(&path);
    return cluster->key_length > 0;
}

static void cluster_free(struct cluster *cluster)
{
    if (cluster->key != NULL) {
        wipe(cluster->key, cluster->key_length);
    }
    free(cluster->key);
    free(cluster->peers);
    free(cluster->peer_text);
}

static void on_log(int32_t level, const char *message, void *user_data)
{
    (void)user_data;
    complain("%s%s", level >= CONFD_LOG_WARNING ? "warning: " : "", message);
}

static confd_error set_options(const struct arguments *args, confd_options *options)
{
    int32_t level = args->verbose ? CONFD_LOG_DEBUG : CONFD_LOG_WARNING;
    confd_error error = confd_options_set_log(options, on_log, NULL, level);
    if (error == CONFD_OK && args->port != 0) {
        error = confd_options_set_port(options, args->port);
    }
    if (error == CONFD_OK && args->retry_ms >= 0) {
        error = confd_options_set_retry_ms(options, args->retry_ms);
    }
    if (error == CONFD_OK && args->watch && args->peers.at == NULL) {
        /* What -p names stays: the cluster's own addresses may be none that this host can reach. */
        error = confd_options_set_refresh_ms(options, args->interval_ms);
    }
    return error;
}

/* The servers and the key are the library's to read: it names the file and the line that it does not like. */
static int open_data_dir(const struct arguments *args, const confd_options *options, confd_client **client)
{
    confd_error error = confd_client_open(args->data_dir, NULL, NULL, options, client);
    if (error == CONFD_ERR_CLUSTER_DIR) {
        complain("%s (name another folder with -d, or servers with -p and their key with -k)", confd_last_error());
        return EXIT_USAGE;
    }
    return error == CONFD_OK ? EXIT_ANSWERED : refused(error, "the servers cannot be asked");
}

static int make_client(const struct arguments *args, const confd_options *options, confd_client **client)
{
    struct cluster cluster = {NULL, NULL, 0, NULL, 0};
    int code = EXIT_USAGE;
    if (load_peers(&cluster, args) && load_key(&cluster, args)) {
        confd_error error = confd_client_new(cluster.key, cluster.key_length, cluster.peers, cluster.n_peers, NULL,
                                             NULL, options, client);
        code = error == CONFD_OK ? EXIT_ANSWERED : refused(error, "the servers cannot be asked");
    }
    cluster_free(&cluster);
    return code;
}

int cluster_open(const struct arguments *args, confd_client **client)
{
    confd_options *options = NULL;
    int code;
    confd_error error = confd_options_new(&options);
    if (error == CONFD_OK) {
        error = set_options(args, options);
    }
    if (error != CONFD_OK) {
        code = refused(error, "the servers cannot be asked");
    } else if (args->peers.at == NULL && args->key_file == NULL) {
        code = open_data_dir(args, options, client);
    } else {
        code = make_client(args, options, client);
    }
    confd_options_free(options);
    return code;
}

void cluster_key_path(const struct arguments *args, struct text *path)
{
    if (args->key_file != NULL) {
        text_add(path, args->key_file);
    } else {
        text_format(path, "%s/hmac.key", args->data_dir);
    }
}

bool cluster_key_lacks_newline(const struct arguments *args)
{
    struct text path = {NULL, 0, 0};
    char last = '\n';
    cluster_key_path(args, &path);
    int fd = open(path.at, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1;
    if (fd >= 0) {
        close(fd);
    }
    text_free(&path);
    return known && last != '\n';
}

/* Queries as a C program makes them: results, typed answers, statistics of peers, and what is refused.
   CONFD_SIM names the simulator. Stands alone: cc query_answers.c -lconfdclient. */
#define _GNU_SOURCE
#include <confdclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

#define CHECK(condition)                                                                              \
    do {                                                                                              \
        if (!(condition)) {                                                                           \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, confd_last_error());  \
            failures++;                                                                               \
        }                                                                                             \
    } while (0)

static const char KEY[] = "secret";
static char addresses[3][64];
static const char *const peers[] = {addresses[0], addresses[1], addresses[2]};

/* Starts three candidates; they end with the pipe that is returned. */
static int start(pid_t *child) {
    int in[2], out[2];
    const char *program = getenv("CONFD_SIM");
    if (program == NULL || pipe(in) != 0 || pipe(out) != 0) {
        fprintf(stderr, "CONFD_SIM does not name the simulator\n");
        exit(1);
    }
    *child = fork();
    if (*child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp(program, program, "--until-eof", "--key", KEY, "--address", "127.0.0.21", "--address",
               "127.0.0.22", "--address", "127.0.0.23", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    char line[256];
    int ready = 0;
    while (said != NULL && fgets(line, sizeof line, said) != NULL && strncmp(line, "serving", 7) != 0) {
        if (ready < 3 && sscanf(line, "ready %*s %63s", addresses[ready]) == 1) {
            ready++;
        }
    }
    if (said != NULL) {
        fclose(said);
    }
    CHECK(ready == 3);
    return in[1];
}

struct told {
    int count, outcome, inside;
    uint32_t received;
    confd_reply *kept;
};

static void completed(confd_client *client, const confd_result *result, void *data) {
    struct told *told = data;
    CHECK(client != NULL && result->size >= sizeof *result);
    CHECK(!told->inside);
    told->count++;
    told->outcome = result->outcome;
    told->received = result->received;
    if (result->reply != NULL) {
        CHECK(confd_reply_clone(result->reply, &told->kept) == CONFD_OK);
    }
}

static confd_result *ask(confd_client *client, int32_t type, const char *query) {
    confd_request *request = NULL;
    confd_result *result = NULL;
    CHECK(confd_request_new(type, query, &request) == CONFD_OK);
    CHECK(confd_client_query(client, request, 0, 5000, &result) == CONFD_OK);
    confd_request_free(request);
    CHECK(result != NULL && result->outcome == CONFD_OUTCOME_ANSWERED && result->consistent);
    CHECK(result->sent == 3 && result->needed == 2 && result->received >= 2);
    CHECK(result->server_ip != NULL && strncmp(result->server_ip, "127.0.0.2", 9) == 0 && result->server_port > 0);
    return result;
}

static void typed(confd_client *client) {
    confd_result *result = ask(client, CONFD_REQ_NODE_ROLE_BYNAME, "node4.example.com");
    int64_t role = -1;
    CHECK(confd_reply_int(result->reply, "", &role) == CONFD_OK);
    CHECK(strcmp(confd_node_role_name(role), "regular") == 0);
    CHECK(strcmp(confd_node_role_name(0), "master") == 0 && strcmp(confd_node_role_name(1), "candidate") == 0);
    CHECK(strcmp(confd_node_role_name(2), "offline") == 0 && strcmp(confd_node_role_name(3), "drained") == 0);
    CHECK(confd_node_role_name(5) == NULL && confd_node_role_name(-1) == NULL);
    CHECK(confd_node_role_name(INT64_MIN) == NULL);
    confd_drbd_minor minor;
    int32_t status = 77;
    const char *ip = "untouched";
    CHECK(confd_reply_drbd_minor(result->reply, 0, &minor) == CONFD_ERR_WRONG_TYPE);
    CHECK(confd_reply_node_ip(result->reply, 0, &status, &ip) == CONFD_ERR_WRONG_TYPE);
    CHECK(status == 77 && strcmp(ip, "untouched") == 0);
    confd_result_free(result);

    result = ask(client, CONFD_REQ_NODE_DRBD, "node1.example.com");
    CHECK(confd_reply_drbd_minor(result->reply, 0, &minor) == CONFD_OK);
    CHECK(strcmp(minor.node, "node1.example.com") == 0 && strcmp(minor.instance, "web.example.com") == 0);
    CHECK(minor.minor >= 0 && strcmp(minor.role, "primary") == 0);
    CHECK(strncmp(minor.disk, "disk/", 5) == 0 && strcmp(minor.peer, "node2.example.com") == 0);
    CHECK(confd_reply_drbd_minor(result->reply, 2, &minor) == CONFD_ERR_NOT_FOUND);
    CHECK(confd_reply_drbd_minor(result->reply, SIZE_MAX, &minor) == CONFD_ERR_NOT_FOUND);
    CHECK(confd_reply_drbd_minor(NULL, 0, &minor) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_reply_drbd_minor(result->reply, 0, NULL) == CONFD_ERR_INVALID_ARGUMENT);
    confd_result_free(result);

    const char *ips[] = {"198.51.100.1", "203.0.113.9", "198.51.100.2"};
    confd_request *request = NULL;
    CHECK(confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL, &request) == CONFD_OK);
    CHECK(confd_request_set_ips(request, ips, 3, NULL) == CONFD_OK);
    CHECK(confd_client_query(client, request, 0, 5000, &result) == CONFD_OK);
    confd_request_free(request);
    CHECK(confd_reply_node_ip(result->reply, 0, &status, &ip) == CONFD_OK);
    CHECK(status == CONFD_STATUS_OK && strcmp(ip, "192.0.2.11") == 0);
    CHECK(confd_reply_node_ip(result->reply, 1, &status, &ip) == CONFD_OK);
    CHECK(status == CONFD_STATUS_ERROR && ip == NULL);
    CHECK(confd_reply_node_ip(result->reply, 2, &status, &ip) == CONFD_OK);
    CHECK(status == CONFD_STATUS_OK && strcmp(ip, "192.0.2.12") == 0);
    CHECK(confd_reply_node_ip(result->reply, 3, &status, &ip) == CONFD_ERR_NOT_FOUND);
    CHECK(confd_reply_node_ip(result->reply, 0, NULL, &ip) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_reply_node_ip(result->reply, 0, &status, NULL) == CONFD_ERR_INVALID_ARGUMENT);
    confd_result_free(result);
    confd_result_free(NULL);
}

static void statistics(confd_client *client) {
    struct {
        confd_peer_stats known;
        uint64_t later; /* what a later version might add */
    } stats;
    for (size_t peer = 0; peer < 3; peer++) {
        memset(&stats, 0xff, sizeof stats);
        CHECK(confd_client_peer_stats(client, peer, &stats.known, sizeof stats) == CONFD_OK);
        CHECK(strcmp(stats.known.address, peers[peer]) == 0 && stats.later == 0);
        CHECK(stats.known.sent >= stats.known.answered && stats.known.answered > 0 && stats.known.refused == 0);
        CHECK(stats.known.rtt_us > 0 && stats.known.rtt_last_us > 0);
    }
    memset(&stats, 0x5a, sizeof stats);
    CHECK(confd_client_peer_stats(client, 3, &stats.known, sizeof stats.known) == CONFD_ERR_NOT_FOUND);
    CHECK(confd_client_peer_stats(client, 0, &stats.known, sizeof stats.known - 1) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_client_peer_stats(client, 0, NULL, sizeof stats.known) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_client_peer_stats(NULL, 0, &stats.known, sizeof stats.known) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(stats.later == UINT64_C(0x5a5a5a5a5a5a5a5a) && stats.known.address[0] == 0x5a);
}

static void asynchronous(confd_client *client) {
    struct told told = {0, -1, 0, 0, NULL};
    confd_request *request = NULL;
    CHECK(confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request) == CONFD_OK);
    told.inside = 1;
    CHECK(confd_client_query_async(client, request, 0, 5000, completed, &told) == CONFD_OK);
    told.inside = 0;
    for (int turn = 0; turn < 100 && told.count == 0; turn++) {
        size_t handled;
        CHECK(confd_client_receive(client, 100, &handled) == CONFD_OK);
    }
    CHECK(told.count == 1 && told.outcome == CONFD_OUTCOME_ANSWERED && told.received >= 2);
    const char *master = NULL;
    CHECK(confd_reply_string(told.kept, "", &master) == CONFD_OK && strcmp(master, "node1.example.com") == 0);
    confd_reply_free(told.kept);

    /* The request has served: its salt is replaced. What is refused has no completion. */
    char before[64], after[64];
    snprintf(before, sizeof before, "%s", confd_request_salt(request));
    told.count = 0;
    told.kept = NULL;
    CHECK(confd_client_query_async(client, request, 9, 5000, completed, &told) == CONFD_ERR_COVERAGE);
    CHECK(confd_client_query_async(client, request, -2, 5000, completed, &told) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_client_query_async(client, request, 0, 5000, NULL, &told) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_client_query_async(client, NULL, 0, 5000, completed, &told) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(confd_client_query_async(NULL, request, 0, 5000, completed, &told) == CONFD_ERR_INVALID_ARGUMENT);
    confd_result *result = NULL;
    CHECK(confd_client_query(client, request, 9, 5000, &result) == CONFD_ERR_COVERAGE && result == NULL);
    CHECK(confd_client_query(client, request, 0, 5000, NULL) == CONFD_ERR_INVALID_ARGUMENT);
    CHECK(strcmp(before, confd_request_salt(request)) == 0);
    CHECK(confd_client_query_async(client, request, 0, 5000, completed, &told) == CONFD_OK);
    snprintf(after, sizeof after, "%s", confd_request_salt(request));
    CHECK(strcmp(before, after) != 0);
    CHECK(confd_client_cancel(client, before) == CONFD_ERR_UNKNOWN_REQUEST);
    CHECK(confd_client_cancel(client, after) == CONFD_OK);
    CHECK(told.count == 1 && told.outcome == CONFD_OUTCOME_CANCELLED && told.kept == NULL);

    told.count = 0;
    CHECK(confd_client_query_async(client, request, 0, -1, completed, &told) == CONFD_OK);
    confd_request_free(request);
    confd_client_free(client);
    CHECK(told.count == 1 && told.outcome == CONFD_OUTCOME_CANCELLED);
}

int main(void) {
    pid_t child;
    const int pipe_end = start(&child);
    confd_client *client = NULL;
    CHECK(confd_client_new(KEY, strlen(KEY), peers, 3, NULL, NULL, NULL, &client) == CONFD_OK);
    if (client != NULL) {
        typed(client);
        statistics(client);
        asynchronous(client);
    }
    confd_client *opened = NULL;
    CHECK(confd_client_open("/no/such/folder", NULL, NULL, NULL, &opened) == CONFD_ERR_CLUSTER_DIR);
    CHECK(opened == NULL && strstr(confd_last_error(), "/no/such/folder/hmac.key") != NULL);
    close(pipe_end);
    waitpid(child, NULL, 0);
    return failures == 0 ? 0 : 1;
}

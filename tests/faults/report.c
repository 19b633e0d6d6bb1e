#include "asker.h"
#include <inttypes.h>
#include <sys/resource.h>

static unsigned lines[4];
static long memory[8];
static int noted;

void count_line(int32_t level, const char *message, void *data)
{
    (void)data;
    CHECK(level >= 0 && level < 4);
    if (lines[level]++ < 3 && level > CONFD_LOG_DEBUG) {
        printf("line %d %s\n", (int)level, message);
    }
}

void note_memory(void)
{
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "re");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &size, &resident) == 2);
    fclose(file);
    CHECK(noted < 8);
    memory[noted++] = resident * sysconf(_SC_PAGESIZE) / 1024;
}

static long long micros(struct timeval time)
{
    return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

void report(confd_client *client)
{
    const confd_stats stats = stats_of(client);
    struct rusage usage;
    confd_peer_stats peer;
    check_received(client);
#define SHOW(name) printf("count " #name " %" PRIu64 "\n", stats.name)
    SHOW(requests);
    SHOW(datagrams_out);
    SHOW(send_errors);
    SHOW(datagrams_in);
    SHOW(replies);
    SHOW(dropped_magic);
    SHOW(dropped_malformed);
    SHOW(dropped_signature);
    SHOW(dropped_salt);
    SHOW(dropped_source);
    SHOW(dropped_duplicate);
    SHOW(dropped_overflow);
    SHOW(expired);
    SHOW(cancelled);
    SHOW(retries);
    SHOW(refused);
    SHOW(outstanding);
    SHOW(queued);
    for (size_t i = 0; confd_client_peer_stats(client, i, &peer, sizeof peer) == CONFD_OK; i++) {
        printf("peer %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", peer.address, peer.sent, peer.answered, peer.refused);
    }
    for (int level = 0; level < 4; level++) {
        printf("lines %d %u\n", level, lines[level]);
    }
    for (int i = 0; i < noted; i++) {
        printf("memory %ld\n", memory[i]);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("cpu %lld %lld\n", micros(usage.ru_utime), micros(usage.ru_stime));
}

/*
 * What a client costs that does little.
 *
 *     create time MS       creating and releasing one
 *     create many COUNT    memory and descriptors of each of so many that are never used
 *     create used PORT     memory of one after 10,000 replies to blocking queries
 */
#include "bench.h"
#include <dirent.h>
#include <sys/resource.h>

/* Kilobytes of this process that no file stands behind. */
static double anonymous_kib(void)
{
    char line[256];
    double kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    check(status != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtod(line + 8, NULL);
        }
    }
    fclose(status);
    return kib;
}

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    check(folder != NULL, "/proc/self/fd");
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void time_one(double length)
{
    double used = 0, start = wall_us();
    long count = 0;
    for (int warm = 0; count < 100 || wall_us() - start < length; count += warm, warm = 1) {
        double before = cpu_us();
        confd_client_free(client_with(options_for(1814), 6, no_upcall, NULL));
        used += warm * (cpu_us() - before);
    }
    report("us", used / (double)count);
}

static void keep_many(long count)
{
    struct rlimit limit = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    confd_client **clients = calloc((size_t)count, sizeof *clients);
    check(clients != NULL, "calloc");
    memset(clients, 1, (size_t)count * sizeof *clients);
    confd_client_free(client_with(options_for(1814), 6, no_upcall, NULL));
    int before = descriptors();
    double kib = anonymous_kib();
    for (long i = 0; i < count; i++) {
        clients[i] = client_with(options_for(1814), 6, no_upcall, NULL);
    }
    report("kib_unused", (anonymous_kib() - kib) / (double)count);
    report("descriptors", (double)(descriptors() - before) / (double)count);
    before = descriptors();
    for (long i = 0; i < count; i++) {
        check(confd_client_fd(clients[i]) >= 0, "confd_client_fd");
    }
    report("descriptors_to_poll", (double)(descriptors() - before) / (double)count);
    for (long i = 0; i < count; i++) {
        confd_client_free(clients[i]);
    }
    free(clients);
}

static void use_one(int port)
{
    /* Twice, since the first asking needs some itself. */
    double kib = anonymous_kib(), patience = wall_us() + 3e7;
    kib = anonymous_kib();
    confd_client *client = client_with(options_for(port), 6, no_upcall, NULL);
    while (stats_of(client).replies < 10000 && wall_us() < patience) {
        confd_result *result;
        confd_request *request = ping_request();
        must(confd_client_query(client, request, 6, 1000, &result), "query");
        confd_result_free(result);
        confd_request_free(request);
    }
    report("kib_used", anonymous_kib() - kib);
    report("replies", (double)stats_of(client).replies);
    confd_client_free(client);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    long value = number(argc, argv, 2);
    if (strcmp(what, "time") == 0) {
        time_one(1e3 * (double)value);
    } else if (strcmp(what, "many") == 0) {
        keep_many(value);
    } else {
        use_one((int)value);
    }
    return 0;
}

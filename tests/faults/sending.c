/*
 * A preloaded library in which sending over IP fails as the file that FAULTS_FILE names says at the time: how many calls
 * of 1,000, and with which errno. So a test can have every error of the system, also those that no network here brings
 * about. It counts in the file. The calls that do not fail may send less than they were asked to, as a kernel may.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct orders {
    uint32_t per_mille, error, failed, shortened;
};

static volatile struct orders *orders(void)
{
    static volatile struct orders *mapped;
    if (mapped == NULL) {
        const char *path = getenv("FAULTS_FILE");
        const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
        void *memory = fd < 0 ? MAP_FAILED
                              : mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) {
            abort();
        }
        close(fd);
        mapped = memory;
    }
    return mapped;
}

static uint32_t chance(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % 1000;
}

static int fails(void)
{
    volatile struct orders *now = orders();
    if (chance() >= now->per_mille) {
        return 0;
    }
    now->failed++;
    errno = (int)now->error;
    return 1;
}

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    return found;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
    /* As glibc declares it. */
    ssize_t (*real)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
    *(void **)&real = next("sendto");
    return fails() ? -1 : real(fd, data, len, flags, to, to_len);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    int (*real)(int, struct mmsghdr *, unsigned, int);
    *(void **)&real = next("sendmmsg");
    if (fails()) {
        return -1;
    }
    if (count > 1 && chance() < orders()->per_mille) {
        orders()->shortened++;
        count = 1 + chance() % (count - 1);
    }
    return real(fd, messages, count, flags);
}

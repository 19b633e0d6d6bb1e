#include "asker.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

enum { PERIOD = 2000, TICKS = 4096, MOST_CPUS = 16 };

/* One sleeper for each processor, since each has timers of its own, and may be taken from us by itself. */
static struct sleeper {
    struct tick {
        int64_t due, woke, unrun;
    } ticks[TICKS];
    unsigned long long count;
    int64_t next_due;
} sleepers[MOST_CPUS];
static int n_sleepers;
static int schedstat = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* For how long the watched thread was ready and did not run, so far; 0 where the kernel does not count it. */
static int64_t unrun_us(void)
{
    char text[128];
    long long ran = 0, waited = 0;
    const ssize_t got = schedstat < 0 ? -1 : pread(schedstat, text, sizeof text - 1, 0);
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    return sscanf(text, "%lld %lld", &ran, &waited) == 2 ? waited / 1000 : 0;
}

static void *sleep_and_note(void *data)
{
    struct sleeper *own = data;
    sigset_t all;
    int64_t due = now_us();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        due += PERIOD;
        pthread_mutex_lock(&lock);
        own->next_due = due;
        pthread_mutex_unlock(&lock);
        const struct timespec until = {due / 1000000, due % 1000000 * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        const int64_t woke = now_us();
        const int64_t unrun = unrun_us();
        pthread_mutex_lock(&lock);
        own->ticks[own->count++ % TICKS] = (struct tick){due, woke, unrun};
        pthread_mutex_unlock(&lock);
        if (woke > due + PERIOD) {
            due = woke;
        }
    }
    return NULL;
}

void lateness_watch(void)
{
    char path[64];
    cpu_set_t ours, one;
    snprintf(path, sizeof path, "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
    schedstat = open(path, O_RDONLY | O_CLOEXEC);
    SAME(sched_getaffinity(0, sizeof ours, &ours), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && n_sleepers < MOST_CPUS; cpu++) {
        if (CPU_ISSET(cpu, &ours)) {
            pthread_t thread;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            sleepers[n_sleepers].next_due = now_us() + PERIOD;
            SAME(pthread_create(&thread, NULL, sleep_and_note, &sleepers[n_sleepers++]), 0);
            SAME(pthread_setaffinity_np(thread, sizeof one, &one), 0);
            pthread_detach(thread);
        }
    }
}

/* The worst that one sleeper saw from `deadline` to `ended`; and what the watched thread had waited by then. */
static int64_t worst_of(const struct sleeper *one, int64_t deadline, int64_t ended, int64_t *unrun_before)
{
    int64_t worst = ended > one->next_due ? ended - one->next_due : 0; /* it sleeps still */
    for (unsigned long long back = 1; back <= one->count && back < TICKS; back++) {
        const struct tick *tick = &one->ticks[(one->count - back) % TICKS];
        if (tick->woke <= deadline) {
            *unrun_before = tick->unrun > *unrun_before ? tick->unrun : *unrun_before;
            break;
        }
        worst = tick->woke - tick->due > worst ? tick->woke - tick->due : worst;
    }
    return worst;
}

void lateness_of(int64_t deadline, int64_t ended, int64_t *late, int64_t *excuse)
{
    int64_t worst = 0, unrun_before = 0;
    const int64_t unrun = unrun_us();
    *late = ended - deadline;
    *excuse = 0;
    if (ended <= deadline) {
        return;
    }
    pthread_mutex_lock(&lock);
    for (int i = 0; i < n_sleepers; i++) {
        const int64_t seen = worst_of(&sleepers[i], deadline, ended, &unrun_before);
        worst = seen > worst ? seen : worst;
    }
    pthread_mutex_unlock(&lock);
    *excuse = worst + (unrun_before > 0 ? unrun - unrun_before : 0);
}

/* Eight threads do everything to one client at once: each request that was accepted ends exactly once. */
#include "world.h"
#include <pthread.h>

enum { THREADS = 8, EACH = 4000, MS = 1000 };

struct job {
    pthread_t thread;
    unsigned number;
    unsigned random;
    unsigned used;
    struct tally tally[EACH];
    unsigned char accepted[EACH];
};

static struct job jobs[THREADS];
static confd_client *client;
static struct tally all;
static unsigned nested;

static void upcall_fn(confd_client *of, const confd_upcall *upcall, void *user_data)
{
    SAME(__atomic_fetch_add(&nested, 1, __ATOMIC_SEQ_CST), 0);
    count_upcall(of, upcall, user_data);
    if (upcall->type == CONFD_UPCALL_REPLY && SEEN(all.replies) % 7 == 0) {
        (void)confd_client_cancel(of, upcall->salt);
    }
    SAME(__atomic_fetch_sub(&nested, 1, __ATOMIC_SEQ_CST), 1);
}

static unsigned chance(struct job *job, unsigned of)
{
    job->random = job->random * 1103515245u + 12345u;
    return (job->random >> 16) % of;
}

/* CONFD_OK, or CLOSED at the end. */
static int goes_on(confd_error code)
{
    CHECK(code == CONFD_OK || code == CONFD_ERR_CLOSED);
    return code == CONFD_OK;
}

static int sends(struct job *job, confd_wait_result *wait)
{
    confd_request *request = ping();
    const uint32_t flags = chance(job, 2) ? CONFD_SEND_QUEUED : 0;
    const confd_error code = confd_client_send(client, request, 0, flags, &job->tally[job->used]);
    confd_error more = code;
    job->accepted[job->used++] = code == CONFD_OK;
    if (code == CONFD_OK) {
        switch (chance(job, 3)) {
        case 0: more = confd_client_wait(client, confd_request_salt(request), (int32_t)chance(job, 5), wait); break;
        case 1:
            more = confd_client_cancel(client, confd_request_salt(request));
            more = more == CONFD_ERR_UNKNOWN_REQUEST ? CONFD_OK : more;
            break;
        default: break;
        }
    }
    confd_request_free(request);
    return goes_on(more);
}

static void *works(void *data)
{
    struct job *job = data;
    confd_wait_result wait;
    confd_stats stats;
    int on = 1;
    job->random = job->number + 1;
    while (on) {
        switch (chance(job, 8)) {
        case 0: on = goes_on(confd_client_process(client)); break;
        case 1: on = goes_on(confd_client_receive(client, (int32_t)chance(job, 3), NULL)); break;
        case 2: on = goes_on(confd_client_stats(client, &stats, sizeof stats)); break;
        case 3: on = goes_on(confd_client_expire(client)); break;
        case 4: on = goes_on(confd_client_flush(client)) && goes_on(confd_client_wake(client)); break;
        default:
            on = job->used < EACH ? sends(job, &wait) : goes_on(confd_client_receive(client, 1, NULL));
            break;
        }
    }
    return NULL;
}

int main(void)
{
    struct sim sim;
    confd_options *options = options_expire(5);
    unsigned accepted = 0;
    unsigned ended = 0;
    sim_start(&sim, 3, "--fault", "duplicate=0.1", "--fault", "loss=0.1", NULL);
    client = client_of(sim.peers, sim.n, upcall_fn, &all, options);
    confd_options_free(options);
    CHECK(confd_client_fd(client) >= 0);
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i].number = i;
        SAME(pthread_create(&jobs[i].thread, NULL, works, &jobs[i]), 0);
    }
    /* A machine that has other things to do takes longer to come to anything. */
    for (unsigned times = 0; times == 0 || (times < 30 && SEEN(all.replies) <= 100); times++) {
        pause_us(MS * 1000);
    }
    check_sums(client);
    OK(confd_client_close(client));
    for (unsigned i = 0; i < THREADS; i++) {
        SAME(pthread_join(jobs[i].thread, NULL), 0);
    }
    confd_client_free(client);
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned n = 0; n < jobs[i].used; n++) {
            SAME(last_upcalls(&jobs[i].tally[n]), jobs[i].accepted[n]);
            CHECK(jobs[i].tally[n].replies <= 3u * jobs[i].accepted[n]);
            accepted += jobs[i].accepted[n];
            ended += last_upcalls(&jobs[i].tally[n]);
        }
    }
    SAME(ended, accepted);
    SAME(last_upcalls(&all), accepted);
    CHECK(accepted > 100 && all.replies > 100);
    sim_stop(&sim);
    return 0;
}

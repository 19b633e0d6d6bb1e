/* Defects on purpose, one for each name that tests/sanitizers/plants.sh gives: programs that use the API wrongly, as
 * the sanitizers have to report, in the library's own code where it is the library that comes upon them. */
#include "world.h"
#include <limits.h>
#include <pthread.h>

static const char peer[] = EXTERNAL_IP;
static const char *const peers[] = {peer};

/* The library reads the request, which is gone. */
static int use_after_free(void)
{
    confd_request *request = ping();
    confd_request_free(request);
    return confd_request_type(request) == CONFD_REQ_PING;
}

/* And the key, which is shorter than it was told. */
static int over_read(void)
{
    confd_client *client = NULL;
    char *key = malloc(8);
    CHECK(key != NULL);
    memset(key, 'k', 8);
    OK(confd_client_new(key, 9, peers, 1, NULL, NULL, NULL, &client));
    confd_client_free(client);
    free(key);
    return 0;
}

/* Several, since one whose address still stands somewhere on the stack is not lost. */
static __attribute__((noinline)) int leak(void)
{
    for (int i = 0; i < 10; i++) {
        CHECK(external_client(NULL, NULL, NULL) != NULL);
    }
    return 0;
}

static int undefined(void)
{
    volatile int most = INT_MAX;
    return most + 1 < 0;
}

static unsigned unguarded;

static void unguarded_upcall(confd_client *client, const confd_upcall *upcall, void *user_data)
{
    (void)client;
    (void)upcall;
    (void)user_data;
    unguarded++;
}

static void *cancels(void *client)
{
    for (int i = 0; i < 200; i++) {
        char salt[SALT];
        send_ping(client, 0, 0, NULL, salt);
        OK(confd_client_cancel(client, salt));
    }
    return NULL;
}

/* Of one client there is one upcall at a time; here two threads have one callback and `clients` clients. */
static int upcalls_of(int clients)
{
    confd_client *client[2];
    pthread_t thread[2];
    client[0] = external_client(unguarded_upcall, NULL, NULL);
    client[1] = external_client(unguarded_upcall, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        SAME(pthread_create(&thread[i], NULL, cancels, client[clients == 2 ? i : 0]), 0);
    }
    for (int i = 0; i < 2; i++) {
        SAME(pthread_join(thread[i], NULL), 0);
    }
    confd_client_free(client[0]);
    confd_client_free(client[1]);
    /* Two that count at once may lose some. */
    return clients == 2 || unguarded == 400 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *name = argc == 2 ? argv[1] : "";
    return strcmp(name, "use-after-free") == 0 ? use_after_free()
           : strcmp(name, "over-read") == 0    ? over_read()
           : strcmp(name, "leak") == 0         ? leak()
           : strcmp(name, "undefined") == 0    ? undefined()
           : strcmp(name, "race") == 0         ? upcalls_of(2)
           : strcmp(name, "no-race") == 0      ? upcalls_of(1)
                                               : 2;
}

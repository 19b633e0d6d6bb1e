/*
 * The client in a GLib main loop, as GTK programs have it: a source waits on its one descriptor, and a timer asks again
 * every half second.
 *
 *     cc glib.c -o glib $(pkg-config --cflags --libs confdclient glib-2.0)
 *     ./glib /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#include <confdclient.h>
#include <glib-unix.h>
#include <stdio.h>

enum { ROUNDS = 3 };

struct app {
    GMainLoop *loop;
    confd_client *client;
    int rounds;
};

/* One answer, exactly once for each question. */
static void on_result(confd_client *client, const confd_result *result, void *data)
{
    struct app *app = data;
    (void)client;
    if (result->outcome == CONFD_OUTCOME_CANCELLED) {
        return; /* the program ends */
    }
    printf("%s (%u of %u answered)\n", result->reply ? confd_reply_answer_json(result->reply) : "no reply",
           (unsigned)result->received, (unsigned)result->sent);
    if (++app->rounds == ROUNDS) {
        g_main_loop_quit(app->loop);
    }
}

static gboolean on_timer(gpointer data)
{
    struct app *app = data;
    confd_request *request = NULL;
    if (confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL, &request) != CONFD_OK ||
        confd_client_query_async(app->client, request, 0, 5000, on_result, app) != CONFD_OK) {
        fprintf(stderr, "glib: %s\n", confd_last_error()); /* the next round may do better */
    }
    confd_request_free(request);
    return G_SOURCE_CONTINUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    struct app *app = data;
    (void)fd, (void)condition;
    if (confd_client_process(app->client) != CONFD_OK) {
        fprintf(stderr, "glib: %s\n", confd_last_error());
        g_main_loop_quit(app->loop);
    }
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    struct app app = {NULL, NULL, 0};
    gchar *key = NULL;
    gsize len = 0; /* the newline at the key's end belongs to it */
    if (argc < 3 || !g_file_get_contents(argv[1], &key, &len, NULL)) {
        fprintf(stderr, "Usage: glib KEY-FILE PEER..., with a KEY-FILE that can be read\n");
        return 2;
    }
    const char *const *peers = (const char *const *)argv + 2;
    if (confd_client_new(key, len, peers, (size_t)argc - 2, NULL, NULL, NULL, &app.client) != CONFD_OK) {
        fprintf(stderr, "glib: %s\n", confd_last_error());
        g_free(key);
        return 1;
    }
    g_free(key);
    app.loop = g_main_loop_new(NULL, FALSE);
    guint readable = g_unix_fd_add(confd_client_fd(app.client), G_IO_IN, on_readable, &app);
    guint timer = g_timeout_add(500, on_timer, &app);
    g_main_loop_run(app.loop);
    g_source_remove(timer);
    g_source_remove(readable); /* before the descriptor goes with the client */
    confd_client_free(app.client);
    g_main_loop_unref(app.loop);
    return app.rounds < ROUNDS;
}

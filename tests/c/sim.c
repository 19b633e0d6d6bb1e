/* The simulator as a child process, which ends with the test that started it. */
#include "world.h"
#include <fcntl.h>
#include <stdarg.h>

void sim_start_with(struct sim *sim, const char *const *arguments)
{
    const char *program = getenv("CONFD_SIM");
    const char *argv[2 * MOST_PEERS + 32] = {program, "--until-eof", "--key", KEY};
    size_t n = 4;
    int to[2];
    int from[2];
    FILE *lines;
    char line[160];
    if (program == NULL) {
        FAIL("CONFD_SIM does not name the simulator");
    }
    memset(sim, 0, sizeof *sim);
    for (; *arguments != NULL && n + 1 < sizeof argv / sizeof argv[0]; arguments++) {
        argv[n++] = *arguments;
    }
    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    sim->pid = fork();
    CHECK(sim->pid >= 0);
    if (sim->pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    sim->input = to[1];
    lines = fdopen(from[0], "r");
    CHECK(lines != NULL);
    while (fgets(line, sizeof line, lines) != NULL && strncmp(line, "serving", 7) != 0) {
        CHECK(sim->n < MOST_PEERS);
        if (sscanf(line, "ready %*s %63s", sim->text[sim->n]) == 1) {
            sim->peers[sim->n] = sim->text[sim->n];
            sim->n++;
        }
    }
    fclose(lines);
    if (sim->n == 0) {
        FAIL("%s serves nobody", program);
    }
}

void sim_start(struct sim *sim, size_t candidates, ...)
{
    static char address[MOST_PEERS][16];
    const char *arguments[2 * MOST_PEERS + 16];
    size_t n = 0;
    va_list more;
    CHECK(candidates <= MOST_PEERS);
    for (size_t i = 0; i < candidates; i++) {
        snprintf(address[i], sizeof address[i], "127.0.0.%u", (unsigned)(i % 255 + 1));
        arguments[n++] = "--address";
        arguments[n++] = address[i];
    }
    va_start(more, candidates);
    do {
        arguments[n] = va_arg(more, const char *);
    } while (arguments[n++] != NULL);
    va_end(more);
    sim_start_with(sim, arguments);
    SAME(sim->n, candidates);
}

void sim_stop(struct sim *sim)
{
    close(sim->input);
    child_succeeds(sim->pid);
}

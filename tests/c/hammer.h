/* What the threads of hammer.c do beside their one client, and to what they get from it. */
#ifndef HAMMER_H
#define HAMMER_H

#include "world.h"
#include <pthread.h>

struct dice {
    unsigned state;
};

/* A number below `of`. */
unsigned chance(struct dice *dice, unsigned of);

/* A data directory of a node, whose candidates are those of sim_start(). */
void write_cluster(const char *folder);
void remove_cluster(const char *folder);
/* The port that the simulator's candidates share. */
uint16_t sim_port(const struct sim *sim);

/* A question of any kind, made in any of the ways there are. */
confd_request *some_request(struct dice *dice);

/* Everything that can be read of a reply. */
void read_reply(const confd_reply *reply);
/* Keeps a reply for everybody, who read it at once. */
void publish(const confd_reply *reply);
void read_published(void);

/* Another client that threads share, of external I/O; and clients, options and requests that they do not. */
void its_own_begin(void);
void its_own_end(void);
void pulls_and_pushes(struct dice *dice);
void makes_and_frees(struct dice *dice, const char *folder);

#endif

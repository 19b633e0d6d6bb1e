/* What the asker's parts share. */
#ifndef ASKER_H
#define ASKER_H

#include "world.h"

int64_t now_us(void);

/* The machine's own lateness, which no library can make up for. It is measured on each processor by a thread that does
   nothing but sleep to one deadline after the other, and by the time for which the watched thread, the one that called this, was ready to
   run and did not (as the kernel counts it). */
void lateness_watch(void);
/* How late a call is that ended at `ended` with a deadline at `deadline`, and how late the machine was then. */
void lateness_of(int64_t deadline, int64_t ended, int64_t *late, int64_t *excuse);

/* A log that counts its lines, and shows the first of them. */
void count_line(int32_t level, const char *message, void *data);
/* What the client and this process have counted, a line each. */
void report(confd_client *client);
/* Takes note of the memory that is in use: at a tenth, a half, and the end. */
void note_memory(void);

#endif

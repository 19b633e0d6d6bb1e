/* Checks that say where they failed and what the library had to say about it, and a few measures of the process. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <confdclient.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends the program: nothing after a failed check can be trusted, least of all threads. */
#define FAIL(...)                                                                                         \
    do {                                                                                                  \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                   \
        fprintf(stderr, __VA_ARGS__);                                                                     \
        fprintf(stderr, " (last error: \"%s\")\n", confd_last_error());                                   \
        fflush(stderr);                                                                                   \
        _exit(1);                                                                                         \
    } while (0)

#define CHECK(condition)                                                                                  \
    do {                                                                                                  \
        if (!(condition)) {                                                                               \
            FAIL("%s does not hold", #condition);                                                         \
        }                                                                                                 \
    } while (0)

/* Two integers are equal. */
#define SAME(left, right)                                                                                 \
    do {                                                                                                  \
        const long long left_ = (long long)(left);                                                        \
        const long long right_ = (long long)(right);                                                      \
        if (left_ != right_) {                                                                            \
            FAIL("%s is %lld, not %s, which is %lld", #left, left_, #right, right_);                      \
        }                                                                                                 \
    } while (0)

/* Two strings are equal. */
#define SAME_TEXT(left, right)                                                                            \
    do {                                                                                                  \
        const char *left_ = (left);                                                                       \
        const char *right_ = (right);                                                                     \
        if (left_ == NULL || right_ == NULL || strcmp(left_, right_) != 0) {                              \
            FAIL("%s is \"%s\", not \"%s\"", #left, left_ ? left_ : "NULL", right_ ? right_ : "NULL");    \
        }                                                                                                 \
    } while (0)

/* A call gives this code. */
#define GIVES(code, call)                                                                                 \
    do {                                                                                                  \
        const confd_error code_ = (call);                                                                 \
        if (code_ != (code)) {                                                                            \
            FAIL("%s gives %d, %s, not %s", #call, (int)code_, confd_strerror(code_), #code);             \
        }                                                                                                 \
    } while (0)

#define OK(call) GIVES(CONFD_OK, call)

/* Something becomes true, within ten seconds. */
#define SOON(condition)                                                                                   \
    do {                                                                                                  \
        const int64_t until_ = now_ms() + 10000;                                                          \
        while (!(condition)) {                                                                            \
            if (now_ms() > until_) {                                                                      \
                FAIL("%s did not come about", #condition);                                                \
            }                                                                                             \
            pause_us(200);                                                                                \
        }                                                                                                 \
    } while (0)

#ifdef __cplusplus
extern "C" {
#endif

int64_t now_ms(void);
void pause_us(long microseconds);

/* So many milliseconds, and more under valgrind, which takes its time. */
int slowed(int ms);
int open_descriptors(void);
int threads_running(void);

#ifdef __cplusplus
}
#endif

#endif

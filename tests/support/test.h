/* What every C test includes: cmocka and its prerequisites, and small helpers. */
#ifndef SEI_TESTS_TEST_H
#define SEI_TESTS_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seitomo/status.h"

/* Fails with the library's own message. */
#define assert_ok(expression)                                                                    \
    do {                                                                                         \
        const sei_status s_ = (expression);                                                      \
        if (s_ != SEI_OK) fail_msg("%s: status %d: %s", #expression, (int)s_, sei_last_error()); \
    } while (0)
/* The status and a part of the one-line message. */
#define assert_refused(expression, wanted, part)                                                                               \
    do {                                                                                                                       \
        const sei_status s_ = (expression);                                                                                    \
        if (s_ != (wanted)) fail_msg("%s: status %d, expected %d: %s", #expression, (int)s_, (int)(wanted), sei_last_error()); \
        if (strstr(sei_last_error(), part) == NULL) fail_msg("%s: '%s' lacks '%s'", #expression, sei_last_error(), part);      \
    } while (0)
#define assert_close(a, b, tolerance)                                                               \
    do {                                                                                            \
        const double a_ = (a), b_ = (b), t_ = (tolerance);                                          \
        if (!(fabs(a_ - b_) <= t_)) fail_msg("%s = %.17g, expected %.17g +- %.3g", #a, a_, b_, t_); \
    } while (0)

/* Folder of third-party test data (SEITOMO_TEST_DATA), or NULL after printing one line that the test is skipped. */
const char *sei_test_data(const char *folder);
/* A fresh empty folder for this process's files; removed by sei_test_clean. Static storage. */
const char *sei_test_folder(void);
/* "FOLDER/name"; the last 64 stay. */
const char *sei_test_path(const char *name);
/* The path of FOLDER/name, written with that text. */
const char *sei_test_text(const char *name, const char *text);
void sei_test_clean(void);
/* The same as cmocka's teardown. */
int sei_test_teardown(void **state);
/* The n-th of a reproducible sequence of uniform numbers in [0,1): a splitmix64 hash of (seed, n). */
double sei_test_uniform(uint64_t seed, uint64_t n);

#endif

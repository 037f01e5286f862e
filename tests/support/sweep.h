/* Resources that run out, at every place where they can. */
#ifndef SEI_TESTS_SWEEP_H
#define SEI_TESTS_SWEEP_H

#include <stdbool.h>

#include "seitomo/status.h"

/* One call under test. */
typedef struct sei_test_attempt {
    sei_status (*call)(void *context);
    void (*failed)(void *context); /* after every failure: asserts that nothing is left behind; NULL: nothing to see */
    void *context;
    bool any_error; /* a failure may be another than SEI_ERR_MEMORY */
} sei_test_attempt;

/* The first allocation of the call fails, then the second, ..., until it succeeds: that many failed. */
long sei_test_every_allocation(const sei_test_attempt *attempt);
/*
 * A disk that takes 0, step, 2 step, ... bytes of a file and, from `most` on, all of them: as long as they are less than
 * `needed` each attempt ends with SEI_ERR_ENVIRONMENT; one that fails leaves no file of any name in the test's folder. The call
 * removes what it wrote when it succeeds.
 */
void sei_test_every_full_disk(const sei_test_attempt *attempt, long step, long most, long needed);

#endif

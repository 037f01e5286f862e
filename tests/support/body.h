/* What the tests of reconstruction work on: one body of two ellipses, 40 pixels wide and 11 slices high, and one thread. */
#ifndef SEI_TESTS_BODY_H
#define SEI_TESTS_BODY_H

#include "seitomo/backend.h"
#include "support/ellipses.h"

enum { SEI_TEST_NX = 40, SEI_TEST_NY = 11, SEI_TEST_ELLIPSES = 2 };
extern const sei_test_ellipse sei_test_body[SEI_TEST_ELLIPSES];

/* 21 tilts of +-60 degrees: the body's projections, or counts of them with counting noise. */
void sei_test_body_series(sei_series *out);
void sei_test_noisy_series(double counts, sei_series *out);
/* The cpu backend with one thread; the caller closes it. */
sei_device *sei_test_cpu(void);

#endif

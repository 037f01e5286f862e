/* What the tests of the mechanics build their wires with. */
#ifndef SEI_TESTS_MECHANICS_H
#define SEI_TESTS_MECHANICS_H

#include <math.h>
#include <stdlib.h>

#include "seitomo/mechanics.h"
#include "support/test.h"

static inline void options_of(sei_mechanics_options *o, int64_t n, int64_t ny) {
    sei_mechanics_options_default(o);
    o->nx = o->nz = n;
    o->ny = ny;
}

static inline double *field(int64_t n, double value) {
    double *out = malloc((size_t)n * sizeof *out);
    assert_non_null(out);
    for (int64_t i = 0; i < n; ++i) out[i] = value;
    return out;
}

/* Place of a cell's centre, from the wire's axis. */
static inline double place(int64_t i, int64_t n) {
    return (2 * (double)i + 1 - (double)n) / (double)n * 1.1;
}

static inline double radius_of(const sei_mechanics_state *s, int64_t n) {
    const double x = place(n % s->nx, s->nx), z = place(n / s->nx / s->ny, s->nz);
    return sqrt(x * x + z * z);
}

static inline double number_of(const sei_mechanics_options *o, const sei_mechanics_state *s, const char *name) {
    sei_numbers numbers = {0};
    assert_ok(sei_mechanics_metrics(o, s, &numbers));
    const sei_number *number = sei_numbers_find(&numbers, name);
    assert_non_null(number);
    const double value = number->value;
    sei_numbers_free(&numbers);
    return value;
}

#endif

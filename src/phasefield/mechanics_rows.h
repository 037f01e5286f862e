/* What the kernels of the relaxation share: names by instruction set, rows of scratch, sums of a row. */
#ifndef SEI_PHASEFIELD_MECHANICS_ROWS_H
#define SEI_PHASEFIELD_MECHANICS_ROWS_H

#include "phasefield/mechanics.h"
#include "phasefield/update.h"

#define MECH_JOIN2(name, isa) name##_##isa
#define MECH_JOIN(name, isa) MECH_JOIN2(name, isa)

#ifdef __clang__
#define MECH_VECTOR "clang loop vectorize(assume_safety)"
#pragma clang diagnostic ignored "-Wpass-failed" /* where it finds no vector form, the loop stays right */
#else
#define MECH_VECTOR "GCC ivdep"
#endif

typedef struct mech_span {
    int64_t begin, end;
} mech_span;

/* Cells of a row and one beside either end, in whole lanes. */
SEI_PF_INLINE int64_t mech_padded(const sei_mech_work *w) {
    return (w->nx + 2 + SEI_MECH_LANES) / SEI_MECH_LANES * SEI_MECH_LANES;
}

/* Through eight lanes whatever the registers' width, so that it changes no bit. */
SEI_PF_INLINE double mech_lanes_sum(const double *terms, int64_t n) {
    double lane[SEI_MECH_LANES] = {0};
    for (int64_t i = 0; i < n; i += SEI_MECH_LANES)
        for (int l = 0; l < SEI_MECH_LANES; ++l) lane[l] += terms[i + l];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The nodes that the cells of the planes k - 1 and k reach. */
SEI_PF_INLINE mech_span mech_span_around(const sei_mech_work *w, int64_t k) {
    const int64_t below = k > 0 ? k - 1 : k, above = k < w->nz ? k : k - 1;
    const int32_t *a = w->span + 2 * below, *b = w->span + 2 * above;
    return (mech_span){a[0] < b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]};
}

#endif

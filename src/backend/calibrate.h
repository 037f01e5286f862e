/* The loops that a calibration times, one set per instruction set (calibrate_kernel.c). */
#ifndef SEI_BACKEND_CALIBRATE_H
#define SEI_BACKEND_CALIBRATE_H

#include <stddef.h>

#include "core/instruction_sets.h"

/* The first two give the multiply-adds they made, one per lane; `sink` takes a sum, so that nothing can be left out. */
typedef struct sei_calibrate_kernels {
    const char *isa;
    double (*fma_register)(long rounds, const float *values, float *sink);
    double (*fma_l1)(long rounds, const float *values, size_t count, float *sink);
    void (*read)(const float *values, size_t count, float *sink);
} sei_calibrate_kernels;

enum { SEI_CALIBRATE_STEP = 768 }; /* counts of floats are multiples of it */

/* One table per instruction set, each in its own object. */
#define X(set) extern const sei_calibrate_kernels sei_calibrate_kernels_##set;
SEI_ISA_LIST(X)
#undef X

#endif

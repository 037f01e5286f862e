/*
 * What this processor can do at most, measured on the spot, so that a timing can be given as a fraction of the limit it had.
 *
 * Figures of one machine differ from day to day (clock, neighbours); a fraction of a limit taken in the same run does not
 * depend on them.
 */
#ifndef SEITOMO_CALIBRATE_H
#define SEITOMO_CALIBRATE_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rates of all threads together: each works on its own data, its rate is the median over short bursts. */
typedef struct sei_calibration {
    char isa[SEI_NAME_LENGTH]; /* instruction set of the arithmetic: "baseline", "avx2", "avx512", "neon" */
    int threads;
    double fma_gflops;        /* multiply-adds with all operands in registers; 2 FLOP each */
    double fma_l1_gflops;     /* multiply-adds with one operand each from a buffer that stays in the L1 cache */
    double fma_cpu_gflops;    /* the same two by the processor time of the threads instead of the clock on the wall: what */
    double fma_l1_cpu_gflops; /* the machine gives when no other program takes its cores away */
    double copy_gbytes;       /* memcpy between large arrays, bytes read and bytes written; NaN: not asked for */
    double read_gbytes;       /* sum over a large array; NaN: not asked for */
} sei_calibration;

/*
 * Measures for about `seconds` per rate with sei_threads() threads. isa: as in sei_device_options (NULL: the best).
 * array_bytes: size of each of the large arrays of copy and read, to be well above the caches; 0 leaves both out.
 * Errors: SEI_ERR_USAGE (no such instruction set, seconds not above 0), SEI_ERR_ENVIRONMENT (this processor lacks it),
 * SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED; out is untouched then. Memory: two arrays.
 */
sei_status sei_calibrate(const char *isa, double seconds, size_t array_bytes, sei_calibration *out) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

/*
 * Counter-based random numbers (Philox4x32-10, Salmon et al. 2011, from Random123): the numbers depend only on the key
 * and the counter, never on the order of calls, so every thread count gives the same ones. Variates use only
 * + - * / sqrt and seitomo's own fixed-order logarithm and exponential (core/random_variates.h, shared with the kernels of
 * the operator expose), so that every backend gives the same bits.
 */
#ifndef SEI_CORE_RANDOM_H
#define SEI_CORE_RANDOM_H

#include <stdint.h>

/* A stream: seed and stream number make the key; index (pixel, voxel) and step make the counter. */
typedef struct sei_random {
    uint64_t seed;
    uint32_t stream; /* one per purpose: drift, counts of channel c, ... */
} sei_random;

/* Four 32-bit words for (index, block). */
void sei_random_words(const sei_random *random, uint64_t index, uint32_t block, uint32_t words[4]);
/* Uniform in (0, 1), 32-bit resolution: (word + 1/2) / 2^32. */
double sei_random_uniform(const sei_random *random, uint64_t index, uint32_t draw);
/* Standard normal: Marsaglia's polar method over the blocks 64 * draw and on. The operator expose takes draw 2^25. */
double sei_random_normal(const sei_random *random, uint64_t index, uint32_t draw);
/*
 * Poisson variate, exact in distribution to 1e-12: inversion below a mean of 10, transformed rejection (Hoermann 1993)
 * from there on. 0 for a mean that is not above 0, NaN for NaN, the mean itself above 2^50.
 */
double sei_random_poisson(const sei_random *random, uint64_t index, double mean);
/* Natural logarithm and exponential in fixed-order IEEE arithmetic, relative error below 1e-14; x > 0 and finite for log. */
double sei_fixed_log(double x);
double sei_fixed_exp(double x);

#endif

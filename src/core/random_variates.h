/*
 * Poisson and normal variates from Philox4x32-10 (Salmon et al. 2011, from Random123), written once for C, CUDA and the
 * emulation, so that every backend draws the same bits: only + - * / sqrt and whole-number operations, each rounded by
 * itself (contraction is off in every build), and the same sequence of them in the scalar and the vector code.
 *
 * The counter is (index, block, stream), the key is the seed. One block of four words makes two uniforms of 52 bits:
 * block 0, 1, 2 ... of an index serve the attempts of its Poisson variate, SEI_NORMAL_BLOCK and on those of a normal one.
 */
#ifndef SEI_CORE_RANDOM_VARIATES_H
#define SEI_CORE_RANDOM_VARIATES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/everywhere.h"

#if defined(__CUDACC__)
#define R123_CUDA_DEVICE __host__ __device__
#endif
#include <Random123/philox.h>

/* Below this mean Poisson variates come from inversion, from it on from transformed rejection, which needs 10. */
#define SEI_POISSON_REJECTION 10.0
/* Above this mean the deviation, a share 2^-25, is less than float's rounding: the variate is the mean. */
#define SEI_POISSON_LARGEST 1125899906842624.0 /* 2^50 */
#define SEI_NORMAL_BLOCK 0x80000000U

/* What every variate of one image shares. */
typedef struct sei_variate_source {
    uint64_t seed;
    uint32_t stream;
} sei_variate_source;

/* Two independent uniforms in (0, 1). */
typedef struct sei_uniforms {
    double u, v;
} sei_uniforms;

static SEI_EVERYWHERE philox4x32_ctr_t sei_variate_words(sei_variate_source source, uint64_t index, uint32_t block) {
    const philox4x32_key_t key = {{(uint32_t)source.seed, (uint32_t)(source.seed >> 32)}};
    const philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), block, source.stream}};
    return philox4x32(counter, key);
}

/* (whole number of 52 bits + 1/2) / 2^52: never 0, never 1, exact, symmetric about 1/2. */
static SEI_EVERYWHERE double sei_variate_uniform(uint32_t high, uint32_t low) {
    return ((double)(int32_t)(high >> 6) * 67108864.0 + (double)(int32_t)(low >> 6) + 0.5) * 2.220446049250313080847e-16;
}

static SEI_EVERYWHERE sei_uniforms sei_variate_uniforms(sei_variate_source source, uint64_t index, uint32_t block) {
    const philox4x32_ctr_t words = sei_variate_words(source, index, block);
    const sei_uniforms pair = {sei_variate_uniform(words.v[0], words.v[1]), sei_variate_uniform(words.v[2], words.v[3])};
    return pair;
}

static SEI_EVERYWHERE uint64_t sei_variate_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static SEI_EVERYWHERE double sei_variate_of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Rounds down; |x| < 2^51. Adding 1.5 * 2^52 rounds to a whole number, on processors without an instruction for it too. */
static SEI_EVERYWHERE double sei_variate_floor(double x) {
    const double nearest = (x + 6755399441055744.0) - 6755399441055744.0;
    return nearest > x ? nearest - 1 : nearest;
}

/*
 * Logarithm of a normal x > 0: x = 2^e * f with f in [sqrt(1/2), sqrt(2)); log f = 2 atanh(s), s = (f-1)/(f+1), by its
 * series. |s| <= 0.1716; the first term left out is 2 s^19/19, below 3e-16.
 */
static SEI_EVERYWHERE double sei_variate_log(double x) {
    const uint64_t bits = sei_variate_bits(x);
    const uint64_t biased = (bits - 0x3fe6a09e667f3bcdULL + (1023ULL << 52)) >> 52; /* e + 1023; the bits of sqrt(1/2) */
    const double e = sei_variate_of_bits(biased | 0x4330000000000000ULL) - 4503599627371519.0;
    const double f = sei_variate_of_bits(bits - ((biased - 1023ULL) << 52));
    const double s = (f - 1) / (f + 1), q = s * s;
    const double series =
        1 +
        q * (1.0 / 3 +
             q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17))))))));
    return e * 0.69314718055994530942 + 2 * s * series;
}

/* Exponential, -708 <= x <= 709: x = k ln2 + r, |r| <= ln2/2, by its series to r^13/13!; the rest is below 5e-18. */
static SEI_EVERYWHERE double sei_variate_exp(double x) {
    const double shifted = x * 1.44269504088896340736 + 6755399441055744.0; /* k in the lowest bits */
    const double k = shifted - 6755399441055744.0;
    const double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    const double high =
        1.0 / 5040 +
        r * (1.0 / 40320 +
             r * (1.0 / 362880 + r * (1.0 / 3628800 + r * (1.0 / 39916800 + r * (1.0 / 479001600 + r * (1.0 / 6227020800.0))))));
    const double sum =
        1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r * high))))));
    return sum * sei_variate_of_bits((sei_variate_bits(shifted) + 1023ULL) << 52);
}

/* Inversion: k grows while u lies beyond the terms of the distribution so far. Terms below 1e-18 cannot be hit. */
static SEI_EVERYWHERE double sei_poisson_inverted(double mean, double u) {
    double term = sei_variate_exp(-mean), k = 0;
    while (u > term && term > 1e-18) {
        u -= term;
        k += 1;
        term *= mean * (1 / k);
    }
    return k;
}

/* Transformed rejection with squeeze (PTRS; Hoermann 1993, Insurance: Mathematics and Economics 12, 39). */
typedef struct sei_ptrs {
    double a, b, v_r;
} sei_ptrs;

static SEI_EVERYWHERE sei_ptrs sei_ptrs_of(double mean) {
    sei_ptrs p;
    p.b = 0.931 + 2.53 * sqrt(mean);
    p.a = -0.059 + 0.02483 * p.b;
    p.v_r = 0.9277 - 3.6224 / (p.b - 2);
    return p;
}

static SEI_EVERYWHERE double sei_ptrs_candidate(const sei_ptrs *p, double mean, sei_uniforms pair) {
    const double u = pair.u - 0.5, us = 0.5 - fabs(u);
    return sei_variate_floor((2 * p->a / us + p->b) * u + mean + 0.43);
}

/* Most candidates are inside the squeeze and need no logarithm. */
static SEI_EVERYWHERE int sei_ptrs_squeezed(const sei_ptrs *p, sei_uniforms pair) {
    return (0.5 - fabs(pair.u - 0.5) >= 0.07) & (pair.v <= p->v_r);
}

/*
 * log(factor * p(k)), k = 0, 1, ..., in the saddle point form (Loader 2000), which loses no digits at large means:
 * log p = -log sqrt(2 pi k) - (what Stirling's form of log k! lacks) - (k log(k/mean) - (k - mean)). For k = 0 the root is
 * taken of 2 pi, and the table makes up for it.
 */
static SEI_EVERYWHERE double sei_ptrs_log_probability(double k, double mean, double factor) {
    static const double lacking[16] = {
        -0.91893853320467274178, 0.08106146679532725822, 0.04134069595540929409, 0.02767792568499833915,
        0.02079067210376509311,  0.01664469118982119216, 0.013876128823070748,   0.0118967099458917701,
        0.0104112652619720965,   0.00925546218271273292, 0.00833056343336287126, 0.00757367548795184079,
        0.00694284010720952987,  0.00640899418800420707, 0.00595137011275884774, 0.00555473355196280137};
    const int small = k < 16, row = (small & (k > 0)) != 0 ? (int)k : 0;
    const double n = k > 1 ? k : 1, inverse = 1 / (n * n), d = k - mean, s = d / (k + mean), q = s * s;
    const double stirling = (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse * (1.0 / 1680)))) / n;
    /* log(k/mean) = 2 atanh(s) where q < 0.01; the first term left out is below 2 k s 1e-18/19 */
    const double series =
        q * (1.0 / 3 +
             q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17))))))));
    const double deviance = q < 0.01 ? d * s + 2 * k * s * series : k * sei_variate_log(n / mean) - d;
    return 0.5 * sei_variate_log(factor * factor / (6.28318530717958647693 * n)) - (small ? lacking[row] : stirling) - deviance;
}

/* Whether a candidate outside the squeeze is accepted. */
static SEI_EVERYWHERE int sei_ptrs_accepted(const sei_ptrs *p, double mean, sei_uniforms pair, double k) {
    const double us = 0.5 - fabs(pair.u - 0.5), inverse_alpha = 1.1239 + 1.1328 / (p->b - 3.4);
    const double factor = (p->a / (us * us) + p->b) / (pair.v * inverse_alpha);
    const int outside = (k < 0) | ((us < 0.013) & (pair.v > us));
    return !outside & (sei_ptrs_log_probability(outside ? 0 : k, mean, factor) >= 0);
}

static SEI_EVERYWHERE double sei_poisson_rejection(sei_variate_source source, uint64_t index, double mean) {
    const sei_ptrs p = sei_ptrs_of(mean);
    for (uint32_t block = 0;; ++block) {
        const sei_uniforms pair = sei_variate_uniforms(source, index, block);
        const double k = sei_ptrs_candidate(&p, mean, pair);
        if (sei_ptrs_squeezed(&p, pair) || sei_ptrs_accepted(&p, mean, pair, k)) return k;
    }
}

/* Poisson variate; 0 for a mean that is not above 0, NaN for NaN. */
static SEI_EVERYWHERE double sei_variate_poisson(sei_variate_source source, uint64_t index, double mean) {
    if (mean >= SEI_POISSON_REJECTION) {
        return mean > SEI_POISSON_LARGEST ? mean : sei_poisson_rejection(source, index, mean);
    }
    if (mean > 0) return sei_poisson_inverted(mean, sei_variate_uniforms(source, index, 0).u);
    return mean != mean ? mean : 0;
}

/* Standard normal (Marsaglia's polar method), attempts from `block` on. */
static SEI_EVERYWHERE double sei_variate_normal(sei_variate_source source, uint64_t index, uint32_t block) {
    for (;; ++block) {
        const sei_uniforms pair = sei_variate_uniforms(source, index, block);
        const double a = 2 * pair.u - 1, b = 2 * pair.v - 1, q = a * a + b * b;
        if (q < 1 && q > 0) return a * sqrt(-2 * sei_variate_log(q) / q);
    }
}

/* One element of the operator expose. */
static SEI_EVERYWHERE float sei_variate_exposed(sei_variate_source source, uint64_t index, double mean, int counting,
                                                double noise) {
    double value = counting ? sei_variate_poisson(source, index, mean) : mean;
    if (noise > 0) value += noise * sei_variate_normal(source, index, SEI_NORMAL_BLOCK);
    return (float)value;
}

#endif

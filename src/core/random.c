#include "core/random.h"

#include <math.h>
#include <string.h>

#include <Random123/philox.h>

void sei_random_words(const sei_random *random, uint64_t index, uint32_t block, uint32_t words[4]) {
    const philox4x32_key_t key = {{(uint32_t)random->seed, (uint32_t)(random->seed >> 32)}};
    const philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), block, random->stream}};
    const philox4x32_ctr_t result = philox4x32(counter, key);
    memcpy(words, result.v, sizeof result.v);
}

double sei_random_uniform(const sei_random *random, uint64_t index, uint32_t draw) {
    uint32_t words[4];
    sei_random_words(random, index, draw / 4, words);
    return ((double)words[draw % 4] + 0.5) * (1.0 / 4294967296.0);
}

double sei_fixed_log(double x) {
    /* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m-1)/(m+1)) by its odd series, |s| < 0.1716. */
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)((bits >> 52) & 0x7ff) - 1023;
    if (exponent == -1023) {      /* subnormal */
        x *= 18014398509481984.0; /* 2^54 */
        memcpy(&bits, &x, sizeof bits);
        exponent = (int)((bits >> 52) & 0x7ff) - 1023 - 54;
    }
    bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
    double m = 0;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent += 1;
    }
    const double s = (m - 1) / (m + 1);
    const double s2 = s * s;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / (double)k;
    return (double)exponent * 0.693147180559945309417 + 2 * s * sum;
}

double sei_fixed_exp(double x) {
    if (x > 709.0) return INFINITY;
    if (x < -745.0) return 0;
    /* x = k ln2 + r, |r| <= ln2/2; exp r by its series; scaled by 2^k in two exact steps. */
    const double k = (double)(int64_t)(x * 1.4426950408889634074 + (x < 0 ? -0.5 : 0.5));
    const double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    double sum = 1;
    for (int n = 18; n >= 1; --n) sum = 1 + sum * r / (double)n;
    int power = (int)k;
    while (power < -1000) {
        sum *= 5.421010862427522e-20; /* 2^-64 */
        power += 64;
    }
    const uint64_t bits = (uint64_t)(power + 1023) << 52;
    double scale = 0;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

double sei_random_normal(const sei_random *random, uint64_t index, uint32_t draw) {
    for (uint32_t attempt = 0;; ++attempt) {
        /* draws of one normal stay inside their own range of blocks: 64 tries of two words each */
        const uint32_t first = draw * 128 + attempt * 2;
        const double a = 2 * sei_random_uniform(random, index, first) - 1;
        const double b = 2 * sei_random_uniform(random, index, first + 1) - 1;
        const double q = a * a + b * b;
        if (q > 0 && q < 1) return a * sqrt(-2 * sei_fixed_log(q) / q);
        if (attempt == 63) return a; /* probability (1 - pi/4)^64 = 1e-43 */
    }
}

/* log(n!) by Stirling's series, exact to 1e-12 for n >= 10; a product below. */
static double log_factorial(double n) {
    if (n < 10) {
        double product = 1;
        for (double k = 2; k <= n; k += 1) product *= k;
        return sei_fixed_log(product);
    }
    const double x = n + 1;
    const double inverse = 1 / (x * x);
    return (x - 0.5) * sei_fixed_log(x) - x + 0.91893853320467274178 +
           (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse / 1680))) / x;
}

double sei_random_poisson(const sei_random *random, uint64_t index, double mean) {
    uint32_t draw = 0;
    if (!(mean > 0)) return 0;
    if (mean < 10) {
        double probability = sei_fixed_exp(-mean);
        double rest = sei_random_uniform(random, index, draw);
        double k = 0;
        while (rest > probability && k < 1000) {
            rest -= probability;
            k += 1;
            probability *= mean / k;
        }
        return k;
    }
    /* PTRS, Hoermann 1993, Insurance: Mathematics and Economics 12, 39 */
    const double root = sqrt(mean);
    const double b = 0.931 + 2.53 * root;
    const double a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    const double v_r = 0.9277 - 3.6224 / (b - 2);
    const double log_mean = sei_fixed_log(mean);
    for (;;) {
        const double u = sei_random_uniform(random, index, draw) - 0.5;
        const double v = sei_random_uniform(random, index, draw + 1);
        draw += 2;
        const double us = 0.5 - fabs(u);
        const double k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= v_r) return k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (sei_fixed_log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_mean - mean - log_factorial(k)) return k;
    }
}

int64_t sei_random_heads(const sei_random *random, uint64_t index, int64_t n) {
    int64_t heads = 0;
    uint32_t words[4];
    for (uint32_t block = 0; n > 0; ++block) {
        sei_random_words(random, index, block, words);
        for (int w = 0; w < 4 && n > 0; ++w, n -= 32) {
            const uint32_t mask = n >= 32 ? 0xffffffffU : (1U << n) - 1U;
            heads += __builtin_popcount(words[w] & mask);
        }
    }
    return heads;
}

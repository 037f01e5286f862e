#include "core/random.h"

#include <stdbool.h>

#include "core/random_variates.h"

static sei_variate_source source_of(const sei_random *random) {
    const sei_variate_source source = {random->seed, random->stream};
    return source;
}

void sei_random_words(const sei_random *random, uint64_t index, uint32_t block, uint32_t words[4]) {
    const philox4x32_ctr_t result = sei_variate_words(source_of(random), index, block);
    memcpy(words, result.v, sizeof result.v);
}

double sei_random_uniform(const sei_random *random, uint64_t index, uint32_t draw) {
    uint32_t words[4];
    sei_random_words(random, index, draw / 4, words);
    return ((double)words[draw % 4] + 0.5) * (1.0 / 4294967296.0);
}

double sei_fixed_log(double x) {
    const bool subnormal = x < 2.2250738585072014e-308;
    return subnormal ? sei_variate_log(x * 18014398509481984.0 /* 2^54 */) - 37.429947750237047 : sei_variate_log(x);
}

double sei_fixed_exp(double x) {
    if (x > 709.0) return INFINITY;
    if (x < -745.0) return 0;
    return x < -700 ? sei_variate_exp(x + 100) * 3.720075976020836e-44 : sei_variate_exp(x); /* e^-100 */
}

double sei_random_normal(const sei_random *random, uint64_t index, uint32_t draw) {
    /* 64 blocks a draw: as many attempts fail with (1 - pi/4)^64 = 1e-43 */
    return sei_variate_normal(source_of(random), index, draw * 64);
}

double sei_random_poisson(const sei_random *random, uint64_t index, double mean) {
    return sei_variate_poisson(source_of(random), index, mean);
}

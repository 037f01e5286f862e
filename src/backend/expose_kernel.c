/*
 * Poisson counts and readout noise of an image. The first attempt of every pixel is made for a chunk of them at once, in
 * loops that become vectors; the few it refuses go on one by one. Each lane does what core/random_variates.h does, in the
 * same order, so that the bits do not depend on the instruction set.
 */
#ifdef SEITOMO_HAVE_RANDOM123

#include "backend/cpu.h"
#include "backend/isa.h"
#include "core/random_variates.h"

enum { CHUNK = 64 };

typedef struct chunk {
    double mean[CHUNK], value[CHUNK], u[CHUNK], v[CHUNK];
} chunk;

static void draw_uniforms(sei_variate_source source, uint64_t first, uint32_t block, chunk *c) {
    uint32_t words[4][CHUNK];
    for (uint64_t i = 0; i < CHUNK; ++i) {
        const philox4x32_ctr_t w = sei_variate_words(source, first + i, block);
        for (int k = 0; k < 4; ++k) words[k][i] = w.v[k];
    }
    for (int i = 0; i < CHUNK; ++i) {
        c->u[i] = sei_variate_uniform(words[0][i], words[1][i]);
        c->v[i] = sei_variate_uniform(words[2][i], words[3][i]);
    }
}

/* sei_poisson_inverted of the means below SEI_POISSON_REJECTION; the others stop at once. */
static void invert(chunk *c) {
    double rest[CHUNK], term[CHUNK];
    for (int i = 0; i < CHUNK; ++i) {
        const bool small = c->mean[i] > 0 && c->mean[i] < SEI_POISSON_REJECTION;
        term[i] = sei_variate_exp(small ? -c->mean[i] : 0);
        rest[i] = small ? c->u[i] : 0;
        c->value[i] = 0;
    }
    int more = 1;
    for (double k = 1; more != 0; k += 1) {
        const double inverse = 1 / k;
        more = 0;
        for (int i = 0; i < CHUNK; ++i) {
            const int beyond = (rest[i] > term[i]) & (term[i] > 1e-18);
            rest[i] -= beyond ? term[i] : 0;
            c->value[i] += beyond ? 1 : 0;
            term[i] *= beyond ? c->mean[i] * inverse : 1;
            more |= beyond;
        }
    }
}

/* The means from SEI_POISSON_REJECTION on: the candidate inside the squeeze, else what the attempts one by one give. */
static void reject(sei_variate_source source, uint64_t first, chunk *c) {
    double k[CHUNK];
    for (int i = 0; i < CHUNK; ++i) {
        const bool large = c->mean[i] >= SEI_POISSON_REJECTION && c->mean[i] <= SEI_POISSON_LARGEST;
        const double mean = large ? c->mean[i] : SEI_POISSON_REJECTION;
        const sei_uniforms pair = {c->u[i], c->v[i]};
        const sei_ptrs p = sei_ptrs_of(mean);
        const double candidate = sei_ptrs_candidate(&p, mean, pair);
        k[i] = sei_ptrs_squeezed(&p, pair) ? candidate : -1;
        c->value[i] = large ? k[i] : c->value[i];
    }
    for (int i = 0; i < CHUNK; ++i) {
        if (c->value[i] < 0) c->value[i] = sei_poisson_rejection(source, first + (uint64_t)i, 0, c->mean[i]);
    }
}

static void count(sei_variate_source source, uint64_t first, chunk *c) {
    double least = INFINITY, most = -INFINITY;
    bool odd = false;
    for (int i = 0; i < CHUNK; ++i) {
        least = c->mean[i] < least ? c->mean[i] : least;
        most = c->mean[i] > most ? c->mean[i] : most;
        odd |= !(c->mean[i] <= SEI_POISSON_LARGEST); /* NaN too */
    }
    draw_uniforms(source, first, 0, c);
    if (least < SEI_POISSON_REJECTION || odd) invert(c);
    if (most >= SEI_POISSON_REJECTION) reject(source, first, c);
    for (int i = 0; odd && i < CHUNK; ++i) {
        if (!(c->mean[i] <= SEI_POISSON_LARGEST)) c->value[i] = c->mean[i];
    }
}

static void add_noise(sei_variate_source source, uint64_t first, double noise, chunk *c) {
    double normal[CHUNK];
    draw_uniforms(source, first, SEI_NORMAL_BLOCK, c);
    for (int i = 0; i < CHUNK; ++i) {
        const double a = 2 * c->u[i] - 1, b = 2 * c->v[i] - 1, q = a * a + b * b;
        const bool inside = (q < 1) & (q > 0);
        const double safe = inside ? q : 0.5;
        const double z = a * sqrt(-2 * sei_variate_log(safe) / safe);
        normal[i] = inside ? z : INFINITY;
    }
    for (int i = 0; i < CHUNK; ++i) {
        if (normal[i] > 1e300) normal[i] = sei_variate_normal(source, first + (uint64_t)i, SEI_NORMAL_BLOCK + 1);
    }
    for (int i = 0; i < CHUNK; ++i) c->value[i] += noise * normal[i];
}

void SEI_KERNEL_NAME(sei_cpu_expose)(int threads, const sei_exposure *exposure, size_t n, const float *mean, float *out) {
    const sei_variate_source source = {exposure->seed, exposure->stream};
#pragma omp parallel for schedule(static) num_threads(threads)
    for (size_t start = 0; start < n; start += CHUNK) {
        chunk c;
        const size_t size = n - start < CHUNK ? n - start : CHUNK;
        const uint64_t first = exposure->first_index + start;
        for (size_t i = 0; i < CHUNK; ++i) c.mean[i] = i < size ? (double)mean[start + i] : 0;
        if (exposure->counting)
            count(source, first, &c);
        else
            memcpy(c.value, c.mean, sizeof c.value);
        if (exposure->noise > 0) add_noise(source, first, exposure->noise, &c);
        for (size_t i = 0; i < size; ++i) out[start + i] = (float)c.value[i];
    }
}

#endif

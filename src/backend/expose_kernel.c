/*
 * Poisson counts and readout noise of an image, a chunk of elements at once in loops that become vectors. Each lane does what
 * core/random_variates.h does, in the same order, so that the bits do not depend on the instruction set.
 */
#ifdef SEITOMO_HAVE_RANDOM123

#include "backend/cpu.h"
#include "backend/isa.h"
#include "core/random_variates.h"

enum { CHUNK = 64 };

typedef struct chunk {
    uint64_t index[CHUNK];
    double mean[CHUNK], value[CHUNK], u[CHUNK], v[CHUNK];
} chunk;

static void draw_uniforms(sei_variate_source source, int n, const uint64_t *index, uint32_t block, double *u, double *v) {
    uint32_t words[4][CHUNK];
    for (int i = 0; i < n; ++i) {
        const philox4x32_ctr_t w = sei_variate_words(source, index[i], block);
        for (int k = 0; k < 4; ++k) words[k][i] = w.v[k];
    }
    for (int i = 0; i < n; ++i) {
        u[i] = sei_variate_uniform(words[0][i], words[1][i]);
        v[i] = sei_variate_uniform(words[2][i], words[3][i]);
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

/* The lanes that still wait for their number, gathered so that every attempt is a loop over full vectors. */
typedef struct waiting {
    int n, lane[CHUNK];
    uint64_t index[CHUNK];
    double mean[CHUNK], u[CHUNK], v[CHUNK], k[CHUNK];
    int done[CHUNK];
} waiting;

/* Leaves the lanes that are not done. */
static void go_on(waiting *w) {
    int n = 0;
    for (int j = 0; j < w->n; ++j) {
        const int go = !w->done[j];
        w->lane[n] = w->lane[j];
        w->index[n] = w->index[j];
        w->mean[n] = w->mean[j];
        w->u[n] = w->u[j];
        w->v[n] = w->v[j];
        w->k[n] = w->k[j];
        n += go;
    }
    w->n = n;
}

/* sei_poisson_rejection of the means from SEI_POISSON_REJECTION on: all lanes' squeezes, then the logarithms of the rest. */
static void reject(sei_variate_source source, chunk *c) {
    waiting w = {0};
    for (int i = 0; i < CHUNK; ++i) {
        w.lane[w.n] = i;
        w.index[w.n] = c->index[i];
        w.mean[w.n] = c->mean[i];
        w.u[w.n] = c->u[i];
        w.v[w.n] = c->v[i];
        w.n += (c->mean[i] >= SEI_POISSON_REJECTION) & (c->mean[i] <= SEI_POISSON_LARGEST);
    }
    for (uint32_t attempt = 0; w.n > 0; ++attempt) {
        if (attempt > 0) draw_uniforms(source, w.n, w.index, attempt, w.u, w.v);
        for (int j = 0; j < w.n; ++j) {
            const sei_uniforms pair = {w.u[j], w.v[j]};
            const sei_ptrs p = sei_ptrs_of(w.mean[j]);
            w.k[j] = sei_ptrs_candidate(&p, w.mean[j], pair);
            w.done[j] = sei_ptrs_squeezed(&p, pair);
        }
        /* a number that is refused is overwritten by the next attempt's */
        for (int j = 0; j < w.n; ++j) c->value[w.lane[j]] = w.k[j];
        go_on(&w);
        for (int j = 0; j < w.n; ++j) {
            const sei_uniforms pair = {w.u[j], w.v[j]};
            const sei_ptrs p = sei_ptrs_of(w.mean[j]);
            w.done[j] = sei_ptrs_accepted(&p, w.mean[j], pair, w.k[j]);
        }
        go_on(&w);
    }
}

static void count(sei_variate_source source, chunk *c) {
    double least = INFINITY, most = -INFINITY;
    bool odd = false;
    for (int i = 0; i < CHUNK; ++i) {
        least = c->mean[i] < least ? c->mean[i] : least;
        most = c->mean[i] > most ? c->mean[i] : most;
        odd |= !(c->mean[i] <= SEI_POISSON_LARGEST); /* NaN too */
    }
    draw_uniforms(source, CHUNK, c->index, 0, c->u, c->v);
    if (least < SEI_POISSON_REJECTION || odd) invert(c);
    if (most >= SEI_POISSON_REJECTION) reject(source, c);
    for (int i = 0; odd && i < CHUNK; ++i) {
        if (!(c->mean[i] <= SEI_POISSON_LARGEST)) c->value[i] = c->mean[i];
    }
}

static void add_noise(sei_variate_source source, double noise, chunk *c) {
    double normal[CHUNK];
    draw_uniforms(source, CHUNK, c->index, SEI_NORMAL_BLOCK, c->u, c->v);
    for (int i = 0; i < CHUNK; ++i) {
        const double a = 2 * c->u[i] - 1, b = 2 * c->v[i] - 1, q = a * a + b * b;
        const bool inside = (q < 1) & (q > 0);
        const double safe = inside ? q : 0.5;
        const double z = a * sqrt(-2 * sei_variate_log(safe) / safe);
        normal[i] = inside ? z : INFINITY;
    }
    for (int i = 0; i < CHUNK; ++i) {
        if (normal[i] > 1e300) normal[i] = sei_variate_normal(source, c->index[i], SEI_NORMAL_BLOCK + 1);
    }
    for (int i = 0; i < CHUNK; ++i) c->value[i] += noise * normal[i];
}

void SEI_KERNEL_NAME(sei_cpu_expose)(int threads, const sei_exposure *exposure, size_t n, const float *mean, float *out) {
    const sei_variate_source source = {exposure->seed, exposure->stream};
#pragma omp parallel for schedule(static) num_threads(threads)
    for (size_t start = 0; start < n; start += CHUNK) {
        chunk c;
        const size_t size = n - start < CHUNK ? n - start : CHUNK;
        for (size_t i = 0; i < CHUNK; ++i) {
            c.index[i] = exposure->first_index + start + i;
            c.mean[i] = i < size ? (double)mean[start + i] : 0;
        }
        if (exposure->counting)
            count(source, &c);
        else
            memcpy(c.value, c.mean, sizeof c.value);
        if (exposure->noise > 0) add_noise(source, exposure->noise, &c);
        for (size_t i = 0; i < size; ++i) out[start + i] = (float)c.value[i];
    }
}

#endif

/* Calibration: every thread runs short bursts on its own data; the rates are the sums of the threads' medians. */
#include "seitomo/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/calibrate.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"

static const sei_calibrate_kernels *const sets[] = {
#define X(set) &sei_calibrate_kernels_##set,
    SEI_ISA_LIST(X)
#undef X
};

/* L1_FLOATS: 15 KiB, half of the smallest L1 data cache in use. */
enum { MAX_BURSTS = 4096, L1_FLOATS = 5 * SEI_CALIBRATE_STEP, WARM_ROUNDS = 1000 };
static const double burst_seconds = 0.004;

static double clock_of(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(int n, double *values) {
    if (n < 1) return 0;
    qsort(values, (size_t)n, sizeof *values, ascending);
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

typedef enum what { FMA_REGISTER, FMA_L1, COPY, READ } what;

/* One thread's part: its arrays, and room for the rates of its bursts. */
typedef struct worker {
    const sei_calibrate_kernels *kernels;
    float *l1, *from, *to; /* from and to: this thread's part of the large arrays */
    size_t count;          /* floats of that part */
    float sink;
    double *wall, *cpu; /* [MAX_BURSTS] */
    double wall_rate, cpu_rate;
} worker;

/* Operations (FLOP or bytes) of one burst. */
static double burst(worker *w, what kind, long rounds) {
    switch (kind) {
        case FMA_REGISTER: return 2 * w->kernels->fma_register(rounds, w->l1, &w->sink);
        case FMA_L1: return 2 * w->kernels->fma_l1(rounds, w->l1, L1_FLOATS, &w->sink);
        case COPY: memcpy(w->to, w->from, w->count * sizeof *w->to); return 2.0 * (double)(w->count * sizeof *w->to);
        case READ: w->kernels->read(w->from, w->count, &w->sink); return (double)(w->count * sizeof *w->from);
    }
    return 0;
}

static void measure(worker *w, what kind, double seconds) {
    long rounds = WARM_ROUNDS;
    /* rounds that fill a burst, found while the clock speeds up */
    while (kind == FMA_REGISTER || kind == FMA_L1) {
        const double start = clock_of(CLOCK_THREAD_CPUTIME_ID);
        (void)burst(w, kind, rounds);
        const double took = clock_of(CLOCK_THREAD_CPUTIME_ID) - start;
        if (took >= 0.5 * burst_seconds) {
            rounds = (long)fmax(1, (double)rounds * burst_seconds / took);
            break;
        }
        rounds *= 2;
    }
    int n = 0;
    const double begin = clock_of(CLOCK_MONOTONIC);
    for (; n < MAX_BURSTS && (n < 3 || clock_of(CLOCK_MONOTONIC) - begin < seconds); ++n) {
        const double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
        const double work = burst(w, kind, rounds);
        w->cpu[n] = work / fmax(clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu, 1e-9);
        w->wall[n] = work / fmax(clock_of(CLOCK_MONOTONIC) - wall, 1e-9);
    }
    w->wall_rate = median_of(n, w->wall);
    w->cpu_rate = median_of(n, w->cpu);
}

/* 10^9 operations a second, all threads at once; they begin together. */
static sei_status rate_of(int threads, worker *workers, what kind, double seconds, double *wall, double *cpu) {
    sei_status status = SEI_OK;
    double wall_sum = 0, cpu_sum = 0;
    SEI_TRY(sei_interrupt_check());
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; ++i) measure(&workers[i], kind, seconds);
    for (int i = 0; i < threads; ++i) {
        wall_sum += workers[i].wall_rate;
        cpu_sum += workers[i].cpu_rate;
    }
    *wall = 1e-9 * wall_sum;
    if (cpu != NULL) *cpu = 1e-9 * cpu_sum;
done:
    return status;
}

static sei_status kernels_of(const char *isa, const sei_calibrate_kernels **out) {
    const int set = sei_isa_find(isa);
    if (set >= 0) {
        *out = sets[set];
        return SEI_OK;
    }
    if (!sei_isa_known(isa)) return sei_fail(SEI_ERR_USAGE, "no instruction set '%s'; there are auto, " SEI_ISA_NAMES_TEXT, isa);
    return sei_fail(SEI_ERR_ENVIRONMENT, "this processor or this build has no %s; the best here is %s", isa,
                    sets[sei_isa_find("auto")]->isa);
}

static sei_status make_workers(int threads, const sei_calibrate_kernels *kernels, size_t count, worker *workers) {
    sei_status status = SEI_OK;
    for (int i = 0; i < threads; ++i) {
        worker *w = &workers[i];
        *w = (worker){.kernels = kernels, .count = count};
    }
    for (int i = 0; i < threads; ++i) {
        worker *w = &workers[i];
        SEI_TRY(SEI_NEW(w->wall, MAX_BURSTS, 2, 1));
        w->cpu = w->wall + MAX_BURSTS;
        SEI_TRY(sei_alloc_aligned(L1_FLOATS * sizeof(float), (void **)&w->l1));
        if (count > 0) SEI_TRY(sei_alloc_aligned(count * sizeof(float), (void **)&w->from));
        if (count > 0) SEI_TRY(sei_alloc_aligned(count * sizeof(float), (void **)&w->to));
    }
    /* each thread touches its own memory first; values that neither overflow nor become subnormal under x -> x*v + v */
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; ++i) {
        worker *w = &workers[i];
        for (int k = 0; k < L1_FLOATS; ++k) w->l1[k] = 0.5F + 1e-5F * (float)k;
        for (size_t k = 0; k < count; ++k) w->from[k] = w->to[k] = 1;
    }
done:
    return status;
}

static void free_workers(int threads, worker *workers) {
    for (int i = 0; workers != NULL && i < threads; ++i) {
        sei_free(workers[i].wall);
        sei_free(workers[i].l1);
        sei_free(workers[i].from);
        sei_free(workers[i].to);
    }
    sei_free(workers);
}

sei_status sei_calibrate(const char *isa, double seconds, size_t array_bytes, sei_calibration *out) {
    const int threads = sei_threads();
    const size_t share = array_bytes / sizeof(float) / (size_t)threads, count = share / SEI_CALIBRATE_STEP * SEI_CALIBRATE_STEP;
    const sei_calibrate_kernels *kernels = NULL;
    worker *workers = NULL;
    sei_calibration c = {.threads = threads, .copy_gbytes = NAN, .read_gbytes = NAN};
    sei_status status = SEI_OK;
    if (!(seconds > 0)) return sei_fail(SEI_ERR_USAGE, "calibrate: %g seconds; give a time above 0", seconds);
    SEI_TRY(kernels_of(isa, &kernels));
    snprintf(c.isa, sizeof c.isa, "%s", kernels->isa);
    SEI_TRY(SEI_NEW(workers, threads, 1, 1));
    SEI_TRY(make_workers(threads, kernels, count, workers));
    SEI_TRY(rate_of(threads, workers, FMA_REGISTER, seconds, &c.fma_gflops, &c.fma_cpu_gflops));
    SEI_TRY(rate_of(threads, workers, FMA_L1, seconds, &c.fma_l1_gflops, &c.fma_l1_cpu_gflops));
    if (count > 0) {
        SEI_TRY(rate_of(threads, workers, COPY, seconds, &c.copy_gbytes, NULL));
        SEI_TRY(rate_of(threads, workers, READ, seconds, &c.read_gbytes, NULL));
    }
    *out = c;
done:
    free_workers(threads, workers);
    return status;
}

/*
 * bench: how fast and how right this machine reconstructs, beside the limits of the machine in the same run.
 *
 * Reference case R: a slice of 512 x 512 voxels, 512 slices, 25 tilts from -60 to 60 degrees, a detector of 512 bins. The
 * specimen is analytic (discs), so its projections are exact integrals and its truth is known.
 *
 *   B1   forward and back projection of R, linear kernel       B1s  the same, strip kernel      B1n  64 slices of R
 *   B1i  B1 on every instruction set of this processor, interleaved, and their ratio
 *   B2   EM and SIRT of R, 20 iterations, one and five channels, data in memory to volume in memory; peak memory
 *   B2o  OSEM with 5 subsets, 4 sweeps, beside EM-20 with its error
 *   B2m  EM with the support of a wire (22 % of the slice) beside EM without, with the error at equal iterations
 *   B3   <Ax, y> against <x, A'y>, and the backend's projections against the reference's
 *   B4   quality on a noisy specimen: likelihood, flux, error, elongation
 *   B5   a slab of a large case: 2048 x 2048 voxels, 64 slices, 141 tilts, one iteration; peak memory
 *   peers    what other programs are compared with: projections, EM and SIRT with both kernels; runs only when named
 *   growth   an EM iteration at 64 to 512 slices, 256 to 1024 voxels a side, 25 to 141 tilts, beside a line through R
 *
 * Every part runs in a process of its own, so that one's memory and threads are not another's.
 */
#ifndef SEITOMO_BENCH_H
#define SEITOMO_BENCH_H

#include "seitomo/backend.h"
#include "seitomo/calibrate.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A measured number. What is not known or does not apply is NaN, "" or 0. */
typedef struct sei_bench_row {
    char bench_case[SEI_UNIT_LENGTH]; /* "B1" */
    char what[SEI_NAME_LENGTH];       /* "forward", "em 20, 1 channel" */
    char backend[SEI_UNIT_LENGTH];
    char isa[SEI_UNIT_LENGTH]; /* cpu: its instruction set */
    int threads;
    int64_t nx, nz, ny, n_tilts, n_channels;
    double value; /* times: the median of the repeats, by the clock on the wall */
    char unit[SEI_UNIT_LENGTH];
    double least;        /* times: the shortest */
    double cpu;          /* times: median of the processor time of all threads together; ratios of times: the same of it */
    int repeats;         /* 0: not a time */
    double gupdates;     /* 10^9 voxel x tilt updates in one run */
    double gflop;        /* 10^9 FLOP in one run, of non-zero weights alone, a multiply-add is 2 */
    double gups, gflops; /* per second of the median */
    double fma_gflops, l1_fma_gflops, l1_fma_cpu_gflops; /* the limits: means of the calibrations before and after */
    double fraction_of_fma, fraction_of_l1_fma;
    double fraction_of_l1_fma_cpu; /* gflop / cpu * threads, of l1_fma_cpu_gflops: as if no other program interfered */
    double peak_bytes;             /* most resident memory of the part's process */
    double low, high;              /* an assertion: low <= value <= high; NaN: that side is open, both: none */
} sei_bench_row;

/* A calibration and when it was taken. */
typedef struct sei_bench_calibration {
    char bench_case[SEI_UNIT_LENGTH]; /* "" for the large arrays, which are measured at both ends of the run */
    char when[SEI_UNIT_LENGTH];       /* "before" or "after" */
    sei_calibration rates;            /* copy and read: NaN but for bench_case "", where the others are as well measured */
} sei_bench_calibration;

/* Gets what was measured, in the process that called sei_bench_run, as soon as a part is done. A failure stops the run. */
typedef struct sei_bench_sink {
    void *context;
    sei_status (*row)(void *context, const sei_bench_row *row);
    sei_status (*calibration)(void *context, const sei_bench_calibration *calibration);
} sei_bench_sink;

/* A case that the caller brings along, because it needs more than the library's compute rooms: its name, what it does, and its
 * work in a process of its own (bench/bench.h has the part it fills). */
typedef struct sei_bench_part sei_bench_part;
typedef sei_status sei_bench_work(sei_bench_part *part);
typedef struct sei_bench_extra {
    const char *name, *does;
    sei_bench_work *work;
    void *context;
} sei_bench_extra;

typedef struct sei_bench_options {
    size_t n_cases;
    const char *const *cases; /* names as above or of extra cases; none: all but peers */
    size_t n_extra;
    const sei_bench_extra *extra; /* run after the others */
    sei_device_options device;    /* threads 0: sei_threads() */
    int repeats;                  /* of what is timed, after one run to warm up; 0: 5 */
    bool quick;                   /* small sizes, to see that it works: the numbers mean nothing */
} sei_bench_options;

/* The cases: name and one line about each, in the order they run. NULL beyond the last. */
const char *sei_bench_case_name(size_t index);
const char *sei_bench_case_does(size_t index);

/*
 * Runs the cases. Errors: SEI_ERR_USAGE (an unknown case, with the names there are; repeats), SEI_ERR_ENVIRONMENT (backend or
 * instruction set absent; no process), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED, and what a sink returns. Must be called before the
 * process has run any parallel loop: its parts are forked. Cost: minutes; B2 and B5 need up to 8 GB of memory.
 */
sei_status sei_bench_run(const sei_bench_options *options, const sei_bench_sink *sink) SEI_MUST_CHECK;

/* Whether a row keeps its assertion; a row without one does. */
bool sei_bench_holds(const sei_bench_row *row);

/* The table: its heading, and a row or a calibration as one line without its end. */
enum { SEI_BENCH_LINE_LENGTH = 512 };
const char *sei_bench_heading(void);
void sei_bench_line(const sei_bench_row *row, char line[SEI_BENCH_LINE_LENGTH]);
void sei_bench_calibration_line(const sei_bench_calibration *calibration, char line[SEI_BENCH_LINE_LENGTH]);

#ifdef __cplusplus
}
#endif
#endif

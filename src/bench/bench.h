/* What the cases share: the run of one part, its subjects and their times, the specimen. */
#ifndef SEI_BENCH_BENCH_H
#define SEI_BENCH_BENCH_H

#include "seitomo/bench.h"
#include "seitomo/recon.h"

enum { SEI_BENCH_MAX_TILTS = 160, SEI_BENCH_MAX_SUBJECTS = 12 };

/* One part of a case, in its own process: what it was asked for and what it found. */
struct sei_bench_part {
    const char *bench_case;
    void *context; /* of an extra case */
    sei_device_options device;
    int repeats;
    bool quick;
    size_t n_rows, n_calibrations;
    sei_bench_row *rows;
    sei_bench_calibration *calibrations;
};

/* Runs `work` in a child process and gives what it found to the sink. */
sei_status sei_bench_in_child(const sei_bench_part *asked, sei_bench_work *work, const sei_bench_sink *sink) SEI_MUST_CHECK;

/* ---- size and geometry */
typedef struct sei_bench_size {
    int n; /* nx = nz = nu */
    int ny, n_tilts;
    double max_deg;
} sei_bench_size;
/* R; in a quick run 64 x 64 x 32. */
sei_bench_size sei_bench_reference(const sei_bench_part *part);

typedef struct sei_bench_geometry {
    double cos_tilt[SEI_BENCH_MAX_TILTS], sin_tilt[SEI_BENCH_MAX_TILTS], axis_u[SEI_BENCH_MAX_TILTS];
    sei_slab slab; /* points into this struct */
} sei_bench_geometry;
void sei_bench_geometry_make(const sei_bench_size *size, sei_kernel kernel, sei_bench_geometry *out);
double sei_bench_tilt_deg(const sei_bench_size *size, int tilt);
/* Non-zero weights of one slice. */
double sei_bench_nonzeros(const sei_slab *slab);

/* ---- the specimen: a wire of core and shell with pores, two particles beside it; discs in the plane (x, z) */
typedef struct sei_bench_specimen {
    double truth_scale; /* counts of a ray through one voxel edge of value 1 */
    sei_series series;  /* n_channels the same but for their noise */
} sei_bench_specimen;
/* Counts with Poisson noise, `peak` in the brightest bin; noise repeats every `different` slices. The wire alone, or with the
 * particles. */
sei_status sei_bench_specimen_make(const sei_bench_size *size, bool particles, int n_channels, double peak, int different,
                                   sei_bench_specimen *out) SEI_MUST_CHECK;
void sei_bench_specimen_free(sei_bench_specimen *specimen);
/* Mean value of the specimen in every voxel of a slice, [n][n]. */
sei_status sei_bench_truth(int n, bool particles, float **out) SEI_MUST_CHECK;
/* 1 within the wire and a margin of n/32 around it, [n][n]. */
sei_status sei_bench_wire_support(int n, uint8_t **out) SEI_MUST_CHECK;
/* Root of sum (x/scale - truth)^2 / sum truth^2 over a volume. */
double sei_bench_error(const sei_volume *volume, double scale, const float *truth);
/* FWHM along z divided by that along x of a particle (0, 1) in the mean of all slices. */
double sei_bench_elongation(const sei_volume *volume, int particle);

/* ---- times */
typedef struct sei_bench_subject {
    const char *what;
    const sei_device *device; /* its name and instruction set stand in the row */
    const char *isa;          /* cpu: which; else "" */
    void *context;
    sei_status (*run)(void *context);
    int64_t nx, nz, ny, n_tilts, n_channels;
    double updates, flop; /* of one run */
    double *wall, *cpu;   /* [repeats], filled by sei_bench_time; released by sei_bench_subjects_free */
} sei_bench_subject;
/*
 * Runs each subject once to warm up, then all in turn, `repeats` times, between calibrations of their instruction sets; adds
 * a row for each.
 */
sei_status sei_bench_time(sei_bench_part *part, size_t n, sei_bench_subject *subjects) SEI_MUST_CHECK;
void sei_bench_subjects_free(size_t n, sei_bench_subject *subjects);
/* A row: the median over the repeats of slow's time divided by fast's, by the wall and by processor time. */
sei_status sei_bench_ratio(sei_bench_part *part, const char *what, const sei_bench_subject *slow,
                           const sei_bench_subject *fast) SEI_MUST_CHECK;
/* A row that is no time; low and high as in sei_bench_row. */
sei_status sei_bench_number(sei_bench_part *part, const char *what, const sei_bench_subject *of, double value, const char *unit,
                            double low, double high) SEI_MUST_CHECK;
/* A row with the most memory this process had resident so far. */
sei_status sei_bench_peak(sei_bench_part *part, const char *what, const sei_bench_subject *of) SEI_MUST_CHECK;
/* Opens the part's device; *isa is the instruction set of cpu, else "". */
sei_status sei_bench_open(const sei_bench_part *part, sei_device **out, char isa[SEI_UNIT_LENGTH]) SEI_MUST_CHECK;

/* ---- the parts of the cases */
sei_bench_work sei_bench_probe, sei_bench_arrays_before, sei_bench_arrays_after, sei_bench_projection, sei_bench_isas,
    sei_bench_solve, sei_bench_memory, sei_bench_subsets, sei_bench_support, sei_bench_adjoint, sei_bench_quality,
    sei_bench_large, sei_bench_peer_projection, sei_bench_peer_solve, sei_bench_growth;

#endif

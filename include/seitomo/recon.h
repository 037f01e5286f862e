/*
 * recon: tilt series -> volumes by WBP, SIRT, EM and OSEM, written once over the backend's operators. Channels that share a
 * geometry are solved as one batch; volumes larger than memory in slabs along the tilt axis, which finish all their
 * iterations before they leave.
 */
#ifndef SEITOMO_RECON_H
#define SEITOMO_RECON_H

#include "seitomo/backend.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sei_method {
    SEI_METHOD_EM = 0,
    SEI_METHOD_SIRT,
    SEI_METHOD_SIRT_POSITIVE,
    SEI_METHOD_WBP,
    SEI_METHOD_OSEM
} sei_method;
const char *sei_method_name(sei_method method); /* "em", "sirt", "sirt-positive", "wbp", "osem" */
sei_status sei_method_from_name(const char *name, sei_method *out) SEI_MUST_CHECK; /* SEI_ERR_USAGE lists the names */

const char *sei_kernel_name(sei_kernel kernel);                                    /* "linear", "strip" */
sei_status sei_kernel_from_name(const char *name, sei_kernel *out) SEI_MUST_CHECK; /* SEI_ERR_USAGE lists the names */

/* When an iterative method ends: after options.iterations, or where counts held out of it are described best. */
typedef enum sei_stop { SEI_STOP_ITERATIONS = 0, SEI_STOP_HELD_OUT } sei_stop;
const char *sei_stop_name(sei_stop stop);                                      /* "iterations", "held-out" */
sei_status sei_stop_from_name(const char *name, sei_stop *out) SEI_MUST_CHECK; /* SEI_ERR_USAGE lists the names */

typedef struct sei_recon_options {
    sei_method method;
    int iterations;           /* of all tilts; 0: as sei_recon_iterations says; ignored by wbp. With SEI_STOP_HELD_OUT: at most */
    int subsets;              /* osem: of the tilts; default 5 */
    bool every_sweep;         /* osem: likelihood and residual after every sweep, not of the result alone; a projection each */
    sei_stop stop;            /* default: after the iterations */
    uint64_t seed;            /* SEI_STOP_HELD_OUT: which counts are held out; default 1 */
    sei_kernel kernel;        /* default linear */
    int64_t depth_px;         /* nz; 0: as nx */
    double relaxation;        /* SIRT; default 1 */
    const double *background; /* expected additive counts per pixel: 1 value or one per tilt; NULL: none. EM models it, the others
                                 subtract it */
    int64_t n_background;
    const uint8_t *support; /* [nz][nx] or [nz][ny][nx] (n_support tells), 0: voxel stays 0; NULL: everywhere */
    int64_t n_support;
    const sei_volume *start; /* iterative methods: where they start instead; NULL: as said below */
    double filter_cutoff;    /* WBP: fraction of Nyquist, default 1 */
    const char *filter;      /* WBP window: "ramp", "hann" (default), "shepp-logan" */
    size_t memory_bytes;     /* most to use: volumes, slab and all; 0: what is there. Results do not depend on it */
    int slab_slices;         /* 0: chosen from memory. Results do not depend on it */
} sei_recon_options;

void sei_recon_options_default(sei_recon_options *options);
/*
 * The iterations that options ask for: options->iterations where it is above 0, else 20, the practice of the field at some
 * thousand counts, with SEI_STOP_HELD_OUT at most 60; osem a subset's share of that, rounded up, as every sweep updates once
 * a subset (4 sweeps of 5 subsets do what 20 iterations of em do). wbp: 0.
 */
int sei_recon_iterations(const sei_recon_options *options);

/*
 * How one reconstruction went. history has the columns iteration, log_likelihood, counted, residual, flux, held_out. Row i
 * describes the estimate BEFORE update i, the last row the result: iterations + 1 rows (wbp: one). Sums run over all slices:
 *   log_likelihood  sum of w*(b*log(m) - m) over bins with w > 0 and m > 0, m = Ax + r (em and osem, else NaN)
 *   counted         sum of w*b over the same bins (em and osem)
 *   residual        root of the weighted mean of (b - m)^2 over all bins with data
 *   flux            sum of (A'w) x. Without background EM makes it equal to the row before's `counted` (em and osem)
 *   held_out        SEI_STOP_HELD_OUT: how well iteration i of the trial describes the counts held out of it, see below;
 *                   else NaN
 * osem without every_sweep: the first four are measured in the last row alone, else NaN.
 */
typedef struct sei_recon_report {
    int64_t n_iterations; /* updates made, osem: sweeps; wbp: 0 */
    sei_table history;
    int64_t negative_counts;  /* negative values in the data: EM uses 0 for them; the count is logged */
    double elongation_theory; /* Radermacher & Hoppe 1980 for half the tilt range */
    int slab_slices;          /* of the widest slab; a batch counts the slices of all channels */
    int64_t trial_iterations; /* SEI_STOP_HELD_OUT: how far the trial went, else 0 */
    int64_t trial_slices;     /* and with how many slices */
} sei_recon_report;
void sei_recon_report_free(sei_recon_report *report);

/*
 * Reconstructs one channel of an aligned series (axis along y; axis_deg must be 0 within 1e-6).
 *   WBP   filtered back-projection of w*(b - r), ramp times a window, angular weights by tilt spacing; spread by the strip
 *         weights whatever the kernel, which then serves the residual only. Before the filter a bin without data takes
 *         the line between the nearest two of its row that have some, or the value of the nearest; the latter is not spread
 *   SIRT  x += relaxation * C A' (w R (b - r - A x)), R = 1/A1, C = 1/A'w, start 0; positive clips at 0 after each step
 *   EM    x *= A'( w b / (A x + r) ) / A' w  (Shepp & Vardi 1982). Start: every slice uniform inside the support, scaled to
 *         its data, sum w(b-r) / sum wA1 (and not below a hundredth of sum wb); a slice without counts is 0
 *   OSEM  the same update with one subset of the tilts after the other (Hudson & Larkin 1994), every subset with its own sum
 *         of weights; a voxel that a subset does not see is left alone by it. Subset k of n holds the tilts k, k + n, k + 2n
 *         ... in the order of their angles; the next to be taken is the one farthest from the last. 4 sweeps of 5 subsets
 *         reach what 20 iterations of EM reach; the likelihood need not grow at every step
 * w = 1 for pixels with data, 0 without (series->valid). Voxels that no ray sees, or outside the support, stay 0. EM uses 0
 * for negative data and reports how many there were; it refuses data whose negative values add up to more than half of
 * the positive ones, because they are no counts. Values that are not finite are refused where pixels are valid.
 *
 * start: a volume [nz][ny][nx] of the same voxels. SIRT takes it as it is. What is 0 stays 0 in EM and OSEM, so that they
 * raise what lies below a hundredth of their own start (negative values among it) to that, inside the support; a slice without
 * counts is 0.
 *
 * SEI_STOP_HELD_OUT: the best number of iterations falls with the counts (20 to 30 at a thousand counts a pixel, 7 to 9 at 20).
 * A trial is reconstructed from a share of the counts (EM and OSEM a tenth, SIRT nine tenths) of at most 64 slices, evenly
 * spread along y: of a pixel's n = ceil(b) parts b/n each goes into the tenth with probability 1/10, drawn by the seed; for
 * whole counts that is the thinning of a Poisson variable, and both shares are independent. After every iteration it is asked
 * how well the trial describes the counts held out: the log-likelihood per count for EM and OSEM, minus the sum of squares for
 * SIRT. The maximum that six further iterations (osem: two sweeps) do not exceed is taken, and the whole is reconstructed from
 * all counts with as many iterations. Channels of a batch have one number each. Refused for channels whose unit is not counts.
 *
 * out: [nz][ny][nx], voxel size and unit of the series; signal per voxel edge. Its bits do not depend on threads, memory,
 * slab_slices, nor on the other channels of a batch. report may be NULL.
 * Errors: SEI_ERR_INPUT (unaligned axis, non-finite or all-negative data, with tilt and pixel; a start of another shape),
 * SEI_ERR_USAGE (options), SEI_ERR_MEMORY (with what is needed), SEI_ERR_INTERRUPTED; outputs are untouched then.
 * Cost: 2*n_tilts*nx*nz*ny*(1.6 linear | 2.1 strip) multiply-adds an iteration. Memory: the volume, and per slice of a slab
 * 4*(nx*nz + 2*n_tilts*nx) bytes (3 with pixels without data, one more with a background), again nx*nz where these pixels or
 * the support differ between the slab's slices; some megabytes to go between. A device out of memory gets narrower slabs.
 */
sei_status sei_reconstruct(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                           sei_volume *out, sei_recon_report *report) SEI_MUST_CHECK;

/* What a channel of a batch has of its own. */
typedef struct sei_recon_channel {
    size_t channel;           /* of the series */
    const double *background; /* in place of the options' */
    int64_t n_background;
    const sei_volume *start;
} sei_recon_channel;

/*
 * Several channels of a series with the same options, as one batch: out[n], reports[n] (or NULL). The sums of the weights are
 * made once, and slabs cut across channels; the bits are those of one at a time. Errors as sei_reconstruct; all or nothing.
 */
sei_status sei_reconstruct_channels(sei_device *device, const sei_series *series, size_t n, const sei_recon_channel *channels,
                                    const sei_recon_options *options, sei_volume *out, sei_recon_report *reports) SEI_MUST_CHECK;

/* What a reconstruction will need. */
typedef struct sei_recon_plan {
    size_t bytes;    /* volumes, slab and what goes between */
    size_t least;    /* the same with the narrowest slab */
    int slab_slices; /* of the widest slab */
    int64_t slabs;   /* how many there are */
} sei_recon_plan;
/* What sei_reconstruct_channels will need for n channels, without doing it; of the series only its frame and mask are read. */
sei_status sei_reconstruct_plan(sei_device *device, const sei_series *series, size_t n, const sei_recon_options *options,
                                sei_recon_plan *out) SEI_MUST_CHECK;

/*
 * A support for options.support from the data themselves, [nz][nx], one for all slices: where there may be something.
 * The channel is reconstructed by 10 iterations of EM from the means of b x b pixels, b = ceil(nx/256), with the options'
 * projector, depth, background and memory. What exceeds in any slice a tenth of the value above which half of the signal lies
 * belongs to it, with all that is within b + 3 pixels of such a voxel's centre. For a specimen alone in its field, on a
 * background that is known or none, seen by a channel that shows all of it (HAADF). Errors as sei_reconstruct; SEI_ERR_INPUT
 * for a series without signal.
 */
sei_status sei_recon_find_support(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                                  uint8_t *support) SEI_MUST_CHECK;

/*
 * Reprojects a volume on the series' geometry (tilts, axis offset, nx bins): out has one channel of n_tilts images, the
 * volume's A x, without the series' mask. The volume's ny must be the series'. Errors: SEI_ERR_INPUT (sizes, geometry),
 * SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED.
 */
sei_status sei_reproject(sei_device *device, const sei_volume *volume, const sei_series *geometry, sei_kernel kernel,
                         sei_series *out) SEI_MUST_CHECK;

/* Elongation factor of a tilt range +-a by Radermacher & Hoppe 1980: sqrt((a + sin a cos a)/(a - sin a cos a)). */
double sei_elongation_theory(double max_tilt_deg);

#ifdef __cplusplus
}
#endif
#endif

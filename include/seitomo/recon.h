/* recon: tilt series -> volume by WBP, SIRT or EM, written once over the backend's operators. */
#ifndef SEITOMO_RECON_H
#define SEITOMO_RECON_H

#include "seitomo/backend.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sei_method { SEI_METHOD_EM = 0, SEI_METHOD_SIRT, SEI_METHOD_SIRT_POSITIVE, SEI_METHOD_WBP } sei_method;
const char *sei_method_name(sei_method method);                                    /* "em", "sirt", "sirt-positive", "wbp" */
sei_status sei_method_from_name(const char *name, sei_method *out) SEI_MUST_CHECK; /* SEI_ERR_USAGE lists the names */

const char *sei_kernel_name(sei_kernel kernel);                                    /* "linear", "strip" */
sei_status sei_kernel_from_name(const char *name, sei_kernel *out) SEI_MUST_CHECK; /* SEI_ERR_USAGE lists the names */

typedef struct sei_recon_options {
    sei_method method;
    int iterations;           /* default 20; ignored by wbp */
    sei_kernel kernel;        /* default linear */
    int64_t depth_px;         /* nz; 0: as nx */
    double relaxation;        /* SIRT; default 1 */
    const double *background; /* expected additive counts per pixel: 1 value or one per tilt; NULL: none. EM models it, the others
                                 subtract it */
    int64_t n_background;
    const uint8_t *support; /* [nz][nx] or [nz][ny][nx] (n_support tells), 0: voxel stays 0; NULL: everywhere */
    int64_t n_support;
    double filter_cutoff; /* WBP: fraction of Nyquist, default 1 */
    const char *filter;   /* WBP window: "ramp", "hann" (default), "shepp-logan" */
    size_t memory_bytes;  /* most to use for a slab; 0: half of what the device has free */
    int slab_slices;      /* 0: chosen from memory. Results do not depend on it */
} sei_recon_options;

void sei_recon_options_default(sei_recon_options *options);

/*
 * How one reconstruction went. history has the columns iteration, log_likelihood, counted, residual, flux. Row i describes
 * the estimate BEFORE update i, the last row the result: iterations + 1 rows (wbp: one). Sums run over all slices:
 *   log_likelihood  sum of w*(b*log(m) - m) over bins with w > 0 and m > 0, m = Ax + r (em only, else NaN)
 *   counted         sum of w*b over the same bins (em only)
 *   residual        root of the weighted mean of (b - m)^2 over all bins with data
 *   flux            sum of (A'w) x. Without background EM makes it equal to the row before's `counted` (em only)
 */
typedef struct sei_recon_report {
    int64_t n_iterations; /* updates made; wbp: 0 */
    sei_table history;
    int64_t negative_counts;  /* negative values in the data: EM uses 0 for them; the count is logged */
    double elongation_theory; /* Radermacher & Hoppe 1980 for half the tilt range */
    int slab_slices;
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
 * w = 1 for pixels with data, 0 without (series->valid). Voxels that no ray sees, or outside the support, stay 0. EM uses 0
 * for negative data and reports how many there were; it refuses data whose negative values add up to more than half of
 * the positive ones, because they are no counts. Values that are not finite are refused where pixels are valid.
 * out: [nz][ny][nx], voxel size and unit of the series; signal per voxel edge. Its bits do not depend on threads, memory or
 * slab_slices. report may be NULL.
 * Errors: SEI_ERR_INPUT (unaligned axis, non-finite or all-negative data, with tilt and pixel), SEI_ERR_USAGE (options),
 * SEI_ERR_MEMORY (with what one slice needs), SEI_ERR_INTERRUPTED; outputs are untouched then.
 * Cost: 2*n_tilts*nx*nz*ny*(1.6 linear | 2.1 strip) multiply-adds an iteration. Memory: the volume and one slab in the
 * device, 4*(3*nx*nz + 5*n_tilts*nx) bytes a slice, and once more 4*(nx*nz + n_tilts*nx) a slice on the host.
 */
sei_status sei_reconstruct(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                           sei_volume *out, sei_recon_report *report) SEI_MUST_CHECK;

/* What sei_reconstruct will need, without doing it: bytes for the whole (volume, slab) and the slab's width. */
sei_status sei_reconstruct_plan(sei_device *device, const sei_series *series, const sei_recon_options *options, size_t *bytes,
                                int *slab_slices) SEI_MUST_CHECK;

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

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

typedef enum sei_background { SEI_BACKGROUND_NONE = 0, SEI_BACKGROUND_SCALAR, SEI_BACKGROUND_PER_TILT } sei_background;

typedef struct sei_recon_options {
    sei_method method;
    int iterations;           /* default 20; ignored by wbp */
    sei_kernel kernel;        /* default linear */
    int64_t depth_px;         /* nz; 0: as nx */
    double relaxation;        /* SIRT; default 1 */
    const double *background; /* expected additive counts per pixel: 1 value or one per tilt; NULL: none (EM and SIRT) */
    int64_t n_background;
    const uint8_t *support; /* [nz][nx] or [nz][ny][nx] (n_support tells), 0: voxel stays 0; NULL: everywhere */
    int64_t n_support;
    double filter_cutoff; /* WBP: fraction of Nyquist, default 1 */
    const char *filter;   /* WBP window: "ramp", "hann" (default), "shepp-logan" */
    size_t memory_bytes;  /* most to use for a slab; 0: half of what the device has free */
    int slab_slices;      /* 0: chosen from memory. Results do not depend on it */
} sei_recon_options;

void sei_recon_options_default(sei_recon_options *options);

/* How one reconstruction went. iteration i (0-based) describes the estimate BEFORE update i; the last row the result. */
typedef struct sei_recon_report {
    int64_t n_iterations;
    sei_table history; /* iteration, log_likelihood (em), counted (em), residual (rms of b - Ax over valid bins), flux (em: sum of
                          sensitivity*x) */
    int64_t negative_counts;  /* negative values in the data: EM uses 0 for them; the count is logged */
    double elongation_theory; /* Radermacher & Hoppe 1980 for the tilt range */
    int slab_slices;
} sei_recon_report;
void sei_recon_report_free(sei_recon_report *report);

/*
 * Reconstructs one channel of an aligned series (axis along y; axis_deg must be 0 within 1e-6).
 *   WBP   filtered back-projection of the weighted data, angular weights by tilt spacing
 *   SIRT  x += relaxation * C A' (w R (b - r - A x)), R = 1/row sums, C = 1/column sums, start 0; positive clips at 0
 *   EM    x *= A'( w b / (A x + r) ) / A' w, start: uniform sum(b-r)/sum(A 1), inside the support  (Shepp & Vardi 1982)
 * w = 0 for pixels without data. Voxels that no ray sees stay 0. Negative data are refused by EM unless they are less
 * than 0 by noise subtraction: they count as 0 and are reported. Voxel size is the series' pixel size.
 * Errors: SEI_ERR_INPUT (channel without counts, unaligned axis), SEI_ERR_USAGE (options), SEI_ERR_MEMORY (with the
 * memory one slice needs), SEI_ERR_INTERRUPTED. Cost: 2*n_tilts*nx*nz*ny*(1.6 linear | 2.1 strip) multiply-adds an iteration.
 */
sei_status sei_reconstruct(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                           sei_volume *out, sei_recon_report *report) SEI_MUST_CHECK;

/* Reprojects a volume on the series' geometry: out has one channel of n_tilts images, the volume's A x. */
sei_status sei_reproject(sei_device *device, const sei_volume *volume, const sei_series *geometry, sei_kernel kernel,
                         sei_series *out) SEI_MUST_CHECK;

/* Elongation factor of a tilt range +-a by Radermacher & Hoppe 1980: sqrt((a + sin a cos a)/(a - sin a cos a)). */
double sei_elongation_theory(double max_tilt_deg);

#ifdef __cplusplus
}
#endif
#endif

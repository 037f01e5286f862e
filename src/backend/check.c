/* What an operator refuses before it touches memory: one place for the host backends. */
#include <math.h>

#include "backend/host.h"

enum { MAX_SIDE = 1 << 20, MAX_LENGTH = 1 << 24 };

sei_status sei_check_slab(const char *op, const sei_slab *slab) {
    if (slab == NULL) return sei_fail(SEI_ERR_USAGE, "%s: no geometry given", op);
    const struct {
        const char *name;
        int value;
    } sides[] = {{"nx", slab->nx}, {"nz", slab->nz}, {"nu", slab->nu}, {"ny", slab->ny}, {"n_tilts", slab->n_tilts}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; ++i) {
        if (sides[i].value < 1 || sides[i].value > MAX_SIDE) {
            return sei_fail(SEI_ERR_USAGE, "%s: %s = %d is not from 1 to %d", op, sides[i].name, sides[i].value, MAX_SIDE);
        }
    }
    if (slab->block < 0) return sei_fail(SEI_ERR_USAGE, "%s: blocks of %d slices", op, slab->block);
    if (slab->kernel != SEI_KERNEL_LINEAR && slab->kernel != SEI_KERNEL_STRIP) {
        return sei_fail(SEI_ERR_USAGE, "%s: projector kernel %d is unknown", op, (int)slab->kernel);
    }
    if (slab->cos_tilt == NULL || slab->sin_tilt == NULL || slab->axis_u == NULL) {
        return sei_fail(SEI_ERR_USAGE, "%s: the geometry has no tilts", op);
    }
    for (int t = 0; t < slab->n_tilts; ++t) {
        const double c = slab->cos_tilt[t], s = slab->sin_tilt[t];
        if (!(fabs(c * c + s * s - 1) < 1e-9)) {
            return sei_fail(SEI_ERR_USAGE, "%s: tilt %d: cosine %g and sine %g belong to no angle", op, t, c, s);
        }
        if (!(fabs(slab->axis_u[t]) <= MAX_SIDE)) {
            return sei_fail(SEI_ERR_USAGE, "%s: tilt %d: axis at bin %g, more than %d", op, t, slab->axis_u[t], MAX_SIDE);
        }
    }
    return SEI_OK;
}

sei_status sei_check_buffer(const char *op, const char *what, const sei_buffer *buffer, size_t need) {
    if (buffer == NULL) return sei_fail(SEI_ERR_USAGE, "%s: no %s given", op, what);
    if (buffer->count < need) {
        return sei_fail(SEI_ERR_USAGE, "%s: the %s holds %zu floats, %zu are needed", op, what, buffer->count, need);
    }
    return SEI_OK;
}

sei_status sei_check_optional(const char *op, const char *what, const sei_buffer *buffer, size_t need) {
    return buffer == NULL ? SEI_OK : sei_check_buffer(op, what, buffer, need);
}

sei_status sei_check_distinct(const char *op, const sei_buffer *in, const sei_buffer *out) {
    return in == out && in != NULL ? sei_fail(SEI_ERR_USAGE, "%s: input and output are one buffer", op) : SEI_OK;
}

sei_status sei_check_length(const char *op, int n, int least) {
    int rest = n;
    if (n < least || n < 2 || n > MAX_LENGTH || n % 2 != 0) {
        return sei_fail(SEI_ERR_USAGE, "%s: length %d is not even and from %d to %d", op, n, least > 2 ? least : 2, MAX_LENGTH);
    }
    while (rest % 2 == 0) rest /= 2;
    while (rest % 3 == 0) rest /= 3;
    while (rest % 5 == 0) rest /= 5;
    return rest == 1 ? SEI_OK : sei_fail(SEI_ERR_USAGE, "%s: length %d has a prime factor above 5", op, n);
}

sei_status sei_check_projection(const char *op, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_slab(op, slab));
    SEI_TRY(sei_check_buffer(op, "volume", volume, sei_slab_volume_count(slab)));
    SEI_TRY(sei_check_buffer(op, "sinogram", sinogram, sei_slab_sinogram_count(slab)));
    SEI_TRY(sei_check_distinct(op, volume, sinogram));
done:
    return status;
}

/* What is compared with the data, bin by bin. */
static sei_status check_bins(const char *op, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                             const sei_buffer *weight, const sei_buffer *background, const sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_projection(op, slab, volume, sinogram));
    const size_t need = sei_slab_sinogram_count(slab);
    SEI_TRY(sei_check_buffer(op, "counts", counts, need));
    SEI_TRY(sei_check_optional(op, "weight", weight, need));
    SEI_TRY(sei_check_optional(op, "background", background, need));
    SEI_TRY(sei_check_distinct(op, counts, sinogram));
    SEI_TRY(sei_check_distinct(op, weight, sinogram));
    SEI_TRY(sei_check_distinct(op, background, sinogram));
done:
    return status;
}

sei_status sei_check_em_ratio(const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts, const sei_buffer *weight,
                              const sei_buffer *background, const sei_buffer *sinogram) {
    return check_bins("em_ratio", slab, volume, counts, weight, background, sinogram);
}

sei_status sei_check_sirt_residual(const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                                   const sei_buffer *weight, const sei_buffer *background, const sei_buffer *inverse_row,
                                   bool per_slice, const sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    const char *op = "sirt_residual";
    SEI_TRY(check_bins(op, slab, volume, counts, weight, background, sinogram));
    const size_t bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    SEI_TRY(sei_check_buffer(op, "inverse row sums", inverse_row, per_slice ? bins * (size_t)slab->ny : bins));
    SEI_TRY(sei_check_distinct(op, inverse_row, sinogram));
done:
    return status;
}

sei_status sei_check_update(const char *op, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                            bool per_slice, const sei_buffer *volume) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_projection(op, slab, volume, sinogram));
    const size_t voxels = (size_t)slab->nz * (size_t)slab->nx;
    SEI_TRY(sei_check_buffer(op, "inverse sums", inverse, per_slice ? voxels * (size_t)slab->ny : voxels));
    SEI_TRY(sei_check_distinct(op, inverse, volume));
done:
    return status;
}

sei_status sei_check_filter_rows(const sei_slab *slab, const float *response, int n_padded, const sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_slab("filter_rows", slab));
    SEI_TRY(sei_check_buffer("filter_rows", "sinogram", sinogram, sei_slab_sinogram_count(slab)));
    SEI_TRY(sei_check_length("filter_rows", n_padded, slab->nu));
    if (response == NULL) status = sei_fail(SEI_ERR_USAGE, "filter_rows: no response given");
done:
    return status;
}

sei_status sei_check_correlate(int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                               const sei_buffer *out) {
    sei_status status = SEI_OK;
    const char *op = "correlate";
    SEI_TRY(sei_check_length(op, nx, 2));
    SEI_TRY(sei_check_length(op, ny, 2));
    if (band == NULL) SEI_TRY(sei_fail(SEI_ERR_USAGE, "correlate: no band given"));
    const size_t need = (size_t)nx * (size_t)ny;
    SEI_TRY(sei_check_buffer(op, "first image", a, need));
    SEI_TRY(sei_check_buffer(op, "second image", b, need));
    SEI_TRY(sei_check_buffer(op, "output", out, need));
    SEI_TRY(sei_check_distinct(op, a, out));
    SEI_TRY(sei_check_distinct(op, b, out));
done:
    return status;
}

sei_status sei_check_resample(int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                              const sei_buffer *out, const sei_buffer *covered) {
    sei_status status = SEI_OK;
    const char *op = "resample";
    if (nx < 1 || ny < 1 || n < 1 || nx > MAX_SIDE || ny > MAX_SIDE || n > MAX_SIDE) {
        SEI_TRY(sei_fail(SEI_ERR_USAGE, "resample: %d images of %d x %d; each size must be from 1 to %d", n, nx, ny, MAX_SIDE));
    }
    if (interpolation != 1 && interpolation != 3) {
        SEI_TRY(sei_fail(SEI_ERR_USAGE, "resample: interpolation %d is neither 1 (bilinear) nor 3 (cubic)", interpolation));
    }
    if (xf == NULL) SEI_TRY(sei_fail(SEI_ERR_USAGE, "resample: no transforms given"));
    for (int i = 0; i < 6 * n; ++i) {
        if (!(fabs(xf[i]) <= MAX_SIDE)) SEI_TRY(sei_fail(SEI_ERR_USAGE, "resample: image %d: transform has %g", i / 6, xf[i]));
    }
    const size_t need = (size_t)nx * (size_t)ny * (size_t)n;
    SEI_TRY(sei_check_buffer(op, "input", in, need));
    SEI_TRY(sei_check_buffer(op, "output", out, need));
    SEI_TRY(sei_check_optional(op, "coverage", covered, need));
    SEI_TRY(sei_check_distinct(op, in, out));
    SEI_TRY(sei_check_distinct(op, in, covered));
    SEI_TRY(sei_check_distinct(op, out, covered));
done:
    return status;
}

sei_status sei_check_expose(const sei_exposure *exposure, size_t n, const sei_buffer *mean, const sei_buffer *out) {
    sei_status status = SEI_OK;
    if (exposure == NULL) SEI_TRY(sei_fail(SEI_ERR_USAGE, "expose: no exposure given"));
    if (!(exposure->noise >= 0 && exposure->noise < INFINITY)) {
        SEI_TRY(sei_fail(SEI_ERR_USAGE, "expose: noise %g is not finite and 0 or more", exposure->noise));
    }
    SEI_TRY(sei_check_buffer("expose", "mean", mean, n));
    SEI_TRY(sei_check_buffer("expose", "output", out, n));
done:
    return status;
}

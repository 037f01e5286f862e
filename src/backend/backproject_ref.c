/* V = A' S, and the updates of EM and SIRT with it: every voxel collects from the bins that its footprint covers, in double. */
#include "backend/footprint.h"
#include "backend/host.h"
#include "core/alloc.h"

/* Adds what tilt t holds for voxel (x, z) to the line of sums along y. */
static void collect(const sei_slab *s, int t, int x, int z, const float *sinogram, double *sums) {
    const sei_footprint f = sei_footprint_of(s->cos_tilt[t], s->sin_tilt[t]);
    const double bin = sei_voxel_bin(x, z, s->nx, s->nz, s->cos_tilt[t], s->sin_tilt[t], s->axis_u[t]);
    const double radius = sei_footprint_radius(&f, (int)s->kernel);
    for (int u = (int)floor(bin - radius) + 1; u < bin + radius; ++u) {
        if (u < 0 || u >= s->nu) continue;
        const double w = sei_footprint_weight(&f, (int)s->kernel, bin - u);
        const float *line = sinogram + ((size_t)t * (size_t)s->nu + (size_t)u) * (size_t)s->ny;
        for (int y = 0; y < s->ny; ++y) sums[y] += w * (double)line[y];
    }
}

/* What becomes of a voxel that holds `value` when its back projection is `sum`; inverse of its sum of weights. */
typedef struct rule {
    enum { REPLACE, MULTIPLY, ADD } kind;
    double relaxation;
    bool positive;
} rule;
static float applied(const rule *r, double value, double sum, double inverse) {
    if (r->kind == REPLACE) return (float)sum;
    if (r->kind == MULTIPLY) return (float)(inverse == 0 ? value : value * sum * inverse);
    const double next = value + r->relaxation * inverse * sum;
    return (float)(r->positive && next < 0 ? 0 : next);
}

/* The slices of one block; inverse may be NULL (REPLACE), a map, or [nz][nx][ny]. */
static void spread(const sei_slab *s, const rule *r, const float *sinogram, const float *inverse, bool per_slice, double *sums,
                   float *volume) {
    const size_t ny = (size_t)s->ny;
    for (int z = 0; z < s->nz; ++z) {
        for (int x = 0; x < s->nx; ++x) {
            const size_t voxel = (size_t)z * (size_t)s->nx + (size_t)x;
            const bool inside = s->support == NULL || s->support[voxel] != 0;
            float *line = volume + voxel * ny;
            if (!inside && r->kind != REPLACE) continue;
            for (size_t y = 0; y < ny; ++y) sums[y] = 0;
            for (int t = 0; inside && t < s->n_tilts; ++t) collect(s, t, x, z, sinogram, sums);
            for (size_t y = 0; y < ny; ++y) {
                const double factor = inverse == NULL ? 0 : (double)inverse[per_slice ? voxel * ny + y : voxel];
                line[y] = applied(r, (double)line[y], sums[y], factor);
            }
        }
    }
}

static sei_status spread_all(const sei_slab *slab, const rule *r, const sei_buffer *sinogram, const sei_buffer *inverse,
                             bool per_slice, sei_buffer *volume) {
    sei_status status = SEI_OK;
    double *sums = NULL;
    SEI_TRY(SEI_NEW(sums, slab->ny, 1, 1));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_host_block b = sei_host_block_of(slab, k);
        const float *factor = inverse == NULL ? NULL : inverse->data + (per_slice ? b.volume : 0);
        spread(&b.slab, r, sinogram->data + b.sinogram, factor, per_slice, sums, volume->data + b.volume);
    }
done:
    sei_free(sums);
    return status;
}

sei_status sei_ref_backproject(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    const sei_status status = sei_check_projection("backproject", slab, volume, sinogram);
    const rule replace = {.kind = REPLACE};
    (void)device;
    return status != SEI_OK ? status : spread_all(slab, &replace, sinogram, NULL, false, volume);
}

sei_status sei_ref_em_update(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                             bool per_slice, sei_buffer *volume) {
    const sei_status status = sei_check_update("em_update", slab, sinogram, inverse, per_slice, volume);
    const rule multiply = {.kind = MULTIPLY};
    (void)device;
    return status != SEI_OK ? status : spread_all(slab, &multiply, sinogram, inverse, per_slice, volume);
}

sei_status sei_ref_sirt_update(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                               bool per_slice, float relaxation, bool positive, sei_buffer *volume) {
    const sei_status status = sei_check_update("sirt_update", slab, sinogram, inverse, per_slice, volume);
    const rule add = {.kind = ADD, .relaxation = (double)relaxation, .positive = positive};
    (void)device;
    return status != SEI_OK ? status : spread_all(slab, &add, sinogram, inverse, per_slice, volume);
}

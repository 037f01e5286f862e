/* V = A' S: every voxel collects from the bins that its footprint covers, in double. */
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

sei_status sei_ref_backproject(sei_device *device, const sei_slab *s, const sei_buffer *sinogram, sei_buffer *volume) {
    sei_status status = SEI_OK;
    double *sums = NULL;
    (void)device;
    SEI_TRY(sei_check_projection("backproject", s, volume, sinogram));
    SEI_TRY(SEI_NEW(sums, s->ny, 1, 1));
    for (int z = 0; z < s->nz; ++z) {
        for (int x = 0; x < s->nx; ++x) {
            float *line = volume->data + ((size_t)z * (size_t)s->nx + (size_t)x) * (size_t)s->ny;
            for (int y = 0; y < s->ny; ++y) sums[y] = 0;
            for (int t = 0; t < s->n_tilts; ++t) collect(s, t, x, z, sinogram->data, sums);
            for (int y = 0; y < s->ny; ++y) line[y] = (float)sums[y];
        }
    }
done:
    sei_free(sums);
    return status;
}

/* S = A V: every voxel adds its footprint to the bins it covers, in double. */
#include "backend/footprint.h"
#include "backend/host.h"
#include "core/alloc.h"

/* One voxel's line along y into the double sums [nu][ny] of one tilt. */
static void add_voxel(const sei_slab *s, const sei_footprint *f, double bin, const float *line, double *sums) {
    const double radius = sei_footprint_radius(f, (int)s->kernel);
    for (int u = (int)floor(bin - radius) + 1; u < bin + radius; ++u) {
        if (u < 0 || u >= s->nu) continue;
        const double w = sei_footprint_weight(f, (int)s->kernel, bin - u);
        for (int y = 0; y < s->ny; ++y) sums[(size_t)u * (size_t)s->ny + (size_t)y] += w * (double)line[y];
    }
}

/* Tilt t of the slices of one block; sums [nu][ny] is room to work in. */
static void project_tilt(const sei_slab *s, int t, const float *volume, double *sums, float *image) {
    const size_t n_sums = (size_t)s->nu * (size_t)s->ny;
    const sei_footprint f = sei_footprint_of(s->cos_tilt[t], s->sin_tilt[t]);
    for (size_t i = 0; i < n_sums; ++i) sums[i] = 0;
    for (int z = 0; z < s->nz; ++z) {
        for (int x = 0; x < s->nx; ++x) {
            const size_t voxel = (size_t)z * (size_t)s->nx + (size_t)x;
            const double bin = sei_voxel_bin(x, z, s->nx, s->nz, s->cos_tilt[t], s->sin_tilt[t], s->axis_u[t]);
            if (s->support == NULL || s->support[voxel] != 0) add_voxel(s, &f, bin, volume + voxel * (size_t)s->ny, sums);
        }
    }
    for (size_t i = 0; i < n_sums; ++i) image[i] = (float)sums[i];
}

sei_status sei_ref_project(sei_device *device, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    double *sums = NULL;
    (void)device;
    SEI_TRY(sei_check_projection("project", slab, volume, sinogram));
    SEI_TRY(SEI_NEW(sums, slab->nu, slab->ny, 1));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_host_block b = sei_host_block_of(slab, k);
        const size_t image = (size_t)b.slab.nu * (size_t)b.slab.ny;
        for (int t = 0; t < b.slab.n_tilts; ++t) {
            project_tilt(&b.slab, t, volume->data + b.volume, sums, sinogram->data + b.sinogram + (size_t)t * image);
        }
    }
done:
    sei_free(sums);
    return status;
}

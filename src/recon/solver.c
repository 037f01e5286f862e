/* What EM and SIRT share: the sums of columns and rows of A, and the history. */
#include "recon/solver.h"

#include "core/log.h"

/* A voxel seen by less than this part of one tilt, or a ray through less than this much of a voxel, carries no weight. */
static const float least_sum = 1e-3F;

size_t sei_solver_volume_count(const sei_solver *s) {
    return (size_t)s->slab.nz * (size_t)s->slab.nx * (size_t)s->slab.ny;
}
size_t sei_solver_sinogram_count(const sei_solver *s) {
    return (size_t)s->slab.n_tilts * (size_t)s->slab.nu * (size_t)s->slab.ny;
}

bool sei_solver_in_support(const sei_solver *s, int x, int z, int y) {
    const sei_recon_options *o = s->options;
    const int64_t nx = s->slab.nx, area = nx * s->slab.nz;
    if (o->support == NULL) return true;
    if (o->n_support == area) return o->support[z * nx + x] != 0;
    return o->support[((int64_t)z * s->series_ny + s->first_slice + y) * nx + x] != 0;
}

sei_status sei_solver_columns(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const size_t n = sei_solver_volume_count(s);
    if (s->weight == NULL) SEI_TRY(SEI_OP(d, fill)(d, s->model, 1));
    SEI_TRY(SEI_OP(d, backproject)(d, &s->slab, s->weight == NULL ? s->model : s->weight, s->volume));
    SEI_TRY(SEI_OP(d, download)(d, s->volume, 0, n, s->host_volume));
    size_t i = 0;
    for (int z = 0; z < s->slab.nz; ++z) {
        for (int x = 0; x < s->slab.nx; ++x) {
            for (int y = 0; y < s->slab.ny; ++y, ++i) {
                const float sum = s->host_volume[i];
                s->host_volume[i] = sum > least_sum && sei_solver_in_support(s, x, z, y) ? 1 / sum : 0;
            }
        }
    }
    SEI_TRY(SEI_OP(d, upload)(d, s->inverse_column, 0, n, s->host_volume));
    for (i = 0; i < n; ++i) s->host_volume[i] = s->host_volume[i] > 0 ? 1 : 0;
    SEI_TRY(SEI_OP(d, upload)(d, s->volume, 0, n, s->host_volume));
done:
    return status;
}

sei_status sei_solver_rows(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const size_t n = sei_solver_sinogram_count(s);
    SEI_TRY(SEI_OP(d, project)(d, &s->slab, s->volume, s->inverse_row));
    SEI_TRY(SEI_OP(d, download)(d, s->inverse_row, 0, n, s->host_sinogram));
    for (size_t i = 0; i < n; ++i) s->host_sinogram[i] = s->host_sinogram[i] > least_sum ? 1 / s->host_sinogram[i] : 0;
    SEI_TRY(SEI_OP(d, upload)(d, s->inverse_row, 0, n, s->host_sinogram));
done:
    return status;
}

sei_status sei_solver_note(sei_solver *s, int row) {
    const int ny = s->slab.ny;
    double *sums = s->history->sums + (size_t)row * SEI_SUM_COUNT;
    for (int k = 0; k < SEI_SUM_COUNT; ++k) {
        for (int y = 0; y < ny; ++y) sums[k] += s->slice_sums[(size_t)k * (size_t)ny + (size_t)y];
    }
    *s->steps_done += ny;
    return sei_progress_step(*s->steps_done);
}

sei_status sei_solver_iterate(sei_solver *s, sei_solver_step *compare, sei_solver_step *update) {
    sei_status status = SEI_OK;
    for (int i = 0; i <= s->options->iterations; ++i) {
        SEI_TRY(compare(s));
        SEI_TRY(sei_solver_note(s, i));
        if (i == s->options->iterations) break;
        SEI_TRY(update(s));
    }
done:
    return status;
}

/* Who needs how much memory, and how wide slabs may be. */
#include <string.h>

#include "core/alloc.h"
#include "recon/solver.h"

enum { BLOCKS = 4 /* of a slab: they share the tables of weights */, WIDEST = 256 /* slices where a device likes no blocks */ };

static bool weights_vary(const sei_series *series, const sei_recon_options *o, size_t area) {
    return series->valid != NULL || (o->support != NULL && (size_t)o->n_support != area);
}

void sei_recon_needs(sei_device *device, const sei_series *series, size_t n, const sei_recon_options *o, sei_needs *out) {
    const size_t nx = (size_t)series->nx, nz = (size_t)(o->depth_px > 0 ? o->depth_px : series->nx), area = nx * nz;
    const size_t n_tilts = (size_t)series->n_tilts, bins = n_tilts * nx, f = sizeof(float);
    const bool wbp = o->method == SEI_METHOD_WBP, em = sei_method_is_em(o->method), trial = o->stop == SEI_STOP_HELD_OUT;
    const size_t parts = o->method == SEI_METHOD_OSEM ? (size_t)o->subsets : 1, largest = (n_tilts + parts - 1) / parts * nx;
    const bool vary = !wbp && weights_vary(series, o, area);
    const int preferred = device->backend->preferred_block;
    *out = (sei_needs){.volumes = f * n * area * (size_t)series->ny,
                       .maps = (wbp ? 0 : parts * area * f) + (em ? bins : bins * f) + (o->support != NULL ? area : 0),
                       .slice = f * (area + bins + largest),
                       .block = preferred,
                       .widest = wbp             ? (preferred > 0 ? preferred : 64)
                                 : preferred > 0 ? BLOCKS * preferred
                                                 : WIDEST,
                       .nx = (int)nx,
                       .planes = (int)(nz > n_tilts ? nz : n_tilts),
                       .apart = strcmp(device->backend->name, "cuda") == 0};
    if (series->valid != NULL) out->slice += f * bins;
    if (o->n_background > 0) out->slice += f * bins;
    if (trial) out->slice += f * bins;
    if (vary) out->slice += f * (parts * area + (em ? 0 : bins));
}

size_t sei_recon_bytes(const sei_needs *needs, int width) {
    const int together = needs->block > 0 && needs->block < width ? needs->block : width;
    const size_t staging = 2 * sizeof(float) * sei_staging_floats(together, needs->nx, needs->planes);
    return needs->volumes + needs->maps + staging + (size_t)width * needs->slice;
}

sei_status sei_recon_width(sei_device *device, const sei_needs *needs, int64_t n_slices, const sei_recon_options *o, int *width) {
    const size_t there = device->backend->free_bytes(device), host = needs->apart ? sei_memory_available() : there;
    const size_t most = o->memory_bytes > 0 ? o->memory_bytes : host;
    const int block = needs->block > 0 ? needs->block : 1;
    if (o->slab_slices < 0) return sei_fail(SEI_ERR_USAGE, "a slab of %d slices", o->slab_slices);
    if (o->slab_slices > 0) {
        *width = o->slab_slices < n_slices ? o->slab_slices : (int)n_slices;
        return SEI_OK;
    }
    int best = needs->widest < n_slices ? needs->widest : (int)n_slices;
    while (best > 0) {
        const bool fits_device = !needs->apart || needs->maps + (size_t)best * needs->slice <= there / 2;
        if (fits_device && sei_recon_bytes(needs, best) <= most) break;
        best -= best > block ? (best % block > 0 ? best % block : block) : 1;
    }
    if (best == 0) {
        return sei_fail(SEI_ERR_MEMORY,
                        "%.1f MiB are needed at least (volumes %.1f, one slice needs %.1f) and %.1f may be used; give more with "
                        "--memory, bin the series, or choose a smaller depth",
                        (double)sei_recon_bytes(needs, 1) / 1048576.0, (double)needs->volumes / 1048576.0,
                        (double)needs->slice / 1048576.0, (double)most / 1048576.0);
    }
    *width = best;
    return SEI_OK;
}

int sei_recon_next_width(const sei_needs *needs, int width, int64_t rest) {
    if (needs->block <= 0 || width <= needs->block) return rest < width ? (int)rest : width;
    const int64_t half = (rest / 2 + needs->block - 1) / needs->block * needs->block;
    const int64_t next = half < needs->block ? needs->block : half < width ? half : width;
    return (int)(next < rest ? next : rest);
}

void sei_solver_release(sei_solver *s) {
    const sei_backend *backend = s->device->backend;
    for (int k = 0; s->parts != NULL && k < s->n_parts; ++k) {
        sei_part *p = &s->parts[k];
        sei_buffer **const buffers[] = {&p->counts, &p->held_out, &p->weight, &p->background, &p->column_slices, &p->row_slices};
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) {
            backend->release(s->device, *buffers[i]);
            *buffers[i] = NULL;
        }
    }
    backend->release(s->device, s->volume);
    backend->release(s->device, s->model);
    s->volume = s->model = NULL;
    sei_free(s->slice_sums);
    sei_free(s->part_sums);
    sei_free(s->ones);
    sei_free(s->staging);
    sei_free(s->staging_2);
    sei_free((void *)s->rows);
    s->slice_sums = s->part_sums = s->ones = NULL;
    s->staging = s->staging_2 = NULL;
    s->rows = NULL;
    s->allocated = 0;
}

/* What of a part lies in the device, slice by slice. */
static sei_status allocate_part(sei_solver *s, sei_part *p, size_t ny, bool vary) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const size_t bins = (size_t)p->slab.n_tilts * (size_t)s->nx * ny, voxels = (size_t)s->nz * (size_t)s->nx * ny;
    const bool rows = !sei_method_is_em(s->options->method), columns = s->options->method != SEI_METHOD_WBP;
    bool background = false;
    for (size_t c = 0; c < s->n_channels; ++c) background = background || s->sources[c].background != NULL;
    SEI_TRY(SEI_OP(d, alloc)(d, bins, &p->counts));
    if (s->trial) SEI_TRY(SEI_OP(d, alloc)(d, bins, &p->held_out));
    if (s->series->valid != NULL) SEI_TRY(SEI_OP(d, alloc)(d, bins, &p->weight));
    if (background) SEI_TRY(SEI_OP(d, alloc)(d, bins, &p->background));
    if (columns && vary) SEI_TRY(SEI_OP(d, alloc)(d, voxels, &p->column_slices));
    if (columns && vary && rows) SEI_TRY(SEI_OP(d, alloc)(d, bins, &p->row_slices));
    if (columns && p->column_map == NULL) SEI_TRY(SEI_OP(d, alloc)(d, voxels / ny, &p->column_map));
    if (rows && p->row_map == NULL) SEI_TRY(SEI_OP(d, alloc)(d, bins / ny, &p->row_map));
done:
    return status;
}

sei_status sei_solver_allocate(sei_solver *s, const sei_needs *needs, int ny) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const size_t area = (size_t)s->nz * (size_t)s->nx;
    const bool vary = weights_vary(s->series, s->options, area);
    const int together = needs->block > 0 && needs->block < ny ? needs->block : ny;
    size_t largest = 0;
    sei_solver_release(s);
    for (int k = 0; k < s->n_parts; ++k) {
        SEI_TRY(allocate_part(s, &s->parts[k], (size_t)ny, vary));
        const size_t tilts = (size_t)s->parts[k].slab.n_tilts;
        largest = tilts > largest ? tilts : largest;
    }
    SEI_TRY(SEI_OP(d, alloc)(d, area * (size_t)ny, &s->volume));
    SEI_TRY(SEI_OP(d, alloc)(d, largest * (size_t)s->nx * (size_t)ny, &s->model));
    s->staging_floats = sei_staging_floats(together, needs->nx, needs->planes);
    SEI_TRY(SEI_NEW(s->slice_sums, ny, SEI_SUM_COUNT, 1));
    SEI_TRY(SEI_NEW(s->part_sums, ny, SEI_SUM_COUNT, 1));
    SEI_TRY(SEI_NEW(s->ones, ny, 1, 1));
    SEI_TRY(SEI_NEW(s->staging, (int64_t)s->staging_floats, 1, 1));
    SEI_TRY(SEI_NEW(s->staging_2, (int64_t)s->staging_floats, 1, 1));
    SEI_TRY(SEI_NEW(s->rows, ny, 1, 1));
    s->allocated = ny;
done:
    return status;
}

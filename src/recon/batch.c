/* One batch of slices: cut into slabs along y, each solved to its end before the next is begun. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "recon/solver.h"

sei_status sei_recon_background(const sei_series *series, const sei_recon_channel *channel, double factor, double **out) {
    double *values = NULL;
    if (channel->n_background == 0) return SEI_OK;
    const sei_status status = SEI_NEW(values, series->n_tilts, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < series->n_tilts; ++t) values[t] = channel->background[channel->n_background > 1 ? t : 0] * factor;
    *out = values;
    return SEI_OK;
}

/* id[y]: rows whose pixels without data lie in the same places get the same number. */
static sei_status compare_masks(const sei_series *series, int **out) {
    sei_status status = SEI_OK;
    int *id = NULL;
    int64_t *first = NULL; /* row of every number */
    int n = 0;
    SEI_TRY(SEI_NEW(id, series->ny, 1, 1));
    SEI_TRY(SEI_NEW(first, series->ny, 1, 1));
    for (int64_t y = 0; y < series->ny; ++y) {
        int k = n - 1; /* most rows are like the one before */
        for (; k >= 0; --k) {
            bool same = true;
            for (int64_t t = 0; same && t < series->n_tilts; ++t) {
                const uint8_t *image = series->valid + t * series->ny * series->nx;
                same = memcmp(image + y * series->nx, image + first[k] * series->nx, (size_t)series->nx) == 0;
            }
            if (same) break;
        }
        if (k < 0) {
            k = n++;
            first[k] = y;
        }
        id[y] = k;
    }
    *out = id;
    id = NULL;
done:
    sei_free(id);
    sei_free(first);
    return status;
}

/* The union of a support over y. */
static sei_status flatten_support(const sei_recon_options *o, int64_t nx, int64_t ny, int64_t nz, uint8_t **out) {
    uint8_t *flat = NULL;
    const sei_status status = SEI_NEW(flat, nz, nx, 1);
    if (status != SEI_OK) return status;
    for (int64_t z = 0; z < nz; ++z) {
        for (int64_t y = 0; y < ny; ++y) {
            for (int64_t x = 0; x < nx; ++x) flat[z * nx + x] |= o->support[(z * ny + y) * nx + x];
        }
    }
    *out = flat;
    return SEI_OK;
}

sei_status sei_solver_make(sei_solver *s, sei_device *device, const sei_series *series, const sei_recon_options *o,
                           int iterations, size_t n_sources) {
    sei_status status = SEI_OK;
    const int64_t nz = o->depth_px > 0 ? o->depth_px : series->nx;
    uint8_t *flat = NULL;
    *s = (sei_solver){.device = device,
                      .series = series,
                      .options = o,
                      .iterations = iterations,
                      .nx = (int)series->nx,
                      .nz = (int)nz,
                      .n_channels = n_sources,
                      .maps_of = -1,
                      .n_slices = (int64_t)n_sources * series->ny};
    s->support_per_slice = o->support != NULL && o->n_support != nz * series->nx;
    if (o->support != NULL) {
        SEI_TRY(flatten_support(o, series->nx, s->support_per_slice ? series->ny : 1, nz, &flat));
        s->support = flat;
    }
    SEI_TRY(sei_parts_make(series, o, (int)nz, s->support, &s->n_parts, &s->parts));
    if (series->valid != NULL) SEI_TRY(compare_masks(series, &s->mask_id));
    if (sei_method_is_em(o->method)) SEI_TRY(SEI_NEW(s->seen, series->n_tilts, series->nx, 1));
    SEI_TRY(SEI_NEW(s->sources, (int64_t)n_sources, 1, 1));
    for (size_t c = 0; c < n_sources; ++c) SEI_TRY(SEI_NEW(s->sources[c].history.sums, iterations + 1, SEI_SUM_COUNT, 1));
done:
    return status;
}

void sei_solver_free(sei_solver *s) {
    if (s->device == NULL) return;
    sei_solver_release(s);
    for (int k = 0; s->parts != NULL && k < s->n_parts; ++k) {
        s->device->backend->release(s->device, s->parts[k].column_map);
        s->device->backend->release(s->device, s->parts[k].row_map);
    }
    sei_parts_free(s->n_parts, s->parts);
    for (size_t c = 0; s->sources != NULL && c < s->n_channels; ++c) {
        sei_free(s->sources[c].background);
        sei_free(s->sources[c].history.sums);
        sei_free(s->sources[c].history.held_out);
    }
    sei_free(s->sources);
    sei_free((void *)(uintptr_t)s->support);
    sei_free(s->mask_id);
    sei_free(s->seen);
    *s = (sei_solver){0};
}

/* Slabs of `width` slices, or of fewer where the device has no room for that. */
static sei_status take_memory(sei_solver *s, const sei_needs *needs, int *width) {
    const int wanted = *width;
    for (;;) {
        const sei_status status = sei_solver_allocate(s, needs, *width);
        if (status != SEI_ERR_MEMORY || *width == 1) {
            if (status == SEI_OK && *width < wanted)
                sei_warn("no memory for slabs of %d slices: %d at a time, with the same result", wanted, *width);
            return status;
        }
        *width = (*width + 1) / 2;
    }
}

static sei_status solve(sei_solver *s) {
    switch (s->options->method) {
        case SEI_METHOD_EM:
        case SEI_METHOD_OSEM: return sei_solve_em(s);
        case SEI_METHOD_WBP: return sei_solve_wbp(s);
        default: return sei_solve_sirt(s);
    }
}

sei_status sei_solver_run(sei_solver *s, int *widest) {
    sei_status status = SEI_OK;
    sei_needs needs;
    sei_recon_options o = *s->options;
    int width = 0, most = 0;
    for (size_t c = 0; c < s->n_channels; ++c) o.n_background = s->sources[c].background != NULL ? 1 : o.n_background;
    sei_recon_needs(s->device, s->series, s->n_channels, &o, &needs);
    SEI_TRY(sei_recon_width(s->device, &needs, s->n_slices, &o, &width));
    s->ends_early = s->trial && width >= s->n_slices;
    for (s->first = 0; s->first < s->n_slices;) {
        const int64_t rest = s->n_slices - s->first;
        int ny = s->ends_early       ? width
                 : o.slab_slices > 0 ? (int)(rest < width ? rest : width)
                                     : sei_recon_next_width(&needs, width, rest);
        if (ny != s->allocated) {
            const int asked = ny;
            SEI_TRY(take_memory(s, &needs, &ny));
            if (ny < asked) { /* from here on */
                width = ny;
                s->ends_early = false;
            }
        }
        most = ny > most ? ny : most;
        s->ny = ny;
        s->block = s->options->method == SEI_METHOD_WBP || needs.block >= ny ? 0 : needs.block;
        for (int k = 0; k < s->n_parts; ++k) {
            s->parts[k].slab.ny = s->ny;
            s->parts[k].slab.block = s->block;
        }
        if (s->first == 0 && s->seen != NULL) SEI_TRY(sei_solver_see(s));
        SEI_TRY(sei_solver_load(s));
        SEI_TRY(solve(s));
        if (s->sources[0].volume != NULL) SEI_TRY(sei_solver_store(s));
        s->first += ny;
    }
    if (widest != NULL) *widest = most;
done:
    return status;
}

/* A volume seen at the tilts of a series. */
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "recon/solver.h"

/* One slab after the other; staging holds `room` floats. */
typedef struct views {
    sei_device *device;
    const sei_volume *volume;
    sei_series *images;
    sei_slab slab;
    sei_buffer *slices, *bins;
    const float **from;
    float **to;
    float *staging;
    size_t room;
} views;

static sei_status view_slab(views *v, int64_t y0) {
    sei_status status = SEI_OK;
    sei_device *d = v->device;
    const int nx = v->slab.nx, nu = v->slab.nu;
    for (int i = 0; i < v->slab.ny; ++i) {
        v->from[i] = v->volume->data + (y0 + i) * nx;
        v->to[i] = v->images->channels[0].data + (y0 + i) * nu;
    }
    const sei_rows rows = {v->from, NULL, (size_t)(v->volume->ny * nx)};
    const sei_target_rows targets = {v->to, (size_t)(v->images->ny * nu)};
    for (sei_piece p = sei_piece_first(&v->slab, v->slab.nz, nx, v->room); p.floats > 0;
         p = sei_piece_next(&v->slab, v->slab.nz, nx, v->room, p)) {
        sei_piece_gather(&p, nx, &rows, v->staging);
        SEI_TRY(SEI_OP(d, upload)(d, v->slices, p.offset, p.floats, v->staging));
    }
    SEI_TRY(SEI_OP(d, project)(d, &v->slab, v->slices, v->bins));
    for (sei_piece p = sei_piece_first(&v->slab, v->slab.n_tilts, nu, v->room); p.floats > 0;
         p = sei_piece_next(&v->slab, v->slab.n_tilts, nu, v->room, p)) {
        SEI_TRY(SEI_OP(d, download)(d, v->bins, p.offset, p.floats, v->staging));
        sei_piece_scatter(&p, nu, v->staging, &targets);
    }
done:
    return status;
}

sei_status sei_reproject(sei_device *device, const sei_volume *volume, const sei_series *geometry, sei_kernel kernel,
                         sei_series *out) {
    sei_status status = sei_recon_check_geometry(geometry);
    sei_series made = {0};
    sei_tilts tilts = {0};
    sei_recon_options o;
    sei_needs needs;
    views v = {.device = device, .volume = volume, .images = &made};
    int width = 0;
    if (status != SEI_OK) return status;
    if (volume->data == NULL || volume->ny != geometry->ny || volume->nx > 1 << 20 || volume->nz > 1 << 20) {
        return sei_fail(SEI_ERR_INPUT, "volume '%s' has %lld slices along y, the series has %lld", volume->name,
                        (long long)volume->ny, (long long)geometry->ny);
    }
    sei_recon_options_default(&o);
    o.depth_px = volume->nz;
    sei_series frame = *geometry; /* rows of the wider of volume and images */
    frame.nx = volume->nx > geometry->nx ? volume->nx : geometry->nx;
    sei_recon_needs(device, &frame, 0, &o, &needs);
    SEI_TRY(sei_recon_width(device, &needs, geometry->ny, &o, &width));
    SEI_TRY(sei_tilts_make(geometry, (int)geometry->n_tilts, NULL, &tilts));
    SEI_TRY(sei_series_alloc(geometry->nx, geometry->ny, geometry->n_tilts, 1, &made));
    v.room = sei_staging_floats(needs.block > 0 && needs.block < width ? needs.block : width, needs.nx, needs.planes);
    SEI_TRY(SEI_NEW(v.staging, (int64_t)v.room, 1, 1));
    SEI_TRY(SEI_NEW(v.from, width, 1, 1));
    SEI_TRY(SEI_NEW(v.to, width, 1, 1));
    SEI_TRY(SEI_OP(device, alloc)(device, (size_t)(volume->nx * volume->nz) * (size_t)width, &v.slices));
    SEI_TRY(SEI_OP(device, alloc)(device, (size_t)(geometry->n_tilts * geometry->nx) * (size_t)width, &v.bins));
    for (int64_t y0 = 0; y0 < geometry->ny; y0 += width) {
        const int64_t ny = geometry->ny - y0 < width ? geometry->ny - y0 : width;
        v.slab = (sei_slab){.nx = (int)volume->nx,
                            .nz = (int)volume->nz,
                            .nu = (int)geometry->nx,
                            .ny = (int)ny,
                            .n_tilts = (int)geometry->n_tilts,
                            .cos_tilt = tilts.cos_tilt,
                            .sin_tilt = tilts.sin_tilt,
                            .axis_u = tilts.axis_u,
                            .kernel = kernel,
                            .block = needs.block < ny ? needs.block : 0};
        SEI_TRY(view_slab(&v, y0));
        SEI_TRY(sei_interrupt_check());
    }
    memcpy(made.tilts, geometry->tilts, (size_t)made.n_tilts * sizeof *made.tilts);
    memcpy(made.channels[0].name, volume->name, sizeof made.channels[0].name);
    memcpy(made.channels[0].unit, volume->unit, sizeof made.channels[0].unit);
    made.channels[0].stored = SEI_DTYPE_F32;
    made.pixel_nm = geometry->pixel_nm;
    made.axis_offset_px = geometry->axis_offset_px;
    made.aligned = true;
    *out = made;
    made = (sei_series){0};
done:
    sei_series_free(&made);
    sei_tilts_free(&tilts);
    sei_free(v.staging);
    sei_free((void *)v.from);
    sei_free((void *)v.to);
    device->backend->release(device, v.slices);
    device->backend->release(device, v.bins);
    return status;
}

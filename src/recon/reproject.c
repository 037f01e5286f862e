/* A volume seen at the tilts of a series. */
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "recon/slabs.h"
#include "recon/solver.h"

sei_status sei_reproject(sei_device *device, const sei_volume *volume, const sei_series *geometry, sei_kernel kernel,
                         sei_series *out) {
    sei_status status = sei_recon_check_geometry(geometry);
    sei_series made = {0};
    sei_tilts tilts = {0};
    sei_buffer *slices = NULL, *images = NULL;
    float *host = NULL;
    int width = 0;
    if (status != SEI_OK) return status;
    if (volume->data == NULL || volume->ny != geometry->ny || volume->nx > 1 << 20 || volume->nz > 1 << 20) {
        return sei_fail(SEI_ERR_INPUT, "volume '%s' has %lld slices along y, the series has %lld", volume->name,
                        (long long)volume->ny, (long long)geometry->ny);
    }
    const size_t per_slice = (size_t)(volume->nx * volume->nz), bins = (size_t)(geometry->n_tilts * geometry->nx);
    const size_t most = per_slice > bins ? per_slice : bins;
    SEI_TRY(sei_slab_width(geometry->ny, sizeof(float) * (per_slice + bins + most), device->backend->free_bytes(device) / 2, 0,
                           &width));
    SEI_TRY(sei_tilts_make(geometry, &tilts));
    SEI_TRY(sei_series_alloc(geometry->nx, geometry->ny, geometry->n_tilts, 1, &made));
    SEI_TRY(SEI_NEW(host, (int64_t)most, width, 1));
    SEI_TRY(SEI_OP(device, alloc)(device, per_slice * (size_t)width, &slices));
    SEI_TRY(SEI_OP(device, alloc)(device, bins * (size_t)width, &images));
    for (int64_t y0 = 0; y0 < geometry->ny; y0 += width) {
        const int64_t ny = geometry->ny - y0 < width ? geometry->ny - y0 : width;
        const sei_slab slab = {.nx = (int)volume->nx,
                               .nz = (int)volume->nz,
                               .nu = (int)geometry->nx,
                               .ny = (int)ny,
                               .n_tilts = (int)geometry->n_tilts,
                               .cos_tilt = tilts.cos_tilt,
                               .sin_tilt = tilts.sin_tilt,
                               .axis_u = tilts.axis_u,
                               .kernel = kernel};
        sei_slab_gather(volume->nz, volume->ny, volume->nx, y0, ny, volume->data, host);
        SEI_TRY(SEI_OP(device, upload)(device, slices, 0, per_slice * (size_t)ny, host));
        SEI_TRY(SEI_OP(device, project)(device, &slab, slices, images));
        SEI_TRY(SEI_OP(device, download)(device, images, 0, bins * (size_t)ny, host));
        sei_slab_scatter(geometry->n_tilts, geometry->ny, geometry->nx, y0, ny, host, made.channels[0].data);
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
    sei_free(host);
    device->backend->release(device, slices);
    device->backend->release(device, images);
    return status;
}

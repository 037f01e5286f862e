/* The envelope of a wire and the voids in it. */
#include <string.h>

#include "core/alloc.h"
#include "seitomo/morphology.h"

/* Fills the parts of !mask that do not reach the border of the box (6-connected; in one plane that is 4-connected). */
static sei_status fill_holes(uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, uint8_t *empty, uint32_t *components) {
    sei_status status = SEI_OK;
    uint8_t *reaches = NULL;
    uint32_t n = 0;
    for (int64_t i = 0; i < nx * ny * nz; ++i) empty[i] = mask[i] == 0;
    SEI_TRY(sei_components(empty, nx, ny, nz, 6, components, &n));
    SEI_TRY(SEI_NEW(reaches, (int64_t)n + 1, 1, 1));
    for (int64_t k = 0; k < nz; ++k) {
        for (int64_t j = 0; j < ny; ++j) {
            const bool face = (nz > 1 && (k == 0 || k == nz - 1)) || (ny > 1 && (j == 0 || j == ny - 1));
            const uint32_t *row = components + (k * ny + j) * nx;
            for (int64_t i = 0; i < nx; i += face || nx == 1 ? 1 : nx - 1) reaches[row[i]] = 1;
        }
    }
    for (int64_t i = 0; i < nx * ny * nz; ++i) {
        if (components[i] != 0 && !reaches[components[i]]) mask[i] = 1;
    }
done:
    sei_free(reaches);
    return status;
}

/* The holes of every cross-section x-z. */
static sei_status fill_sections(uint8_t *mask, int64_t nx, int64_t ny, int64_t nz) {
    sei_status status = SEI_OK;
    uint8_t *section = NULL, *empty = NULL;
    uint32_t *components = NULL;
    SEI_TRY(SEI_NEW(section, nx, nz, 1));
    SEI_TRY(SEI_NEW(empty, nx, nz, 1));
    SEI_TRY(SEI_NEW(components, nx, nz, 1));
    for (int64_t j = 0; j < ny; ++j) {
        for (int64_t k = 0; k < nz; ++k) memcpy(section + k * nx, mask + (k * ny + j) * nx, (size_t)nx);
        SEI_TRY(fill_holes(section, nx, nz, 1, empty, components));
        for (int64_t k = 0; k < nz; ++k) memcpy(mask + (k * ny + j) * nx, section + k * nx, (size_t)nx);
    }
done:
    sei_free(section);
    sei_free(empty);
    sei_free(components);
    return status;
}

sei_status sei_wire_envelope(const uint8_t *solid, int64_t nx, int64_t ny, int64_t nz, double radius_px, uint8_t *envelope) {
    sei_status status = SEI_OK;
    uint8_t *empty = NULL;
    uint32_t *components = NULL;
    SEI_TRY(SEI_NEW(empty, nx, ny, nz));
    SEI_TRY(SEI_NEW(components, nx, ny, nz));
    SEI_TRY(sei_close(solid, nx, ny, nz, radius_px, envelope));
    for (int64_t i = 0; i < nx * ny * nz; ++i) envelope[i] |= solid[i];
    SEI_TRY(fill_sections(envelope, nx, ny, nz));
    SEI_TRY(fill_holes(envelope, nx, ny, nz, empty, components));
done:
    sei_free(empty);
    sei_free(components);
    return status;
}

sei_status sei_wire_voids(uint8_t *empty, const uint8_t *envelope, int64_t nx, int64_t ny, int64_t nz) {
    sei_status status = SEI_OK;
    uint32_t *components = NULL, n = 0;
    uint8_t *open = NULL;
    SEI_TRY(SEI_NEW(components, nx, ny, nz));
    SEI_TRY(sei_components(empty, nx, ny, nz, 6, components, &n));
    SEI_TRY(SEI_NEW(open, (int64_t)n + 1, 1, 1));
    for (int64_t i = 0; i < nx * ny * nz; ++i) {
        if (empty[i] && !envelope[i]) open[components[i]] = 1;
    }
    for (int64_t i = 0; i < nx * ny * nz; ++i) empty[i] = empty[i] && envelope[i] ? 1 + open[components[i]] : 0;
done:
    sei_free(components);
    sei_free(open);
    return status;
}

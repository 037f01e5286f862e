/* A specimen beyond the faces it runs through. */
#include <string.h>

#include "core/alloc.h"
#include "seitomo/grow.h"

sei_status sei_grown_continue(sei_grown *grown, int64_t rows) {
    const int64_t nx = grown->nx, ny = grown->ny, longer = ny + 2 * rows;
    uint8_t *voxels = NULL;
    sei_status status = SEI_OK;
    if (rows < 0 || rows > ny) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %lld rows beyond either end, expected 0 to %lld", (long long)rows,
                        (long long)ny);
    }
    if (rows == 0) return SEI_OK;
    SEI_TRY(SEI_NEW(voxels, nx, longer, grown->nz));
    for (int64_t z = 0; z < grown->nz; ++z) {
        for (int64_t y = 0; y < longer; ++y) {
            const int64_t at = y - rows, from = at < 0 ? -1 - at : at < ny ? at : 2 * ny - 1 - at;
            memcpy(voxels + (z * longer + y) * nx, grown->voxels + (z * ny + from) * nx, (size_t)nx);
        }
    }
    sei_free(grown->voxels);
    grown->voxels = voxels;
    grown->ny = longer;
done:
    return status;
}

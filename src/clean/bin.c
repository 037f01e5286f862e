/* Binning: counts are summed, other signals averaged. */
#include <math.h>
#include <string.h>

#include "clean/clean.h"
#include "core/alloc.h"
#include "core/threads.h"

static bool bin_is_valid(const sei_series *series, int64_t t, int64_t x0, int64_t y0, int n) {
    if (series->valid == NULL) return true;
    for (int64_t y = y0; y < y0 + n; ++y) {
        for (int64_t x = x0; x < x0 + n; ++x) {
            if (series->valid[(t * series->ny + y) * series->nx + x] == 0) return false;
        }
    }
    return true;
}

sei_status sei_clean_bin(const sei_series *series, int n, sei_series *out) {
    sei_series binned = {0};
    sei_status status = SEI_OK;
    if (n < 1 || n > series->nx || n > series->ny) {
        return sei_fail(SEI_ERR_INPUT, "binning by %d does not fit the %lld x %lld image", n, (long long)series->nx,
                        (long long)series->ny);
    }
    const int64_t nx = series->nx / n, ny = series->ny / n;
    SEI_TRY(sei_series_alloc(nx, ny, series->n_tilts, series->n_channels, &binned));
    memcpy(binned.tilts, series->tilts, (size_t)series->n_tilts * sizeof *series->tilts);
    SEI_TRY(sei_facts_copy(&series->facts, &binned.facts));
    binned.pixel_nm = series->pixel_nm * n;
    binned.axis_deg = series->axis_deg;
    binned.aligned = series->aligned;
    /* The centre of what is kept lies (cx, cy) from the image's centre; the axis stays where it was in space. */
    const double cx = -0.5 * (double)(series->nx - nx * n), cy = -0.5 * (double)(series->ny - ny * n);
    const double axis_rad = series->axis_deg * (M_PI / 180);
    binned.axis_offset_px = (series->axis_offset_px - (cx * cos(axis_rad) + cy * sin(axis_rad))) / n;
    if (series->valid != NULL) SEI_TRY(SEI_NEW(binned.valid, series->n_tilts, ny, nx));
    for (size_t c = 0; c < series->n_channels; ++c) {
        float *data = binned.channels[c].data;
        binned.channels[c] = series->channels[c];
        binned.channels[c].data = data;
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t row = 0; row < series->n_tilts * ny; ++row) {
        const int64_t t = row / ny, y0 = (row % ny) * n;
        for (int64_t x = 0; x < nx; ++x) {
            const bool valid = bin_is_valid(series, t, x * n, y0, n);
            if (binned.valid != NULL) binned.valid[row * nx + x] = valid;
            for (size_t c = 0; c < series->n_channels && valid; ++c) {
                const float *from = series->channels[c].data + (t * series->ny + y0) * series->nx + x * n;
                const double share = strcmp(series->channels[c].unit, "counts") == 0 ? 1 : 1.0 / ((double)n * n);
                double sum = 0;
                for (int64_t i = 0; i < (int64_t)n * n; ++i) sum += (double)from[i / n * series->nx + i % n];
                binned.channels[c].data[row * nx + x] = (float)(sum * share);
            }
        }
    }
    *out = binned;
    return SEI_OK;
done:
    sei_series_free(&binned);
    return status;
}

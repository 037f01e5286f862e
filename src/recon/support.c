/* Where there may be something, found from the data: a quick reconstruction of coarse pixels, cut low and widened. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "recon/solver.h"

enum { COARSE_PX = 256, ITERATIONS = 10, MARGIN_PX = 3, LEVELS = 1000 };

/* The mean of b x by pixels; one without data among them makes a pixel without data. */
static sei_status coarsen(const sei_series *series, const sei_channel *channel, int64_t b, int64_t by, sei_series *out) {
    sei_status status = SEI_OK;
    sei_series made = {0};
    const int64_t nx = series->nx / b, ny = series->ny / by;
    SEI_TRY(sei_series_alloc(nx, ny, series->n_tilts, 1, &made));
    if (series->valid != NULL) SEI_TRY(SEI_NEW(made.valid, series->n_tilts, ny, nx));
    for (int64_t i = 0; i < series->n_tilts * ny * nx; ++i) {
        const int64_t t = i / (ny * nx), y = i / nx % ny, x = i % nx;
        double sum = 0;
        bool valid = true;
        for (int64_t k = 0; k < b * by; ++k) {
            const int64_t from = (t * series->ny + y * by + k / b) * series->nx + x * b + k % b;
            if (series->valid != NULL && series->valid[from] == 0) {
                valid = false;
            } else {
                sum += (double)channel->data[from];
            }
        }
        made.channels[0].data[i] = valid ? (float)(sum / (double)(b * by)) : 0;
        if (made.valid != NULL) made.valid[i] = valid;
    }
    memcpy(made.tilts, series->tilts, (size_t)series->n_tilts * sizeof *made.tilts);
    snprintf(made.channels[0].name, sizeof made.channels[0].name, "%s", channel->name);
    made.pixel_nm = series->pixel_nm * (double)b;
    /* the axis stays where it is: pixel p of the series lies at (p + 1/2)/b - 1/2 */
    const double axis = 0.5 * (double)(series->nx - 1) + series->axis_offset_px;
    made.axis_offset_px = (axis + 0.5) / (double)b - 0.5 - 0.5 * (double)(nx - 1);
    *out = made;
    made = (sei_series){0};
done:
    sei_series_free(&made);
    return status;
}

/* The value above which half of the volume's signal lies, to a thousandth of its largest; 0 when there is none. */
static double half_of_signal(const sei_volume *v) {
    const int64_t n = v->nx * v->ny * v->nz;
    double largest = 0, all = 0, above = 0, sums[LEVELS + 1] = {0};
    for (int64_t i = 0; i < n; ++i) largest = fmax(largest, (double)v->data[i]);
    for (int64_t i = 0; i < n && largest > 0; ++i) {
        sums[(int)((double)v->data[i] / largest * LEVELS)] += (double)v->data[i];
        all += (double)v->data[i];
    }
    for (int level = LEVELS; level >= 0; --level) {
        above += sums[level];
        if (above >= 0.5 * all) return largest * level / LEVELS;
    }
    return 0;
}

/* Sets what lies within `reach` pixels of (x, z). */
static void set_around(uint8_t *support, int64_t nx, int64_t nz, double x, double z, double reach) {
    const int64_t x0 = (int64_t)fmax(ceil(x - reach), 0), x1 = (int64_t)fmin(floor(x + reach), (double)(nx - 1));
    const int64_t z0 = (int64_t)fmax(ceil(z - reach), 0), z1 = (int64_t)fmin(floor(z + reach), (double)(nz - 1));
    for (int64_t k = z0; k <= z1; ++k) {
        for (int64_t i = x0; i <= x1; ++i) {
            if (hypot((double)i - x, (double)k - z) <= reach) support[k * nx + i] = 1;
        }
    }
}

sei_status sei_recon_find_support(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *wanted,
                                  uint8_t *support) {
    sei_status status = sei_recon_check_geometry(series);
    sei_series coarse = {0};
    sei_volume volume = {0};
    sei_recon_options o = *wanted;
    if (status != SEI_OK) return status;
    if (channel >= series->n_channels) {
        return sei_fail(SEI_ERR_USAGE, "channel %zu of %zu asked for", channel, series->n_channels);
    }
    const int64_t nx = series->nx, nz = wanted->depth_px > 0 ? wanted->depth_px : nx, b = (nx + COARSE_PX - 1) / COARSE_PX;
    o.method = SEI_METHOD_EM;
    o.iterations = ITERATIONS;
    o.stop = SEI_STOP_ITERATIONS;
    o.support = NULL;
    o.n_support = 0;
    o.start = NULL;
    o.slab_slices = 0;
    o.depth_px = (nz + b - 1) / b;
    SEI_TRY(coarsen(series, &series->channels[channel], b, b < series->ny ? b : series->ny, &coarse));
    SEI_TRY(sei_reconstruct(device, &coarse, 0, &o, &volume, NULL));
    const double least = 0.1 * half_of_signal(&volume);
    if (!(least > 0)) {
        status = sei_fail(SEI_ERR_INPUT, "channel '%s' has no signal to find a support from", series->channels[channel].name);
        goto done;
    }
    memset(support, 0, (size_t)(nx * nz));
    for (int64_t i = 0; i < volume.nz * volume.nx; ++i) {
        const int64_t z = i / volume.nx, x = i % volume.nx;
        bool any = false;
        for (int64_t y = 0; y < volume.ny && !any; ++y) any = (double)volume.data[(z * volume.ny + y) * volume.nx + x] > least;
        if (!any) continue;
        set_around(support, nx, nz, ((double)x - 0.5 * (double)(volume.nx - 1)) * (double)b + 0.5 * (double)(nx - 1),
                   ((double)z - 0.5 * (double)(volume.nz - 1)) * (double)b + 0.5 * (double)(nz - 1), (double)(b + MARGIN_PX));
    }
done:
    sei_series_free(&coarse);
    sei_volume_free(&volume);
    return status;
}

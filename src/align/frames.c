/* The reference channel as images whose tilt axis is y. */
#include <math.h>

#include "align/align.h"
#include "core/alloc.h"

void sei_split_angle(double axis_deg, int *quarter, double *rest_deg) {
    const double turns = floor(axis_deg / 90 + 0.5);
    *quarter = (int)(((int64_t)turns % 4 + 4) % 4);
    *rest_deg = axis_deg - 90 * turns;
}

void sei_turn(const float *in, int64_t nx, int64_t ny, int quarter, float *out) {
    const int64_t mx = quarter % 2 != 0 ? ny : nx, my = quarter % 2 != 0 ? nx : ny;
    for (int64_t y = 0; y < my; ++y) {
        for (int64_t x = 0; x < mx; ++x) {
            /* X = c X' - s Y', Y = s X' + c Y' with (c, s) = (1,0), (0,1), (-1,0), (0,-1), coordinates from the centres */
            const int64_t from_x = quarter == 0 ? x : quarter == 1 ? nx - 1 - y : quarter == 2 ? nx - 1 - x : y;
            const int64_t from_y = quarter == 0 ? y : quarter == 1 ? x : quarter == 2 ? ny - 1 - y : ny - 1 - x;
            out[y * mx + x] = in[from_y * nx + from_x];
        }
    }
}

/* A power of two that brings values near the ends of single precision, whose squares would leave it, to about 1. Shifts do not
 * depend on it; ordinary values stay as they are. */
static double scale_of(const sei_series *series, size_t channel) {
    const int64_t count = series->nx * series->ny * series->n_tilts;
    double most = 0;
    int exponent = 0;
    for (int64_t i = 0; i < count; ++i) {
        const double value = fabs((double)series->channels[channel].data[i]);
        if (isfinite(value) && value > most && (series->valid == NULL || series->valid[i] != 0)) most = value;
    }
    if (most == 0 || (most > 1e-9 && most < 1e9)) return 1;
    (void)frexp(most, &exponent);
    return ldexp(1, -exponent);
}

/* Copies one image; pixels without data get the mean of the others. SEI_ERR_INPUT when it has no contrast. */
static sei_status fill_image(const sei_series *series, size_t channel, int64_t t, double scale, float *to) {
    const int64_t size = series->nx * series->ny;
    const float *from = series->channels[channel].data + t * size;
    const uint8_t *valid = series->valid == NULL ? NULL : series->valid + t * size;
    double sum = 0, low = INFINITY, high = -INFINITY;
    int64_t n = 0;
    for (int64_t i = 0; i < size; ++i) {
        if (valid != NULL && valid[i] == 0) continue;
        if (!isfinite(from[i])) {
            return sei_fail(SEI_ERR_INPUT,
                            "channel '%s', tilt %.4g deg: pixel (%lld, %lld) is not a finite number; repair it first "
                            "(clean.repair_non_finite, in a recipe of seitomo run)",
                            series->channels[channel].name, series->tilts[t].tilt_deg, (long long)(i % series->nx),
                            (long long)(i / series->nx));
        }
        sum += (double)from[i];
        low = fmin(low, (double)from[i]);
        high = fmax(high, (double)from[i]);
        n += 1;
    }
    if (!(high > low)) {
        return sei_fail(
            SEI_ERR_INPUT,
            "channel '%s', tilt %.4g deg: the image has no contrast (%s); leave this tilt out or choose another reference",
            series->channels[channel].name, series->tilts[t].tilt_deg, n == 0 ? "no pixel holds data" : "all pixels are equal");
    }
    for (int64_t i = 0; i < size; ++i)
        to[i] = (float)(scale * (valid != NULL && valid[i] == 0 ? sum / (double)n : (double)from[i]));
    return SEI_OK;
}

sei_status sei_frames_make(sei_device *device, const sei_series *series, size_t channel, sei_frames *out) {
    sei_frames f = {.n = (int)series->n_tilts, .tilts = series->tilts};
    sei_status status = SEI_OK;
    int quarter = 0;
    double rest_deg = 0;
    float *scratch = NULL;
    sei_buffer *in = NULL, *turned = NULL;
    if (series->nx > 1 << 20 || series->ny > 1 << 20 || series->n_tilts > 1 << 20) {
        return sei_fail(SEI_ERR_INPUT, "a series of %lld x %lld x %lld tilts is larger than 2^20 along one direction",
                        (long long)series->nx, (long long)series->ny, (long long)series->n_tilts);
    }
    sei_split_angle(series->axis_deg, &quarter, &rest_deg);
    f.nx = (int)(quarter % 2 != 0 ? series->ny : series->nx);
    f.ny = (int)(quarter % 2 != 0 ? series->nx : series->ny);
    const size_t size = (size_t)f.nx * (size_t)f.ny;
    const double scale = scale_of(series, channel);
    SEI_TRY(SEI_NEW(f.data, f.n, f.ny, f.nx));
    SEI_TRY(SEI_NEW(f.cos_tilt, f.n, 1, 1));
    SEI_TRY(SEI_NEW(f.sin_tilt, f.n, 1, 1));
    SEI_TRY(SEI_NEW(scratch, f.ny, f.nx, 1));
    if (rest_deg != 0) {
        SEI_TRY(SEI_OP(device, alloc)(device, size, &in));
        SEI_TRY(SEI_OP(device, alloc)(device, size, &turned));
    }
    for (int t = 0; t < f.n; ++t) {
        float *image = f.data + (size_t)t * size;
        const double tilt_rad = series->tilts[t].tilt_deg * (M_PI / 180);
        f.cos_tilt[t] = cos(tilt_rad);
        f.sin_tilt[t] = sin(tilt_rad);
        if (fabs(series->tilts[t].tilt_deg) < fabs(series->tilts[f.start].tilt_deg)) f.start = t;
        SEI_TRY(fill_image(series, channel, t, scale, scratch));
        sei_turn(scratch, series->nx, series->ny, quarter, image);
        if (rest_deg == 0) continue;
        const double c = cos(rest_deg * (M_PI / 180)), s = sin(rest_deg * (M_PI / 180));
        double mean = 0;
        for (size_t i = 0; i < size; ++i) mean += (double)image[i] / (double)size;
        for (size_t i = 0; i < size; ++i) scratch[i] = (float)((double)image[i] - mean); /* so that corners become the mean */
        SEI_TRY(SEI_OP(device, upload)(device, in, 0, size, scratch));
        SEI_TRY(SEI_OP(device, resample)(device, f.nx, f.ny, 1, (const double[6]){c, -s, s, c, 0, 0}, 3, in, turned, NULL));
        SEI_TRY(SEI_OP(device, download)(device, turned, 0, size, image));
        for (size_t i = 0; i < size; ++i) image[i] = (float)((double)image[i] + mean);
    }
    *out = f;
    f = (sei_frames){0};
done:
    device->backend->release(device, in);
    device->backend->release(device, turned);
    sei_free(scratch);
    sei_frames_free(&f);
    return status;
}

void sei_frames_free(sei_frames *frames) {
    sei_free(frames->data);
    sei_free(frames->cos_tilt);
    sei_free(frames->sin_tilt);
    *frames = (sei_frames){0};
}

/* Resampling to another grid about the same centre: one sparse row of weights per output index and axis. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/segment.h"

/* Output index i is the sum of weights[i][t] * input[first[i] + t], t < taps. */
typedef struct axis_weights {
    int64_t taps;
    int64_t *first;
    double *weights;
} axis_weights;

static void weights_free(axis_weights *w) {
    sei_free(w->first);
    sei_free(w->weights);
}

/* Finer: linear between voxel centres, the outermost voxels reach half an edge further. */
static void linear_weights(int64_t n_in, int64_t n_out, double ratio, axis_weights *w) {
    for (int64_t i = 0; i < n_out; ++i) {
        double x = ((double)i - 0.5 * (double)(n_out - 1)) * ratio + 0.5 * (double)(n_in - 1);
        if (x < -0.5 || x > (double)n_in - 0.5) continue;
        x = x < 0 ? 0 : x > (double)(n_in - 1) ? (double)(n_in - 1) : x;
        int64_t first = (int64_t)floor(x);
        if (first > n_in - 2) first = n_in > 1 ? n_in - 2 : 0;
        w->first[i] = first;
        w->weights[i * w->taps] = n_in > 1 ? 1 - (x - (double)first) : 1;
        if (n_in > 1) w->weights[i * w->taps + 1] = x - (double)first;
    }
}

/* Coarser: each input voxel counts with the part of it that lies in the output voxel. */
static void area_weights(int64_t n_in, int64_t n_out, double ratio, axis_weights *w) {
    for (int64_t i = 0; i < n_out; ++i) {
        const double begin = ((double)i - 0.5 * (double)n_out) * ratio + 0.5 * (double)n_in, end = begin + ratio;
        int64_t first = (int64_t)floor(begin + 1e-9);
        if (first < 0) first = 0;
        if (first + w->taps > n_in) first = n_in - w->taps;
        w->first[i] = first;
        for (int64_t t = 0; t < w->taps; ++t) {
            const double low = fmax(begin, (double)(first + t)), high = fmin(end, (double)(first + t + 1));
            if (high - low > 1e-9) w->weights[i * w->taps + t] = (high - low) / ratio;
        }
    }
}

static sei_status make_weights(int64_t n_in, int64_t n_out, double ratio, axis_weights *w) {
    sei_status status = SEI_OK;
    const bool finer = ratio < 1;
    w->taps = finer ? (n_in > 1 ? 2 : 1) : (int64_t)ceil(ratio - 1e-9) + 1;
    if (w->taps > n_in) w->taps = n_in;
    SEI_TRY(SEI_NEW(w->first, n_out, 1, 1));
    SEI_TRY(SEI_NEW(w->weights, n_out, w->taps, 1));
    (finer ? linear_weights : area_weights)(n_in, n_out, ratio, w);
done:
    return status;
}

/* data[outer][n_in][inner] -> out[outer][n_out][inner] */
static void apply(const float *data, int64_t outer, int64_t n_in, int64_t inner, const axis_weights *w, int64_t n_out,
                  float *out) {
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t row = 0; row < outer * n_out; ++row) {
        const int64_t o = row / n_out, i = row % n_out;
        for (int64_t x = 0; x < inner; ++x) {
            double sum = 0;
            for (int64_t t = 0; t < w->taps; ++t) {
                const double weight = w->weights[i * w->taps + t];
                if (weight != 0) sum += weight * (double)data[(o * n_in + w->first[i] + t) * inner + x];
            }
            out[row * inner + x] = (float)sum;
        }
    }
}

sei_status sei_volume_resample(const sei_volume *volume, int64_t nx, int64_t ny, int64_t nz, double voxel_nm, sei_volume *out) {
    sei_status status = SEI_OK;
    sei_volume result = {0};
    axis_weights wx = {0}, wy = {0}, wz = {0};
    float *along_x = NULL, *along_y = NULL;
    if (!(voxel_nm > 0) || !isfinite(voxel_nm))
        return sei_fail(SEI_ERR_USAGE, "resampling to a voxel of %g nm: it must be above 0", voxel_nm);
    if (!(volume->voxel_nm > 0))
        return sei_fail(SEI_ERR_INPUT, "volume %s has no voxel size: give it before resampling", volume->name);
    double ratio = voxel_nm / volume->voxel_nm;
    if (fabs(ratio - 1) < 1e-6) ratio = 1;
    SEI_TRY(sei_volume_alloc(nx, ny, nz, voxel_nm, &result));
    memcpy(result.name, volume->name, sizeof result.name);
    memcpy(result.unit, volume->unit, sizeof result.unit);
    SEI_TRY(sei_facts_copy(&volume->facts, &result.facts));
    SEI_TRY(make_weights(volume->nx, nx, ratio, &wx));
    SEI_TRY(make_weights(volume->ny, ny, ratio, &wy));
    SEI_TRY(make_weights(volume->nz, nz, ratio, &wz));
    SEI_TRY(SEI_NEW(along_x, nx, volume->ny, volume->nz));
    SEI_TRY(SEI_NEW(along_y, nx, ny, volume->nz));
    apply(volume->data, volume->ny * volume->nz, volume->nx, 1, &wx, nx, along_x);
    apply(along_x, volume->nz, volume->ny, nx, &wy, ny, along_y);
    apply(along_y, 1, volume->nz, nx * ny, &wz, nz, result.data);
    /* a value is signal per voxel edge of path: a longer edge holds more of it */
    if (ratio != 1) {
        for (int64_t i = 0; i < nx * ny * nz; ++i) result.data[i] = (float)((double)result.data[i] * ratio);
    }
    *out = result;
    result = (sei_volume){0};
done:
    sei_volume_free(&result);
    weights_free(&wx);
    weights_free(&wy);
    weights_free(&wz);
    sei_free(along_x);
    sei_free(along_y);
    return status;
}

/* Whether two volumes share one grid. */
static bool same_grid(const sei_volume *a, int64_t nx, int64_t ny, int64_t nz, double voxel_nm) {
    return a->nx == nx && a->ny == ny && a->nz == nz && fabs(a->voxel_nm / voxel_nm - 1) < 1e-6;
}

sei_status sei_volumes_to_one_grid(size_t n, sei_volume *volumes) {
    const sei_volume *coarsest = volumes;
    for (size_t i = 1; i < n; ++i) {
        if (volumes[i].voxel_nm > coarsest->voxel_nm * (1 + 1e-6)) coarsest = &volumes[i];
    }
    for (size_t i = 0; i < n; ++i) {
        sei_volume fresh = {0};
        if (same_grid(&volumes[i], coarsest->nx, coarsest->ny, coarsest->nz, coarsest->voxel_nm)) continue;
        const sei_status status =
            sei_volume_resample(&volumes[i], coarsest->nx, coarsest->ny, coarsest->nz, coarsest->voxel_nm, &fresh);
        if (status != SEI_OK) return sei_fail_context(status, "volume %s", volumes[i].name);
        sei_volume_free(&volumes[i]);
        volumes[i] = fresh;
    }
    return SEI_OK;
}

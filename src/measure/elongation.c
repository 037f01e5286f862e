/* How much longer things are along the beam than across it. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/measure.h"

/* A box of the volume: first voxel and size. */
typedef struct box {
    int64_t x, y, z, nx, ny, nz;
} box;

static void cut(int64_t centre, int64_t half, int64_t n, int64_t *first, int64_t *size) {
    const int64_t low = centre - half > 0 ? centre - half : 0, high = centre + half < n - 1 ? centre + half : n - 1;
    *first = low;
    *size = high - low + 1;
}

static double value_at(const sei_volume *volume, const box *b, int64_t index) {
    const int64_t i = index % b->nx, j = index / b->nx % b->ny, k = index / b->nx / b->ny;
    return (double)volume->data[((b->z + k) * volume->ny + b->y + j) * volume->nx + b->x + i];
}

/* Marks in `object` the voxels above `level` joined to `start` through faces; returns their number. stack[count]. */
static int64_t flood(const sei_volume *volume, const box *b, int64_t start, double level, uint8_t *object, int64_t *stack) {
    int64_t top = 0, found = 0;
    stack[top++] = start;
    object[start] = 1;
    while (top > 0) {
        const int64_t index = stack[--top], i = index % b->nx, j = index / b->nx % b->ny, k = index / b->nx / b->ny;
        const int64_t steps[6] = {i > 0 ? -1 : 0,
                                  i + 1 < b->nx ? 1 : 0,
                                  j > 0 ? -b->nx : 0,
                                  j + 1 < b->ny ? b->nx : 0,
                                  k > 0 ? -b->nx * b->ny : 0,
                                  k + 1 < b->nz ? b->nx * b->ny : 0};
        ++found;
        for (int s = 0; s < 6; ++s) {
            const int64_t next = index + steps[s];
            if (steps[s] == 0 || object[next] || !(value_at(volume, b, next) > level)) continue;
            object[next] = 1;
            stack[top++] = next;
        }
    }
    return found;
}

/* Ratio of the rms extents of the object about its weighted centre; NaN when it touches the box or has no width. */
static double extents_ratio(const sei_volume *volume, const box *b, const uint8_t *object) {
    double mass = 0, x = 0, z = 0, xx = 0, zz = 0;
    for (int64_t index = 0; index < b->nx * b->ny * b->nz; ++index) {
        if (!object[index]) continue;
        const int64_t i = index % b->nx, j = index / b->nx % b->ny, k = index / b->nx / b->ny;
        if (i == 0 || j == 0 || k == 0 || i == b->nx - 1 || j == b->ny - 1 || k == b->nz - 1) return (double)NAN;
        const double v = value_at(volume, b, index);
        mass += v;
        x += v * (double)i;
        z += v * (double)k;
        xx += v * (double)(i * i);
        zz += v * (double)(k * k);
    }
    const double width = xx / mass - x / mass * (x / mass), depth = zz / mass - z / mass * (z / mass);
    return width > 1e-9 && depth >= 0 ? sqrt(depth / width) : (double)NAN;
}

double sei_measure_elongation(const sei_volume *volume, int64_t cx, int64_t cy, int64_t cz, int64_t half_width) {
    sei_status status = SEI_OK;
    box b = {0};
    uint8_t *object = NULL;
    int64_t *stack = NULL, top = -1;
    double best = 0, ratio = NAN;
    if (half_width < 1 || cx < 0 || cy < 0 || cz < 0 || cx >= volume->nx || cy >= volume->ny || cz >= volume->nz) return ratio;
    cut(cx, half_width, volume->nx, &b.x, &b.nx);
    cut(cy, half_width, volume->ny, &b.y, &b.ny);
    cut(cz, half_width, volume->nz, &b.z, &b.nz);
    const int64_t count = b.nx * b.ny * b.nz;
    SEI_TRY(SEI_NEW(object, count, 1, 1));
    SEI_TRY(SEI_NEW(stack, count, 1, 1));
    for (int64_t i = 0; i < count; ++i) {
        const double v = value_at(volume, &b, i);
        if (v > best) {
            best = v;
            top = i;
        }
    }
    if (top >= 0 && isfinite(best) && flood(volume, &b, top, 0.5 * best, object, stack) >= 8)
        ratio = extents_ratio(volume, &b, object);
done:
    (void)status;
    sei_free(object);
    sei_free(stack);
    return ratio;
}

/* Mean product of deviations at distance `lag` along an axis of stride `stride` and length n (z: planes, x: within rows). */
static double correlate(const sei_volume *volume, double mean, int64_t lag, bool along_z, double *rows) {
    const int64_t nx = volume->nx, n_rows = volume->ny * volume->nz, offset = along_z ? lag * nx * volume->ny : lag;
    const int64_t used = along_z ? n_rows - lag * volume->ny : n_rows, width = along_z ? nx : nx - lag;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < used; ++r) {
        const float *a = volume->data + r * nx, *b = a + offset;
        double sum = 0;
        for (int64_t i = 0; i < width; ++i) sum += ((double)a[i] - mean) * ((double)b[i] - mean);
        rows[r] = sum;
    }
    double sum = 0;
    for (int64_t r = 0; r < used; ++r) sum += rows[r];
    return sum / (double)(used * width);
}

/* Lag at which the autocorrelation falls to half; NaN when it does not within half of the length n. */
static double half_width(const sei_volume *volume, double mean, double variance, bool along_z, double *rows) {
    const int64_t n = along_z ? volume->nz : volume->nx;
    double before = variance;
    for (int64_t lag = 1; lag <= n / 2; ++lag) {
        const double now = correlate(volume, mean, lag, along_z, rows);
        if (now <= 0.5 * variance) return (double)lag - 1 + (before - 0.5 * variance) / (before - now);
        before = now;
    }
    return (double)NAN;
}

sei_status sei_measure_elongation_autocorrelation(const sei_volume *volume, double *elongation) {
    sei_status status = SEI_OK;
    double *rows = NULL, sum = 0;
    const int64_t n_rows = volume->ny * volume->nz;
    if (volume->data == NULL || volume->nx < 1 || n_rows < 1) return sei_fail(SEI_ERR_INPUT, "elongation of an empty volume");
    SEI_TRY(SEI_NEW(rows, n_rows, 1, 1));
    for (int64_t r = 0; r < n_rows; ++r) {
        double row = 0;
        for (int64_t i = 0; i < volume->nx; ++i) row += (double)volume->data[r * volume->nx + i];
        sum += row;
    }
    const double mean = sum / (double)(n_rows * volume->nx);
    const double variance = correlate(volume, mean, 0, false, rows);
    if (!(variance > 0) || !isfinite(variance)) {
        SEI_TRY(sei_fail(SEI_ERR_INPUT, "elongation of volume %s: its values do not vary, or are not finite", volume->name));
    }
    *elongation = half_width(volume, mean, variance, true, rows) / half_width(volume, mean, variance, false, rows);
done:
    sei_free(rows);
    return status;
}

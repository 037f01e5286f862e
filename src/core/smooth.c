/* Gaussian smoothing, one axis after the other. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/morphology.h"

/* Index of the voxel that mirroring about the faces puts at i (edge voxels repeated). */
static int64_t mirror(int64_t i, int64_t n) {
    const int64_t period = 2 * n;
    int64_t at = i % period;
    if (at < 0) at += period;
    return at < n ? at : period - 1 - at;
}

/* A row of outputs: sum over the taps of rows `step` voxels apart along the axis, index mirrored. */
static void smooth_line(const float *from, float *to, int64_t n, int64_t stride, int64_t width, const double *kernel,
                        int64_t reach, double *sums) {
    for (int64_t i = 0; i < n; ++i) {
        memset(sums, 0, (size_t)width * sizeof *sums);
        for (int64_t t = -reach; t <= reach; ++t) {
            const float *source = from + mirror(i + t, n) * stride;
            const double weight = kernel[t + reach];
            for (int64_t b = 0; b < width; ++b) sums[b] += weight * (double)source[b];
        }
        for (int64_t b = 0; b < width; ++b) to[i * stride + b] = (float)sums[b];
    }
}

/* Along x the taps lie in the row itself. */
static void smooth_row(const float *from, float *to, int64_t n, const double *kernel, int64_t reach) {
    for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t t = -reach; t <= reach; ++t) sum += kernel[t + reach] * (double)from[mirror(i + t, n)];
        to[i] = (float)sum;
    }
}

sei_status sei_smooth_gaussian(float *data, int64_t nx, int64_t ny, int64_t nz, double sigma_px) {
    sei_status status = SEI_OK;
    float *copy = NULL;
    double *kernel = NULL, *sums = NULL;
    if (!(sigma_px >= 0) || sigma_px > 1000) {
        return sei_fail(SEI_ERR_USAGE, "smoothing by %g voxels: the width lies between 0 and 1000", sigma_px);
    }
    if (sigma_px == 0) return SEI_OK;
    const int64_t reach = (int64_t)(4 * sigma_px + 0.5);
    double total = 0;
    SEI_TRY(SEI_NEW(copy, nx, ny, nz));
    SEI_TRY(SEI_NEW(kernel, 2 * reach + 1, 1, 1));
    SEI_TRY(SEI_NEW(sums, nx, ny > nz ? ny : nz, 1));
    for (int64_t t = -reach; t <= reach; ++t) total += kernel[t + reach] = exp(-0.5 * (double)(t * t) / (sigma_px * sigma_px));
    for (int64_t t = 0; t <= 2 * reach; ++t) kernel[t] /= total;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < ny * nz; ++r) smooth_row(data + r * nx, copy + r * nx, nx, kernel, reach);
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < nz; ++k)
        smooth_line(copy + k * nx * ny, data + k * nx * ny, ny, nx, nx, kernel, reach, sums + k * nx);
    memcpy(copy, data, (size_t)(nx * ny * nz) * sizeof *data);
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) smooth_line(copy + j * nx, data + j * nx, nz, nx * ny, nx, kernel, reach, sums + j * nx);
done:
    sei_free(copy);
    sei_free(kernel);
    sei_free(sums);
    return status;
}

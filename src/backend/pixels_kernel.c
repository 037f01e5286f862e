/* What EM and SIRT make of the projection, bin by bin. Sums are made per tilt, so that their order does not depend on threads. */
#include "backend/cpu.h"
#include "backend/isa.h"

/*
 * log(x) for normal x > 0 in plain arithmetic that vectorises: x = 2^e * f with f in [sqrt(1/2), sqrt(2)), then
 * log f = 2 atanh((f-1)/(f+1)) as a series in s = (f-1)/(f+1), |s| <= 0.1716. The first term left out is 2 s^19/19,
 * below 3e-16.
 */
static inline double fixed_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t shifted = bits - 0x3fe6a09e667f3bcdULL; /* the bits of sqrt(1/2) */
    const int64_t e = (int64_t)shifted >> 52;
    bits -= (uint64_t)e << 52;
    double f;
    memcpy(&f, &bits, sizeof f);
    const double s = (f - 1) / (f + 1), q = s * s;
    const double series =
        1 +
        q * (1.0 / 3 +
             q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17))))))));
    return (double)(int)e * 0.69314718055994530942 + 2 * s * series;
}

void SEI_KERNEL_NAME(sei_cpu_em_ratio)(int threads, const sei_slab *s, const float *counts, const float *weight,
                                       const float *background, float *sinogram, double *parts) {
    const size_t ny = (size_t)s->ny, nu = (size_t)s->nu;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int t = 0; t < s->n_tilts; ++t) {
        for (int k = 0; k < sei_slab_blocks(s); ++k) {
            const sei_host_block b = sei_host_block_of(s, k);
            double *sums = parts == NULL ? NULL : parts + (size_t)t * SEI_SUM_COUNT * ny + b.first;
            for (size_t bin = (size_t)t * nu; bin < (size_t)(t + 1) * nu; ++bin) {
                const size_t first = b.sinogram + bin * (size_t)b.slab.ny;
                for (size_t y = 0; y < (size_t)b.slab.ny; ++y) {
                    const size_t i = first + y;
                    const double n = (double)counts[i], w = weight == NULL ? 1 : (double)weight[i];
                    const double m = (double)sinogram[i] + (background == NULL ? 0 : (double)background[i]);
                    const bool used = w > 0 && m > 0;
                    const double divisor = used ? m : 1;
                    const double ratio = w * n / divisor;
                    sinogram[i] = used ? (float)ratio : 0;
                    if (sums == NULL) continue;
                    const double likelihood = w * (n * fixed_log(divisor) - m);
                    sums[SEI_SUM_LOG_LIKELIHOOD * ny + y] += used ? likelihood : 0;
                    sums[SEI_SUM_COUNTED * ny + y] += used ? w * n : 0;
                    sums[SEI_SUM_RESIDUAL2 * ny + y] += w * (n - m) * (n - m);
                    sums[SEI_SUM_MODEL * ny + y] += w * m;
                }
            }
        }
    }
}

void SEI_KERNEL_NAME(sei_cpu_sirt_residual)(int threads, const sei_slab *s, const float *counts, const float *weight,
                                            const float *background, const float *inverse_row, bool per_slice, float *sinogram,
                                            double *parts) {
    const size_t ny = (size_t)s->ny, nu = (size_t)s->nu;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int t = 0; t < s->n_tilts; ++t) {
        for (int k = 0; k < sei_slab_blocks(s); ++k) {
            const sei_host_block b = sei_host_block_of(s, k);
            double *sums = parts == NULL ? NULL : parts + (size_t)t * SEI_SUM_COUNT * ny + b.first;
            for (size_t bin = (size_t)t * nu; bin < (size_t)(t + 1) * nu; ++bin) {
                const size_t first = b.sinogram + bin * (size_t)b.slab.ny;
                for (size_t y = 0; y < (size_t)b.slab.ny; ++y) {
                    const size_t i = first + y;
                    const double w = weight == NULL ? 1 : (double)weight[i];
                    const double m = (double)sinogram[i] + (background == NULL ? 0 : (double)background[i]);
                    const double difference = (double)counts[i] - m;
                    sinogram[i] = (float)(w * (double)inverse_row[per_slice ? i : bin] * difference);
                    if (sums == NULL) continue;
                    sums[SEI_SUM_RESIDUAL2 * ny + y] += w * difference * difference;
                    sums[SEI_SUM_MODEL * ny + y] += w * m;
                }
            }
        }
    }
}

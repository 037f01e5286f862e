/* What becomes of a projected bin and of a back-projected voxel, in the kernels that make them. All of it in double, so that
 * a product of large factors does not overflow on the way to a small result. */
#ifndef SEI_CUDA_STEP_CUH
#define SEI_CUDA_STEP_CUH

#include "device.cuh"

/* The projection itself, EM's ratio (Shepp & Vardi 1982) or SIRT's residual (Gilbert 1972). */
struct sei_cuda_step {
    enum { PROJECT, EM_RATIO, SIRT_RESIDUAL } kind;
    const float *counts, *weight, *background; /* as the sinogram; weight and background may be NULL */
    const float *inverse_row;
    bool per_slice; /* inverse_row is as the sinogram; otherwise one value a bin */

    /*
     * The value of bin `bin` in the slice at `index` of the arrays, whose projection is `projected`. What an iteration reports
     * of it is added to sum[which * stride]; NULL: it is not wanted, and the logarithm is spared.
     */
    __device__ float value(float projected, size_t bin, size_t index, double *sum, int stride) const {
        const double m = (double)projected + (background == nullptr ? 0.0 : (double)background[index]);
        const double w = weight == nullptr ? 1.0 : (double)weight[index], b = counts[index], difference = b - m;
        const bool used = kind == EM_RATIO && w > 0 && m > 0;
        if (sum != nullptr) {
            if (used) {
                sum[SEI_SUM_LOG_LIKELIHOOD * stride] += w * (b * log(m) - m);
                sum[SEI_SUM_COUNTED * stride] += w * b;
            }
            sum[SEI_SUM_RESIDUAL2 * stride] += w * difference * difference;
            sum[SEI_SUM_MODEL * stride] += w * m;
        }
        if (kind == EM_RATIO) return used ? (float)(w * b / m) : 0.0F;
        return (float)(w * (double)inverse_row[per_slice ? index : bin] * difference);
    }
};

/* The back projection itself, EM's multiplicative update or SIRT's additive one. */
struct sei_cuda_update {
    enum { BACKPROJECT, EM, SIRT } kind;
    const float *inverse;
    bool per_slice; /* inverse is as the volume; otherwise one value a voxel of the map */
    bool positive;
    float relaxation;

    /* Whether a voxel outside the support keeps its value; otherwise it becomes 0. */
    __device__ bool keeps() const { return kind != BACKPROJECT; }
    __device__ float value(float old, float back, float factor) const {
        if (kind == BACKPROJECT) return back;
        if (kind == EM) return factor == 0 ? old : (float)((double)old * (double)back * (double)factor); /* not seen: kept */
        const double next = (double)old + (double)relaxation * (double)factor * (double)back;
        return positive && next < 0 ? 0.0F : (float)next;
    }
};

#endif

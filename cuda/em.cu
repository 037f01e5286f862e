/* EM (Shepp & Vardi 1982): the ratio of counts to the expected counts, and the multiplicative update. */
#include "bins.cuh"

__global__ void em_ratio_kernel(size_t n_bins, int ny, const float *__restrict__ counts, const float *__restrict__ weight,
                                const float *__restrict__ background, float *__restrict__ sinogram,
                                double *__restrict__ partial) {
    for_each_bin(n_bins, ny, partial, [&](size_t i, double *sum) {
        const double w = bin_weight(weight, i), b = counts[i], m = bin_model(sinogram, background, i);
        const bool used = w > 0 && m > 0;
        sinogram[i] = used ? (float)(w * b / m) : 0.0F;
        if (partial == nullptr) return; /* spares the logarithm */
        if (used) {
            sum[SEI_SUM_LOG_LIKELIHOOD] += w * (b * log(m) - m);
            sum[SEI_SUM_COUNTED] += w * b;
        }
        sum[SEI_SUM_RESIDUAL2] += w * (b - m) * (b - m);
        sum[SEI_SUM_MODEL] += w * m;
    });
}

sei_status sei_cuda_em_ratio(sei_device *face, const sei_slab *slab, const sei_buffer *counts, const sei_buffer *weight,
                             const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    sei_cuda_bins bins = {};
    SEI_RETURN(sei_cuda_bins_begin(device, "em_ratio", slab, counts, weight, background, sinogram, sums, &bins));
    SEI_LAUNCH_PLAIN(em_ratio_kernel, bins.blocks, BINS_BLOCK, bins.count, slab->ny, counts->data, sei_cuda_floats(weight),
                     sei_cuda_floats(background), sinogram->data, bins.partial);
    return sei_cuda_bins_end(device, "em_ratio_kernel", slab, &bins, sums);
}

/* In double, so that a product of large factors does not overflow on the way to a small result. */
__global__ void em_update_kernel(size_t count, const float *__restrict__ back, const float *__restrict__ inverse_sensitivity,
                                 float *__restrict__ volume) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) volume[i] = (float)((double)volume[i] * (double)back[i] * (double)inverse_sensitivity[i]);
}

sei_status sei_cuda_em_update(sei_device *face, const sei_slab *slab, const sei_buffer *back,
                              const sei_buffer *inverse_sensitivity, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    unsigned blocks = 0;
    SEI_RETURN(
        sei_cuda_check_update(device, "em_update", slab, back, "inverse_sensitivity", inverse_sensitivity, volume, &blocks));
    SEI_LAUNCH_PLAIN(em_update_kernel, blocks, UPDATE_BLOCK, sei_cuda_volume_count(slab), back->data, inverse_sensitivity->data,
                     volume->data);
    return sei_cuda_launched(device, "em_update_kernel");
}

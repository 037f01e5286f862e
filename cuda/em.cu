/* EM (Shepp & Vardi 1982): the ratio of counts to the expected counts. */
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

sei_status sei_cuda_em_ratio(sei_device *face, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                             const sei_buffer *weight, const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_bins(device, "em_ratio", slab, volume, counts, weight, background, sinogram));
    SEI_RETURN(sei_cuda_project(face, slab, volume, sinogram));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        sei_cuda_bins bins = {};
        SEI_RETURN(sei_cuda_bins_begin(device, "em_ratio", &b.slab, sums, &bins));
        SEI_LAUNCH_PLAIN(em_ratio_kernel, bins.blocks, BINS_BLOCK, bins.count, b.slab.ny, counts->data + b.sinogram,
                         sei_cuda_floats(weight, b.sinogram), sei_cuda_floats(background, b.sinogram),
                         sinogram->data + b.sinogram, bins.partial);
        SEI_RETURN(sei_cuda_bins_end(device, "em_ratio_kernel", slab, &b, &bins, sums));
    }
    return SEI_OK;
}

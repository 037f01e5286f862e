/* EM (Shepp & Vardi 1982): the ratio of counts to the expected counts, and the multiplicative update. */
#include "device.cuh"

/* One thread: one slice, SEI_CUDA_SUM_BINS bins one after another. weight, background and partial may be NULL. */
__global__ void em_ratio_kernel(size_t n_bins, int ny, const float *__restrict__ counts, const float *__restrict__ weight,
                                const float *__restrict__ background, float *__restrict__ sinogram,
                                double *__restrict__ partial) {
    const size_t columns = ((size_t)ny + 127) / 128;
    const size_t chunk = blockIdx.x / columns;
    const size_t y = blockIdx.x % columns * 128 + threadIdx.x;
    if (y >= (size_t)ny) return;
    double sum[SEI_SUM_COUNT] = {0};
    const size_t end = (chunk + 1) * SEI_CUDA_SUM_BINS < n_bins ? (chunk + 1) * SEI_CUDA_SUM_BINS : n_bins;
    for (size_t bin = chunk * SEI_CUDA_SUM_BINS; bin < end; ++bin) {
        const size_t i = bin * (size_t)ny + y;
        const double w = weight == nullptr ? 1.0 : (double)weight[i];
        const double b = counts[i];
        const double m = (double)sinogram[i] + (background == nullptr ? 0.0 : (double)background[i]);
        const bool used = w > 0 && m > 0;
        sinogram[i] = used ? (float)(w * b / m) : 0.0F;
        if (partial == nullptr) continue;
        if (used) {
            sum[SEI_SUM_LOG_LIKELIHOOD] += w * (b * log(m) - m);
            sum[SEI_SUM_COUNTED] += w * b;
        }
        sum[SEI_SUM_RESIDUAL2] += w * (b - m) * (b - m);
        sum[SEI_SUM_MODEL] += w * m;
    }
    if (partial == nullptr) return;
    for (size_t k = 0; k < SEI_SUM_COUNT; ++k) partial[(chunk * SEI_SUM_COUNT + k) * (size_t)ny + y] = sum[k];
}

sei_status sei_cuda_em_ratio(sei_device *face, const sei_slab *slab, const sei_buffer *counts, const sei_buffer *weight,
                             const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_slab(device, "em_ratio", slab));
    const size_t n = sei_cuda_sinogram_count(slab), bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    SEI_RETURN(sei_cuda_check_buffer(device, "em_ratio", "counts", counts, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "em_ratio", "sinogram", sinogram, n));
    SEI_RETURN(sei_cuda_check_optional(device, "em_ratio", "weight", weight, n));
    SEI_RETURN(sei_cuda_check_optional(device, "em_ratio", "background", background, n));
    SEI_RETURN(sei_cuda_check_distinct(device, "em_ratio", counts, sinogram));
    size_t chunks = (bins + SEI_CUDA_SUM_BINS - 1) / SEI_CUDA_SUM_BINS;
    double *partial = nullptr;
    unsigned blocks = 0;
    if (sums != nullptr) SEI_RETURN(sei_cuda_partial_sums(device, slab, &chunks, &partial));
    SEI_RETURN(sei_cuda_extent(device, "em_ratio", chunks * (((size_t)slab->ny + 127) / 128), &blocks));
    const float *w = weight == nullptr ? nullptr : weight->data, *r = background == nullptr ? nullptr : background->data;
    SEI_LAUNCH_PLAIN(em_ratio_kernel, blocks, 128, bins, slab->ny, counts->data, w, r, sinogram->data, partial);
    SEI_RETURN(sei_cuda_launched(device, "em_ratio_kernel"));
    return sums == nullptr ? SEI_OK : sei_cuda_collect_sums(device, chunks, slab->ny, sums);
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
    SEI_RETURN(sei_cuda_check_slab(device, "em_update", slab));
    const size_t n = sei_cuda_volume_count(slab);
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_buffer(device, "em_update", "back", back, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "em_update", "inverse_sensitivity", inverse_sensitivity, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "em_update", "volume", volume, n));
    SEI_RETURN(sei_cuda_check_distinct(device, "em_update", back, volume));
    SEI_RETURN(sei_cuda_extent(device, "em_update", (n + 255) / 256, &blocks));
    SEI_LAUNCH_PLAIN(em_update_kernel, blocks, 256, n, back->data, inverse_sensitivity->data, volume->data);
    return sei_cuda_launched(device, "em_update_kernel");
}

/* SIRT (Gilbert 1972): the weighted residual. */
#include "bins.cuh"

__global__ void sirt_residual_kernel(size_t n_bins, int ny, const float *__restrict__ counts, const float *__restrict__ weight,
                                     const float *__restrict__ background, const float *__restrict__ inverse_row, bool per_slice,
                                     float *__restrict__ sinogram, double *__restrict__ partial) {
    for_each_bin(n_bins, ny, partial, [&](size_t i, double *sum) {
        const double w = bin_weight(weight, i), m = bin_model(sinogram, background, i);
        const double difference = (double)counts[i] - m;
        sinogram[i] = (float)(w * (double)inverse_row[per_slice ? i : i / (size_t)ny] * difference);
        sum[SEI_SUM_RESIDUAL2] += w * difference * difference;
        sum[SEI_SUM_MODEL] += w * m;
    });
}

sei_status sei_cuda_sirt_residual(sei_device *face, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                                  const sei_buffer *weight, const sei_buffer *background, const sei_buffer *inverse_row,
                                  bool per_slice, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_bins(device, "sirt_residual", slab, volume, counts, weight, background, sinogram));
    const size_t n_bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    SEI_RETURN(sei_cuda_check_buffer(device, "sirt_residual", "inverse row sums", inverse_row,
                                     per_slice ? n_bins * (size_t)slab->ny : n_bins));
    SEI_RETURN(sei_cuda_check_distinct(device, "sirt_residual", inverse_row, sinogram));
    SEI_RETURN(sei_cuda_project(face, slab, volume, sinogram));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        sei_cuda_bins bins = {};
        SEI_RETURN(sei_cuda_bins_begin(device, "sirt_residual", &b.slab, sums, &bins));
        SEI_LAUNCH_PLAIN(sirt_residual_kernel, bins.blocks, BINS_BLOCK, bins.count, b.slab.ny, counts->data + b.sinogram,
                         sei_cuda_floats(weight, b.sinogram), sei_cuda_floats(background, b.sinogram),
                         inverse_row->data + (per_slice ? b.sinogram : 0), per_slice, sinogram->data + b.sinogram, bins.partial);
        SEI_RETURN(sei_cuda_bins_end(device, "sirt_residual_kernel", slab, &b, &bins, sums));
    }
    return SEI_OK;
}

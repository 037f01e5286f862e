/* SIRT (Gilbert 1972): the weighted residual, and the additive update with its optional positivity. */
#include "bins.cuh"

__global__ void sirt_residual_kernel(size_t n_bins, int ny, const float *__restrict__ counts, const float *__restrict__ weight,
                                     const float *__restrict__ background, const float *__restrict__ inverse_row,
                                     float *__restrict__ sinogram, double *__restrict__ partial) {
    for_each_bin(n_bins, ny, partial, [&](size_t i, double *sum) {
        const double w = bin_weight(weight, i), m = bin_model(sinogram, background, i);
        const double difference = (double)counts[i] - m;
        sinogram[i] = (float)(w * (double)inverse_row[i] * difference);
        sum[SEI_SUM_RESIDUAL2] += w * difference * difference;
        sum[SEI_SUM_MODEL] += w * m;
    });
}

sei_status sei_cuda_sirt_residual(sei_device *face, const sei_slab *slab, const sei_buffer *counts, const sei_buffer *weight,
                                  const sei_buffer *background, const sei_buffer *inverse_row, sei_buffer *sinogram,
                                  double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    sei_cuda_bins bins = {};
    SEI_RETURN(sei_cuda_bins_begin(device, "sirt_residual", slab, counts, weight, background, sinogram, sums, &bins));
    SEI_RETURN(sei_cuda_check_buffer(device, "sirt_residual", "inverse_row", inverse_row, sei_cuda_sinogram_count(slab)));
    SEI_LAUNCH_PLAIN(sirt_residual_kernel, bins.blocks, BINS_BLOCK, bins.count, slab->ny, counts->data, sei_cuda_floats(weight),
                     sei_cuda_floats(background), inverse_row->data, sinogram->data, bins.partial);
    return sei_cuda_bins_end(device, "sirt_residual_kernel", slab, &bins, sums);
}

__global__ void sirt_update_kernel(size_t count, const float *__restrict__ back, const float *__restrict__ inverse_column,
                                   float relaxation, bool positive, float *__restrict__ volume) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const double value = (double)volume[i] + (double)relaxation * (double)inverse_column[i] * (double)back[i];
    volume[i] = positive && value < 0 ? 0.0F : (float)value;
}

sei_status sei_cuda_sirt_update(sei_device *face, const sei_slab *slab, const sei_buffer *back, const sei_buffer *inverse_column,
                                float relaxation, bool positive, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_update(device, "sirt_update", slab, back, "inverse_column", inverse_column, volume, &blocks));
    SEI_LAUNCH_PLAIN(sirt_update_kernel, blocks, UPDATE_BLOCK, sei_cuda_volume_count(slab), back->data, inverse_column->data,
                     relaxation, positive, volume->data);
    return sei_cuda_launched(device, "sirt_update_kernel");
}

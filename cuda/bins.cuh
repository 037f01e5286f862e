/*
 * What EM's ratio and SIRT's residual have in common: each goes once over the bins of a sinogram, slice by slice, and adds
 * up what an iteration reports. One thread takes one slice and SEI_CUDA_SUM_BINS bins, one after another.
 */
#ifndef SEI_CUDA_BINS_CUH
#define SEI_CUDA_BINS_CUH

#include "device.cuh"

/* A launch over all bins of a slab, ready. */
struct sei_cuda_bins {
    size_t count, chunks;
    unsigned blocks;
    double *partial; /* [chunk][SEI_SUM_COUNT][ny] on the card, or NULL: no sums are wanted */
};
enum { BINS_BLOCK = 128 };

/* The weight w of bin i and its expected counts m; weight and background may be NULL. */
static __device__ inline double bin_weight(const float *__restrict__ weight, size_t i) {
    return weight == nullptr ? 1.0 : (double)weight[i];
}
static __device__ inline double bin_model(const float *__restrict__ sinogram, const float *__restrict__ background, size_t i) {
    return (double)sinogram[i] + (background == nullptr ? 0.0 : (double)background[i]);
}

/* bin(i, sum) for every bin of this thread, in order; then its sums are stored. */
template <class BIN>
static __device__ inline void for_each_bin(size_t n_bins, int ny, double *partial, BIN bin) {
    const size_t columns = ((size_t)ny + BINS_BLOCK - 1) / BINS_BLOCK;
    const size_t chunk = blockIdx.x / columns;
    const size_t y = blockIdx.x % columns * BINS_BLOCK + threadIdx.x;
    if (y >= (size_t)ny) return;
    double sum[SEI_SUM_COUNT] = {0};
    const size_t end = (chunk + 1) * SEI_CUDA_SUM_BINS < n_bins ? (chunk + 1) * SEI_CUDA_SUM_BINS : n_bins;
    for (size_t b = chunk * SEI_CUDA_SUM_BINS; b < end; ++b) bin(b * (size_t)ny + y, sum);
    if (partial == nullptr) return;
    for (size_t k = 0; k < SEI_SUM_COUNT; ++k) partial[(chunk * SEI_SUM_COUNT + k) * (size_t)ny + y] = sum[k];
}

/* An optional operand's floats, from `offset` on. */
static inline const float *sei_cuda_floats(const sei_buffer *buffer, size_t offset) {
    return buffer == nullptr ? nullptr : buffer->data + offset;
}
/* Checks the operands that both take. */
sei_status sei_cuda_check_bins(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *volume,
                               const sei_buffer *counts, const sei_buffer *weight, const sei_buffer *background,
                               const sei_buffer *sinogram);
/* Prepares the launch for one block of slices. */
sei_status sei_cuda_bins_begin(sei_cuda_device *device, const char *op, const sei_slab *block, const double *sums,
                               sei_cuda_bins *out);
/* Passes the launch's failure on, or brings the block's sums to their place among the slab's on the host. */
sei_status sei_cuda_bins_end(sei_cuda_device *device, const char *kernel, const sei_slab *slab, const sei_cuda_block *block,
                             const sei_cuda_bins *bins, double *sums);

#endif

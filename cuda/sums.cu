/* Sums per slice in double precision and in one fixed order: chunks of bins first, then the chunks one after another. */
#include "bins.cuh"

/* Room for the sums of all chunks. */
static sei_status partial_sums(sei_cuda_device *device, const sei_slab *slab, size_t chunks, double **out) {
    void *memory = nullptr;
    /* one more chunk's room holds the result */
    SEI_RETURN(
        sei_cuda_scratch(device, SEI_SCRATCH_SUMS, (chunks + 1) * SEI_SUM_COUNT * (size_t)slab->ny * sizeof(double), &memory));
    *out = static_cast<double *>(memory);
    return SEI_OK;
}

__global__ void collect_kernel(double *partial, size_t n_chunks, int ny) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); /* which sum, which slice */
    const size_t n = (size_t)SEI_SUM_COUNT * (size_t)ny;
    if ((size_t)i >= n) return;
    double sum = 0;
    for (size_t c = 0; c < n_chunks; ++c) sum += partial[c * n + (size_t)i];
    partial[n_chunks * n + (size_t)i] = sum;
}

/* Adds up partial[chunk][SEI_SUM_COUNT][ny] over the chunks, in order, into slices first .. of sums[SEI_SUM_COUNT][stride]. */
static sei_status collect_sums(sei_cuda_device *device, size_t n_chunks, int ny, double *sums, size_t stride) {
    double *partial = static_cast<double *>(device->scratch[SEI_SCRATCH_SUMS].data);
    const size_t n = (size_t)SEI_SUM_COUNT * (size_t)ny;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, "sums", (n + 127) / 128, &blocks));
    SEI_LAUNCH_PLAIN(collect_kernel, blocks, 128, partial, n_chunks, ny);
    SEI_RETURN(sei_cuda_launched(device, "collect_kernel"));
    for (size_t k = 0; k < SEI_SUM_COUNT; ++k) {
        SEI_CUDA_TRY(device, cudaMemcpy(sums + k * stride, partial + n_chunks * n + k * (size_t)ny, (size_t)ny * sizeof(double),
                                        cudaMemcpyDeviceToHost));
    }
    return SEI_OK;
}

sei_status sei_cuda_check_bins(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *volume,
                               const sei_buffer *counts, const sei_buffer *weight, const sei_buffer *background,
                               const sei_buffer *sinogram) {
    SEI_RETURN(sei_cuda_check_projection(device, op, slab, volume, sinogram));
    const size_t n = sei_cuda_sinogram_count(slab);
    SEI_RETURN(sei_cuda_check_buffer(device, op, "counts", counts, n));
    SEI_RETURN(sei_cuda_check_optional(device, op, "weight", weight, n));
    SEI_RETURN(sei_cuda_check_optional(device, op, "background", background, n));
    SEI_RETURN(sei_cuda_check_distinct(device, op, counts, sinogram));
    SEI_RETURN(sei_cuda_check_distinct(device, op, weight, sinogram));
    return sei_cuda_check_distinct(device, op, background, sinogram);
}

sei_status sei_cuda_bins_begin(sei_cuda_device *device, const char *op, const sei_slab *block, const double *sums,
                               sei_cuda_bins *out) {
    sei_cuda_bins ready = {};
    ready.count = (size_t)block->n_tilts * (size_t)block->nu;
    ready.chunks = (ready.count + SEI_CUDA_SUM_BINS - 1) / SEI_CUDA_SUM_BINS;
    if (sums != nullptr) SEI_RETURN(partial_sums(device, block, ready.chunks, &ready.partial));
    SEI_RETURN(sei_cuda_extent(device, op, ready.chunks * (((size_t)block->ny + BINS_BLOCK - 1) / BINS_BLOCK), &ready.blocks));
    *out = ready;
    return SEI_OK;
}

sei_status sei_cuda_bins_end(sei_cuda_device *device, const char *kernel, const sei_slab *slab, const sei_cuda_block *block,
                             const sei_cuda_bins *bins, double *sums) {
    SEI_RETURN(sei_cuda_launched(device, kernel));
    if (sums == nullptr) return SEI_OK;
    return collect_sums(device, bins->chunks, block->slab.ny, sums + block->first, (size_t)slab->ny);
}

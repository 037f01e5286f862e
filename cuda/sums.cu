/* Sums per slice in double precision and in one fixed order: chunks of bins first, then the chunks one after another. */
#include "device.cuh"

sei_status sei_cuda_partial_sums(sei_cuda_device *device, const sei_slab *slab, size_t *n_chunks, double **out) {
    const size_t bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    const size_t chunks = (bins + SEI_CUDA_SUM_BINS - 1) / SEI_CUDA_SUM_BINS;
    void *memory = nullptr;
    /* one more chunk's room holds the result */
    SEI_RETURN(
        sei_cuda_scratch(device, SEI_SCRATCH_SUMS, (chunks + 1) * SEI_SUM_COUNT * (size_t)slab->ny * sizeof(double), &memory));
    *n_chunks = chunks;
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

sei_status sei_cuda_collect_sums(sei_cuda_device *device, size_t n_chunks, int ny, double *sums) {
    double *partial = static_cast<double *>(device->scratch[SEI_SCRATCH_SUMS].data);
    const size_t n = (size_t)SEI_SUM_COUNT * (size_t)ny;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, "sums", (n + 127) / 128, &blocks));
    SEI_LAUNCH_PLAIN(collect_kernel, blocks, 128, partial, n_chunks, ny);
    SEI_RETURN(sei_cuda_launched(device, "collect_kernel"));
    SEI_CUDA_TRY(device, cudaMemcpy(sums, partial + n_chunks * n, n * sizeof(double), cudaMemcpyDeviceToHost));
    return SEI_OK;
}

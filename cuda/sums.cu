/* Sums per slice in double precision and in one fixed order: parts of the bins first, then the parts one after another. */
#include "device.cuh"

#include <string.h>

sei_status sei_cuda_sums_room(sei_cuda_device *device, const sei_slab *block, size_t chunks, double **out) {
    void *memory = nullptr;
    SEI_RETURN(
        sei_cuda_scratch(device, SEI_SCRATCH_SUMS, (chunks + 1) * SEI_SUM_COUNT * (size_t)block->ny * sizeof(double), &memory));
    *out = static_cast<double *>(memory);
    return SEI_OK;
}

__global__ void sum_chunks_kernel(double *partial, size_t n_chunks, int ny) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); /* which sum, which slice */
    const size_t n = (size_t)SEI_SUM_COUNT * (size_t)ny;
    if ((size_t)i >= n) return;
    double sum = 0;
    for (size_t c = 0; c < n_chunks; ++c) sum += partial[c * n + (size_t)i];
    partial[n_chunks * n + (size_t)i] = sum;
}

sei_status sei_cuda_bring_sums(sei_cuda_device *device, double *partial, size_t chunks, const sei_slab *slab,
                               const sei_cuda_block *block, double *sums) {
    const size_t width = (size_t)block->slab.ny, n = (size_t)SEI_SUM_COUNT * width;
    const double *result = partial + chunks * n;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, "sums", (n + 127) / 128, &blocks));
    SEI_LAUNCH_ON(device->stream, sum_chunks_kernel, blocks, 128, 0, partial, chunks, block->slab.ny);
    SEI_RETURN(sei_cuda_launched(device, "sum_chunks_kernel"));
    const sei_cuda_delivery delivery = {sums + block->first, 0, (size_t)slab->ny, width};
    if (device->recording != nullptr) return sei_cuda_record_delivery(device, result, delivery);
    if (device->seeing != nullptr) device->seeing->pinned_count += n;
    if (device->n_pinned_sums < n) {
        if (device->pinned_sums != nullptr) SEI_CUDA_TRY(device, cudaFreeHost(device->pinned_sums));
        device->pinned_sums = nullptr;
        device->n_pinned_sums = 0;
        void *memory = nullptr;
        SEI_CUDA_TRY(device, cudaMallocHost(&memory, n * sizeof(double)));
        device->pinned_sums = static_cast<double *>(memory);
        device->n_pinned_sums = n;
    }
    SEI_CUDA_TRY(device,
                 cudaMemcpyAsync(device->pinned_sums, result, n * sizeof(double), cudaMemcpyDeviceToHost, device->stream));
    SEI_CUDA_TRY(device, cudaStreamSynchronize(device->stream));
    sei_cuda_deliver(device->pinned_sums, delivery);
    return SEI_OK;
}

void sei_cuda_deliver(const double *pinned, const sei_cuda_delivery &d) {
    for (size_t k = 0; k < SEI_SUM_COUNT; ++k)
        memcpy(d.to + k * d.stride, pinned + d.from + k * d.width, d.width * sizeof(double));
}

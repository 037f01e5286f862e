/* Buffers on the card: allocation, copies, filling. */
#include "device.cuh"

#include <stdlib.h>

sei_status sei_cuda_alloc(sei_device *face, size_t count, sei_buffer **out) {
    sei_cuda_device *device = sei_cuda_of(face);
    size_t bytes = 0;
    if (__builtin_mul_overflow(count == 0 ? (size_t)1 : count, sizeof(float), &bytes)) {
        return device->fail(SEI_ERR_MEMORY, "%s: %zu values are more than any memory holds", SEI_PLATFORM_NAME, count);
    }
    sei_buffer *buffer = static_cast<sei_buffer *>(calloc(1, sizeof *buffer));
    if (buffer == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for a buffer");
    void *data = nullptr;
    const cudaError_t error = cudaMalloc(&data, bytes);
    if (error != cudaSuccess) {
        free(buffer);
        if (error != cudaErrorMemoryAllocation) return sei_cuda_failed(device, error, "cudaMalloc");
        (void)cudaGetLastError();
        return device->fail(SEI_ERR_MEMORY, "%s: the card has no room for %zu bytes (%zu free); use smaller slabs (--memory)",
                            SEI_PLATFORM_NAME, bytes, sei_cuda_free_bytes(face));
    }
#if defined(SEITOMO_DEBUG)
    const cudaError_t filled = cudaMemset(data, 0xff, bytes); /* NaN: reads of what nobody wrote become visible */
    if (filled != cudaSuccess) {
        (void)cudaFree(data);
        free(buffer);
        return sei_cuda_failed(device, filled, "cudaMemset");
    }
#endif
    buffer->data = static_cast<float *>(data);
    buffer->count = count;
    *out = buffer;
    return SEI_OK;
}

void sei_cuda_release(sei_device *face, sei_buffer *buffer) {
    if (buffer == nullptr) return;
    sei_cuda_forget_recordings(sei_cuda_of(face));
    (void)cudaFree(buffer->data);
    free(buffer);
}

static sei_status check_range(sei_cuda_device *device, const char *op, const sei_buffer *buffer, size_t offset, size_t count) {
    if (buffer == nullptr) return device->fail(SEI_ERR_USAGE, "%s: no buffer", op);
    if (offset > buffer->count || count > buffer->count - offset) {
        return device->fail(SEI_ERR_USAGE, "%s: values %zu to %zu of a buffer of %zu", op, offset, offset + count, buffer->count);
    }
    return SEI_OK;
}

sei_status sei_cuda_upload(sei_device *face, sei_buffer *buffer, size_t offset, size_t count, const float *from) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(check_range(device, "upload", buffer, offset, count));
    SEI_CUDA_TRY(device, cudaMemcpy(buffer->data + offset, from, count * sizeof(float), cudaMemcpyHostToDevice));
    return SEI_OK;
}

sei_status sei_cuda_download(sei_device *face, const sei_buffer *buffer, size_t offset, size_t count, float *to) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(check_range(device, "download", buffer, offset, count));
    SEI_CUDA_TRY(device, cudaMemcpy(to, buffer->data + offset, count * sizeof(float), cudaMemcpyDeviceToHost));
    return SEI_OK;
}

/* The copies' stream waits for what was launched so far, on either of the other two. */
static sei_status order_copies(sei_cuda_device *device) {
    SEI_CUDA_TRY(device, cudaEventRecord(device->before_copies, 0));
    SEI_CUDA_TRY(device, cudaStreamWaitEvent(device->copies, device->before_copies, 0));
    return SEI_OK;
}

sei_status sei_cuda_upload_begin(sei_device *face, sei_buffer *buffer, size_t offset, size_t count, const float *from) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(check_range(device, "upload_begin", buffer, offset, count));
    SEI_RETURN(order_copies(device));
    SEI_CUDA_TRY(device,
                 cudaMemcpyAsync(buffer->data + offset, from, count * sizeof(float), cudaMemcpyHostToDevice, device->copies));
    return SEI_OK;
}

sei_status sei_cuda_download_begin(sei_device *face, const sei_buffer *buffer, size_t offset, size_t count, float *to) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(check_range(device, "download_begin", buffer, offset, count));
    SEI_RETURN(order_copies(device));
    SEI_CUDA_TRY(device,
                 cudaMemcpyAsync(to, buffer->data + offset, count * sizeof(float), cudaMemcpyDeviceToHost, device->copies));
    return SEI_OK;
}

sei_status sei_cuda_finish(sei_device *face) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_CUDA_TRY(device, cudaStreamSynchronize(device->copies));
    return SEI_OK;
}

sei_status sei_cuda_alloc_host(sei_device *face, size_t count, float **out) {
    sei_cuda_device *device = sei_cuda_of(face);
    size_t bytes = 0;
    void *memory = nullptr;
    if (__builtin_mul_overflow(count == 0 ? (size_t)1 : count, sizeof(float), &bytes))
        return device->fail(SEI_ERR_MEMORY, "%s: %zu values are more than any memory holds", SEI_PLATFORM_NAME, count);
    if (cudaMallocHost(&memory, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        return device->fail(SEI_ERR_MEMORY,
                            "%s: the system locks no %zu bytes of memory for the card; use smaller slabs (--memory)",
                            SEI_PLATFORM_NAME, bytes);
    }
    *out = static_cast<float *>(memory);
    return SEI_OK;
}

void sei_cuda_release_host(sei_device *face, float *memory) {
    (void)face;
    if (memory != nullptr) (void)cudaFreeHost(memory);
}

__global__ void fill_kernel(float *data, size_t count, float value) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) data[i] = value;
}

sei_status sei_cuda_fill(sei_device *face, sei_buffer *buffer, float value) {
    sei_cuda_device *device = sei_cuda_of(face);
    unsigned blocks = 0;
    SEI_RETURN(check_range(device, "fill", buffer, 0, 0));
    if (buffer->count == 0) return SEI_OK;
    SEI_RETURN(sei_cuda_extent(device, "fill", (buffer->count + 255) / 256, &blocks));
    SEI_LAUNCH_PLAIN(fill_kernel, blocks, 256, buffer->data, buffer->count, value);
    return sei_cuda_launched(device, "fill_kernel");
}

size_t sei_cuda_free_bytes(sei_device *face) {
    const sei_cuda_device *device = sei_cuda_of(face);
    size_t available = 0, total = 0;
    if (cudaMemGetInfo(&available, &total) != cudaSuccess) {
        (void)cudaGetLastError();
        return 0;
    }
    /* what the projector will still take for itself */
    const size_t taken = device->scratch[SEI_SCRATCH_PARTIALS].bytes;
    const size_t reserve = device->projector != SEI_PROJECTOR_RAYS && !device->fast && taken < device->partial_bytes
                               ? device->partial_bytes - taken
                               : 0;
    return available > reserve ? available - reserve : 0;
}

/*
 * Filters every row along u. Rows go through the transform in batches of a size that depends on the padded length alone:
 * one plan for every slab, so that a row's bits do not depend on how many slices travel with it.
 */
#include "device.cuh"

enum { BATCH_VALUES = 1 << 18 };

/* real[u][row]: row = first + column of the sinogram's (tilt, y) pairs, zero beyond nu and beyond the last row. */
__global__ void pack_rows_kernel(sei_cuda_shape s, size_t first, size_t n_rows, unsigned batch, size_t count,
                                 const float *__restrict__ sinogram, float *__restrict__ real) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const size_t u = i / batch, row = first + i % batch;
    const size_t tilt = row / (size_t)s.ny, y = row % (size_t)s.ny;
    const bool inside = u < (size_t)s.nu && row < n_rows;
    real[i] = inside ? sinogram[(tilt * (size_t)s.nu + u) * (size_t)s.ny + y] : 0.0F;
}

__global__ void unpack_rows_kernel(sei_cuda_shape s, size_t first, size_t n_rows, unsigned batch, const float *__restrict__ real,
                                   float *__restrict__ sinogram) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    const size_t u = i / batch, row = first + i % batch;
    if (u >= (size_t)s.nu || row >= n_rows) return;
    const size_t tilt = row / (size_t)s.ny, y = row % (size_t)s.ny;
    sinogram[(tilt * (size_t)s.nu + u) * (size_t)s.ny + y] = real[i];
}

__global__ void respond_kernel(size_t count, unsigned batch, const float *__restrict__ response, double scale,
                               cufftComplex *__restrict__ spectrum) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const double factor = (double)response[i / batch] * scale;
    const cufftComplex v = spectrum[i];
    spectrum[i].x = (float)(v.x * factor);
    spectrum[i].y = (float)(v.y * factor);
}

static sei_status filter_block(sei_cuda_device *device, const sei_slab *slab, const float *response, int n_padded,
                               float *sinogram) {
    const int batch = n_padded < BATCH_VALUES ? BATCH_VALUES / n_padded : 1;
    const size_t half = (size_t)n_padded / 2 + 1;
    const size_t n_real = (size_t)n_padded * (size_t)batch, n_spectrum = half * (size_t)batch;
    const size_t n_rows = (size_t)slab->n_tilts * (size_t)slab->ny;
    const sei_cuda_plan *plan = nullptr;
    void *memory = nullptr;
    SEI_RETURN(sei_cuda_plans(device, 1, n_padded, batch, &plan));
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_REAL, n_real * sizeof(float), &memory));
    float *real = static_cast<float *>(memory);
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_SPECTRUM, n_spectrum * sizeof(cufftComplex), &memory));
    cufftComplex *spectrum = static_cast<cufftComplex *>(memory);
    SEI_RETURN(sei_cuda_upload_scratch(device, SEI_SCRATCH_TABLE, response, half * sizeof(float), &memory));
    const float *table = static_cast<const float *>(memory);
    const sei_cuda_shape shape = sei_cuda_shape_of(slab);
    unsigned real_blocks = 0, spectrum_blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, "filter_rows", (n_real + 255) / 256, &real_blocks));
    SEI_RETURN(sei_cuda_extent(device, "filter_rows", (n_spectrum + 255) / 256, &spectrum_blocks));
    for (size_t first = 0; first < n_rows; first += (size_t)batch) {
        SEI_LAUNCH_PLAIN(pack_rows_kernel, real_blocks, 256, shape, first, n_rows, (unsigned)batch, n_real, sinogram, real);
        SEI_RETURN(sei_cuda_launched(device, "pack_rows_kernel"));
        SEI_CUFFT_TRY(device, cufftExecR2C(plan->forward, real, spectrum));
        SEI_LAUNCH_PLAIN(respond_kernel, spectrum_blocks, 256, n_spectrum, (unsigned)batch, table, 1.0 / n_padded, spectrum);
        SEI_RETURN(sei_cuda_launched(device, "respond_kernel"));
        SEI_CUFFT_TRY(device, cufftExecC2R(plan->backward, spectrum, real));
        SEI_LAUNCH_PLAIN(unpack_rows_kernel, real_blocks, 256, shape, first, n_rows, (unsigned)batch, real, sinogram);
        SEI_RETURN(sei_cuda_launched(device, "unpack_rows_kernel"));
    }
    return SEI_OK;
}

sei_status sei_cuda_filter_rows(sei_device *face, const sei_slab *slab, const float *response, int n_padded,
                                sei_buffer *sinogram) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_slab(device, "filter_rows", slab));
    SEI_RETURN(sei_cuda_check_buffer(device, "filter_rows", "sinogram", sinogram, sei_cuda_sinogram_count(slab)));
    SEI_RETURN(sei_cuda_check_length(device, "filter_rows", "n_padded", n_padded, slab->nu));
    if (response == nullptr) return device->fail(SEI_ERR_USAGE, "filter_rows: no response given");
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        SEI_RETURN(filter_block(device, &b.slab, response, n_padded, sinogram->data + b.sinogram));
    }
    return SEI_OK;
}

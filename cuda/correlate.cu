/* Band-passed cross-correlation of two images through the Fourier transform. */
#include "device.cuh"

/* a becomes a * conj(b) * band / (nx*ny), in double so that two large spectra do not overflow on the way. */
__global__ void cross_kernel(size_t count, const float *__restrict__ band, double scale, const cufftComplex *__restrict__ b,
                             cufftComplex *__restrict__ a) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const double ar = a[i].x, ai = a[i].y, br = b[i].x, bi = b[i].y, factor = (double)band[i] * scale;
    a[i].x = (float)((ar * br + ai * bi) * factor);
    a[i].y = (float)((ai * br - ar * bi) * factor);
}

sei_status sei_cuda_correlate(sei_device *face, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                              sei_buffer *out) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_length(device, "correlate", "nx", nx, 2));
    SEI_RETURN(sei_cuda_check_length(device, "correlate", "ny", ny, 2));
    if (band == nullptr) return device->fail(SEI_ERR_USAGE, "correlate: no band given");
    const size_t n = (size_t)nx * (size_t)ny, n_spectrum = (size_t)ny * ((size_t)nx / 2 + 1);
    SEI_RETURN(sei_cuda_check_buffer(device, "correlate", "first image", a, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "correlate", "second image", b, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "correlate", "output", out, n));
    SEI_RETURN(sei_cuda_check_distinct(device, "correlate", a, out));
    SEI_RETURN(sei_cuda_check_distinct(device, "correlate", b, out));
    const sei_cuda_plan *plan = nullptr;
    void *memory = nullptr;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_plans(device, ny, nx, 1, &plan));
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_SPECTRUM, n_spectrum * sizeof(cufftComplex), &memory));
    cufftComplex *spectrum_a = static_cast<cufftComplex *>(memory);
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_SPECTRUM_B, n_spectrum * sizeof(cufftComplex), &memory));
    cufftComplex *spectrum_b = static_cast<cufftComplex *>(memory);
    SEI_RETURN(sei_cuda_upload_scratch(device, SEI_SCRATCH_TABLE, band, n_spectrum * sizeof(float), &memory));
    const float *table = static_cast<const float *>(memory);
    SEI_RETURN(sei_cuda_extent(device, "correlate", (n_spectrum + 255) / 256, &blocks));
    SEI_CUFFT_TRY(device, cufftExecR2C(plan->forward, a->data, spectrum_a));
    SEI_CUFFT_TRY(device, cufftExecR2C(plan->forward, b->data, spectrum_b));
    SEI_LAUNCH_PLAIN(cross_kernel, blocks, 256, n_spectrum, table, 1.0 / (double)n, spectrum_b, spectrum_a);
    SEI_RETURN(sei_cuda_launched(device, "cross_kernel"));
    SEI_CUFFT_TRY(device, cufftExecC2R(plan->backward, spectrum_a, out->data));
    return SEI_OK;
}

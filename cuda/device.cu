/* Opening and closing the card, errors, and what is kept between calls. */
#include "device.cuh"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sei_status sei_cuda_failed(sei_cuda_device *device, cudaError_t error, const char *what) {
    const char *text = cudaGetErrorString(error);
    const sei_status status = error == cudaErrorMemoryAllocation ? SEI_ERR_MEMORY : SEI_ERR_ENVIRONMENT;
    const sei_status result =
        status == SEI_ERR_MEMORY
            ? device->fail(status, "%s: %s; use smaller slabs (--memory)", SEI_PLATFORM_NAME, text)
            : device->fail(status, "%s: %s (CUDA error %d in %s)", SEI_PLATFORM_NAME, text, (int)error, what);
    (void)cudaGetLastError(); /* an error that is over must not show up in the next check */
    return result;
}

sei_status sei_cufft_failed(sei_cuda_device *device, cufftResult result, const char *what) {
    if (result == CUFFT_ALLOC_FAILED) {
        return device->fail(SEI_ERR_MEMORY, "%s: cuFFT found no memory for a plan; use smaller slabs (--memory)",
                            SEI_PLATFORM_NAME);
    }
    return device->fail(SEI_ERR_ENVIRONMENT, "%s: cuFFT error %d in %s", SEI_PLATFORM_NAME, (int)result, what);
}

sei_status sei_cuda_launched(sei_cuda_device *device, const char *kernel) {
    const cudaError_t error = cudaGetLastError();
    return error == cudaSuccess ? SEI_OK : sei_cuda_failed(device, error, kernel);
}

sei_status sei_cuda_scratch(sei_cuda_device *device, sei_cuda_scratch_use use, size_t bytes, void **out) {
    if (device->scratch[use].bytes < bytes) {
        SEI_CUDA_TRY(device, cudaFree(device->scratch[use].data));
        device->scratch[use].data = nullptr;
        device->scratch[use].bytes = 0;
        SEI_CUDA_TRY(device, cudaMalloc(&device->scratch[use].data, bytes));
        device->scratch[use].bytes = bytes;
    }
    *out = device->scratch[use].data;
    return SEI_OK;
}

sei_status sei_cuda_upload_scratch(sei_cuda_device *device, sei_cuda_scratch_use use, const void *from, size_t bytes,
                                   void **out) {
    void *memory = nullptr;
    SEI_RETURN(sei_cuda_scratch(device, use, bytes, &memory));
    SEI_CUDA_TRY(device, cudaMemcpy(memory, from, bytes, cudaMemcpyHostToDevice));
    *out = memory;
    return SEI_OK;
}

sei_status sei_cuda_tilts(sei_cuda_device *device, const sei_slab *slab, const sei_cuda_tilt **out) {
    const size_t bytes = (size_t)slab->n_tilts * sizeof(sei_cuda_tilt);
    sei_cuda_tilt *fresh = static_cast<sei_cuda_tilt *>(calloc(1, bytes));
    if (fresh == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for the geometry of %d tilts", slab->n_tilts);
    for (int t = 0; t < slab->n_tilts; ++t) {
        fresh[t].cos_tilt = slab->cos_tilt[t];
        fresh[t].sin_tilt = slab->sin_tilt[t];
        fresh[t].axis_u = slab->axis_u[t];
        fresh[t].inverse_main =
            1.0 / (fabs(slab->cos_tilt[t]) >= fabs(slab->sin_tilt[t]) ? slab->cos_tilt[t] : slab->sin_tilt[t]);
        fresh[t].footprint = sei_footprint_of(slab->cos_tilt[t], slab->sin_tilt[t]);
    }
    if (device->n_tilts_host == slab->n_tilts && memcmp(device->tilts_host, fresh, bytes) == 0) {
        free(fresh);
        *out = static_cast<const sei_cuda_tilt *>(device->scratch[SEI_SCRATCH_TILTS].data);
        return SEI_OK;
    }
    free(device->tilts_host);
    device->tilts_host = nullptr;
    device->n_tilts_host = 0;
    void *memory = nullptr;
    const sei_status status = sei_cuda_upload_scratch(device, SEI_SCRATCH_TILTS, fresh, bytes, &memory);
    if (status != SEI_OK) {
        free(fresh);
        return status;
    }
    device->tilts_host = fresh;
    device->n_tilts_host = slab->n_tilts;
    *out = static_cast<const sei_cuda_tilt *>(memory);
    return SEI_OK;
}

sei_status sei_cuda_shape_with_support(sei_cuda_device *device, const sei_slab *slab, sei_cuda_shape *out) {
    void *memory = nullptr;
    *out = sei_cuda_shape_of(slab);
    if (slab->support == nullptr) return SEI_OK;
    SEI_RETURN(sei_cuda_upload_scratch(device, SEI_SCRATCH_SUPPORT, slab->support, (size_t)slab->nz * (size_t)slab->nx, &memory));
    out->support = static_cast<const uint8_t *>(memory);
    return SEI_OK;
}

/* Why there is no card to use, in words for the person at the machine. */
static sei_status no_card(const sei_module_host *host, cudaError_t error, int count) {
    int driver = 0, runtime = 0;
    (void)cudaDriverGetVersion(&driver);
    (void)cudaRuntimeGetVersion(&runtime);
    (void)cudaGetLastError();
    if (error == cudaSuccess && count == 0) error = cudaErrorNoDevice;
    const char *text = cudaGetErrorString(error);
    if (driver == 0) return host->fail(SEI_ERR_ENVIRONMENT, "%s: no NVIDIA driver on this machine (%s)", SEI_PLATFORM_NAME, text);
    if (driver / 1000 < runtime / 1000) {
        return host->fail(SEI_ERR_ENVIRONMENT,
                          "%s: driver for CUDA %d.%d, the module needs one for %d.%d: update the driver (%s)", SEI_PLATFORM_NAME,
                          driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10, text);
    }
    return host->fail(SEI_ERR_ENVIRONMENT,
                      "%s: %s (CUDA error %d, driver for CUDA %d.%d); see nvidia-smi and CUDA_VISIBLE_DEVICES", SEI_PLATFORM_NAME,
                      text, (int)error, driver / 1000, driver % 1000 / 10);
}

__global__ void probe_kernel(float *one) {
    one[0] = 42.0F;
}

/* One kernel there and one value back: a card too old for this module or out of order shows here, not in a solve. */
static sei_status probe(sei_cuda_device *device) {
    void *memory = nullptr;
    float answer = 0;
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_TABLE, 256, &memory));
    float *one = static_cast<float *>(memory);
    SEI_LAUNCH_PLAIN(probe_kernel, 1, 1, one);
    SEI_RETURN(sei_cuda_launched(device, "probe_kernel"));
    SEI_CUDA_TRY(device, cudaMemcpy(&answer, one, sizeof answer, cudaMemcpyDeviceToHost));
    if (answer == 42.0F) return SEI_OK;
    return device->fail(SEI_ERR_ENVIRONMENT, "%s: the card answers %g instead of 42: driver and card do not work together",
                        SEI_PLATFORM_NAME, (double)answer);
}

static void describe(sei_cuda_device *device, const cudaDeviceProp *card) {
    const double gib = (double)card->totalGlobalMem / (double)(1 << 30);
    int driver = 0, runtime = 0;
    (void)cudaDriverGetVersion(&driver);
    (void)cudaRuntimeGetVersion(&runtime);
#if SEI_PLATFORM_EMULATED
    snprintf(device->description, sizeof device->description,
             "the CUDA sources on the processor, %d threads, %.1f GiB, for tests only", emulation::threads(), gib);
#else
    snprintf(device->description, sizeof device->description, "%.100s, sm_%d%d, %.1f GiB, CUDA %d.%d, driver for CUDA %d.%d",
             card->name, card->major, card->minor, gib, runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
#endif
}

sei_status sei_cuda_open(const sei_module_host *host, const sei_device_options *options, sei_cuda_device **out) {
    int count = 0;
#if SEI_PLATFORM_EMULATED
    emulation::set_threads(options == nullptr ? 0 : options->threads);
    emulation::read_environment();
#else
    (void)options;
#endif
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count < 1) return no_card(host, error, count);
    sei_cuda_device *device = static_cast<sei_cuda_device *>(calloc(1, sizeof *device));
    if (device == nullptr) return host->fail(SEI_ERR_MEMORY, "no memory for the %s backend", SEI_PLATFORM_NAME);
    device->fail = host->fail;
    cudaDeviceProp card;
    sei_status status = SEI_OK;
    cudaError_t opened = cudaSetDevice(0);
    if (opened == cudaSuccess) opened = cudaGetDeviceProperties(&card, 0);
    if (opened != cudaSuccess) status = sei_cuda_failed(device, opened, "cudaSetDevice");
    if (status == SEI_OK && card.major < 8) {
        status = device->fail(SEI_ERR_ENVIRONMENT, "%s: %s has compute capability %d.%d; this module needs 8.0 or later",
                              SEI_PLATFORM_NAME, card.name, card.major, card.minor);
    }
    if (status == SEI_OK) status = probe(device);
    if (status != SEI_OK) {
        sei_cuda_close(&device->face);
        return status;
    }
    describe(device, &card);
    *out = device;
    return SEI_OK;
}

void sei_cuda_close(sei_device *device_face) {
    if (device_face == nullptr) return;
    sei_cuda_device *device = sei_cuda_of(device_face);
    sei_cuda_plans_free(device);
    for (int use = 0; use < SEI_SCRATCH_COUNT; ++use) (void)cudaFree(device->scratch[use].data);
    free(device->tilts_host);
    free(device);
}

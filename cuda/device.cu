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
        sei_cuda_forget_recordings(device);
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

static sei_status streams(sei_cuda_device *device) {
    SEI_CUDA_TRY(device, cudaStreamCreate(&device->stream)); /* ordered with the default stream, both ways */
    SEI_CUDA_TRY(device, cudaStreamCreateWithFlags(&device->copies, cudaStreamNonBlocking));
    SEI_CUDA_TRY(device, cudaEventCreateWithFlags(&device->before_copies, cudaEventDisableTiming));
    return SEI_OK;
}

static void describe(sei_cuda_device *device, const cudaDeviceProp *card) {
    const double gib = (double)card->totalGlobalMem / (double)(1 << 30);
    const char *how = device->projector == SEI_PROJECTOR_TILES_16  ? "tiles of 16 x 16"
                      : device->projector == SEI_PROJECTOR_TILES_8 ? "tiles of 16 x 8"
                                                                   : "rays";
    int driver = 0, runtime = 0;
    (void)cudaDriverGetVersion(&driver);
    (void)cudaRuntimeGetVersion(&runtime);
#if SEI_PLATFORM_EMULATED
    snprintf(device->description, sizeof device->description,
             "the CUDA sources on the processor, %d threads, %.1f GiB, for tests only, %s%s", emulation::threads(), gib, how,
             device->fast ? ", fast" : "");
#else
    snprintf(device->description, sizeof device->description,
             "%.100s, sm_%d%d, %.1f GiB, CUDA %d.%d, driver for CUDA %d.%d, %s%s", card->name, card->major, card->minor, gib,
             runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10, how, device->fast ? ", fast" : "");
#endif
}

sei_status sei_cuda_open(const sei_module_host *host, const sei_device_options *options, sei_cuda_device **out) {
    int count = 0;
#if SEI_PLATFORM_EMULATED
    emulation::set_threads(options == nullptr ? 0 : options->threads);
    emulation::read_environment();
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
    if (status == SEI_OK) status = streams(device);
    if (status == SEI_OK) status = probe(device);
    if (status == SEI_OK) status = sei_cuda_choose_projector(device, options, &card);
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
    sei_cuda_forget_recordings(device);
    sei_cuda_constants_free(device);
    for (int use = 0; use < SEI_SCRATCH_COUNT; ++use) (void)cudaFree(device->scratch[use].data);
    if (device->pinned_sums != nullptr) (void)cudaFreeHost(device->pinned_sums);
    if (device->before_copies != nullptr) (void)cudaEventDestroy(device->before_copies);
    if (device->copies != nullptr) (void)cudaStreamDestroy(device->copies);
    if (device->stream != nullptr) (void)cudaStreamDestroy(device->stream);
    free(device);
}

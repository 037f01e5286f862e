/* Poisson counts and readout noise of an image: the same bits as the host backends'. */
#include "device.cuh"

#ifdef SEITOMO_HAVE_RANDOM123

#include "core/random_variates.h"

/* One thread: one element. out may be mean. */
__global__ void expose_kernel(sei_variate_source source, uint64_t first, size_t count, int counting, double noise,
                              const float *mean, float *out) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = sei_variate_exposed(source, first + i, (double)mean[i], counting, noise);
}

sei_status sei_cuda_expose(sei_device *face, const sei_exposure *exposure, size_t n, const sei_buffer *mean, sei_buffer *out) {
    sei_cuda_device *device = sei_cuda_of(face);
    unsigned blocks = 0;
    if (exposure == nullptr) return device->fail(SEI_ERR_USAGE, "expose: no exposure given");
    if (!(exposure->noise >= 0 && exposure->noise < INFINITY)) {
        return device->fail(SEI_ERR_USAGE, "expose: noise %g is not finite and 0 or more", exposure->noise);
    }
    SEI_RETURN(sei_cuda_check_buffer(device, "expose", "mean", mean, n));
    SEI_RETURN(sei_cuda_check_buffer(device, "expose", "output", out, n));
    if (n == 0) return SEI_OK;
    SEI_RETURN(sei_cuda_extent(device, "expose", (n + 255) / 256, &blocks));
    const sei_variate_source source = {exposure->seed, exposure->stream};
    SEI_LAUNCH_PLAIN(expose_kernel, blocks, 256, source, exposure->first_index, n, exposure->counting ? 1 : 0, exposure->noise,
                     mean->data, out->data);
    return sei_cuda_launched(device, "expose_kernel");
}

#else

sei_status sei_cuda_expose(sei_device *face, const sei_exposure *, size_t, const sei_buffer *, sei_buffer *) {
    return sei_cuda_of(face)->fail(
        SEI_ERR_ENVIRONMENT,
        "expose: built without Random123, so there are no random numbers; install librandom123-dev and build again");
}

#endif

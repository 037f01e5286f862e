/* What an operator refuses before it touches memory: the same refusals as the host backends make. */
#include "device.cuh"

#include <string.h>

enum { MAX_LENGTH = 1 << 24 };

sei_status sei_cuda_check_slab(sei_cuda_device *device, const char *op, const sei_slab *slab) {
    if (slab == nullptr) return device->fail(SEI_ERR_USAGE, "%s: no geometry given", op);
    const struct {
        const char *name;
        int value;
    } sides[] = {{"nx", slab->nx}, {"nz", slab->nz}, {"nu", slab->nu}, {"ny", slab->ny}, {"n_tilts", slab->n_tilts}};
    for (const auto &side : sides) {
        if (side.value < 1 || side.value > SEI_CUDA_MAX_SIDE) {
            return device->fail(SEI_ERR_USAGE, "%s: %s = %d is not from 1 to %d", op, side.name, side.value,
                                (int)SEI_CUDA_MAX_SIDE);
        }
    }
    if (slab->block < 0) return device->fail(SEI_ERR_USAGE, "%s: blocks of %d slices", op, slab->block);
    int kernel = 0; /* read as a number: C++ does not allow an enum to hold what no enumerator has */
    memcpy(&kernel, &slab->kernel, sizeof kernel);
    if (kernel != SEI_KERNEL_LINEAR && kernel != SEI_KERNEL_STRIP) {
        return device->fail(SEI_ERR_USAGE, "%s: projector kernel %d is unknown", op, kernel);
    }
    if (slab->cos_tilt == nullptr || slab->sin_tilt == nullptr || slab->axis_u == nullptr) {
        return device->fail(SEI_ERR_USAGE, "%s: the geometry has no tilts", op);
    }
    for (int t = 0; t < slab->n_tilts; ++t) {
        const double c = slab->cos_tilt[t], s = slab->sin_tilt[t];
        if (!(fabs(c * c + s * s - 1) < 1e-9)) {
            return device->fail(SEI_ERR_USAGE, "%s: tilt %d: cosine %g and sine %g belong to no angle", op, t, c, s);
        }
        if (!(fabs(slab->axis_u[t]) <= SEI_CUDA_MAX_SIDE)) {
            return device->fail(SEI_ERR_USAGE, "%s: tilt %d: axis at bin %g, more than %d", op, t, slab->axis_u[t],
                                (int)SEI_CUDA_MAX_SIDE);
        }
    }
    return SEI_OK;
}

sei_status sei_cuda_check_buffer(sei_cuda_device *device, const char *op, const char *name, const sei_buffer *buffer,
                                 size_t needed) {
    if (buffer == nullptr) return device->fail(SEI_ERR_USAGE, "%s: no %s given", op, name);
    if (buffer->count < needed) {
        return device->fail(SEI_ERR_USAGE, "%s: the %s holds %zu floats, %zu are needed", op, name, buffer->count, needed);
    }
    return SEI_OK;
}

sei_status sei_cuda_check_optional(sei_cuda_device *device, const char *op, const char *name, const sei_buffer *buffer,
                                   size_t needed) {
    return buffer == nullptr ? SEI_OK : sei_cuda_check_buffer(device, op, name, buffer, needed);
}

sei_status sei_cuda_check_distinct(sei_cuda_device *device, const char *op, const sei_buffer *in, const sei_buffer *out) {
    if (in != out || in == nullptr) return SEI_OK;
    return device->fail(SEI_ERR_USAGE, "%s: input and output are one buffer", op);
}

sei_status sei_cuda_check_projection(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *volume,
                                     const sei_buffer *sinogram) {
    SEI_RETURN(sei_cuda_check_slab(device, op, slab));
    SEI_RETURN(sei_cuda_check_buffer(device, op, "volume", volume, sei_cuda_volume_count(slab)));
    SEI_RETURN(sei_cuda_check_buffer(device, op, "sinogram", sinogram, sei_cuda_sinogram_count(slab)));
    return sei_cuda_check_distinct(device, op, volume, sinogram);
}

sei_status sei_cuda_check_update(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *sinogram,
                                 const sei_buffer *inverse, bool per_slice, const sei_buffer *volume) {
    SEI_RETURN(sei_cuda_check_projection(device, op, slab, volume, sinogram));
    const size_t voxels = (size_t)slab->nz * (size_t)slab->nx;
    SEI_RETURN(sei_cuda_check_buffer(device, op, "inverse sums", inverse, per_slice ? voxels * (size_t)slab->ny : voxels));
    return sei_cuda_check_distinct(device, op, inverse, volume);
}

sei_status sei_cuda_check_length(sei_cuda_device *device, const char *op, const char *name, int n, int least) {
    int rest = n;
    if (n < least || n < 2 || n > MAX_LENGTH || n % 2 != 0) {
        return device->fail(SEI_ERR_USAGE, "%s: %s = %d is not even and from %d to %d", op, name, n, least > 2 ? least : 2,
                            (int)MAX_LENGTH);
    }
    while (rest % 2 == 0) rest /= 2;
    while (rest % 3 == 0) rest /= 3;
    while (rest % 5 == 0) rest /= 5;
    return rest == 1 ? SEI_OK : device->fail(SEI_ERR_USAGE, "%s: %s = %d has a prime factor above 5", op, name, n);
}

sei_status sei_cuda_extent(sei_cuda_device *device, const char *op, size_t count, unsigned *out) {
    if (count > 0x7fffffff)
        return device->fail(SEI_ERR_USAGE, "%s: %zu blocks are more than a card takes; use fewer slices", op, count);
    *out = (unsigned)count;
    return SEI_OK;
}

/* Images resampled through an affine map, bilinear or cubic (Keys 1981, a = -1/2). */
#include "backend/resample_taps.h"
#include "device.cuh"

/* One thread: one pixel of one image. covered may be NULL. */
__global__ void resample_kernel(int nx, int ny, size_t count, const double *__restrict__ xf, int interpolation,
                                const float *__restrict__ in, float *__restrict__ out, float *__restrict__ covered) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const size_t pixels = (size_t)nx * (size_t)ny, image = i / pixels, pixel = i % pixels;
    const double *m = xf + image * 6;
    const double x = (double)(pixel % (size_t)nx) - 0.5 * (nx - 1), y = (double)(pixel / (size_t)nx) - 0.5 * (ny - 1);
    const double px = m[0] * x + m[1] * y + m[4] + 0.5 * (nx - 1), py = m[2] * x + m[3] * y + m[5] + 0.5 * (ny - 1);
    const sei_taps tx = sei_taps_at(px, interpolation), ty = sei_taps_at(py, interpolation);
    const bool inside = tx.first >= 0 && ty.first >= 0 && tx.first + tx.count <= nx && ty.first + ty.count <= ny;
    double value = 0;
    if (inside) {
        const float *corner = in + image * pixels + (size_t)ty.first * (size_t)nx + (size_t)tx.first;
        for (int b = 0; b < ty.count; ++b) {
            double along = 0;
            for (int a = 0; a < tx.count; ++a) along += tx.weight[a] * (double)corner[(size_t)b * (size_t)nx + (size_t)a];
            value += ty.weight[b] * along;
        }
    }
    out[i] = (float)value;
    if (covered != nullptr) covered[i] = inside ? 1.0F : 0.0F;
}

sei_status sei_cuda_resample(sei_device *face, int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                             sei_buffer *out, sei_buffer *covered) {
    sei_cuda_device *device = sei_cuda_of(face);
    if (nx < 1 || ny < 1 || n < 1 || nx > SEI_CUDA_MAX_SIDE || ny > SEI_CUDA_MAX_SIDE || n > SEI_CUDA_MAX_SIDE) {
        return device->fail(SEI_ERR_USAGE, "resample: %d images of %d x %d; each size must be from 1 to %d", n, nx, ny,
                            (int)SEI_CUDA_MAX_SIDE);
    }
    if (interpolation != 1 && interpolation != 3) {
        return device->fail(SEI_ERR_USAGE, "resample: interpolation %d is neither 1 (bilinear) nor 3 (cubic)", interpolation);
    }
    if (xf == nullptr) return device->fail(SEI_ERR_USAGE, "resample: no transforms given");
    for (int i = 0; i < 6 * n; ++i) {
        if (!(fabs(xf[i]) <= SEI_CUDA_MAX_SIDE))
            return device->fail(SEI_ERR_USAGE, "resample: image %d: transform has %g", i / 6, xf[i]);
    }
    const size_t count = (size_t)n * (size_t)nx * (size_t)ny;
    void *memory = nullptr;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_buffer(device, "resample", "input", in, count));
    SEI_RETURN(sei_cuda_check_buffer(device, "resample", "output", out, count));
    SEI_RETURN(sei_cuda_check_optional(device, "resample", "coverage", covered, count));
    SEI_RETURN(sei_cuda_check_distinct(device, "resample", in, out));
    SEI_RETURN(sei_cuda_check_distinct(device, "resample", in, covered));
    SEI_RETURN(sei_cuda_check_distinct(device, "resample", out, covered));
    SEI_RETURN(sei_cuda_extent(device, "resample", (count + 255) / 256, &blocks));
    SEI_RETURN(sei_cuda_upload_scratch(device, SEI_SCRATCH_TABLE, xf, (size_t)n * 6 * sizeof(double), &memory));
    const double *table = static_cast<const double *>(memory);
    float *mask = covered == nullptr ? nullptr : covered->data;
    SEI_LAUNCH_PLAIN(resample_kernel, blocks, 256, nx, ny, count, table, interpolation, in->data, out->data, mask);
    return sei_cuda_launched(device, "resample_kernel");
}

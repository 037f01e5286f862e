/* Images through affine transforms: bilinear, or cubic convolution (Keys, IEEE Trans. ASSP 29 (1981) 1153). */
#include "backend/host.h"
#include "backend/resample_taps.h"

/* The value at (px, py), or false when a tap lies outside. */
static bool sample(int nx, int ny, const float *image, double px, double py, int interpolation, float *value) {
    const sei_taps tx = sei_taps_at(px, interpolation), ty = sei_taps_at(py, interpolation);
    double sum = 0;
    if (tx.first < 0 || ty.first < 0 || tx.first + tx.count > nx || ty.first + ty.count > ny) return false;
    for (int j = 0; j < ty.count; ++j) {
        const float *row = image + (size_t)(ty.first + j) * (size_t)nx + (size_t)tx.first;
        double along = 0;
        for (int i = 0; i < tx.count; ++i) along += tx.weight[i] * (double)row[i];
        sum += ty.weight[j] * along;
    }
    *value = (float)sum;
    return true;
}

sei_status sei_ref_resample(sei_device *device, int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                            sei_buffer *out, sei_buffer *covered) {
    const sei_status status = sei_check_resample(nx, ny, n, xf, interpolation, in, out, covered);
    (void)device;
    if (status != SEI_OK) return status;
    const size_t image_count = (size_t)nx * (size_t)ny;
    for (int k = 0; k < n; ++k) {
        const double *m = xf + 6 * k;
        for (size_t i = 0; i < image_count; ++i) {
            const double x = (double)(i % (size_t)nx) - 0.5 * (nx - 1), y = (double)(i / (size_t)nx) - 0.5 * (ny - 1);
            const double px = m[0] * x + m[1] * y + m[4] + 0.5 * (nx - 1), py = m[2] * x + m[3] * y + m[5] + 0.5 * (ny - 1);
            float value = 0;
            const bool inside = sample(nx, ny, in->data + (size_t)k * image_count, px, py, interpolation, &value);
            out->data[(size_t)k * image_count + i] = value;
            if (covered != NULL) covered->data[(size_t)k * image_count + i] = inside ? 1 : 0;
        }
    }
    return SEI_OK;
}

/* The reference's resampling over many threads, row by row. */
#include "backend/cpu.h"
#include "backend/resample_taps.h"

/* One row of output; covered may be NULL. */
static void resample_row(int nx, int ny, int row, const double *m, int interpolation, const float *image, float *out,
                         float *covered) {
    const double y = row - 0.5 * (ny - 1);
    for (int column = 0; column < nx; ++column) {
        const double x = column - 0.5 * (nx - 1);
        const double px = m[0] * x + m[1] * y + m[4] + 0.5 * (nx - 1), py = m[2] * x + m[3] * y + m[5] + 0.5 * (ny - 1);
        const sei_taps tx = sei_taps_at(px, interpolation), ty = sei_taps_at(py, interpolation);
        const bool inside = tx.first >= 0 && ty.first >= 0 && tx.first + tx.count <= nx && ty.first + ty.count <= ny;
        double sum = 0;
        for (int j = 0; inside && j < ty.count; ++j) {
            const float *from = image + (size_t)(ty.first + j) * (size_t)nx + (size_t)tx.first;
            double along = 0;
            for (int i = 0; i < tx.count; ++i) along += tx.weight[i] * (double)from[i];
            sum += ty.weight[j] * along;
        }
        out[column] = (float)sum;
        if (covered != NULL) covered[column] = inside ? 1 : 0;
    }
}

sei_status sei_cpu_resample(sei_device *device, int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                            sei_buffer *out, sei_buffer *covered) {
    const sei_status status = sei_check_resample(nx, ny, n, xf, interpolation, in, out, covered);
    if (status != SEI_OK) return status;
#pragma omp parallel for collapse(2) schedule(static) num_threads(sei_host(device)->threads)
    for (int k = 0; k < n; ++k) {
        for (int row = 0; row < ny; ++row) {
            const size_t image = (size_t)k * (size_t)nx * (size_t)ny, first = image + (size_t)row * (size_t)nx;
            resample_row(nx, ny, row, xf + 6 * k, interpolation, in->data + image, out->data + first,
                         covered == NULL ? NULL : covered->data + first);
        }
    }
    return SEI_OK;
}

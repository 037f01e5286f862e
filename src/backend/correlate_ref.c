/* Cross-correlation of two images through their spectra, by the plain transform along rows, then along columns. */
#include "backend/fourier_ref.h"
#include "backend/host.h"
#include "core/alloc.h"

/* Transforms image[ny][nx] in place; `line` holds 2*max(nx, ny) numbers. */
static void transform(int nx, int ny, const sei_complex *roots_x, const sei_complex *roots_y, bool inverse, sei_complex *line,
                      sei_complex *image) {
    const int longest = nx > ny ? nx : ny;
    sei_complex *out = line + longest;
    for (int y = 0; y < ny; ++y) {
        sei_complex *row = image + (size_t)y * (size_t)nx;
        sei_dft(nx, roots_x, inverse, row, nx, out);
        for (int x = 0; x < nx; ++x) row[x] = out[x];
    }
    for (int x = 0; x < nx; ++x) {
        for (int y = 0; y < ny; ++y) line[y] = image[(size_t)y * (size_t)nx + (size_t)x];
        sei_dft(ny, roots_y, inverse, line, ny, out);
        for (int y = 0; y < ny; ++y) image[(size_t)y * (size_t)nx + (size_t)x] = out[y];
    }
}

/* a times conj(b) times band, into a. The band holds kx = 0 .. nx/2; the other half belongs to (-kx, -ky). */
static void multiply(int nx, int ny, const float *band, sei_complex *a, const sei_complex *b) {
    for (int y = 0; y < ny; ++y) {
        for (int x = 0; x < nx; ++x) {
            const bool half = x <= nx / 2;
            const size_t row = half ? (size_t)y : (size_t)((ny - y) % ny), column = half ? (size_t)x : (size_t)(nx - x);
            const double w = (double)band[row * (size_t)(nx / 2 + 1) + column] / ((double)nx * ny);
            const size_t i = (size_t)y * (size_t)nx + (size_t)x;
            const sei_complex p = a[i], q = b[i];
            a[i] = (sei_complex){w * (p.re * q.re + p.im * q.im), w * (p.im * q.re - p.re * q.im)};
        }
    }
}

sei_status sei_ref_correlate(sei_device *device, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                             sei_buffer *out) {
    sei_status status = SEI_OK;
    sei_complex *roots_x = NULL, *roots_y = NULL, *line = NULL, *first = NULL, *second = NULL;
    (void)device;
    SEI_TRY(sei_check_correlate(nx, ny, band, a, b, out));
    SEI_TRY(SEI_NEW(roots_x, nx, 1, 1));
    SEI_TRY(SEI_NEW(roots_y, ny, 1, 1));
    SEI_TRY(SEI_NEW(line, 2, nx > ny ? nx : ny, 1));
    SEI_TRY(SEI_NEW(first, nx, ny, 1));
    SEI_TRY(SEI_NEW(second, nx, ny, 1));
    sei_dft_roots(nx, roots_x);
    sei_dft_roots(ny, roots_y);
    const size_t n = (size_t)nx * (size_t)ny;
    for (size_t i = 0; i < n; ++i) {
        first[i].re = (double)a->data[i];
        second[i].re = (double)b->data[i];
    }
    transform(nx, ny, roots_x, roots_y, false, line, first);
    transform(nx, ny, roots_x, roots_y, false, line, second);
    multiply(nx, ny, band, first, second);
    transform(nx, ny, roots_x, roots_y, true, line, first);
    for (size_t i = 0; i < n; ++i) out->data[i] = (float)first[i].re;
done:
    sei_free(roots_x);
    sei_free(roots_y);
    sei_free(line);
    sei_free(first);
    sei_free(second);
    return status;
}

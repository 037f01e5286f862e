/* Rows along u times a response in Fourier space, by the plain transform. */
#include "backend/fourier_ref.h"
#include "backend/host.h"
#include "core/alloc.h"

sei_status sei_ref_filter_rows(sei_device *device, const sei_slab *s, const float *response, int n_padded, sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    sei_complex *roots = NULL, *row = NULL, *spectrum = NULL;
    (void)device;
    SEI_TRY(sei_check_filter_rows(s, response, n_padded, sinogram));
    SEI_TRY(SEI_NEW(roots, n_padded, 1, 1));
    SEI_TRY(SEI_NEW(row, n_padded, 1, 1));
    SEI_TRY(SEI_NEW(spectrum, n_padded, 1, 1));
    sei_dft_roots(n_padded, roots);
    const size_t n_bins = (size_t)s->n_tilts * (size_t)s->nu;
    for (int t = 0; t < s->n_tilts; ++t) {
        for (int y = 0; y < s->ny; ++y) {
            float *first = sinogram->data + sei_slab_at(s, n_bins, (size_t)t * (size_t)s->nu, y);
            const size_t step = sei_slab_at(s, n_bins, 1, y) - sei_slab_at(s, n_bins, 0, y);
            for (int u = 0; u < n_padded; ++u) {
                row[u] = (sei_complex){u < s->nu ? (double)first[(size_t)u * step] : 0, 0};
            }
            sei_dft(n_padded, roots, false, row, n_padded, spectrum);
            for (int k = 0; k < n_padded; ++k) {
                const double h = (double)response[k <= n_padded / 2 ? k : n_padded - k] / n_padded;
                spectrum[k].re *= h;
                spectrum[k].im *= h;
            }
            sei_dft(n_padded, roots, true, spectrum, s->nu, row);
            for (int u = 0; u < s->nu; ++u) first[(size_t)u * step] = (float)row[u].re;
        }
    }
done:
    sei_free(roots);
    sei_free(row);
    sei_free(spectrum);
    return status;
}

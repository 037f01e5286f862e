/* Expectation maximisation with additive background: Shepp & Vardi, IEEE Trans. Med. Imaging 1 (1982) 113. */
#include <math.h>

#include "backend/host.h"

sei_status sei_ref_em_ratio(sei_device *device, const sei_slab *s, const sei_buffer *volume, const sei_buffer *counts,
                            const sei_buffer *weight, const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_em_ratio(s, volume, counts, weight, background, sinogram));
    SEI_TRY(sei_ref_project(device, s, volume, sinogram));
    const size_t ny = (size_t)s->ny, n_bins = (size_t)s->n_tilts * (size_t)s->nu;
    for (size_t i = 0; sums != NULL && i < SEI_SUM_COUNT * ny; ++i) sums[i] = 0;
    for (size_t bin = 0; bin < n_bins; ++bin) {
        for (size_t y = 0; y < ny; ++y) {
            const size_t i = sei_slab_at(s, n_bins, bin, (int)y);
            const double b = (double)counts->data[i];
            const double w = weight == NULL ? 1 : (double)weight->data[i];
            const double m = (double)sinogram->data[i] + (background == NULL ? 0 : (double)background->data[i]);
            const bool used = w > 0 && m > 0;
            sinogram->data[i] = used ? (float)(w * b / m) : 0;
            if (sums == NULL) continue;
            sums[SEI_SUM_LOG_LIKELIHOOD * ny + y] += used ? w * (b * log(m) - m) : 0;
            sums[SEI_SUM_COUNTED * ny + y] += used ? w * b : 0;
            sums[SEI_SUM_RESIDUAL2 * ny + y] += w * (b - m) * (b - m);
            sums[SEI_SUM_MODEL * ny + y] += w * m;
        }
    }
done:
    return status;
}

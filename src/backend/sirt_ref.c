/* Simultaneous iterative reconstruction: Gilbert, J. Theor. Biol. 36 (1972) 105; row and column sums as weights. */
#include "backend/host.h"

sei_status sei_ref_sirt_residual(sei_device *device, const sei_slab *s, const sei_buffer *volume, const sei_buffer *counts,
                                 const sei_buffer *weight, const sei_buffer *background, const sei_buffer *inverse_row,
                                 bool per_slice, sei_buffer *sinogram, double *sums) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_check_sirt_residual(s, volume, counts, weight, background, inverse_row, per_slice, sinogram));
    SEI_TRY(sei_ref_project(device, s, volume, sinogram));
    const size_t ny = (size_t)s->ny, n_bins = (size_t)s->n_tilts * (size_t)s->nu;
    for (size_t i = 0; sums != NULL && i < SEI_SUM_COUNT * ny; ++i) sums[i] = 0;
    for (size_t bin = 0; bin < n_bins; ++bin) {
        for (size_t y = 0; y < ny; ++y) {
            const size_t i = sei_slab_at(s, n_bins, bin, (int)y);
            const double w = weight == NULL ? 1 : (double)weight->data[i];
            const double m = (double)sinogram->data[i] + (background == NULL ? 0 : (double)background->data[i]);
            const double difference = (double)counts->data[i] - m;
            sinogram->data[i] = (float)(w * (double)inverse_row->data[per_slice ? i : bin] * difference);
            if (sums == NULL) continue;
            sums[SEI_SUM_RESIDUAL2 * ny + y] += w * difference * difference;
            sums[SEI_SUM_MODEL * ny + y] += w * m;
        }
    }
done:
    return status;
}

/* Simultaneous iterative reconstruction: Gilbert, J. Theor. Biol. 36 (1972) 105; row and column sums as weights. */
#include "backend/host.h"

sei_status sei_ref_sirt_residual(sei_device *device, const sei_slab *s, const sei_buffer *counts, const sei_buffer *weight,
                                 const sei_buffer *background, const sei_buffer *inverse_row, sei_buffer *sinogram,
                                 double *sums) {
    const sei_status status = sei_check_sirt_residual(s, counts, weight, background, inverse_row, sinogram);
    (void)device;
    if (status != SEI_OK) return status;
    const size_t ny = (size_t)s->ny, n = sei_slab_sinogram_count(s);
    for (size_t i = 0; sums != NULL && i < SEI_SUM_COUNT * ny; ++i) sums[i] = 0;
    for (size_t i = 0; i < n; ++i) {
        const double w = weight == NULL ? 1 : (double)weight->data[i];
        const double m = (double)sinogram->data[i] + (background == NULL ? 0 : (double)background->data[i]);
        const double difference = (double)counts->data[i] - m;
        sinogram->data[i] = (float)(w * (double)inverse_row->data[i] * difference);
        if (sums == NULL) continue;
        sums[SEI_SUM_RESIDUAL2 * ny + i % ny] += w * difference * difference;
        sums[SEI_SUM_MODEL * ny + i % ny] += w * m;
    }
    return SEI_OK;
}

sei_status sei_ref_sirt_update(sei_device *device, const sei_slab *s, const sei_buffer *back, const sei_buffer *inverse_column,
                               float relaxation, bool positive, sei_buffer *volume) {
    const sei_status status = sei_check_update("sirt_update", s, back, inverse_column, volume);
    (void)device;
    if (status != SEI_OK) return status;
    const size_t n = sei_slab_volume_count(s);
    for (size_t i = 0; i < n; ++i) {
        const double step = (double)relaxation * (double)inverse_column->data[i] * (double)back->data[i];
        const double value = (double)volume->data[i] + step;
        volume->data[i] = (float)(positive && value < 0 ? 0 : value);
    }
    return SEI_OK;
}

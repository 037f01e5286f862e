/* Expectation maximisation with additive background: Shepp & Vardi, IEEE Trans. Med. Imaging 1 (1982) 113. */
#include <math.h>

#include "backend/host.h"

sei_status sei_ref_em_ratio(sei_device *device, const sei_slab *s, const sei_buffer *counts, const sei_buffer *weight,
                            const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    const sei_status status = sei_check_em_ratio(s, counts, weight, background, sinogram);
    (void)device;
    if (status != SEI_OK) return status;
    const size_t ny = (size_t)s->ny, n = sei_slab_sinogram_count(s);
    for (size_t i = 0; sums != NULL && i < SEI_SUM_COUNT * ny; ++i) sums[i] = 0;
    for (size_t i = 0; i < n; ++i) {
        const double b = (double)counts->data[i];
        const double w = weight == NULL ? 1 : (double)weight->data[i];
        const double m = (double)sinogram->data[i] + (background == NULL ? 0 : (double)background->data[i]);
        const bool used = w > 0 && m > 0;
        sinogram->data[i] = used ? (float)(w * b / m) : 0;
        if (sums == NULL) continue;
        const size_t y = i % ny;
        sums[SEI_SUM_LOG_LIKELIHOOD * ny + y] += used ? w * (b * log(m) - m) : 0;
        sums[SEI_SUM_COUNTED * ny + y] += used ? w * b : 0;
        sums[SEI_SUM_RESIDUAL2 * ny + y] += w * (b - m) * (b - m);
        sums[SEI_SUM_MODEL * ny + y] += w * m;
    }
    return SEI_OK;
}

sei_status sei_ref_em_update(sei_device *device, const sei_slab *s, const sei_buffer *back, const sei_buffer *inverse_sensitivity,
                             sei_buffer *volume) {
    const sei_status status = sei_check_update("em_update", s, back, inverse_sensitivity, volume);
    (void)device;
    if (status != SEI_OK) return status;
    const size_t n = sei_slab_volume_count(s);
    for (size_t i = 0; i < n; ++i) {
        volume->data[i] = (float)((double)volume->data[i] * (double)back->data[i] * (double)inverse_sensitivity->data[i]);
    }
    return SEI_OK;
}

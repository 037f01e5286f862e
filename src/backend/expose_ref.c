/* Counts and readout noise, one element after another. */
#include "backend/host.h"

#ifdef SEITOMO_HAVE_RANDOM123

#include "core/random_variates.h"

sei_status sei_ref_expose(sei_device *device, const sei_exposure *exposure, size_t n, const sei_buffer *mean, sei_buffer *out) {
    const sei_status status = sei_check_expose(exposure, n, mean, out);
    (void)device;
    if (status != SEI_OK) return status;
    const sei_variate_source source = {exposure->seed, exposure->stream};
    for (size_t i = 0; i < n; ++i) {
        out->data[i] =
            sei_variate_exposed(source, exposure->first_index + i, (double)mean->data[i], exposure->counting, exposure->noise);
    }
    return SEI_OK;
}

#else

sei_status sei_ref_expose(sei_device *device, const sei_exposure *exposure, size_t n, const sei_buffer *mean, sei_buffer *out) {
    (void)device, (void)exposure, (void)n, (void)mean, (void)out;
    return sei_fail(SEI_ERR_ENVIRONMENT,
                    "expose: built without Random123, so there are no random numbers; install librandom123-dev and build again");
}

#endif

/* Inside simulate: from ideal images to what the detectors store. */
#ifndef SEI_SIMULATE_DETECT_H
#define SEI_SIMULATE_DETECT_H

#include "simulate/image.h"

/* A channel's way from the ideal image to counts: mean = scale*ideal + flat + brems*bremsstrahlung. */
typedef struct sei_exposing {
    double scale, flat, brems;
} sei_exposing;

/* Scales of all channels from what the shadow holds; electrons: of a pixel and exposure. SEI_ERR_INPUT. */
sei_status sei_find_scales(const sei_simulation *simulation, const sei_shadow *shadow, double electrons,
                           sei_exposing *exposing) SEI_MUST_CHECK;
/*
 * Counts, gain, offset, noise and rounding of channel c, in place on its ideal images; brems: the ideal bremsstrahlung of all
 * exposures, or NULL. Sets the channel's unit and stored type; SEI_ERR_INPUT names a value that overflows it.
 */
sei_status sei_detect(const sei_simulation *simulation, sei_device *device, size_t c, const sei_exposing *exposing,
                      const sei_tilt_exposure *exposures, int64_t n, const float *brems, sei_channel *channel) SEI_MUST_CHECK;
/* Settles the stored type of a channel that left it open, once the faults are in. */
void sei_settle_type(const sei_simulation *simulation, size_t c, int64_t n, sei_channel *channel);

#endif

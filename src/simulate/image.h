/* Inside simulate: the ideal images of one exposure. */
#ifndef SEI_SIMULATE_IMAGE_H
#define SEI_SIMULATE_IMAGE_H

#include "seitomo/simulate.h"

/* Everything that stays the same from exposure to exposure. Release with sei_imager_free. */
typedef struct sei_imager {
    const sei_simulation *simulation;
    size_t n_images; /* the channels, and the bremsstrahlung after them where it is wanted */
    sei_tracer *tracer;
    sei_volume *maps;               /* [n_channels] attenuation; empty for channels without energy */
    int64_t n_weights;              /* cells of the largest map */
    float *weights;                 /* one map's */
    float *paths;                   /* [n_materials][ny][nx] */
    float *weighted;                /* the same, for the channel at hand */
    float *sharp;                   /* the same without blur and motion, for the shadow; only while there is either */
    bool lights[SEI_MAX_MATERIALS]; /* emits something and is no support: casts the specimen's shadow */
} sei_imager;

/* What the shadow of the specimen holds, all exposures together. */
typedef struct sei_shadow {
    int64_t pixels;
    double sum[SEI_SIMULATE_MAX_CHANNELS + 1]; /* of each ideal image */
} sei_shadow;

/* SEI_ERR_INPUT, SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED; *out is zero then. */
sei_status sei_imager_new(const sei_simulation *simulation, sei_imager *out) SEI_MUST_CHECK;
/* image[i] (nx * ny) of the exposure, signal per nm times path; adds to the shadow. */
sei_status sei_imager_take(sei_imager *imager, const sei_tilt_exposure *exposure, float *const *image,
                           sei_shadow *shadow) SEI_MUST_CHECK;
void sei_imager_free(sei_imager *imager);

#endif

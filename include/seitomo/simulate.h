/* simulate: the virtual microscope. Analytic specimens, closed-form projections, drift and counting noise. */
#ifndef SEITOMO_SIMULATE_H
#define SEITOMO_SIMULATE_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A solid: an elliptic cylinder along y (infinite when half_y_nm <= 0), an ellipsoid, or a box. */
typedef enum sei_shape { SEI_SHAPE_CYLINDER = 0, SEI_SHAPE_ELLIPSOID, SEI_SHAPE_BOX } sei_shape;

enum { SEI_SIMULATE_MAX_CHANNELS = 16 };

/* Bodies are laid over each other: the last body that holds a point decides its material, so a pore is a body of void
 * (all densities 0). In the truth a void owns only points that some earlier body holds too. */
typedef struct sei_body {
    sei_shape shape;
    double centre_nm[3];                       /* x, y, z from the volume's centre */
    double half_nm[3];                         /* half axes or half edges */
    double rotation_deg;                       /* about y */
    uint8_t label;                             /* truth label (0: void to the outside, 3 closed, 4 open, ...) */
    double density[SEI_SIMULATE_MAX_CHANNELS]; /* signal per nm of path, one per channel */
} sei_body;

typedef struct sei_simulation {
    int64_t nx, ny, nz;
    double pixel_nm;
    int64_t n_tilts;
    const double *tilt_deg;
    size_t n_channels;
    char channel_names[SEI_SIMULATE_MAX_CHANNELS][SEI_NAME_LENGTH];
    double counts[SEI_SIMULATE_MAX_CHANNELS];     /* mean counts per pixel in the specimen's shadow; 0: noise-free */
    double background[SEI_SIMULATE_MAX_CHANNELS]; /* additive, in the same counts */
    double noise[SEI_SIMULATE_MAX_CHANNELS];      /* Gaussian, fraction of the maximum (HAADF) */
    size_t n_bodies;
    const sei_body *bodies;
    double drift_px; /* uniform random shift up to this per tilt, both directions */
    double axis_offset_px;
    int subsamples;     /* rays per pixel and direction; default 4 */
    int64_t hot_pixels; /* per series */
    uint64_t seed;
} sei_simulation;

/*
 * series: projections by exact chord lengths through the bodies, averaged over subsamples^2 rays a pixel (no voxels are
 * involved), with drift, background and Poisson noise. true_shifts: table tilt_deg,dx_px,dy_px that would undo the drift.
 * truth_labels and truth_volumes ([n_channels], owned by the caller): voxels by supersampling. Any output may be NULL.
 */
sei_status sei_simulate(const sei_simulation *simulation, sei_series *series, sei_table *true_shifts, sei_labels *truth_labels,
                        sei_volume *truth_volumes, sei_numbers *truth_numbers) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

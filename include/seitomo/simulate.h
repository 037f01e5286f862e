/* simulate: the virtual microscope. A specimen, its ideal projections, drift and counting noise. */
#ifndef SEITOMO_SIMULATE_H
#define SEITOMO_SIMULATE_H

#include "seitomo/specimen.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEI_SIMULATE_MAX_CHANNELS = 16 };

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
    sei_specimen specimen;                        /* its pointers are borrowed */
    const double *signal;                         /* [n_materials][n_channels]: signal per nm of path, 0 or more; borrowed */
    double drift_px;                              /* uniform random shift up to this per tilt, both directions */
    double axis_offset_px;
    int subsamples;     /* rays per pixel and direction; default 4 */
    int64_t hot_pixels; /* per series */
    uint64_t seed;
} sei_simulation;

/*
 * series: sei_specimen_paths of every tilt times the signal per nm, with drift, background and Poisson noise. true_shifts: table
 * tilt_deg,dx_px,dy_px that would undo the drift. truth_labels and truth_volumes ([n_channels], owned by the caller): voxels by
 * supersampling. Any output may be NULL.
 */
sei_status sei_simulate(const sei_simulation *simulation, sei_series *series, sei_table *true_shifts, sei_labels *truth_labels,
                        sei_volume *truth_volumes, sei_numbers *truth_numbers) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

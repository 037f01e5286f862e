/*
 * simulate: the virtual microscope. A specimen (seitomo/specimen.h), what it emits, how the tilt series is taken
 * (seitomo/experiment.h), what the detectors record, and the truth beside it.
 */
#ifndef SEITOMO_SIMULATE_H
#define SEITOMO_SIMULATE_H

#include "seitomo/backend.h"
#include "seitomo/experiment.h"
#include "seitomo/signal.h"
#include "seitomo/specimen.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEI_SIMULATE_MAX_CHANNELS = 16 };

/* What a channel records. The ideal image is the sum over materials of signal per nm times path; `scale` makes it counts. */
typedef struct sei_simulated_channel {
    char name[SEI_NAME_LENGTH];
    double counts;             /* mean net counts per pixel in the specimen's shadow, over all tilts; 0: not asked for */
    bool by_dose;              /* the signal is per electron and nm: scale = electrons of a pixel. counts must be 0 then */
    double energy_kev;         /* above 0: photons, which the holder's shadow and absorption on the way out take away */
    double background;         /* counts in every pixel of every tilt, and */
    double peak_to_background; /* net counts over background counts in the shadow; 0: none. The background follows the
                                  specimen's bremsstrahlung where that is given, else it is the same everywhere */
    double gain, offset;       /* value = offset + gain*(counts or, when none are drawn, the ideal image); gain 0 means 1 */
    double noise;              /* normal, standard deviation as a share of the channel's largest noise-free value */
    double readout;            /* normal, standard deviation in the channel's values */
    sei_dtype stored;          /* whole-number types round to it; UNKNOWN: uint16 for plain counts that fit, else float32 */
} sei_simulated_channel;

/*
 * The images of a whole series before any count is drawn. The mean of channel c in pixel p of tilt t is, with i = t*nx*ny + p,
 *     scale[c] * image[c][i] + flat[c] + brems[c] * bremsstrahlung[i].
 */
typedef struct sei_noise_free {
    int64_t n_tilts, nx, ny;
    const sei_tilt_exposure *exposures; /* [n_tilts] */
    const float *image[SEI_SIMULATE_MAX_CHANNELS];
    double scale[SEI_SIMULATE_MAX_CHANNELS], flat[SEI_SIMULATE_MAX_CHANNELS], brems[SEI_SIMULATE_MAX_CHANNELS];
    const float *bremsstrahlung; /* NULL: none is known, brems is 0 */
} sei_noise_free;

typedef struct sei_simulation {
    int64_t nx, ny, nz; /* images nx * ny, truth nz deep */
    double pixel_nm;
    int subsamples; /* rays per pixel and direction, 1 to 32 */
    bool beyond;    /* bodies may reach out of the volume sideways (x, z); supports and voids always may, and all along y */
    size_t n_channels;
    sei_simulated_channel channels[SEI_SIMULATE_MAX_CHANNELS];
    sei_specimen specimen;            /* its arrays are borrowed */
    int64_t beyond_rows;              /* rows of its voxels that lie beyond the volume at either end of y (sei_grown_continue) */
    const double *signal;             /* [n_materials][n_channels], per nm of path, 0 or more; borrowed */
    const double *bremsstrahlung;     /* [n_materials], per nm of path, any unit; borrowed; NULL: not known */
    const sei_microscope *microscope; /* for shadow and absorption; borrowed; NULL: neither */
    double absorption_nm;             /* edge of the cells in which photons are absorbed; 0: no absorption */
    sei_experiment experiment;        /* field_nm2 is taken from the image */
    int contaminant;                  /* the material that contamination grows of; 0: none grows */
    sei_faults faults;                /* its seed is the experiment's */
    sei_device *device;               /* where counts are drawn; NULL: cpu. The bits are the same everywhere */
    /* Called once with all images, before they become counts (spectra are made of them); what it returns ends the simulation
     * unless SEI_OK. NULL: nobody asks. */
    sei_status (*noise_free)(void *asker, const sei_noise_free *images);
    void *asker;
} sei_simulation;

/* The exposures of the simulation's experiment over its own field: sei_experiment_exposures, *out is the caller's (sei_free). */
sei_status sei_simulation_exposures(const sei_simulation *simulation, sei_tilt_exposure **out, int64_t *n) SEI_MUST_CHECK;

/* What the microscope gave, and what only its maker knows. Release with sei_simulated_free. */
typedef struct sei_simulated {
    sei_series series;   /* nominal angles, stated axis */
    sei_table shifts;    /* tilt_deg, dx_px, dy_px: what undoes the drift, in the frame whose tilt axis is y (align's) */
    sei_table exposures; /* a row per tilt: tilt_deg, true_tilt_deg, order, dx_px, dy_px (where the image stands on the detector),
                            smear_x_px, smear_y_px, blur_nm, contamination_nm, dose_before_e_per_nm2 */
    sei_table dose;      /* sei_dose_ledger; no rows where no dose is stated */
    sei_table faults;    /* sei_faults_apply */
    sei_dose_total total;                    /* of the ledger */
    double scale[SEI_SIMULATE_MAX_CHANNELS]; /* counts per signal; 1 where none are drawn */
} sei_simulated;

/*
 * Takes the tilt series. Of every exposure: sei_tracer_paths, times signal and damage, plus contamination (a film over the
 * whole field, its thickness over the cosine of the true tilt), times the scale, plus background; then counting noise and
 * normal noise (the operator expose: a tilt's numbers depend on seed, channel and nominal tilt alone), gain, offset, rounding
 * to whole-number types, and the detector's faults. The specimen's shadow is every pixel where a material that emits and is
 * no support has a path, blur and motion left out.
 *
 * Same bits for any number of threads and every backend. Cost: tracing, again for every channel that is absorbed, and once more
 * for the shadow of what is blurred or moves; memory: the series and one image per material (two or three then).
 *
 * Errors: SEI_ERR_INPUT, one line each: sizes, a negative signal, a specimen larger than the volume, a value that overflows
 * the type it is stored as (with channel, tilt, value and limit), and what the experiment refuses; SEI_ERR_MEMORY,
 * SEI_ERR_INTERRUPTED, SEI_ERR_ENVIRONMENT (no such backend, a build without Random123); out is untouched then.
 */
sei_status sei_simulate(const sei_simulation *simulation, sei_simulated *out) SEI_MUST_CHECK;
void sei_simulated_free(sei_simulated *simulated);

/*
 * The truth, on the volume's grid nx * ny * nz of edge pixel_nm, undamaged and without contamination. labels: the label most
 * sample points of a voxel have (4^3 for bodies; for voxels every voxel of the specimen that a coarser grid's voxel holds).
 * volumes [n_channels]: mean signal * scale * pixel_nm, so that the projector's sums along rays are the net counts.
 * numbers: si_volume, sei_volume, closed_void_volume, open_void_volume, support_volume by the same sample points.
 * Any output may be NULL; scale NULL: 1. Errors as above.
 */
sei_status sei_simulate_truth(const sei_simulation *simulation, const double *scale, sei_labels *labels, sei_volume *volumes,
                              sei_numbers *numbers) SEI_MUST_CHECK;
/* One channel's volume alone: for voxel specimens whose volumes do not fit into memory together. */
sei_status sei_simulate_truth_volume(const sei_simulation *simulation, double scale, size_t channel,
                                     sei_volume *volume) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

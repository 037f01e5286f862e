/*
 * experiment: how the virtual microscope takes a tilt series. In which order the tilts are taken, what the stage really does,
 * how the image moves meanwhile, what dose the specimen has had before and after each exposure, and what that dose takes
 * away (beam damage) and brings (contamination). Nothing here knows the specimen's shape: see seitomo/specimen.h.
 *
 * Every random number is drawn by (seed, purpose, index of the nominal tilt), so leaving tilts out, or taking them in
 * another order, does not change what happens to the others.
 */
#ifndef SEITOMO_EXPERIMENT_H
#define SEITOMO_EXPERIMENT_H

#include "seitomo/specimen.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The order of acquisition (Hagen, Wan & Briggs, J. Struct. Biol. 197 (2017) 191, name the same three).
 * Continuous: from the end of the range that lies nearer to start_deg to the other.
 * Bidirectional: from the tilt nearest to start_deg to one end, then from its other neighbour to the other end.
 * Dose-symmetric: from the tilt nearest to start_deg outwards, `group` tilts on one side, then `group` on the other, and so
 * on; what is left over when one side has ended follows.
 */
typedef enum sei_scheme { SEI_SCHEME_CONTINUOUS = 0, SEI_SCHEME_BIDIRECTIONAL, SEI_SCHEME_DOSE_SYMMETRIC } sei_scheme;

/* Limits of the paper's study of silicon nanowires: first voids in the SEI were seen at one, the other was never passed. */
#define SEI_DOSE_FIRST_VOIDS_E_PER_NM2 8.9e6
#define SEI_DOSE_LIMIT_E_PER_NM2 1e7

/* One electron's charge in coulomb (exact, SI 2019). */
#define SEI_ELECTRON_C 1.602176634e-19

typedef struct sei_experiment {
    int64_t n_tilts;
    const double *tilt_deg; /* nominal, ascending, distinct; borrowed */
    sei_scheme scheme;
    double start_deg;          /* NaN: the lowest tilt (continuous), 0 deg (the others) */
    bool down_first;           /* bidirectional and dose-symmetric: the first side is that of the lower tilts */
    int64_t group;             /* dose-symmetric, at least 1 */
    size_t n_missing;          /* tilts that are left out, by nominal angle (each must be one of tilt_deg) ... */
    const double *missing_deg; /* borrowed */
    int64_t missing_count;     /* ... and so many more, drawn */

    double field_nm2;      /* what the beam scans: nx*ny*pixel^2 */
    double current_pa;     /* 0: not stated */
    double seconds;        /* beam time of one exposure; 0: not stated */
    double dose_e_per_nm2; /* of the whole series, instead of the current: the ledger then tells the current */

    double angle_sd_deg;             /* true tilt - nominal tilt, normal */
    double backlash_deg;             /* see sei_tilt_exposure.true_deg */
    double drift_px;                 /* between exposures: uniform up to this, x and y, each tilt by itself */
    double drift_walk_px;            /* between exposures: standard deviation of a random walk's steps, x and y */
    double drift_px_per_s[2];        /* during an exposure: a steady motion (needs seconds) ... */
    double drift_in_tilt_px;         /* ... and one of random direction, normal with this standard deviation in x and y */
    double axis_deg;                 /* in-plane angle of the tilt axis as the microscope states it, and ... */
    double axis_error_deg;           /* ... what it does not know: the true one is their sum */
    double axis_offset_px;           /* across it */
    double blur_nm;                  /* standard deviation of the probe */
    double blur_tilt_nm;             /* grows with the tilt: see sei_tilt_exposure.blur_nm */
    double contamination_nm_per_1e6; /* thickness that grows per 1e6 e/nm^2, over the whole field */
    uint64_t seed;
} sei_experiment;

/* One exposure as it happened. Arrays of them are in the order of ascending nominal tilt; `order` is the acquisition's. */
typedef struct sei_tilt_exposure {
    int64_t index; /* of the nominal tilt in sei_experiment.tilt_deg */
    int32_t order; /* 0-based */
    double nominal_deg;
    /* nominal + angle error + backlash. The stage was calibrated turning in the direction of the first turn of the series;
     * when it turns the other way it lags by backlash_deg: true = nominal - direction*backlash there. The first exposure
     * counts as reached in the direction of the first turn. */
    double true_deg;
    double shift_px[2]; /* where the image stands at the middle of the exposure, for sei_view */
    double smear_px[2]; /* its motion during the exposure */
    double blur_nm;     /* sqrt(blur_nm^2 + (blur_tilt_nm*sin(true))^2): a specimen off the tilt axis leaves the focus so */
    double current_pa, seconds;   /* NaN: not stated */
    double dose_e_per_nm2;        /* of this exposure: current*seconds/(e*field); 0: not stated */
    double dose_before_e_per_nm2; /* what the specimen had before it */
    double contamination_nm;      /* thickness of the layer, mean over the exposure */
} sei_tilt_exposure;

/*
 * The exposures of a series, those that are missing left out. *out is an array of *n, sei_free it (core/alloc.h).
 * Errors: SEI_ERR_INPUT (a value out of range, current and total dose both stated, drift per second without seconds,
 * contamination without a dose, a missing angle that no tilt has, no tilt left), SEI_ERR_MEMORY.
 */
sei_status sei_experiment_exposures(const sei_experiment *experiment, sei_tilt_exposure **out, int64_t *n) SEI_MUST_CHECK;

/*
 * The order of acquisition alone: order[i] is when tilt i is taken, 0-based. Tilts ascending. SEI_ERR_INPUT, SEI_ERR_MEMORY.
 */
sei_status sei_experiment_order(const sei_experiment *experiment, int32_t *order) SEI_MUST_CHECK;

/*
 * The ledger, a row per exposure in ascending tilt: tilt_deg (nominal), order, current_pa, seconds, dose_e_per_nm2,
 * cumulative_e_per_nm2 (after the exposure), passed (0, 1: the first voids' dose has been passed by the end of this exposure,
 * 2: the limit has). Empty cells where nothing was stated.
 */
sei_status sei_dose_ledger(const sei_tilt_exposure *exposures, int64_t n, sei_table *out) SEI_MUST_CHECK;

/* What the ledger adds up to. Tilts are nominal; NaN and -1 where a dose was never passed. */
typedef struct sei_dose_total {
    double dose_e_per_nm2, seconds, charge_nc;
    double current_pa; /* of the first exposure; all are equal */
    double first_voids_deg, limit_deg;
    int32_t first_voids_order, limit_order;
} sei_dose_total;
sei_dose_total sei_dose_sum(const sei_tilt_exposure *exposures, int64_t n);

/*
 * What is left of a material's emission, mean over an exposure that takes the cumulative dose from `before` by `dose`:
 * 1 - lost_fraction*(1 - mean of exp(-D/critical_dose)). 1 where the material has no critical dose.
 */
double sei_damage_factor(const sei_material *material, double before_e_per_nm2, double dose_e_per_nm2);

/* Faults of detector and scan. */
typedef struct sei_faults {
    int64_t hot_pixels;   /* wild values per channel, each in one image, off dead lines: 20 times the channel's largest, or its
                             type's top */
    int64_t dead_rows;    /* rows that read 0 in every image of every channel */
    int64_t dead_columns; /* and columns */
    uint64_t seed;
} sei_faults;

/*
 * Puts the faults into a series of at most 16 channels, in place, and lists them (list may be NULL): channel, tilt_deg, x, y,
 * kind (1 hot, 2 dead row, 3 dead column, as seitomo/clean.h numbers repairs). A dead line has NaN for what it is in all of.
 * Lines lie at least three apart and not on the border. A channel whose stored type is a whole number of 8 or 16 bits is hot
 * up to that type's largest value. SEI_ERR_INPUT: more lines than fit; SEI_ERR_MEMORY; the series is untouched then.
 */
sei_status sei_faults_apply(const sei_faults *faults, sei_series *series, sei_table *list) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

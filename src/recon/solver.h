/*
 * What the methods work on: one slab of slices with its data in a device. reconstruct.c cuts the series into slabs and
 * puts the results together; em.c, sirt.c and wbp.c each solve one slab and know nothing of files, cards or threads.
 */
#ifndef SEI_RECON_SOLVER_H
#define SEI_RECON_SOLVER_H

#include "seitomo/recon.h"

/* The history of the whole series: sums over slices, added in the order of y, so that slabs leave no trace. */
typedef struct sei_history {
    int rows;     /* estimates looked at: iterations + 1, or 1 */
    double *sums; /* [rows][SEI_SUM_COUNT] */
} sei_history;

typedef struct sei_solver {
    sei_device *device;
    const sei_recon_options *options;
    sei_slab slab;          /* ny: slices of this slab; arrays belong to reconstruct.c */
    const double *tilt_deg; /* [n_tilts] */
    int64_t first_slice;    /* y of the slab in the series */
    int64_t series_ny;
    /* in the device; weight and background are NULL when there are none */
    sei_buffer *volume, *inverse_column;                            /* [nz][nx][ny] */
    sei_buffer *counts, *weight, *background, *model, *inverse_row; /* [n_tilts][nu][ny] */
    float *host_volume;                                             /* [nz][nx][ny] */
    float *host_sinogram;                                           /* [n_tilts][nu][ny] */
    double *slice_sums;                                             /* [SEI_SUM_COUNT][ny] */
    const double *background_sum; /* [ny] weighted sum of the background per slice; NULL: none */
    sei_history *history;
    int64_t *steps_done; /* for the progress bar */
} sei_solver;

/* Expectation maximisation, SIRT, weighted back-projection of one slab: the result is left in solver->volume. */
sei_status sei_solve_em(sei_solver *s) SEI_MUST_CHECK;
sei_status sei_solve_sirt(sei_solver *s) SEI_MUST_CHECK;
sei_status sei_solve_wbp(sei_solver *s) SEI_MUST_CHECK;

/*
 * inverse_column = 1 / A'w inside the support where a voxel is seen (A'w > 1/1000 of one tilt's view), else 0. Uses
 * model. The volume is left as 1 where the inverse is not 0, else 0.
 */
sei_status sei_solver_columns(sei_solver *s) SEI_MUST_CHECK;
/* inverse_row = 1 / A v for the volume v of ones and zeros left by sei_solver_columns; 0 where a ray misses it. */
sei_status sei_solver_rows(sei_solver *s) SEI_MUST_CHECK;
/* Adds slice_sums to row `row` of the history, slice by slice; takes one step of progress and sees to interrupts. */
sei_status sei_solver_note(sei_solver *s, int row) SEI_MUST_CHECK;
/*
 * options->iterations times: `compare` of A x with the data, left in model, then `update` of x with it; the sums of every
 * estimate, the last one too, go into the history.
 */
typedef sei_status sei_solver_step(sei_solver *s);
sei_status sei_solver_iterate(sei_solver *s, sei_solver_step *compare, sei_solver_step *update) SEI_MUST_CHECK;
/* Whether voxel (x, z) of the slab's slice y lies in the support. */
bool sei_solver_in_support(const sei_solver *s, int x, int z, int y);

size_t sei_solver_volume_count(const sei_solver *s);
size_t sei_solver_sinogram_count(const sei_solver *s);

/* Checks of a call, before anything is allocated. */
sei_status sei_recon_check_geometry(const sei_series *series) SEI_MUST_CHECK;
sei_status sei_recon_check(const sei_series *series, size_t channel, const sei_recon_options *options) SEI_MUST_CHECK;

#endif

/* Inside simulate: what a tracer holds, and the rays through bodies and through voxels. */
#ifndef SEI_SIMULATE_TRACER_H
#define SEI_SIMULATE_TRACER_H

#include "simulate/body.h"
#include "simulate/sinogram.h"
#include "simulate/view.h"
#include "simulate/voxel_grid.h"

struct sei_tracer {
    sei_specimen specimen;
    sei_solid *solids; /* [n_bodies] */
    sei_voxel_grid grid;
    int n_present;                  /* materials that something is made of; never materials[0] */
    int present[SEI_MAX_MATERIALS]; /* which they are, ascending */
};

/* The columns of rays of one image. */
typedef struct sei_lattice {
    const sei_camera *camera;
    const sei_weight_grid *weight; /* NULL: 1 */
    int64_t n_columns;
    const double *across_nm; /* [n_columns]: where they stand on the detector */
} sei_lattice;

/* Memory of one worker: pointers to solids near, chords and their ends. */
typedef struct sei_body_scratch sei_body_scratch;
sei_status sei_body_scratch_new(const sei_tracer *tracer, int n_workers, sei_body_scratch **out) SEI_MUST_CHECK;
sei_body_scratch *sei_body_scratch_of(sei_body_scratch *scratch, int worker);
void sei_body_scratch_free(sei_body_scratch *scratch, int n_workers);

/* paths[column*n_present + place] of lattice row `row`, nm. */
void sei_trace_bodies(const sei_tracer *tracer, const sei_lattice *lattice, int64_t row, sei_body_scratch *scratch, float *paths);

/* All of an image of voxels whose tilt axis is y: along y every voxel counts by its exact share of a pixel. */
sei_status sei_paths_along_y(const sei_tracer *tracer, const sei_camera *camera, const sei_exposure *exposure,
                             const sei_weight_grid *weight, float *paths) SEI_MUST_CHECK;

/* Voxels under a turned axis: rays on a lattice of half their distance across the axis, interpolated linearly between. */
typedef struct sei_voxel_band {
    sei_sinogram sinogram;
    double low_u_nm, step_nm;
} sei_voxel_band;

/* Whether that of lattice rows first_row .. + n_rows is small enough to be held at once. */
bool sei_voxel_band_fits(const sei_tracer *tracer, const sei_lattice *lattice, int64_t first_row, int64_t n_rows);
/* Traces what lattice rows first_row .. + n_rows need; sei_voxel_band_free. */
sei_status sei_voxel_band_trace(const sei_tracer *tracer, const sei_lattice *lattice, int64_t first_row, int64_t n_rows,
                                sei_voxel_band *out) SEI_MUST_CHECK;
void sei_voxel_band_row(const sei_tracer *tracer, const sei_lattice *lattice, const sei_voxel_band *band, int64_t row,
                        float *paths);
void sei_voxel_band_free(sei_voxel_band *band);

/* The material that owns a point, nm from the volume's centre; near lists the solids to ask, ascending. */
int sei_owner_of_bodies(const sei_solid *const *near, int n, double x, double y, double z);
/* The solids whose height range meets [y0, y1], in order. */
int sei_solids_of_height(const sei_solid *solids, size_t n_solids, double y0, double y1, const sei_solid **near);

#endif

/* Inside simulate: what a tracer holds, and the rays through bodies and through voxels. */
#ifndef SEI_SIMULATE_TRACER_H
#define SEI_SIMULATE_TRACER_H

#include "simulate/body.h"
#include "simulate/view.h"

struct sei_tracer {
    sei_specimen specimen;
    sei_solid *solids;               /* [n_bodies] */
    bool present[SEI_MAX_MATERIALS]; /* materials that something is made of; never materials[0] */
};

/* Rays of one image: lattice columns first_column .. + n_columns, for some rows. */
typedef struct sei_lattice {
    const sei_camera *camera;
    const sei_weight_grid *weight; /* NULL: 1 */
    int64_t first_column;
    int64_t n_columns;
} sei_lattice;

/* Memory of one worker: pointers to solids near, chords and their ends. */
typedef struct sei_body_scratch sei_body_scratch;
sei_status sei_body_scratch_new(const sei_tracer *tracer, int n_workers, sei_body_scratch **out) SEI_MUST_CHECK;
sei_body_scratch *sei_body_scratch_of(sei_body_scratch *scratch, int worker);
void sei_body_scratch_free(sei_body_scratch *scratch, int n_workers);

/* paths[m*n_columns + column] of lattice row `row`, nm, for every material. */
void sei_trace_bodies(const sei_tracer *tracer, const sei_lattice *lattice, int64_t row, sei_body_scratch *scratch, float *paths);

/* The same through voxels. */
void sei_trace_voxels(const sei_tracer *tracer, const sei_lattice *lattice, int64_t row, float *paths);

/* The material that owns a point, nm from the volume's centre; near lists the solids to ask, ascending. */
int sei_owner_of_bodies(const sei_solid *const *near, int n, double x, double y, double z);
/* The solids whose height range meets [y0, y1], in order. */
int sei_solids_of_height(const sei_solid *solids, size_t n_solids, double y0, double y1, const sei_solid **near);

/* Weight at a point, and its exact integral along a ray's piece [s0, s1] (nm). */
double sei_weight_at(const sei_weight_grid *weight, double x, double y, double z);
double sei_weight_along(const sei_weight_grid *weight, const sei_ray *ray, double s0, double s1);

#endif

/* Rays through bodies: exact chords, and which body owns each piece of a ray. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "simulate/tracer.h"
#include "simulate/weight.h"

typedef struct chord {
    double enter, leave;
    const sei_solid *solid;
} chord;

struct sei_body_scratch {
    const sei_solid **row;  /* near a row of the lattice */
    const sei_solid **near; /* near some columns of it */
    chord *chords;
    double *ends; /* two of every chord */
};

/* Columns whose solids are looked for together. */
enum { BLOCK = 64 };

sei_status sei_body_scratch_new(const sei_tracer *tracer, int n_workers, sei_body_scratch **out) {
    const int64_t room = (int64_t)tracer->specimen.n_bodies + 1;
    sei_body_scratch *made = NULL;
    sei_status status = SEI_NEW(made, n_workers, 1, 1);
    for (int i = 0; status == SEI_OK && i < n_workers; ++i) {
        if (status == SEI_OK) status = SEI_NEW(made[i].row, room, 1, 1);
        if (status == SEI_OK) status = SEI_NEW(made[i].near, room, 1, 1);
        if (status == SEI_OK) status = SEI_NEW(made[i].chords, room, 1, 1);
        if (status == SEI_OK) status = SEI_NEW(made[i].ends, 2, room, 1);
    }
    if (status != SEI_OK) sei_body_scratch_free(made, n_workers);
    if (status == SEI_OK) *out = made;
    return status;
}

sei_body_scratch *sei_body_scratch_of(sei_body_scratch *scratch, int worker) {
    return &scratch[worker];
}

void sei_body_scratch_free(sei_body_scratch *scratch, int n_workers) {
    for (int i = 0; scratch != NULL && i < n_workers; ++i) {
        sei_free(scratch[i].row);
        sei_free(scratch[i].near);
        sei_free(scratch[i].chords);
        sei_free(scratch[i].ends);
    }
    sei_free(scratch);
}

int sei_solids_of_height(const sei_solid *solids, size_t n_solids, double y0, double y1, const sei_solid **near) {
    int n = 0;
    for (size_t b = 0; b < n_solids; ++b) {
        const double centre = solids[b].body->centre_nm[1];
        if (centre + solids[b].half_height >= y0 && centre - solids[b].half_height <= y1) near[n++] = &solids[b];
    }
    return n;
}

/* The last that holds the point, but a void only where an earlier solid of matter holds it, too. */
int sei_owner_of_bodies(const sei_solid *const *near, int n, double x, double y, double z) {
    const sei_body *last = NULL;
    for (int b = n - 1; b >= 0; --b) {
        if (!sei_solid_holds(near[b], x, y, z)) continue;
        if (last == NULL) last = near[b]->body;
        if (!near[b]->is_void) return last->material;
    }
    return 0;
}

/* The same for the piece of a ray around s, told by the ray's chords. */
static int owner_of_piece(const chord *chords, int n, double s) {
    const sei_body *last = NULL;
    for (int i = n - 1; i >= 0; --i) {
        if (s < chords[i].enter || s > chords[i].leave) continue;
        if (last == NULL) last = chords[i].solid->body;
        if (!chords[i].solid->is_void) return last->material;
    }
    return 0;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(double *values, int n) {
    if (n > 64) {
        qsort(values, (size_t)n, sizeof *values, by_value);
        return;
    }
    for (int i = 1; i < n; ++i) {
        const double value = values[i];
        int at = i;
        for (; at > 0 && values[at - 1] > value; --at) values[at] = values[at - 1];
        values[at] = value;
    }
}

/* The ray's length in every material. Between two ends of chords one body owns all of the ray. */
static void trace(const sei_tracer *tracer, const sei_weight_grid *weight, const sei_ray *ray, const chord *chords, int n,
                  double *ends, float *paths) {
    double sum[SEI_MAX_MATERIALS];
    for (int i = 0; i < tracer->n_present; ++i) sum[tracer->present[i]] = 0;
    for (int i = 0; i < n; ++i) {
        ends[2 * i] = chords[i].enter;
        ends[2 * i + 1] = chords[i].leave;
    }
    sort(ends, 2 * n);
    for (int i = 0; i + 1 < 2 * n; ++i) {
        if (!(ends[i + 1] > ends[i])) continue;
        const int m = owner_of_piece(chords, n, (ends[i] + ends[i + 1]) / 2);
        if (m == 0) continue;
        sum[m] += weight == NULL ? ends[i + 1] - ends[i] : sei_weight_along(weight, ray, ends[i], ends[i + 1]);
    }
    for (int i = 0; i < tracer->n_present; ++i) paths[i] = (float)sum[tracer->present[i]];
}

/* Solids near the rays from column c0 to c1 of a row: by the box of u and y these rays lie in. */
static int solids_of_block(const sei_camera *camera, const sei_solid *const *row, int n_row, const double u[2], const double y[2],
                           const sei_solid **near) {
    const double u0 = fmin(u[0], u[1]), u1 = fmax(u[0], u[1]);
    const double y0 = fmin(y[0], y[1]), y1 = fmax(y[0], y[1]);
    int n = 0;
    for (int b = 0; b < n_row; ++b) {
        const double *at = row[b]->body->centre_nm;
        const double centre_u = at[0] * camera->cos_tilt - at[2] * camera->sin_tilt;
        if (centre_u + row[b]->reach < u0 || centre_u - row[b]->reach > u1) continue;
        if (at[1] + row[b]->half_height < y0 || at[1] - row[b]->half_height > y1) continue;
        near[n++] = row[b];
    }
    return n;
}

void sei_trace_bodies(const sei_tracer *tracer, const sei_lattice *lattice, int64_t row, sei_body_scratch *scratch,
                      float *paths) {
    const sei_camera *c = lattice->camera;
    const double v_nm = sei_camera_v(c, row);
    const int64_t n_columns = lattice->n_columns;
    double u[2], y[2];
    memset(paths, 0, (size_t)(tracer->n_present * n_columns) * sizeof *paths);
    sei_camera_turn(c, lattice->across_nm[0], v_nm, &u[0], &y[0]);
    sei_camera_turn(c, lattice->across_nm[n_columns - 1], v_nm, &u[1], &y[1]);
    const int n_row =
        sei_solids_of_height(tracer->solids, tracer->specimen.n_bodies, fmin(y[0], y[1]), fmax(y[0], y[1]), scratch->row);
    for (int64_t block = 0; n_row > 0 && block < n_columns; block += BLOCK) {
        const int64_t end = block + BLOCK < n_columns ? block + BLOCK : n_columns;
        sei_camera_turn(c, lattice->across_nm[block], v_nm, &u[0], &y[0]);
        sei_camera_turn(c, lattice->across_nm[end - 1], v_nm, &u[1], &y[1]);
        const int n_near = solids_of_block(c, scratch->row, n_row, u, y, scratch->near);
        for (int64_t i = block; n_near > 0 && i < end; ++i) {
            sei_ray ray = {.dx = c->sin_tilt, .dz = c->cos_tilt};
            double across;
            int n = 0;
            sei_camera_turn(c, lattice->across_nm[i], v_nm, &across, &ray.y);
            ray.x0 = across * c->cos_tilt;
            ray.z0 = -across * c->sin_tilt;
            for (int b = 0; b < n_near; ++b) {
                chord *next = &scratch->chords[n];
                if (!sei_solid_chord(scratch->near[b], &ray, &next->enter, &next->leave)) continue;
                next->solid = scratch->near[b];
                n += 1;
            }
            if (n > 0) trace(tracer, lattice->weight, &ray, scratch->chords, n, scratch->ends, paths + i * tracer->n_present);
        }
    }
}

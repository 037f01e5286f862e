/* Ideal projections: rays, chords, and which body owns each part of a ray. */
#include "simulate/projection.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "simulate/body.h"

typedef struct chord {
    double enter, leave;
    const sei_body *body;
} chord;

/* The bodies of a simulation, prepared; sei_free the result. */
static sei_status prepare(const sei_simulation *simulation, sei_solid **out) {
    sei_solid *solids = NULL;
    const sei_status status = SEI_NEW(solids, (int64_t)simulation->n_bodies + 1, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t b = 0; b < simulation->n_bodies; ++b) {
        solids[b] = sei_solid_of(&simulation->bodies[b], simulation->n_channels);
    }
    *out = solids;
    return SEI_OK;
}

/* Length of [enter, leave] of chord i that no later chord covers: each later chord in the way cuts it in two. */
static double visible_length(const chord *chords, int n, int i, double enter, double leave) {
    for (int k = i + 1; k < n; ++k) {
        const chord *over = &chords[k];
        if (over->leave <= enter || over->enter >= leave) continue;
        double length = 0;
        if (over->enter > enter) length += visible_length(chords, n, k, enter, over->enter);
        if (over->leave < leave) length += visible_length(chords, n, k, over->leave, leave);
        return length;
    }
    return leave - enter;
}

/* The solids whose height range meets the row of pixels [y0, y1], in order. */
static int solids_of_row(const sei_solid *solids, size_t n_solids, double y0, double y1, const sei_solid **near) {
    int n = 0;
    for (size_t b = 0; b < n_solids; ++b) {
        const double centre = solids[b].body->centre_nm[1];
        if (centre + solids[b].half_height >= y0 && centre - solids[b].half_height <= y1) near[n++] = &solids[b];
    }
    return n;
}

/* Everything that stays the same over one image. */
typedef struct view {
    const sei_simulation *simulation;
    const sei_solid *solids;
    double cos_tilt, sin_tilt;
    double axis_x, axis_y; /* pixel coordinates of the moved centre */
} view;

/* Adds the signal of the ray that meets the detector at (u_nm, y_nm) to sum[c]. */
static void trace(const view *v, const sei_solid *const *near, int n_near, double u_nm, double y_nm, chord *chords, double *sum) {
    const sei_ray ray = {u_nm * v->cos_tilt, -u_nm * v->sin_tilt, v->sin_tilt, v->cos_tilt, y_nm};
    int n = 0;
    for (int b = 0; b < n_near; ++b) {
        const sei_body *body = near[b]->body;
        const double centre_u = body->centre_nm[0] * v->cos_tilt - body->centre_nm[2] * v->sin_tilt;
        if (fabs(u_nm - centre_u) > near[b]->reach) continue;
        if (!sei_solid_chord(near[b], &ray, &chords[n].enter, &chords[n].leave)) continue;
        chords[n++].body = body;
    }
    for (int i = 0; i < n; ++i) {
        const double length = visible_length(chords, n, i, chords[i].enter, chords[i].leave);
        for (size_t c = 0; c < v->simulation->n_channels; ++c) sum[c] += length * chords[i].body->density[c];
    }
}

static void project_row(const view *v, int64_t y, const sei_solid **near, chord *chords, float *signal) {
    const sei_simulation *s = v->simulation;
    const int fine = s->subsamples;
    const double low = ((double)y - v->axis_y - 0.5) * s->pixel_nm;
    const int n_near = solids_of_row(v->solids, s->n_bodies, low, low + s->pixel_nm, near);
    for (int64_t x = 0; x < s->nx; ++x) {
        double sum[SEI_SIMULATE_MAX_CHANNELS] = {0};
        for (int i = 0; i < fine * fine; ++i) {
            const int row = i / fine;
            const double u_nm = ((double)x - v->axis_x + (i % fine + 0.5) / fine - 0.5) * s->pixel_nm;
            trace(v, near, n_near, u_nm, low + (row + 0.5) / fine * s->pixel_nm, chords, sum);
        }
        for (size_t c = 0; c < s->n_channels; ++c) {
            signal[((int64_t)c * s->ny + y) * s->nx + x] = (float)(sum[c] / (fine * fine));
        }
    }
}

sei_status sei_project_bodies(const sei_simulation *simulation, double tilt_deg, double dx_px, double dy_px, float *signal) {
    const double theta = tilt_deg * 3.14159265358979323846 / 180;
    const int64_t room = (int64_t)simulation->n_bodies + 1;
    const int n_threads = sei_threads();
    sei_solid *solids = NULL;
    sei_status status = prepare(simulation, &solids);
    if (status != SEI_OK) return status;
    const view v = {.simulation = simulation,
                    .solids = solids,
                    .cos_tilt = cos(theta),
                    .sin_tilt = sin(theta),
                    .axis_x = (double)(simulation->nx - 1) / 2 + simulation->axis_offset_px + dx_px,
                    .axis_y = (double)(simulation->ny - 1) / 2 + dy_px};
    const sei_solid **near = NULL;
    chord *chords = NULL;
    SEI_TRY(SEI_NEW(near, n_threads, room, 1));
    SEI_TRY(SEI_NEW(chords, n_threads, room, 1));
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t y = worker; y < simulation->ny; y += n_threads) {
            project_row(&v, y, near + worker * room, chords + worker * room, signal);
        }
    }
done:
    sei_free(near);
    sei_free(chords);
    sei_free(solids);
    return status;
}

/* The body that owns a point: the last that holds it. A pore that sticks out of the specimen owns nothing there. */
static const sei_body *owner(const sei_solid *const *near, int n, double x, double y, double z) {
    const sei_body *last = NULL;
    for (int b = n - 1; b >= 0; --b) {
        if (!sei_solid_holds(near[b], x, y, z)) continue;
        if (last == NULL) last = near[b]->body;
        if (!near[b]->is_void) return last;
    }
    return NULL;
}

/* What the points of one voxel say. */
typedef struct voxel {
    int votes[256];
    double sum[SEI_SIMULATE_MAX_CHANNELS];
    uint8_t winner;
} voxel;

/* The solids of a row that can hold a point of the voxel round (x, z). */
static int solids_of_voxel(const sei_solid *const *row, int n_row, double x, double z, double voxel_nm, const sei_solid **near) {
    int n = 0;
    for (int b = 0; b < n_row; ++b) {
        const double reach = row[b]->reach + voxel_nm;
        const double dx = x - row[b]->body->centre_nm[0];
        const double dz = z - row[b]->body->centre_nm[2];
        if (dx * dx + dz * dz <= reach * reach) near[n++] = row[b];
    }
    return n;
}

static void sample_voxel(const sei_simulation *s, const sei_solid *const *near, int n, double x, double y, double z, int fine,
                         voxel *out) {
    memset(out, 0, sizeof *out);
    for (int i = 0; i < fine * fine * fine; ++i) {
        const int row = i / fine % fine;
        const int layer = i / fine / fine;
        const double px = x + ((i % fine + 0.5) / fine - 0.5) * s->pixel_nm;
        const double py = y + ((row + 0.5) / fine - 0.5) * s->pixel_nm;
        const double pz = z + ((layer + 0.5) / fine - 0.5) * s->pixel_nm;
        const sei_body *body = n > 0 ? owner(near, n, px, py, pz) : NULL;
        const uint8_t label = body == NULL ? 0 : body->label;
        out->votes[label] += 1;
        if (out->votes[label] > out->votes[out->winner]) out->winner = label;
        for (size_t c = 0; body != NULL && c < s->n_channels; ++c) out->sum[c] += body->density[c];
    }
}

/* Where voxels go. */
typedef struct truth {
    const sei_simulation *simulation;
    const sei_solid *solids;
    const double *scale;
    int fine;
    sei_labels *labels;
    sei_volume *volumes;
    int64_t *counts; /* [nz][256]: whole numbers, so the total does not depend on threads */
} truth;

/* Plane z; scratch holds twice n_bodies + 1 pointers. */
static void sample_plane(const truth *t, int64_t z, const sei_solid **scratch) {
    const sei_simulation *s = t->simulation;
    const sei_solid **row = scratch;
    const sei_solid **near = scratch + s->n_bodies + 1;
    const double z_nm = ((double)z - (double)(s->nz - 1) / 2) * s->pixel_nm;
    const double share = 1.0 / (t->fine * t->fine * t->fine);
    for (int64_t y = 0; y < s->ny; ++y) {
        const double y_nm = ((double)y - (double)(s->ny - 1) / 2) * s->pixel_nm;
        const int n_row = solids_of_row(t->solids, s->n_bodies, y_nm - s->pixel_nm, y_nm + s->pixel_nm, row);
        for (int64_t x = 0; x < s->nx; ++x) {
            const double x_nm = ((double)x - (double)(s->nx - 1) / 2) * s->pixel_nm;
            const int n = solids_of_voxel(row, n_row, x_nm, z_nm, s->pixel_nm, near);
            const int64_t at = (z * s->ny + y) * s->nx + x;
            voxel v;
            sample_voxel(s, near, n, x_nm, y_nm, z_nm, t->fine, &v);
            for (int label = 0; label < 256; ++label) t->counts[z * 256 + label] += v.votes[label];
            if (t->labels != NULL) t->labels->data[at] = v.winner;
            for (size_t c = 0; t->volumes != NULL && c < s->n_channels; ++c) {
                t->volumes[c].data[at] = (float)(v.sum[c] * share * t->scale[c] * s->pixel_nm);
            }
        }
    }
}

sei_status sei_voxelise(const sei_simulation *simulation, const double *scale, int fine, sei_labels *labels, sei_volume *volumes,
                        double *label_voxels) {
    const int n_threads = sei_threads();
    const int64_t room = 2 * ((int64_t)simulation->n_bodies + 1);
    truth t = {.simulation = simulation, .scale = scale, .fine = fine, .labels = labels, .volumes = volumes};
    const sei_solid **scratch = NULL;
    sei_solid *solids = NULL;
    sei_status status = prepare(simulation, &solids);
    if (status != SEI_OK) return status;
    t.solids = solids;
    SEI_TRY(SEI_NEW(scratch, n_threads, room, 1));
    SEI_TRY(SEI_NEW(t.counts, simulation->nz, 256, 1));
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t z = worker; z < simulation->nz; z += n_threads) sample_plane(&t, z, scratch + worker * room);
    }
    for (int label = 0; label_voxels != NULL && label < 256; ++label) {
        int64_t total = 0;
        for (int64_t z = 0; z < simulation->nz; ++z) total += t.counts[z * 256 + label];
        label_voxels[label] = (double)total / (fine * fine * fine);
    }
done:
    sei_free(t.counts);
    sei_free(scratch);
    sei_free(solids);
    return status;
}

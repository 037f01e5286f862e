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

/* Bodies whose height range meets the row of pixels [y0, y1]. */
static int bodies_of_row(const sei_simulation *simulation, double y0, double y1, const sei_body **near) {
    int n = 0;
    for (size_t b = 0; b < simulation->n_bodies; ++b) {
        const sei_body *body = &simulation->bodies[b];
        const double half = sei_body_half_height(body);
        if (body->centre_nm[1] + half >= y0 && body->centre_nm[1] - half <= y1) near[n++] = body;
    }
    return n;
}

/* Everything that stays the same over one image. */
typedef struct view {
    const sei_simulation *simulation;
    double cos_tilt, sin_tilt;
    double axis_x, axis_y; /* pixel coordinates of the moved centre */
} view;

/* Adds the signal of the ray that meets the detector at (u_nm, y_nm) to sum[c]. */
static void trace(const view *v, const sei_body *const *near, int n_near, double u_nm, double y_nm, chord *chords, double *sum) {
    const sei_ray ray = {u_nm * v->cos_tilt, -u_nm * v->sin_tilt, v->sin_tilt, v->cos_tilt, y_nm};
    int n = 0;
    for (int b = 0; b < n_near; ++b) {
        const sei_body *body = near[b];
        const double centre_u = body->centre_nm[0] * v->cos_tilt - body->centre_nm[2] * v->sin_tilt;
        if (fabs(u_nm - centre_u) > sei_body_reach(body)) continue;
        if (!sei_body_chord(body, &ray, &chords[n].enter, &chords[n].leave)) continue;
        chords[n++].body = body;
    }
    for (int i = 0; i < n; ++i) {
        const double length = visible_length(chords, n, i, chords[i].enter, chords[i].leave);
        for (size_t c = 0; c < v->simulation->n_channels; ++c) sum[c] += length * chords[i].body->density[c];
    }
}

static void project_row(const view *v, int64_t y, const sei_body **near, chord *chords, float *signal) {
    const sei_simulation *s = v->simulation;
    const int fine = s->subsamples;
    const double low = ((double)y - v->axis_y - 0.5) * s->pixel_nm;
    const int n_near = bodies_of_row(s, low, low + s->pixel_nm, near);
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
    sei_status status = SEI_OK;
    const double theta = tilt_deg * 3.14159265358979323846 / 180;
    const int64_t room = (int64_t)simulation->n_bodies + 1;
    const int n_threads = sei_threads();
    const view v = {.simulation = simulation,
                    .cos_tilt = cos(theta),
                    .sin_tilt = sin(theta),
                    .axis_x = (double)(simulation->nx - 1) / 2 + simulation->axis_offset_px + dx_px,
                    .axis_y = (double)(simulation->ny - 1) / 2 + dy_px};
    const sei_body **near = NULL;
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
    return status;
}

static bool is_void(const sei_simulation *simulation, const sei_body *body) {
    for (size_t c = 0; c < simulation->n_channels; ++c) {
        if (body->density[c] > 0) return false;
    }
    return true;
}

/* The body that owns a point: the last that holds it. A pore that sticks out of the specimen owns nothing there. */
static const sei_body *owner(const sei_simulation *simulation, double x, double y, double z) {
    const sei_body *last = NULL;
    for (size_t b = simulation->n_bodies; b > 0; --b) {
        const sei_body *body = &simulation->bodies[b - 1];
        if (!sei_body_holds(body, x, y, z)) continue;
        if (last == NULL) last = body;
        if (!is_void(simulation, body)) return last;
    }
    return NULL;
}

/* What the points of one voxel say. */
typedef struct voxel {
    int votes[256];
    double sum[SEI_SIMULATE_MAX_CHANNELS];
    uint8_t winner;
} voxel;

static void sample_voxel(const sei_simulation *s, int64_t x, int64_t y, int64_t z, int fine, voxel *out) {
    memset(out, 0, sizeof *out);
    for (int i = 0; i < fine * fine * fine; ++i) {
        const int row = i / fine % fine;
        const int layer = i / fine / fine;
        const double px = ((double)x - (double)(s->nx - 1) / 2 + (i % fine + 0.5) / fine - 0.5) * s->pixel_nm;
        const double py = ((double)y - (double)(s->ny - 1) / 2 + (row + 0.5) / fine - 0.5) * s->pixel_nm;
        const double pz = ((double)z - (double)(s->nz - 1) / 2 + (layer + 0.5) / fine - 0.5) * s->pixel_nm;
        const sei_body *body = owner(s, px, py, pz);
        const uint8_t label = body == NULL ? 0 : body->label;
        out->votes[label] += 1;
        if (out->votes[label] > out->votes[out->winner]) out->winner = label;
        for (size_t c = 0; body != NULL && c < s->n_channels; ++c) out->sum[c] += body->density[c];
    }
}

sei_status sei_voxelise(const sei_simulation *simulation, const double *scale, int fine, sei_labels *labels, sei_volume *volumes,
                        double *label_voxels) {
    const int64_t nx = simulation->nx;
    const int64_t ny = simulation->ny;
    const double share = 1.0 / (fine * fine * fine);
    int64_t *counts = NULL; /* [nz][256]: whole numbers, so the total does not depend on threads */
    const sei_status status = SEI_NEW(counts, simulation->nz, 256, 1);
    if (status != SEI_OK) return status;
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 1)
    for (int64_t z = 0; z < simulation->nz; ++z) {
        for (int64_t i = 0; i < nx * ny; ++i) {
            voxel v;
            sample_voxel(simulation, i % nx, i / nx, z, fine, &v);
            const int64_t at = z * ny * nx + i;
            for (int label = 0; label < 256; ++label) counts[z * 256 + label] += v.votes[label];
            if (labels != NULL) labels->data[at] = v.winner;
            for (size_t c = 0; volumes != NULL && c < simulation->n_channels; ++c) {
                volumes[c].data[at] = (float)(v.sum[c] * share * scale[c] * simulation->pixel_nm);
            }
        }
    }
    for (int label = 0; label_voxels != NULL && label < 256; ++label) {
        int64_t total = 0;
        for (int64_t z = 0; z < simulation->nz; ++z) total += counts[z * 256 + label];
        label_voxels[label] = (double)total * share;
    }
    sei_free(counts);
    return SEI_OK;
}

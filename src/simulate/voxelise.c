/* A specimen on voxels: who owns fine^3 points in each. */
#include "simulate/voxelise.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "simulate/tracer.h"

/* Where voxels go. */
typedef struct truth {
    const sei_tracer *tracer;
    const double *value;
    size_t n_channels;
    int fine;
    int64_t nx, ny, nz;
    double voxel_nm;
    sei_labels *labels;
    sei_volume *volumes;
    int64_t *counts; /* [nz][256]: whole numbers, so the total does not depend on threads */
} truth;

/* What the points of one voxel say. */
typedef struct votes {
    int label[256];
    int material[SEI_MAX_MATERIALS];
    uint8_t winner;
} votes;

/* Voxels in a row whose solids are looked for together. */
enum { TOGETHER = 32 };

/* The solids of a row near its voxels from x0 to x1 (nm). */
static int solids_of_stretch(const sei_solid *const *row, int n_row, double x0, double x1, double z, double margin,
                             const sei_solid **near) {
    int n = 0;
    for (int b = 0; b < n_row; ++b) {
        const double reach = row[b]->reach + margin, x = row[b]->body->centre_nm[0];
        if (x + reach >= x0 && x - reach <= x1 && fabs(z - row[b]->body->centre_nm[2]) <= reach) near[n++] = row[b];
    }
    return n;
}

/* The solids that hold a part of the ball round a point; *cut: the surface of one of them may cross it. */
static int solids_of_voxel(const sei_solid *const *stretch, int n_stretch, const double at[3], double radius,
                           const sei_solid **near, bool *cut) {
    int n = 0;
    *cut = false;
    for (int b = 0; b < n_stretch; ++b) {
        const int side = sei_solid_side(stretch[b], at[0], at[1], at[2], radius);
        if (side < 0) continue;
        *cut = *cut || side == 0;
        near[n++] = stretch[b];
    }
    return n;
}

static int owner_of_voxels(const sei_specimen *s, double x, double y, double z) {
    const double i = floor(x / s->voxel_nm + (double)s->nx / 2), j = floor(y / s->voxel_nm + (double)s->ny / 2);
    const double k = floor(z / s->voxel_nm + (double)s->nz / 2);
    if (i < 0 || j < 0 || k < 0 || i >= (double)s->nx || j >= (double)s->ny || k >= (double)s->nz) return 0;
    return s->voxels[((int64_t)k * s->ny + (int64_t)j) * s->nx + (int64_t)i];
}

/* Every point, or one for all where no surface passes. */
static void ask_points(const truth *t, const sei_solid *const *near, int n, bool cut, const double at[3], votes *out) {
    const sei_specimen *s = &t->tracer->specimen;
    const double x = at[0], y = at[1], z = at[2];
    const int fine = t->fine;
    memset(out, 0, sizeof *out);
    if (s->voxels == NULL && !cut) {
        const int m = n > 0 ? sei_owner_of_bodies(near, n, x, y, z) : 0;
        out->material[m] = fine * fine * fine;
        out->winner = s->materials[m].label;
        return;
    }
    for (int i = 0; i < fine * fine * fine; ++i) {
        const int row = i / fine % fine;
        const int layer = i / fine / fine;
        const double px = x + ((i % fine + 0.5) / fine - 0.5) * t->voxel_nm;
        const double py = y + ((row + 0.5) / fine - 0.5) * t->voxel_nm;
        const double pz = z + ((layer + 0.5) / fine - 0.5) * t->voxel_nm;
        const int m = s->voxels != NULL ? owner_of_voxels(s, px, py, pz) : n > 0 ? sei_owner_of_bodies(near, n, px, py, pz) : 0;
        const uint8_t label = s->materials[m].label;
        out->material[m] += 1;
        out->label[label] += 1;
        if (out->label[label] > out->label[out->winner]) out->winner = label;
    }
}

static void note_voxel(const truth *t, int64_t z, int64_t at, const votes *v) {
    const size_t n_materials = t->tracer->specimen.n_materials;
    const sei_material *materials = t->tracer->specimen.materials;
    const double share = 1.0 / (t->fine * t->fine * t->fine);
    for (size_t m = 0; m < n_materials; ++m) t->counts[z * 256 + materials[m].label] += v->material[m];
    t->labels->data[at] = v->winner;
    for (size_t c = 0; t->volumes != NULL && c < t->n_channels; ++c) {
        double sum = 0;
        for (size_t m = 0; m < n_materials; ++m) sum += v->material[m] * t->value[m * t->n_channels + c];
        t->volumes[c].data[at] = (float)(sum * share * t->voxel_nm);
    }
}

/* Plane z; scratch holds three times n_bodies + 1 pointers. */
static void sample_plane(const truth *t, int64_t z, const sei_solid **scratch) {
    const size_t n_bodies = t->tracer->specimen.n_bodies;
    const double edge = t->voxel_nm, radius = 0.8661 * edge; /* a little more than half a voxel's diagonal */
    const sei_solid **row = scratch, **stretch = row + n_bodies + 1, **near = stretch + n_bodies + 1;
    double at[3] = {0, 0, ((double)z - (double)(t->nz - 1) / 2) * edge};
    for (int64_t y = 0; y < t->ny; ++y) {
        at[1] = ((double)y - (double)(t->ny - 1) / 2) * edge;
        const int n_row = sei_solids_of_height(t->tracer->solids, n_bodies, at[1] - edge, at[1] + edge, row);
        int n_stretch = 0;
        for (int64_t x = 0; x < t->nx; ++x) {
            votes v;
            bool cut;
            at[0] = ((double)x - (double)(t->nx - 1) / 2) * edge;
            if (x % TOGETHER == 0) {
                n_stretch = solids_of_stretch(row, n_row, at[0], at[0] + (TOGETHER - 1) * edge, at[2], edge, stretch);
            }
            const int n = solids_of_voxel(stretch, n_stretch, at, radius, near, &cut);
            ask_points(t, near, n, cut, at, &v);
            note_voxel(t, z, (z * t->ny + y) * t->nx + x, &v);
        }
    }
}

sei_status sei_voxelise(const sei_specimen *specimen, int fine, size_t n_channels, const double *value, sei_labels *labels,
                        sei_volume *volumes, double *label_voxels) {
    const int n_threads = sei_threads();
    const int64_t room = 3 * ((int64_t)specimen->n_bodies + 1);
    truth t = {.value = value,
               .n_channels = n_channels,
               .fine = fine,
               .nx = labels->nx,
               .ny = labels->ny,
               .nz = labels->nz,
               .voxel_nm = labels->voxel_nm,
               .labels = labels,
               .volumes = volumes};
    const sei_solid **scratch = NULL;
    sei_tracer *tracer = NULL;
    sei_status status = sei_tracer_new(specimen, &tracer);
    if (status != SEI_OK) return status;
    t.tracer = tracer;
    SEI_TRY(SEI_NEW(scratch, n_threads, room, 1));
    SEI_TRY(SEI_NEW(t.counts, t.nz, 256, 1));
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t z = worker; z < t.nz; z += n_threads) sample_plane(&t, z, scratch + worker * room);
    }
    SEI_TRY(sei_interrupt_check());
    for (int label = 0; label_voxels != NULL && label < 256; ++label) {
        int64_t total = 0;
        for (int64_t z = 0; z < t.nz; ++z) total += t.counts[z * 256 + label];
        label_voxels[label] = (double)total / (fine * fine * fine);
    }
done:
    sei_free(t.counts);
    sei_free(scratch);
    sei_tracer_free(tracer);
    return status;
}

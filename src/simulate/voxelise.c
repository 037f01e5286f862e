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

static int owner_of_voxels(const sei_specimen *s, double x, double y, double z) {
    const double i = floor(x / s->voxel_nm + (double)s->nx / 2), j = floor(y / s->voxel_nm + (double)s->ny / 2);
    const double k = floor(z / s->voxel_nm + (double)s->nz / 2);
    if (i < 0 || j < 0 || k < 0 || i >= (double)s->nx || j >= (double)s->ny || k >= (double)s->nz) return 0;
    return s->voxels[((int64_t)k * s->ny + (int64_t)j) * s->nx + (int64_t)i];
}

static void ask_points(const truth *t, const sei_solid *const *near, int n, double x, double y, double z, votes *out) {
    const sei_specimen *s = &t->tracer->specimen;
    const int fine = t->fine;
    memset(out, 0, sizeof *out);
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

/* Plane z; scratch holds twice n_bodies + 1 pointers. */
static void sample_plane(const truth *t, int64_t z, const sei_solid **scratch) {
    const size_t n_bodies = t->tracer->specimen.n_bodies, n_materials = t->tracer->specimen.n_materials;
    const sei_material *materials = t->tracer->specimen.materials;
    const double edge = t->voxel_nm;
    const sei_solid **row = scratch;
    const sei_solid **near = scratch + n_bodies + 1;
    const double z_nm = ((double)z - (double)(t->nz - 1) / 2) * edge;
    const double share = 1.0 / (t->fine * t->fine * t->fine);
    for (int64_t y = 0; y < t->ny; ++y) {
        const double y_nm = ((double)y - (double)(t->ny - 1) / 2) * edge;
        const int n_row = sei_solids_of_height(t->tracer->solids, n_bodies, y_nm - edge, y_nm + edge, row);
        for (int64_t x = 0; x < t->nx; ++x) {
            const double x_nm = ((double)x - (double)(t->nx - 1) / 2) * edge;
            const int n = solids_of_voxel(row, n_row, x_nm, z_nm, edge, near);
            const int64_t at = (z * t->ny + y) * t->nx + x;
            votes v;
            ask_points(t, near, n, x_nm, y_nm, z_nm, &v);
            for (size_t m = 0; m < n_materials; ++m) t->counts[z * 256 + materials[m].label] += v.material[m];
            t->labels->data[at] = v.winner;
            for (size_t c = 0; t->volumes != NULL && c < t->n_channels; ++c) {
                double sum = 0;
                for (size_t m = 0; m < n_materials; ++m) sum += v.material[m] * t->value[m * t->n_channels + c];
                t->volumes[c].data[at] = (float)(sum * share * edge);
            }
        }
    }
}

sei_status sei_voxelise(const sei_specimen *specimen, int fine, size_t n_channels, const double *value, sei_labels *labels,
                        sei_volume *volumes, double *label_voxels) {
    const int n_threads = sei_threads();
    const int64_t room = 2 * ((int64_t)specimen->n_bodies + 1);
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

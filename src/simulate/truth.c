/* The truth beside a series: labels, volumes and their sizes on the volume's grid. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/simulate.h"
#include "simulate/check.h"
#include "simulate/voxelise.h"

enum { POINTS_IN_BODIES = 4 };

/* Which cells of the specimen's grid the sample points of the volume's voxels fall into, along one axis. */
typedef struct axis_cells {
    int64_t n;     /* voxels of the volume */
    int fine;      /* points a voxel */
    int64_t *cell; /* [n*fine], -1: outside */
} axis_cells;

static sei_status find_cells(int64_t n, double edge_nm, int64_t n_cells, double cell_nm, int fine, axis_cells *out) {
    const sei_status status = SEI_NEW(out->cell, n, fine, 1);
    if (status != SEI_OK) return status;
    out->n = n;
    out->fine = fine;
    for (int64_t i = 0; i < n * fine; ++i) {
        const double at_nm = ((double)i + 0.5 - (double)(n * fine) / 2) * edge_nm / fine;
        const double cell = floor(at_nm / cell_nm + (double)n_cells / 2);
        out->cell[i] = cell >= 0 && cell < (double)n_cells ? (int64_t)cell : -1;
    }
    return SEI_OK;
}

/* The specimen's grid seen from the volume's. */
typedef struct grid {
    const sei_simulation *s;
    axis_cells x, y, z;
} grid;

static void grid_free(grid *g) {
    sei_free(g->x.cell);
    sei_free(g->y.cell);
    sei_free(g->z.cell);
}

static sei_status grid_new(const sei_simulation *s, grid *out) {
    const sei_specimen *p = &s->specimen;
    /* as many points as make a voxel of the volume no coarser than one of the specimen's */
    const int fine = (int)fmin(ceil(s->pixel_nm / p->voxel_nm - 1e-6), 64);
    sei_status status = SEI_OK;
    out->s = s;
    SEI_TRY(find_cells(s->nx, s->pixel_nm, p->nx, p->voxel_nm, fine, &out->x));
    SEI_TRY(find_cells(s->ny, s->pixel_nm, p->ny, p->voxel_nm, fine, &out->y));
    SEI_TRY(find_cells(s->nz, s->pixel_nm, p->nz, p->voxel_nm, fine, &out->z));
done:
    return status;
}

/* How many of a voxel's points lie in each material. */
static void count_points(const grid *g, int64_t x, int64_t y, int64_t z, int *points) {
    const sei_specimen *p = &g->s->specimen;
    const int fine = g->x.fine;
    memset(points, 0, p->n_materials * sizeof *points);
    for (int64_t k = z * fine; k < (z + 1) * fine; ++k) {
        for (int64_t j = y * fine; j < (y + 1) * fine; ++j) {
            const bool outside = g->z.cell[k] < 0 || g->y.cell[j] < 0;
            const uint8_t *row = outside ? NULL : p->voxels + (g->z.cell[k] * p->ny + g->y.cell[j]) * p->nx;
            for (int64_t i = x * fine; i < (x + 1) * fine; ++i) {
                points[row == NULL || g->x.cell[i] < 0 ? 0 : row[g->x.cell[i]]] += 1;
            }
        }
    }
}

/* The label most points have, ties to the lower one. votes[256] is all 0, before and after. */
static uint8_t winner_of(const sei_specimen *p, const int *points, int *votes, int64_t *counts) {
    uint8_t winner = p->materials[0].label;
    for (size_t m = 0; m < p->n_materials; ++m) {
        const uint8_t label = p->materials[m].label;
        votes[label] += points[m];
        counts[label] += points[m];
        if (votes[label] > votes[winner] || (votes[label] == votes[winner] && label < winner)) winner = label;
    }
    for (size_t m = 0; m < p->n_materials; ++m) votes[p->materials[m].label] = 0;
    return winner;
}

/* The same plane where every voxel has one point: its cell says all. */
static void copy_plane(const grid *g, int64_t z, const double *value, uint8_t *labels, float *volume, int64_t *counts) {
    const sei_simulation *s = g->s;
    const sei_specimen *p = &s->specimen;
    float values[SEI_MAX_MATERIALS] = {0};
    for (size_t m = 0; volume != NULL && m < p->n_materials; ++m) values[m] = (float)(value[m] * s->pixel_nm);
    for (int64_t at = z * s->ny * s->nx, y = 0; y < s->ny; ++y) {
        const bool outside = g->z.cell[z] < 0 || g->y.cell[y] < 0;
        const uint8_t *row = outside ? NULL : p->voxels + (g->z.cell[z] * p->ny + g->y.cell[y]) * p->nx;
        for (int64_t x = 0; x < s->nx; ++x, ++at) {
            const uint8_t m = row == NULL || g->x.cell[x] < 0 ? 0 : row[g->x.cell[x]];
            if (volume != NULL) volume[at] = values[m];
            if (labels == NULL) continue;
            labels[at] = p->materials[m].label;
            counts[labels[at]] += 1;
        }
    }
}

/* One plane of labels (may be NULL) and of one volume (may be NULL); counts[256] takes the points of each label. */
static void fill_plane(const grid *g, int64_t z, const double *value, uint8_t *labels, float *volume, int64_t *counts) {
    const sei_simulation *s = g->s;
    const double share = 1.0 / ((double)g->x.fine * g->x.fine * g->x.fine);
    int points[SEI_MAX_MATERIALS];
    int votes[256] = {0};
    if (g->x.fine == 1) {
        copy_plane(g, z, value, labels, volume, counts);
        return;
    }
    for (int64_t at = z * s->ny * s->nx, y = 0; y < s->ny; ++y) {
        for (int64_t x = 0; x < s->nx; ++x, ++at) {
            double sum = 0;
            count_points(g, x, y, z, points);
            for (size_t m = 0; volume != NULL && m < s->specimen.n_materials; ++m) sum += points[m] * value[m];
            if (volume != NULL) volume[at] = (float)(sum * share * s->pixel_nm);
            if (labels != NULL) labels[at] = winner_of(&s->specimen, points, votes, counts);
        }
    }
}

/* Truth of a voxel specimen; voxels[256] in voxels of the volume. */
static sei_status sample_voxels(const sei_simulation *s, const double *value, uint8_t *labels, float *volume, double *voxels) {
    grid g = {0};
    int64_t *counts = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(grid_new(s, &g));
    SEI_TRY(SEI_NEW(counts, s->nz, 256, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 4)
    for (int64_t z = 0; z < s->nz; ++z) fill_plane(&g, z, value, labels, volume, counts + z * 256);
    for (int label = 0; voxels != NULL && label < 256; ++label) {
        int64_t total = 0;
        for (int64_t z = 0; z < s->nz; ++z) total += counts[z * 256 + label];
        voxels[label] = (double)total / ((double)g.x.fine * g.x.fine * g.x.fine);
    }
done:
    sei_free(counts);
    grid_free(&g);
    return status;
}

static sei_status new_volume(const sei_simulation *s, size_t c, sei_volume *volume) {
    const sei_status status = sei_volume_alloc(s->nx, s->ny, s->nz, s->pixel_nm, volume);
    if (status == SEI_OK) snprintf(volume->name, sizeof volume->name, "%s", s->channels[c].name);
    return status;
}

/* Classes of materials that are none of the wire's own carry their material's name. */
static sei_status name_classes(const sei_simulation *s, sei_labels *labels) {
    static const uint8_t colours[][3] = {{230, 159, 0},  {86, 180, 233}, {0, 158, 115},
                                         {240, 228, 66}, {213, 94, 0},   {204, 121, 167}};
    sei_status status = sei_labels_define_wire(labels);
    for (size_t m = 0; status == SEI_OK && m < s->specimen.n_materials; ++m) {
        const sei_material *material = &s->specimen.materials[m];
        if (material->label <= SEI_LABEL_SUPPORT) continue;
        const uint8_t *colour = colours[material->label % (sizeof colours / sizeof colours[0])];
        status = sei_labels_define(labels, material->label, material->name, colour, "the simulated specimen's material");
    }
    return status;
}

/* Per nm and material, for all channels. */
static void values_of(const sei_simulation *s, const double *scale, double *value) {
    for (size_t i = 0; i < s->specimen.n_materials * s->n_channels; ++i) {
        value[i] = s->signal[i] * (scale != NULL ? scale[i % s->n_channels] : 1);
    }
}

static sei_status make_numbers(const sei_simulation *s, const double *voxels, sei_numbers *numbers) {
    static const struct {
        int label;
        const char *name;
    } known[] = {{SEI_LABEL_SI, "si_volume"},
                 {SEI_LABEL_SEI, "sei_volume"},
                 {SEI_LABEL_CLOSED_VOID, "closed_void_volume"},
                 {SEI_LABEL_OPEN_VOID, "open_void_volume"},
                 {SEI_LABEL_SUPPORT, "support_volume"}};
    const double cell_nm3 = s->pixel_nm * s->pixel_nm * s->pixel_nm;
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < sizeof known / sizeof known[0]; ++i) {
        status = sei_numbers_set(numbers, known[i].name, voxels[known[i].label] * cell_nm3, "nm3", 0);
    }
    return status;
}

sei_status sei_simulate_truth_volume(const sei_simulation *s, double scale, size_t channel, sei_volume *out) {
    double value[SEI_MAX_MATERIALS];
    sei_volume volume = {0};
    sei_status status = sei_simulation_check(s);
    if (status != SEI_OK) return status;
    if (channel >= s->n_channels) {
        return sei_fail(SEI_ERR_INPUT, "simulation: channel %zu of %zu does not exist", channel, s->n_channels);
    }
    if (s->specimen.voxels == NULL) {
        return sei_fail(SEI_ERR_INPUT, "simulation: the volumes of a specimen made of bodies are made together");
    }
    for (size_t m = 0; m < s->specimen.n_materials; ++m) value[m] = s->signal[m * s->n_channels + channel] * scale;
    SEI_TRY(new_volume(s, channel, &volume));
    SEI_TRY(sample_voxels(s, value, NULL, volume.data, NULL));
    *out = volume;
    memset(&volume, 0, sizeof volume);
done:
    sei_volume_free(&volume);
    return status;
}

sei_status sei_simulate_truth(const sei_simulation *s, const double *scale, sei_labels *labels_out, sei_volume *volumes_out,
                              sei_numbers *numbers_out) {
    double value[SEI_MAX_MATERIALS * SEI_SIMULATE_MAX_CHANNELS];
    double voxels[256] = {0};
    sei_labels labels = {0};
    sei_volume volumes[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_numbers numbers = {0};
    sei_status status = sei_simulation_check(s);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_labels_alloc(s->nx, s->ny, s->nz, s->pixel_nm, &labels));
    SEI_TRY(name_classes(s, &labels));
    values_of(s, scale, value);
    if (s->specimen.voxels != NULL) {
        SEI_TRY(sample_voxels(s, value, labels.data, NULL, voxels));
        for (size_t c = 0; volumes_out != NULL && c < s->n_channels; ++c) {
            SEI_TRY(sei_simulate_truth_volume(s, scale != NULL ? scale[c] : 1, c, &volumes[c]));
        }
    } else {
        for (size_t c = 0; volumes_out != NULL && c < s->n_channels; ++c) SEI_TRY(new_volume(s, c, &volumes[c]));
        SEI_TRY(sei_voxelise(&s->specimen, POINTS_IN_BODIES, s->n_channels, value, &labels, volumes_out != NULL ? volumes : NULL,
                             voxels));
    }
    SEI_TRY(sei_interrupt_check());
    if (numbers_out != NULL) SEI_TRY(make_numbers(s, voxels, &numbers));
    if (numbers_out != NULL) *numbers_out = numbers;
    if (volumes_out != NULL) memcpy(volumes_out, volumes, s->n_channels * sizeof *volumes);
    memset(&numbers, 0, sizeof numbers);
    if (volumes_out != NULL) memset(volumes, 0, sizeof volumes);
    if (labels_out != NULL) {
        *labels_out = labels;
        memset(&labels, 0, sizeof labels);
    }
done:
    for (size_t c = 0; c < s->n_channels; ++c) sei_volume_free(&volumes[c]);
    sei_labels_free(&labels);
    sei_numbers_free(&numbers);
    return status;
}

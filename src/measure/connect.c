/* Components, percolation from flank to flank, and how deep open voids reach. */
#include "measure/connect.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "measure/wire.h"
#include "seitomo/morphology.h"

static const double pi = 3.14159265358979323846;

/* All lines of the volume along one axis: line l starts at start(l) and has n voxels `stride` apart. */
typedef struct lines {
    int64_t n, stride, count;
    int axis;
} lines;

static lines lines_along(const sei_labels *labels, int axis) {
    const int64_t nx = labels->nx, ny = labels->ny, nz = labels->nz;
    switch (axis) {
        case 0: return (lines){nx, 1, ny * nz, axis};
        case 1: return (lines){ny, nx, nx * nz, axis};
        default: return (lines){nz, nx * ny, nx * ny, axis};
    }
}

static int64_t line_start(const sei_labels *labels, const lines *l, int64_t index) {
    if (l->axis == 0) return index * labels->nx;
    if (l->axis == 1) return index / labels->nx * labels->nx * labels->ny + index % labels->nx;
    return index;
}

/* First and last voxel of the specimen on a line; false when there is none. */
static bool find_chord(const sei_labels *labels, const lines *l, int64_t index, int64_t *first, int64_t *last) {
    const int64_t start = line_start(labels, l, index);
    int64_t a = 0, b = l->n - 1;
    while (a < l->n && !sei_is_specimen(labels->data[start + a * l->stride])) ++a;
    while (b > a && !sei_is_specimen(labels->data[start + b * l->stride])) --b;
    *first = start + a * l->stride;
    *last = start + b * l->stride;
    return a < l->n;
}

/* 1 when a component lies at both ends of chords at least half as long as the longest one. */
static double percolates(const sei_labels *labels, int axis, const uint32_t *components, uint8_t *ends, uint32_t count) {
    const lines l = lines_along(labels, axis);
    int64_t longest = 0, first = 0, last = 0;
    memset(ends, 0, (size_t)count + 1);
    for (int64_t i = 0; i < l.count; ++i) {
        if (find_chord(labels, &l, i, &first, &last) && (last - first) / l.stride + 1 > longest)
            longest = (last - first) / l.stride + 1;
    }
    if (longest == 0) return (double)NAN;
    for (int64_t i = 0; i < l.count; ++i) {
        if (!find_chord(labels, &l, i, &first, &last) || 2 * ((last - first) / l.stride + 1) < longest) continue;
        ends[components[first]] |= 1;
        ends[components[last]] |= 2;
    }
    for (uint32_t c = 1; c <= count; ++c) {
        if (ends[c] == 3) return 1;
    }
    return 0;
}

sei_status sei_find_pieces(const sei_labels *labels, int connectivity, sei_scratch *scratch, sei_pieces *pieces,
                           int64_t **sizes) {
    sei_status status = SEI_OK;
    const int64_t voxels = labels->nx * labels->ny * labels->nz;
    int64_t *found = NULL;
    uint8_t *ends = NULL;
    *pieces = (sei_pieces){0};
    SEI_TRY(sei_components(scratch->mask, labels->nx, labels->ny, labels->nz, connectivity, scratch->components, &pieces->count));
    SEI_TRY(SEI_NEW(found, (int64_t)pieces->count + 1, 1, 1));
    SEI_TRY(SEI_NEW(ends, (int64_t)pieces->count + 1, 1, 1));
    sei_component_sizes(scratch->components, voxels, pieces->count, found);
    for (uint32_t c = 1; c <= pieces->count; ++c) {
        pieces->voxels += found[c];
        if (found[c] > pieces->largest) pieces->largest = found[c];
    }
    for (int axis = 0; axis < 3; ++axis)
        pieces->percolates[axis] = percolates(labels, axis, scratch->components, ends, pieces->count);
    if (sizes != NULL) {
        *sizes = found;
        found = NULL;
    }
done:
    sei_free(found);
    sei_free(ends);
    return status;
}

enum { SECTORS = 72 };

/* Deepest open void of every sector of one cross-section. */
static void section_depth(const sei_labels *labels, const float *distance2, const sei_section *section, int64_t j,
                          double deepest[SECTORS]) {
    for (int s = 0; s < SECTORS; ++s) deepest[s] = 0;
    for (int64_t k = 0; k < labels->nz; ++k) {
        for (int64_t i = 0; i < labels->nx; ++i) {
            const int64_t at = (k * labels->ny + j) * labels->nx + i;
            if (labels->data[at] != SEI_LABEL_OPEN_VOID) continue;
            const double phi = atan2((double)k - section->z, (double)i - section->x);
            const int sector = (int)((phi + pi) / (2 * pi) * SECTORS) % SECTORS;
            /* from the voxel's centre to the face of the nearest outside voxel; without any outside there is no depth */
            const double depth = isfinite(distance2[at]) ? sqrt((double)distance2[at]) - 0.5 : 0;
            if (depth > deepest[sector]) deepest[sector] = depth;
        }
    }
}

sei_status sei_open_depth(const sei_labels *labels, const sei_section *sections, sei_scratch *scratch, sei_depth *depth) {
    sei_status status = SEI_OK;
    const int64_t voxels = labels->nx * labels->ny * labels->nz;
    double *means = NULL, *largest = NULL, sum = 0, squares = 0, top = 0;
    int64_t n = 0;
    SEI_TRY(SEI_NEW(means, labels->ny, 1, 1));
    SEI_TRY(SEI_NEW(largest, labels->ny, 1, 1));
    for (int64_t i = 0; i < voxels; ++i) scratch->mask[i] = sei_is_specimen(labels->data[i]);
    SEI_TRY(sei_distance2(scratch->mask, labels->nx, labels->ny, labels->nz, false, scratch->distance2));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < labels->ny; ++j) {
        double deepest[SECTORS];
        if (sections[j].specimen == 0) continue;
        section_depth(labels, scratch->distance2, &sections[j], j, deepest);
        for (int s = 0; s < SECTORS; ++s) {
            means[j] += deepest[s] / SECTORS;
            if (deepest[s] > largest[j]) largest[j] = deepest[s];
        }
    }
    for (int64_t j = 0; j < labels->ny; ++j) {
        if (sections[j].specimen == 0) continue;
        ++n;
        sum += means[j];
        squares += means[j] * means[j];
        if (largest[j] > top) top = largest[j];
    }
    const double mean = n > 0 ? sum / (double)n : (double)NAN;
    const double variance = n > 1 ? fmax(0, squares / (double)n - mean * mean) * (double)n / (double)(n - 1) : (double)NAN;
    *depth = (sei_depth){mean, sqrt(variance), n > 0 ? top : (double)NAN};
done:
    sei_free(means);
    sei_free(largest);
    return status;
}

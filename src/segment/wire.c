/* The wire's envelope and its voids. */
#include "segment/wire.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

/* Everything the room's grid shares while the voids are found. */
typedef struct work {
    int64_t nx, ny, nz, count;
    uint8_t *envelope, *mask;
    uint32_t *components;
    float *distance2;
} work;

static void work_free(work *w) {
    sei_free(w->envelope);
    sei_free(w->mask);
    sei_free(w->components);
    sei_free(w->distance2);
}

static sei_status work_new(const sei_labels *labels, work *w) {
    sei_status status = SEI_OK;
    *w = (work){.nx = labels->nx, .ny = labels->ny, .nz = labels->nz, .count = labels->nx * labels->ny * labels->nz};
    SEI_TRY(SEI_NEW(w->envelope, w->nx, w->ny, w->nz));
    SEI_TRY(SEI_NEW(w->mask, w->nx, w->ny, w->nz));
    SEI_TRY(SEI_NEW(w->components, w->nx, w->ny, w->nz));
    SEI_TRY(SEI_NEW(w->distance2, w->nx, w->ny, w->nz));
done:
    return status;
}

static sei_status find_envelope(const sei_labels *labels, const uint8_t *film, double radius_px, work *w) {
    for (int64_t i = 0; i < w->count; ++i) {
        const bool solid = labels->data[i] == SEI_LABEL_SI || labels->data[i] == SEI_LABEL_SEI;
        w->mask[i] = solid && (film == NULL || !film[i]);
    }
    return sei_wire_envelope(w->mask, w->nx, w->ny, w->nz, radius_px, w->envelope);
}

/* Film voxels beyond the wire are support; those in or on it stay what their rule made them and belong to the envelope. */
static sei_status part_support(sei_labels *labels, const uint8_t *film, work *w) {
    sei_status status = SEI_OK;
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = w->envelope[i] == 0;
    SEI_TRY(sei_distance2(w->mask, w->nx, w->ny, w->nz, false, w->distance2));
    for (int64_t i = 0; i < w->count; ++i) {
        if (!film[i]) continue;
        if (w->distance2[i] > 4)
            labels->data[i] = SEI_LABEL_SUPPORT;
        else
            w->envelope[i] = 1;
    }
done:
    return status;
}

/* Empty voxels in the envelope become closed or open void. */
static sei_status name_voids(sei_labels *labels, work *w) {
    static const uint8_t label_of[] = {0, SEI_LABEL_CLOSED_VOID, SEI_LABEL_OPEN_VOID};
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = labels->data[i] == SEI_LABEL_OUTSIDE;
    const sei_status status = sei_wire_voids(w->mask, w->envelope, w->nx, w->ny, w->nz);
    for (int64_t i = 0; status == SEI_OK && i < w->count; ++i) {
        if (w->mask[i] != 0) labels->data[i] = label_of[w->mask[i]];
    }
    return status;
}

static bool is_void(uint8_t label) {
    return label == SEI_LABEL_CLOSED_VOID || label == SEI_LABEL_OPEN_VOID;
}

/* mask: voxels of voids narrower than `width`, i.e. further than sqrt(3) from every voxel deeper than width / 2. */
static sei_status mark_narrow(const sei_labels *labels, double width, work *w) {
    sei_status status = SEI_OK;
    const float deep2 = (float)(0.25 * width * width);
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = is_void(labels->data[i]);
    SEI_TRY(sei_distance2(w->mask, w->nx, w->ny, w->nz, false, w->distance2));
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = !(w->distance2[i] > deep2);
    SEI_TRY(sei_distance2(w->mask, w->nx, w->ny, w->nz, false, w->distance2));
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = is_void(labels->data[i]) && w->distance2[i] > 3;
done:
    return status;
}

/* mask: voxels of voids with fewer than `least` voxels. */
static sei_status mark_small(const sei_labels *labels, int64_t least, work *w) {
    sei_status status = SEI_OK;
    int64_t *sizes = NULL;
    uint32_t n = 0;
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = is_void(labels->data[i]);
    SEI_TRY(sei_components(w->mask, w->nx, w->ny, w->nz, 6, w->components, &n));
    SEI_TRY(SEI_NEW(sizes, (int64_t)n + 1, 1, 1));
    sei_component_sizes(w->components, w->count, n, sizes);
    for (int64_t i = 0; i < w->count; ++i) w->mask[i] = w->mask[i] && sizes[w->components[i]] < least;
done:
    sei_free(sizes);
    return status;
}

/* Whether one of the 26 neighbours lies outside the envelope. */
static bool on_rim(const work *w, int64_t index) {
    const int64_t x = index % w->nx, y = index / w->nx % w->ny, z = index / w->nx / w->ny;
    for (int64_t k = z > 0 ? z - 1 : 0; k <= z + 1 && k < w->nz; ++k) {
        for (int64_t j = y > 0 ? y - 1 : 0; j <= y + 1 && j < w->ny; ++j) {
            for (int64_t i = x > 0 ? x - 1 : 0; i <= x + 1 && i < w->nx; ++i) {
                if (!w->envelope[(k * w->ny + j) * w->nx + i]) return true;
            }
        }
    }
    return false;
}

/* Marked voxels stop being void: on the rim of an open void they are outside, elsewhere their neighbours decide. */
static sei_status dissolve_marked(sei_labels *labels, work *w) {
    for (int64_t i = 0; i < w->count; ++i) {
        if (w->mask[i] && labels->data[i] == SEI_LABEL_OPEN_VOID && on_rim(w, i)) {
            labels->data[i] = SEI_LABEL_OUTSIDE;
            w->mask[i] = 0;
        }
    }
    return sei_fill_from_neighbours(labels, w->mask);
}

sei_status sei_wire_find_voids(sei_labels *labels, const uint8_t *film, const sei_segment_options *options) {
    sei_status status = SEI_OK;
    work w = {0};
    SEI_TRY(work_new(labels, &w));
    SEI_TRY(find_envelope(labels, film, options->closing_nm / labels->voxel_nm, &w));
    if (film != NULL) SEI_TRY(part_support(labels, film, &w));
    /* solid voxels without a class of their own count where the wire is, and are nothing elsewhere */
    for (int64_t i = 0; i < w.count; ++i) {
        w.mask[i] = labels->data[i] == SEI_LABEL_FROM_NEIGHBOURS && w.envelope[i];
        if (labels->data[i] == SEI_LABEL_FROM_NEIGHBOURS) labels->data[i] = SEI_LABEL_OUTSIDE;
    }
    SEI_TRY(sei_fill_from_neighbours(labels, w.mask));
    SEI_TRY(name_voids(labels, &w));
    if (options->min_void_width_px > 0) {
        SEI_TRY(mark_narrow(labels, options->min_void_width_px, &w));
        SEI_TRY(dissolve_marked(labels, &w));
    }
    SEI_TRY(mark_small(labels, options->min_component_voxels, &w));
    SEI_TRY(dissolve_marked(labels, &w));
done:
    work_free(&w);
    return status;
}

/* A voxel's most frequent class among its 26 neighbours, or outside when no class counts. */
static uint8_t vote(const sei_labels *labels, int64_t index) {
    uint8_t classes[26];
    int votes[26], n = 0, best = -1;
    const int64_t nx = labels->nx, ny = labels->ny;
    const int64_t x = index % nx, y = index / nx % ny, z = index / nx / ny;
    for (int64_t k = z > 0 ? z - 1 : 0; k <= z + 1 && k < labels->nz; ++k) {
        for (int64_t j = y > 0 ? y - 1 : 0; j <= y + 1 && j < ny; ++j) {
            for (int64_t i = x > 0 ? x - 1 : 0; i <= x + 1 && i < nx; ++i) {
                const int64_t neighbour = (k * ny + j) * nx + i;
                const uint8_t class = labels->data[neighbour];
                const bool counts = class == SEI_LABEL_SI || class == SEI_LABEL_SEI ||
                                    (class >= SEI_LABEL_FIRST_FREE && class != SEI_LABEL_FROM_NEIGHBOURS);
                int c = 0;
                if (neighbour == index || !counts) continue;
                while (c < n && classes[c] != class) ++c;
                if (c == n) {
                    classes[n] = class;
                    votes[n++] = 0;
                }
                votes[c] += 1;
            }
        }
    }
    for (int c = 0; c < n; ++c) {
        if (best < 0 || votes[c] > votes[best] || (votes[c] == votes[best] && classes[c] < classes[best])) best = c;
    }
    return best < 0 ? SEI_LABEL_OUTSIDE : classes[best];
}

sei_status sei_fill_from_neighbours(sei_labels *labels, uint8_t *pending) {
    sei_status status = SEI_OK;
    int64_t *list = NULL, waiting = 0;
    uint8_t *votes = NULL;
    const int64_t count = labels->nx * labels->ny * labels->nz;
    for (int64_t i = 0; i < count; ++i) waiting += pending[i] != 0;
    SEI_TRY(SEI_NEW(list, waiting, 1, 1));
    SEI_TRY(SEI_NEW(votes, waiting, 1, 1));
    for (int64_t i = 0, at = 0; i < count; ++i) {
        if (pending[i]) list[at++] = i;
    }
    /* votes are cast before any is counted, so the order of voxels does not matter */
    for (int64_t before = waiting + 1; waiting > 0 && waiting < before;) {
        before = waiting;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
        for (int64_t p = 0; p < before; ++p) votes[p] = vote(labels, list[p]);
        waiting = 0;
        for (int64_t p = 0; p < before; ++p) {
            if (votes[p] == SEI_LABEL_OUTSIDE) {
                list[waiting++] = list[p];
                continue;
            }
            labels->data[list[p]] = votes[p];
            pending[list[p]] = 0;
        }
    }
done:
    sei_free(list);
    sei_free(votes);
    return status;
}

/* Work space of the cpu backend's threads, and the list of items they take one after the other. */
#ifndef SEI_BACKEND_WORK_H
#define SEI_BACKEND_WORK_H

#include "backend/host.h"

enum { SEI_SPAN = 64 }; /* slices that the projectors take together, see slices.h */

static inline int sei_slices_per_block(const sei_slab *s) {
    const int width = sei_slab_blocks(s) > 1 ? s->block : s->ny;
    return (width + SEI_SPAN - 1) / SEI_SPAN;
}
/* An upper bound of the index; the last block may hold fewer, and slices with n = 0 are none. */
static inline int sei_slices_count(const sei_slab *s) {
    return sei_slab_blocks(s) * sei_slices_per_block(s);
}
enum {
    SEI_PROJECT_TILTS = 32,
    SEI_PROJECT_SLICES = 4
}; /* the latter in groups of SEI_SPAN; both at most, for one table of weights */

/* Bytes of one thread: a part of the volume and tables; for project, sums of bins; for backproject, very many tilts. */
enum { SEI_WORK_BYTES = 7 << 20, SEI_WORK_BYTES_PER_TILT = 6144 };

/* From tilt to tilt in project's sums, in bins: 80 more than a multiple of 128 spreads the tilts over a cache's sets. */
static inline size_t sei_project_stride(int nu) {
    return (size_t)nu + (size_t)((208 - nu % 128) % 128);
}
static inline size_t sei_project_bytes(const sei_slab *s) {
    const int groups = sei_slices_count(s), tilts = s->n_tilts < SEI_PROJECT_TILTS ? s->n_tilts : SEI_PROJECT_TILTS;
    const size_t sums = (size_t)(groups < SEI_PROJECT_SLICES ? groups : SEI_PROJECT_SLICES) * (size_t)tilts;
    return SEI_WORK_BYTES + sums * sei_project_stride(s->nu) * SEI_SPAN * sizeof(float);
}
static inline size_t sei_backproject_bytes(const sei_slab *s) {
    const size_t bytes = (size_t)s->n_tilts * SEI_WORK_BYTES_PER_TILT;
    return bytes > SEI_WORK_BYTES ? bytes : SEI_WORK_BYTES;
}

typedef struct sei_work {
    char *memory;
    size_t bytes; /* of one thread */
} sei_work;

/* Makes sure that each of `threads` threads has `bytes`. SEI_ERR_MEMORY. */
sei_status sei_work_reserve(sei_work *work, int threads, size_t bytes) SEI_MUST_CHECK;
void sei_work_free(sei_work *work);

static inline void *sei_work_of(const sei_work *work, int worker) {
    return work->memory + (size_t)worker * work->bytes;
}

/* The next item of a list that starts with *next = 0. */
static inline int sei_work_next(int *next) {
    int item;
#pragma omp atomic capture
    item = (*next)++;
    return item;
}

#endif

/*
 * Some slices taken together. The projectors work on at most SEI_SPAN slices of one block at a time, in a copy of a part
 * of the volume or of the sinogram where every item holds SEI_SPAN floats: whatever the block, the part fits a cache and
 * does not fall on few of its sets, its surroundings are zeros, and slices that are missing are zeros too.
 */
#ifndef SEI_BACKEND_SLICES_H
#define SEI_BACKEND_SLICES_H

#include <string.h>

#include "backend/isa.h"
#include "backend/work.h"

typedef struct sei_slices {
    size_t volume, sinogram; /* floats before the first of these slices */
    size_t stride;           /* floats from item to item of the slab's arrays */
    int n, n_lanes;          /* how many slices; and rounded up to whole vectors */
} sei_slices;

static inline sei_slices sei_slices_of(const sei_slab *s, int index) {
    const int per_block = sei_slices_per_block(s), first = index % per_block * SEI_SPAN;
    const sei_host_block b = sei_host_block_of(s, index / per_block);
    const int rest = b.slab.ny - first, n = rest < 0 ? 0 : rest < SEI_SPAN ? rest : SEI_SPAN;
    return (sei_slices){.volume = b.volume + (size_t)first,
                        .sinogram = b.sinogram + (size_t)first,
                        .stride = (size_t)b.slab.ny,
                        .n = n,
                        .n_lanes = (n + SEI_LANES - 1) / SEI_LANES * SEI_LANES};
}

/* Copies `count` neighbouring items into the part. */
static inline void sei_slices_take(const sei_slices *y, const float *from, int count, float *to) {
    for (int i = 0; i < count; ++i, from += y->stride, to += SEI_SPAN) {
        if (y->n == SEI_SPAN) {
            for (int k = 0; k < SEI_SPAN; k += SEI_LANES) sei_vec_store(to + k, sei_vec_load(from + k));
        } else {
            memcpy(to, from, (size_t)y->n * sizeof *to);
            memset(to + y->n, 0, (size_t)(y->n_lanes - y->n) * sizeof *to);
        }
    }
}
static inline void sei_slices_clear(int count, float *to) {
    if (count > 0) memset(to, 0, (size_t)count * SEI_SPAN * sizeof *to);
}

#endif

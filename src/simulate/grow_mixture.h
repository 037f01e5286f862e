/* Inside grow: the mixture's cells, what each voxel is to them, and the screws that are turned. */
#ifndef SEI_SIMULATE_GROW_MIXTURE_H
#define SEI_SIMULATE_GROW_MIXTURE_H

#include "simulate/grow_plan.h"

enum {
    SEED_VALUES = 5,
    OFFSETS = 125, /* a neighbour is at most two cells away in each direction */
    BINS = 1 << 14,
    IN_NECK = 1,
    AT_BORDER = 2,
    ROUNDS = 16,
    SMALLEST_PIECE = 27, /* voxels */
    JOINED = 4           /* pieces a neck may join; more of them touch none of it but its rim */
};

typedef struct grow_cell_grid {
    int64_t n[3];
    double first[3], pitch_nm; /* low corner of cell (0, 0, 0) */
    double *seed;              /* [cells][SEED_VALUES]: place, size, thinness of walls */
} grow_cell_grid;

/* Everything about the mixture that stays while its parameters are adjusted. The box's voxels in their order. */
typedef struct grow_mixture_work {
    const grow_box *box; /* the core's */
    const sei_grow *d;
    const grow_wire *wire;
    double neck_nm;
    grow_cell_grid grid;
    float *warp[3]; /* on a lattice of its own */
    int64_t warp_n[3];
    double warp_step_nm;
    float *depth;     /* how far a voxel lies within its domain, nm: silicon where it is above a threshold; NaN: no core */
    uint32_t *edge;   /* cell * OFFSETS + offset of the nearest neighbour's cell; canonical: from the lower cell */
    uint8_t *in_neck; /* IN_NECK: silicon should its wall's neck be open; AT_BORDER: and half a voxel from the border */
    uint32_t *rank;   /* [cells * OFFSETS]: 1 + place in the list of walls, 0: the wall's neck holds no voxels */
    uint8_t *open;    /* [cells * OFFSETS] */
    uint8_t *mask;
    uint32_t *components;
    int64_t solid;
} grow_mixture_work;

static inline int64_t grow_cells_of(const grow_mixture_work *m) {
    return m->grid.n[0] * m->grid.n[1] * m->grid.n[2];
}

/* Seeds, warp, and every voxel's depth, wall and neck. Allocates what it fills; grow_mixture_free releases all. */
sei_status grow_divide(grow_mixture_work *m, uint64_t seed) SEI_MUST_CHECK;
void grow_mixture_free(grow_mixture_work *m);

#endif

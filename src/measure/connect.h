/* What hangs together: components, percolation, depth. Private to measure. */
#ifndef SEI_MEASURE_CONNECT_H
#define SEI_MEASURE_CONNECT_H

#include "seitomo/types.h"

/* Components of one kind of voxel. */
typedef struct sei_pieces {
    uint32_t count;
    int64_t voxels, largest; /* all, and those of the largest component */
    double percolates[3];    /* x, y, z: 1, 0, or NaN without a specimen */
} sei_pieces;

/* Scratch of one volume's size, shared by the steps. */
typedef struct sei_scratch {
    uint8_t *mask;        /* [voxels] */
    uint32_t *components; /* [voxels] */
    float *distance2;     /* [voxels] */
} sei_scratch;

/* Finds the pieces of scratch->mask; components stay in scratch. sizes (may be NULL): array of count + 1, sei_free it. */
sei_status sei_find_pieces(const sei_labels *labels, int connectivity, sei_scratch *scratch, sei_pieces *pieces,
                           int64_t **sizes) SEI_MUST_CHECK;

struct sei_section;
/* Open voids below the specimen's outer surface: mean over sectors and sections, spread over sections, largest, in voxels. */
typedef struct sei_depth {
    double mean, spread, largest;
} sei_depth;
sei_status sei_open_depth(const sei_labels *labels, const struct sei_section *sections, sei_scratch *scratch,
                          sei_depth *depth) SEI_MUST_CHECK;

#endif

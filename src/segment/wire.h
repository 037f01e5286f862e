/* The wire's shape: envelope, support, voids. Private to segment. */
#ifndef SEI_SEGMENT_WIRE_H
#define SEI_SEGMENT_WIRE_H

#include "seitomo/segment.h"

/* labels: classes in place. film (may be NULL): voxels that only may_be_support rules gave. */
sei_status sei_wire_find_voids(sei_labels *labels, const uint8_t *film, const sei_segment_options *options) SEI_MUST_CHECK;

/*
 * Gives every voxel with pending != 0 the class that most of its 26 neighbours have, round by round from the rim inwards;
 * only classes Si, SEI and those from SEI_LABEL_FIRST_FREE up count, ties go to the lower one. A pending voxel's label is
 * what it keeps when no such neighbour is ever reached. pending is cleared where a class was given.
 */
sei_status sei_fill_from_neighbours(sei_labels *labels, uint8_t *pending) SEI_MUST_CHECK;

#endif

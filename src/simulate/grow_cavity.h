/* Inside grow: the shapes that carve the wire. */
#ifndef SEI_SIMULATE_GROW_CAVITY_H
#define SEI_SIMULATE_GROW_CAVITY_H

#include "simulate/grow_plan.h"

/* An ellipsoid of revolution with dents. */
typedef struct grow_pore {
    double centre[3], axis[3];
    double half_long, half_short;
    double irregularity;
    double dent[3][3];
} grow_pore;

/* A piece of a channel: a straight tube with round ends. */
typedef struct grow_segment {
    double from[3], to[3];
    double radius_from, radius_to;
    bool filled;
} grow_segment;

/* A direction drawn evenly over the sphere; uses draws draw..draw+2. */
void grow_direction(const sei_random *random, uint64_t index, uint32_t draw, double unit[3]);

/* Lists that sei_free releases. *n is 0 before. */
sei_status grow_draw_pores(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box, grow_pore **pores,
                           int64_t *n) SEI_MUST_CHECK;
sei_status grow_draw_channels(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_segment **segments,
                              int64_t *n) SEI_MUST_CHECK;

#endif

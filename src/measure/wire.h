/* The wire's axis, its rays and its core. Private to measure. */
#ifndef SEI_MEASURE_WIRE_H
#define SEI_MEASURE_WIRE_H

#include "seitomo/types.h"

enum { SEI_WIRE_RAYS = 144, SEI_WIRE_ORDER = 4, SEI_WIRE_TERMS = 2 * SEI_WIRE_ORDER + 1 };

/* Whether a label belongs to the specimen: not outside, not support. */
static inline bool sei_is_specimen(uint8_t label) {
    return label != SEI_LABEL_OUTSIDE && label != SEI_LABEL_SUPPORT;
}
static inline bool sei_is_void(uint8_t label) {
    return label == SEI_LABEL_CLOSED_VOID || label == SEI_LABEL_OPEN_VOID;
}

/* One cross-section. Lengths in voxels. */
typedef struct sei_section {
    int64_t specimen; /* voxels */
    double x, z;      /* the axis */
    bool has_core;
    double envelope[SEI_WIRE_TERMS]; /* silicon's envelope: R = e0 + sum e(2k-1) cos k phi + e(2k) sin k phi */
} sei_section;

/* sections[ny]: axis from the specimen's centroids (empty cross-sections: the straight line through the others). */
sei_status sei_wire_axis(const sei_labels *labels, sei_section *sections) SEI_MUST_CHECK;
/* Fits the envelope of silicon [nz][ny][nx] (non-zero: counts) in every cross-section, to the rays of the cross-sections
 * up to window_px before and after; cross-sections without silicon take it from their neighbours. */
sei_status sei_wire_envelopes(const sei_labels *labels, const uint8_t *silicon, double window_px,
                              sei_section *sections) SEI_MUST_CHECK;
/* Radius of the envelope in the direction (cosine, sine) of x and z. */
double sei_wire_radius(const sei_section *section, double cosine, double sine);
/* Mean and spread over all rays of the outermost run of SEI, in voxels; NaN when there is none to measure. */
void sei_wire_sei_thickness(const sei_labels *labels, const sei_section *sections, double *mean, double *spread);

#endif

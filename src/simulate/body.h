/* Solids with closed-form chords: where a ray enters and leaves a body, and whether a point lies in it. */
#ifndef SEI_SIMULATE_BODY_H
#define SEI_SIMULATE_BODY_H

#include <stdbool.h>

#include "seitomo/simulate.h"

/* A ray in the plane of height y: x = x0 + s*dx, z = z0 + s*dz, (dx, dz) a unit vector, lengths in nm. */
typedef struct sei_ray {
    double x0, z0, dx, dz, y;
} sei_ray;

/* True and the chord [*enter, *leave] in s when the ray meets the body. */
bool sei_body_chord(const sei_body *body, const sei_ray *ray, double *enter, double *leave);
bool sei_body_holds(const sei_body *body, double x, double y, double z);
/* The greatest distance of a point of the body from its centre line within an xz plane. */
double sei_body_reach(const sei_body *body);
/* Half height along y; infinity for an endless cylinder. */
double sei_body_half_height(const sei_body *body);

#endif

/* Solids with closed-form chords: where a ray enters and leaves a body, and whether a point lies in it. */
#ifndef SEI_SIMULATE_BODY_H
#define SEI_SIMULATE_BODY_H

#include <stdbool.h>

#include "seitomo/specimen.h"

/* A ray in the plane of height y: x = x0 + s*dx, z = z0 + s*dz, (dx, dz) a unit vector, lengths in nm. */
typedef struct sei_ray {
    double x0, z0, dx, dz, y;
} sei_ray;

/* A body with what its geometry needs again and again. */
typedef struct sei_solid {
    const sei_body *body;
    double cosine, sine; /* of its rotation */
    double reach;        /* greatest distance of a point from the centre line, within an xz plane */
    double half_height;  /* along y; infinity for an endless cylinder */
    double narrowest;    /* smallest half axis of its curved surface */
    bool is_void;        /* its material is */
} sei_solid;

sei_solid sei_solid_of(const sei_body *body, bool is_void);
/* True and the chord [*enter, *leave] in s when the ray meets the solid. */
bool sei_solid_chord(const sei_solid *solid, const sei_ray *ray, double *enter, double *leave);
bool sei_solid_holds(const sei_solid *solid, double x, double y, double z);
/* 1: all of the ball round the point lies in the solid, -1: none of it, 0: it may lie on the surface. */
int sei_solid_side(const sei_solid *solid, double x, double y, double z, double radius);

#endif

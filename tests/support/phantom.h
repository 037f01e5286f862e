/* A core-shell wire with pores whose volumes are known: grey-level volumes by supersampling. */
#ifndef SEI_TESTS_PHANTOM_H
#define SEI_TESTS_PHANTOM_H

#include "seitomo/types.h"

/* The wire lies along y and passes through both faces of the field. Lengths in nm. */
enum { PHANTOM_SPHERES = 4 };
typedef struct phantom {
    double core_radius, wire_radius;       /* Si, Si + SEI */
    double width, length;                  /* field in x and z, and along y */
    double sphere[PHANTOM_SPHERES][4];     /* closed pores: x, y, z, radius; radius 0: none */
    double channel_radius, channel_bottom; /* open pore along +x at y = z = 0, from this x outwards; radius 0: none */
    double rotation_deg;                   /* of all this about the wire's axis */
} phantom;

/* The wire of the known-answer tests. */
phantom phantom_wire(void);
/* Volumes by formula (the channel's by quadrature). */
double phantom_si_volume(const phantom *p);
double phantom_sei_volume(const phantom *p);
double phantom_closed_volume(const phantom *p);
double phantom_open_volume(const phantom *p);

/* volumes[3]: Si, O, HAADF (SEI 0.35 of Si), values 0..1 by `fine`^3 points per voxel; SEI_OK or the allocation's error. */
sei_status phantom_volumes(const phantom *p, double voxel_nm, int fine, sei_volume volumes[3]) SEI_MUST_CHECK;

#endif

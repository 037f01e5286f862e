/*
 * The stress of one cell in plain arithmetic that vectorises and that a card's compiler takes too (see update.h): Hencky's
 * strain from the trial b_e, drawn back to the yield surface, and the soft stress of voids.
 */
#ifndef SEI_PHASEFIELD_MECHANICS_CELL_H
#define SEI_PHASEFIELD_MECHANICS_CELL_H

#include <math.h>

#include "phasefield/update.h"

/* What a cell's stress depends on beside its deformation; the names are those of the arrays in mechanics.h. */
typedef struct mech_plane_cell {
    double sxx, szz, sxz, logs, logy;
    double bulk, shear, yield, soft;
} mech_plane_cell;

/* F in the plane: dx_x/dX_x and so on. */
typedef struct mech_plane_gradient {
    double xx, xz, zx, zz;
} mech_plane_gradient;

/* P; yy per unit of axial stretch. */
typedef struct mech_plane_stress {
    double xx, xz, zx, zz, yy;
} mech_plane_stress;

/* Elastic trial strain of a cell and what is left of its deviator. */
typedef struct mech_plane_trial {
    double det, bxx, bzz, bxz;
    double mean, radius; /* of b's eigenvalues: their mean and half their difference */
    double middle, half; /* of the strains in the plane: the same */
    double axial;
    double pressure, part; /* middle less a third of the trace; what the deviator is multiplied by */
} mech_plane_trial;

SEI_PF_INLINE mech_plane_trial mech_plane_strain(const mech_plane_cell *c, const mech_plane_gradient *f, double log_stretch) {
    mech_plane_trial t;
    t.det = f->xx * f->zz - f->xz * f->zx;
    const double size = t.det < 0 ? -t.det : t.det, det = size > 1e-6 ? size : 1e-6;
    const double ux = f->xx * c->sxx + f->xz * c->sxz, uz = f->xx * c->sxz + f->xz * c->szz;
    const double wx = f->zx * c->sxx + f->zz * c->sxz, wz = f->zx * c->sxz + f->zz * c->szz;
    t.bxx = ux * f->xx + uz * f->xz;
    t.bxz = ux * f->zx + uz * f->zz;
    t.bzz = wx * f->zx + wz * f->zz;
    t.mean = 0.5 * (t.bxx + t.bzz);
    const double difference = 0.5 * (t.bxx - t.bzz);
    t.radius = sqrt(difference * difference + t.bxz * t.bxz);
    /* the product of the eigenvalues from determinants: their difference would cancel where a cell is drawn long */
    const double large = t.mean + t.radius, product = det * det * (c->sxx * c->szz - c->sxz * c->sxz);
    const double floor = 1e-30 * large * large + 1e-200;
    t.half = 0.25 * pf_log_ratio(large * large + 1e-200, product > floor ? product : floor);
    t.middle = 0.5 * pf_log_ratio(det, 1) + c->logs;
    t.axial = c->logy + log_stretch;
    const double trace = 2 * t.middle + t.axial;
    t.pressure = t.middle - trace * (1.0 / 3);
    const double equivalent = sqrt(9 * t.pressure * t.pressure + 3 * t.half * t.half);
    t.part = equivalent > c->yield ? c->yield / equivalent : 1;
    return t;
}

SEI_PF_INLINE mech_plane_stress mech_plane_stress_of(const mech_plane_cell *c, const mech_plane_gradient *f, double stretch,
                                                     double log_stretch) {
    const mech_plane_trial t = mech_plane_strain(c, f, log_stretch);
    const double trace = 2 * t.middle + t.axial;
    const double shear = c->shear * t.part, volume = c->bulk * trace;
    const double middle = volume + shear * t.pressure, axial = volume - 2 * shear * t.pressure;
    /* half/radius tends to 1/(2 mean) where the eigenvalues meet */
    const int apart = t.radius > 1e-9 * t.mean;
    const double slope = shear * (apart ? t.half / (apart ? t.radius : 1) : 0.5 / (t.mean + 1e-200));
    const double txx = middle + slope * (t.bxx - t.mean), tzz = middle + slope * (t.bzz - t.mean), txz = slope * t.bxz;
    const double size = t.det < 0 ? -t.det : t.det;
    const double inverse = (t.det < 0 ? -1 : 1) / (size > 1e-6 ? size : 1e-6);
    mech_plane_stress p;
    p.xx = (txx * f->zz - txz * f->xz) * inverse + c->soft * (f->xx - 1);
    p.xz = (txz * f->xx - txx * f->zx) * inverse + c->soft * f->xz;
    p.zx = (txz * f->zz - tzz * f->xz) * inverse + c->soft * f->zx;
    p.zz = (tzz * f->xx - txz * f->zx) * inverse + c->soft * (f->zz - 1);
    p.yy = axial / stretch + c->soft * (stretch - 1);
    return p;
}

/*
 * A cell's part in its nodes' fictitious mass: the largest stiffness of the iteration, which grows where F grows small.
 * modulus: J_c (K + 4 G/3) of what the cell carries.
 */
SEI_PF_INLINE double mech_cell_mass(double modulus, double inverse2, double soft, double hourglass) {
    const double grown = 0.75 * inverse2;
    return modulus * (grown > 1 ? grown : 1) + 1.5 * soft + 4 * hourglass;
}

#endif

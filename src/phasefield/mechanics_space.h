/*
 * The stress of one cell in three dimensions, as mechanics_cell.h has it for the plane: the logarithm of b_e from its
 * eigenvalues, by a fixed number of Jacobi's rotations, so that lanes do not part.
 */
#ifndef SEI_PHASEFIELD_MECHANICS_SPACE_H
#define SEI_PHASEFIELD_MECHANICS_SPACE_H

#include "phasefield/mechanics_cell.h"

/* A symmetric tensor; a full one. */
typedef struct mech_sym {
    double xx, zz, yy, xz, xy, zy;
} mech_sym;
typedef struct mech_full {
    double xx, xz, xy, zx, zz, zy, yx, yz, yy;
} mech_full;

/* What a cell's stress depends on beside its deformation. */
typedef struct mech_space_cell {
    mech_sym s; /* C_p^{-1}/theta^2 */
    double bulk, shear, yield, soft;
} mech_space_cell;

/* Eight numbers, of a cell's corners or of its modes; the letters are the corners' bits: x, then z, then y. */
typedef struct mech_eight {
    double ooo, xoo, ozo, xzo, ooy, xoy, ozy, xzy;
} mech_eight;

/*
 * The sums of a corner quantity with signs: without any, with those of x, of z, of x and z, and so on. Its own transpose: the
 * same function makes a cell's modes from its corners and the corners' forces from those of the modes.
 */
SEI_PF_INLINE mech_eight mech_modes(mech_eight c) {
    const double a0 = c.ooo + c.xoo, a1 = c.xoo - c.ooo, a2 = c.ozo + c.xzo, a3 = c.xzo - c.ozo;
    const double a4 = c.ooy + c.xoy, a5 = c.xoy - c.ooy, a6 = c.ozy + c.xzy, a7 = c.xzy - c.ozy;
    const double b0 = a0 + a2, b1 = a1 + a3, b2 = a2 - a0, b3 = a3 - a1, b4 = a4 + a6, b5 = a5 + a7, b6 = a6 - a4, b7 = a7 - a5;
    return (mech_eight){b0 + b4, b1 + b5, b2 + b6, b3 + b7, b4 - b0, b5 - b1, b6 - b2, b7 - b3};
}
SEI_PF_INLINE mech_eight mech_corners(mech_eight m) {
    const double a0 = m.ooo - m.xoo, a1 = m.ooo + m.xoo, a2 = m.ozo - m.xzo, a3 = m.ozo + m.xzo;
    const double a4 = m.ooy - m.xoy, a5 = m.ooy + m.xoy, a6 = m.ozy - m.xzy, a7 = m.ozy + m.xzy;
    const double b0 = a0 - a2, b1 = a1 - a3, b2 = a0 + a2, b3 = a1 + a3, b4 = a4 - a6, b5 = a5 - a7, b6 = a4 + a6, b7 = a5 + a7;
    return (mech_eight){b0 - b4, b1 - b5, b2 - b6, b3 - b7, b0 + b4, b1 + b5, b2 + b6, b3 + b7};
}

/* A rotation that takes a_pq away; r is the third index, u, v, w the rows of the eigenvectors. */
SEI_PF_INLINE void mech_rotate(double *pp, double *qq, double *pq, double *rp, double *rq, double *up, double *uq, double *vp,
                               double *vq, double *wp, double *wq) {
    const double d = *qq - *pp, length = sqrt(d * d + 4 * *pq * *pq);
    const double bottom = d < 0 ? d - length : d + length;
    const int still = bottom == 0;
    const double t = still ? 0 : 2 * *pq / (still ? 1 : bottom), c = 1 / sqrt(1 + t * t), s = t * c;
    const double old_rp = *rp, old_up = *up, old_vp = *vp, old_wp = *wp;
    *pp -= t * *pq;
    *qq += t * *pq;
    *pq = 0;
    *rp = c * old_rp - s * *rq;
    *rq = s * old_rp + c * *rq;
    *up = c * old_up - s * *uq;
    *uq = s * old_up + c * *uq;
    *vp = c * old_vp - s * *vq;
    *vq = s * old_vp + c * *vq;
    *wp = c * old_wp - s * *wq;
    *wq = s * old_wp + c * *wq;
}

/* ln(x)/2 of an eigenvalue of b_e. */
SEI_PF_INLINE double mech_strain(double x) {
    return 0.5 * pf_log_ratio(x > 1e-24 ? x : 1e-24, 1);
}

/* F S F^T */
SEI_PF_INLINE mech_sym mech_push(const mech_full *f, const mech_sym *s) {
    const double ax = f->xx * s->xx + f->xz * s->xz + f->xy * s->xy, az = f->xx * s->xz + f->xz * s->zz + f->xy * s->zy;
    const double ay = f->xx * s->xy + f->xz * s->zy + f->xy * s->yy;
    const double bx = f->zx * s->xx + f->zz * s->xz + f->zy * s->xy, bz = f->zx * s->xz + f->zz * s->zz + f->zy * s->zy;
    const double by = f->zx * s->xy + f->zz * s->zy + f->zy * s->yy;
    const double cx = f->yx * s->xx + f->yz * s->xz + f->yy * s->xy, cz = f->yx * s->xz + f->yz * s->zz + f->yy * s->zy;
    const double cy = f->yx * s->xy + f->yz * s->zy + f->yy * s->yy;
    return (mech_sym){ax * f->xx + az * f->xz + ay * f->xy, bx * f->zx + bz * f->zz + by * f->zy,
                      cx * f->yx + cz * f->yz + cy * f->yy, ax * f->zx + az * f->zz + ay * f->zy,
                      ax * f->yx + az * f->yz + ay * f->yy, bx * f->yx + bz * f->yz + by * f->yy};
}

/* The transposed inverse of F times det F, and det F. */
SEI_PF_INLINE mech_full mech_cofactor(const mech_full *f, double *det) {
    const mech_full c = {f->zz * f->yy - f->zy * f->yz, f->zy * f->yx - f->zx * f->yy, f->zx * f->yz - f->zz * f->yx,
                         f->xy * f->yz - f->xz * f->yy, f->xx * f->yy - f->xy * f->yx, f->xz * f->yx - f->xx * f->yz,
                         f->xz * f->zy - f->xy * f->zz, f->xy * f->zx - f->xx * f->zy, f->xx * f->zz - f->xz * f->zx};
    *det = f->xx * c.xx + f->xz * c.xz + f->xy * c.xy;
    return c;
}

/* tau of what the cell carries. */
SEI_PF_INLINE mech_sym mech_kirchhoff(const mech_space_cell *c, const mech_full *f) {
    mech_sym b = mech_push(f, &c->s);
    double xu = 1, xv = 0, xw = 0, zu = 0, zv = 1, zw = 0, yu = 0, yv = 0, yw = 1;
#define SWEEP                                                                         \
    do {                                                                              \
        mech_rotate(&b.xx, &b.zz, &b.xz, &b.xy, &b.zy, &xu, &xv, &zu, &zv, &yu, &yv); \
        mech_rotate(&b.xx, &b.yy, &b.xy, &b.xz, &b.zy, &xu, &xw, &zu, &zw, &yu, &yw); \
        mech_rotate(&b.zz, &b.yy, &b.zy, &b.xz, &b.xy, &xv, &xw, &zv, &zw, &yv, &yw); \
    } while (0)
    SWEEP;
    SWEEP;
    SWEEP;
    SWEEP;
    SWEEP;
#undef SWEEP
    const double eu = mech_strain(b.xx), ev = mech_strain(b.zz), ew = mech_strain(b.yy);
    const double trace = (eu + ev) + ew, third = trace * (1.0 / 3), du = eu - third, dv = ev - third, dw = ew - third;
    const double equivalent = sqrt(1.5 * (du * du + dv * dv + dw * dw));
    const double shear = c->shear * (equivalent > c->yield ? c->yield / equivalent : 1), volume = c->bulk * trace;
    const double tu = volume + shear * du, tv = volume + shear * dv, tw = volume + shear * dw;
    return (mech_sym){tu * xu * xu + tv * xv * xv + tw * xw * xw, tu * zu * zu + tv * zv * zv + tw * zw * zw,
                      tu * yu * yu + tv * yv * yv + tw * yw * yw, tu * xu * zu + tv * xv * zv + tw * xw * zw,
                      tu * xu * yu + tv * xv * yv + tw * xw * yw, tu * zu * yu + tv * zv * yv + tw * zw * yw};
}

/* P, with the soft stress. */
SEI_PF_INLINE mech_full mech_space_stress_of(const mech_space_cell *c, const mech_full *f) {
    const mech_sym t = mech_kirchhoff(c, f);
    double det;
    const mech_full g = mech_cofactor(f, &det);
    const double size = det < 0 ? -det : det, r = (det < 0 ? -1 : 1) / (size > 1e-6 ? size : 1e-6);
    return (mech_full){r * (t.xx * g.xx + t.xz * g.zx + t.xy * g.yx) + c->soft * (f->xx - 1),
                       r * (t.xx * g.xz + t.xz * g.zz + t.xy * g.yz) + c->soft * f->xz,
                       r * (t.xx * g.xy + t.xz * g.zy + t.xy * g.yy) + c->soft * f->xy,
                       r * (t.xz * g.xx + t.zz * g.zx + t.zy * g.yx) + c->soft * f->zx,
                       r * (t.xz * g.xz + t.zz * g.zz + t.zy * g.yz) + c->soft * (f->zz - 1),
                       r * (t.xz * g.xy + t.zz * g.zy + t.zy * g.yy) + c->soft * f->zy,
                       r * (t.xy * g.xx + t.zy * g.zx + t.yy * g.yx) + c->soft * f->yx,
                       r * (t.xy * g.xz + t.zy * g.zz + t.yy * g.yz) + c->soft * f->yz,
                       r * (t.xy * g.xy + t.zy * g.zy + t.yy * g.yy) + c->soft * (f->yy - 1)};
}

#endif

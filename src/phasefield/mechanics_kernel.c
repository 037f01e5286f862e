/*
 * One iteration of the plane relaxation for OpenMP teams, compiled once per instruction set. Stresses roll along z, two rows at
 * a time, so positions are read once and written once; rows along x vectorise. Sums of a row go through eight
 * lanes whatever the registers' width, so neither width nor threads change a bit.
 */
#include "phasefield/mechanics.h"
#include "phasefield/mechanics_cell.h"
#include "phasefield/mechanics_rows.h"

/* A row of cells as its nodes feel it, padded by a cell on either side: P, and the hourglass' pulls. */
enum { PXX, PXZ, PZX, PZZ, HX, HZ, ROWS };
/* What a row adds to the sums. */
enum { T_INTERNAL, T_AXIAL, T_WORK, T_INERTIA, T_FORCE, TERMS };

SEI_PF_INLINE double *row_of(const sei_mech_work *w, int thread, int64_t k, int which) {
    return w->scratch + thread * w->scratch_size + ((k & 1) * ROWS + which) * mech_padded(w);
}

SEI_PF_INLINE double *term_of(const sei_mech_work *w, int thread, int which) {
    return w->scratch + thread * w->scratch_size + (2 * ROWS + which) * mech_padded(w);
}

/* Deformation gradient of cell i between two rows of nodes; q are the hourglass modes. */
#define GRADIENT(i)                                                                                                      \
    const double ax = x0[(i) + 1] - x0[i], bx = x1[(i) + 1] - x1[i], az = v0[(i) + 1] - v0[i], bz = v1[(i) + 1] - v1[i]; \
    const double cx = x1[i] - x0[i], dx = x1[(i) + 1] - x0[(i) + 1], cz = v1[i] - v0[i], dz = v1[(i) + 1] - v0[(i) + 1]; \
    const mech_plane_gradient f = {0.5 * (ax + bx), 0.5 * (cx + dx), 0.5 * (az + bz), 0.5 * (cz + dz)}

/* The stresses of row k. */
static void cell_row(const sei_mech_work *w, int thread, int64_t k) {
    const int64_t nx = w->nx, at = k * nx, n = mech_padded(w);
    double *pxx = row_of(w, thread, k, PXX), *pxz = row_of(w, thread, k, PXZ), *pzx = row_of(w, thread, k, PZX);
    double *pzz = row_of(w, thread, k, PZZ), *hx = row_of(w, thread, k, HX), *hz = row_of(w, thread, k, HZ);
    double *internal = term_of(w, thread, T_INTERNAL), *axial = term_of(w, thread, T_AXIAL);
    memset(pxx, 0, (size_t)(ROWS * n) * sizeof *pxx);
    memset(internal, 0, (size_t)(2 * n) * sizeof *internal);
    if (k < 0 || k >= w->nz) return;
    const double *x0 = w->position[0] + k * (nx + 1), *x1 = x0 + nx + 1;
    const double *v0 = w->position[1] + k * (nx + 1), *v1 = v0 + nx + 1;
    const double *sxx = w->cell[SEI_MECH_SXX] + at, *szz = w->cell[SEI_MECH_SZZ] + at, *sxz = w->cell[SEI_MECH_SXZ] + at;
    const double *logs = w->cell[SEI_MECH_LOGS] + at, *logy = w->cell[SEI_MECH_LOGY] + at;
    const double *bulk = w->cell[SEI_MECH_BULK] + at, *shear = w->cell[SEI_MECH_SHEAR] + at;
    const double *yield = w->cell[SEI_MECH_YIELD] + at, *soft = w->cell[SEI_MECH_SOFT] + at;
    const double *hourglass = w->cell[SEI_MECH_HOURGLASS] + at;
    const double stretch = w->stretch, log_stretch = w->log_stretch;
    const int64_t begin = w->span[2 * k], end = w->span[2 * k + 1];
    _Pragma(MECH_VECTOR) for (int64_t i = begin; i < end; ++i) {
        GRADIENT(i);
        const mech_plane_cell c = {sxx[i], szz[i], sxz[i], logs[i], logy[i], bulk[i], shear[i], yield[i], soft[i]};
        const mech_plane_stress p = mech_plane_stress_of(&c, &f, stretch, log_stretch);
        const double qx = hourglass[i] * (ax - bx), qz = hourglass[i] * (az - bz);
        pxx[i + 1] = p.xx;
        pxz[i + 1] = p.xz;
        pzx[i + 1] = p.zx;
        pzz[i + 1] = p.zz;
        hx[i + 1] = -qx;
        hz[i + 1] = -qz;
        internal[i] = (p.xx * p.xx + p.xz * p.xz) + (p.zx * p.zx + p.zz * p.zz) + 4 * (qx * qx + qz * qz);
        axial[i] = p.yy;
    }
}

/* Node i between cells i - 1 (p[i]) and i (p[i + 1]) of the rows below (0) and above (1). */
#define NODE_FORCE(i, x, z, h)                                             \
    (0.5 * (((x##1 [(i) + 1] - x##1 [i]) + (x##0 [(i) + 1] - x##0 [i])) +  \
            ((z##1 [(i) + 1] + z##1 [i]) - (z##0 [(i) + 1] + z##0 [i]))) - \
     ((h##1 [(i) + 1] - h##1 [i]) - (h##0 [(i) + 1] - h##0 [i])))

static void node_row(const sei_mech_work *w, int thread, int64_t k, double damping, double *sums) {
    const int64_t nx = w->nx, at = k * (nx + 1), n = mech_padded(w);
    const double *xx0 = row_of(w, thread, k - 1, PXX), *xx1 = row_of(w, thread, k, PXX);
    const double *xz0 = row_of(w, thread, k - 1, PXZ), *xz1 = row_of(w, thread, k, PXZ);
    const double *zx0 = row_of(w, thread, k - 1, PZX), *zx1 = row_of(w, thread, k, PZX);
    const double *zz0 = row_of(w, thread, k - 1, PZZ), *zz1 = row_of(w, thread, k, PZZ);
    const double *hx0 = row_of(w, thread, k - 1, HX), *hx1 = row_of(w, thread, k, HX);
    const double *hz0 = row_of(w, thread, k - 1, HZ), *hz1 = row_of(w, thread, k, HZ);
    double *work = term_of(w, thread, T_WORK), *inertia = term_of(w, thread, T_INERTIA), *force2 = term_of(w, thread, T_FORCE);
    memset(work, 0, (size_t)(3 * n) * sizeof *work);
    const double *x = w->position[0] + at, *z = w->position[1] + at, *mass = w->mass + at;
    double *x_next = w->next[0] + at, *z_next = w->next[1] + at, *vx = w->velocity[0] + at, *vz = w->velocity[1] + at;
    double *fx = w->force[0] + at, *fz = w->force[1] + at;
    const double keep = (2 - damping) / (2 + damping), push = 2 / (2 + damping);
    const mech_span span = mech_span_around(w, k);
    _Pragma(MECH_VECTOR) for (int64_t i = span.begin; i <= span.end; ++i) {
        const double m = mass[i], open = m > 0 ? 1 : 0, inverse = open / (m > 0 ? m : 1);
        const double px = open * NODE_FORCE(i, xx, xz, hx), pz = open * NODE_FORCE(i, zx, zz, hz);
        work[i] = vx[i] * (fx[i] - px) + vz[i] * (fz[i] - pz);
        inertia[i] = m * (vx[i] * vx[i] + vz[i] * vz[i]);
        force2[i] = px * px + pz * pz;
        fx[i] = px;
        fz[i] = pz;
        const double ux = pf_clamp(keep * vx[i] + push * px * inverse, -SEI_MECH_REACH, SEI_MECH_REACH);
        const double uz = pf_clamp(keep * vz[i] + push * pz * inverse, -SEI_MECH_REACH, SEI_MECH_REACH);
        vx[i] = ux;
        vz[i] = uz;
        x_next[i] = x[i] + ux;
        z_next[i] = z[i] + uz;
    }
    sums[SEI_MECH_WORK] = mech_lanes_sum(work, n);
    sums[SEI_MECH_INERTIA] = mech_lanes_sum(inertia, n);
    sums[SEI_MECH_FORCE2] = mech_lanes_sum(force2, n);
}

static void iterate(const sei_mech_work *w, int thread, int64_t z0, int64_t z1, double damping, double *sums) {
    const int64_t n = mech_padded(w);
    for (int64_t k = z0 - 1; k < z1; ++k) {
        cell_row(w, thread, k);
        if (k < z0) continue;
        double *row = sums + k * SEI_MECH_SUMS;
        row[SEI_MECH_INTERNAL2] = mech_lanes_sum(term_of(w, thread, T_INTERNAL), n);
        row[SEI_MECH_AXIAL] = mech_lanes_sum(term_of(w, thread, T_AXIAL), n);
        node_row(w, thread, k, damping, row);
    }
}

/* Mass of the cells of row k into the row's first buffer. */
static void mass_row(const sei_mech_work *w, int thread, int64_t k) {
    double *out = row_of(w, thread, k, PXX);
    memset(out, 0, (size_t)mech_padded(w) * sizeof *out);
    if (k < 0 || k >= w->nz) return;
    const int64_t nx = w->nx, at = k * nx;
    const double *x0 = w->position[0] + k * (nx + 1), *x1 = x0 + nx + 1;
    const double *v0 = w->position[1] + k * (nx + 1), *v1 = v0 + nx + 1;
    const double *bulk = w->cell[SEI_MECH_BULK] + at, *shear = w->cell[SEI_MECH_SHEAR] + at;
    const double *soft = w->cell[SEI_MECH_SOFT] + at, *hourglass = w->cell[SEI_MECH_HOURGLASS] + at;
    for (int64_t i = w->span[2 * k]; i < w->span[2 * k + 1]; ++i) {
        GRADIENT(i);
        const double det = f.xx * f.zz - f.xz * f.zx, det2 = det * det > 1e-12 ? det * det : 1e-12;
        const double inverse2 = ((f.xx * f.xx + f.xz * f.xz) + (f.zx * f.zx + f.zz * f.zz)) / det2;
        out[i + 1] = mech_cell_mass(bulk[i] + (2.0 / 3) * shear[i], inverse2, soft[i], hourglass[i]);
    }
}

static void mass(const sei_mech_work *w, int thread, int64_t z0, int64_t z1) {
    for (int64_t k = z0 - 1; k < z1; ++k) {
        mass_row(w, thread, k);
        if (k < z0) continue;
        const double *below = row_of(w, thread, k - 1, PXX), *above = row_of(w, thread, k, PXX);
        double *out = w->mass + k * (w->nx + 1);
        for (int64_t i = 0; i <= w->nx; ++i)
            out[i] = SEI_MECH_SHARE_PLANE * ((below[i] + below[i + 1]) + (above[i] + above[i + 1]));
    }
}

const sei_mech_operators MECH_JOIN(sei_mech_cpu, SEI_ISA) = {.name = "cpu", .iterate = iterate, .mass = mass, .team = true};

/*
 * One iteration of the relaxation in three dimensions, compiled once per instruction set; as mechanics_kernel.c, with two
 * planes of corner forces that roll along z.
 */
#include "phasefield/mechanics.h"
#include "phasefield/mechanics_rows.h"
#include "phasefield/mechanics_space.h"

enum { CORNERS = 8, ROWS = 3 * CORNERS };
enum { T_INTERNAL, T_AXIAL, T_WORK, T_INERTIA, T_FORCE };

/* The force of the cells of row (j, k) on one of their corners; padded by a cell on either side. */
SEI_PF_INLINE double *row_of(const sei_mech_work *w, int thread, int64_t j, int64_t k, int which) {
    return w->scratch + thread * w->scratch_size + (((k & 1) * w->ny + j) * ROWS + which) * mech_padded(w);
}

SEI_PF_INLINE double *term_of(const sei_mech_work *w, int thread, int which) {
    return w->scratch + thread * w->scratch_size + (2 * w->ny * ROWS + which) * mech_padded(w);
}

/* The four rows of nodes beside a row of cells, of one component of the position. */
typedef struct corner_rows {
    const double *oo, *zo, *oy, *zy;
} corner_rows;

SEI_PF_INLINE corner_rows corners_of(const sei_mech_work *w, int component, int64_t j, int64_t k) {
    const int64_t n = w->nx + 1, front = j + 1 < w->ny ? j + 1 : 0;
    const double *at = w->position[component];
    return (corner_rows){at + (k * w->ny + j) * n, at + ((k + 1) * w->ny + j) * n, at + (k * w->ny + front) * n,
                         at + ((k + 1) * w->ny + front) * n};
}

SEI_PF_INLINE mech_eight modes_at(const corner_rows *r, int64_t i) {
    return mech_modes(
        (mech_eight){r->oo[i], r->oo[i + 1], r->zo[i], r->zo[i + 1], r->oy[i], r->oy[i + 1], r->zy[i], r->zy[i + 1]});
}

SEI_PF_INLINE mech_full gradient_of(mech_eight x, mech_eight z, mech_eight y, double stretch) {
    return (mech_full){0.25 * x.xoo, 0.25 * x.ozo, 0.25 * x.ooy, 0.25 * z.xoo,          0.25 * z.ozo,
                       0.25 * z.ooy, 0.25 * y.xoo, 0.25 * y.ozo, 0.25 * y.ooy + stretch};
}

/* Corner forces from a row of P and the hourglass modes; the sum of their squares. */
SEI_PF_INLINE mech_eight forces_of(double px, double pz, double py, mech_eight m, double hourglass) {
    return mech_corners((mech_eight){0, -0.25 * px, -0.25 * pz, -hourglass * m.xzo, -0.25 * py, -hourglass * m.xoy,
                                     -hourglass * m.ozy, -hourglass * m.xzy});
}
SEI_PF_INLINE double squares(mech_eight f) {
    return ((f.ooo * f.ooo + f.xoo * f.xoo) + (f.ozo * f.ozo + f.xzo * f.xzo)) +
           ((f.ooy * f.ooy + f.xoy * f.xoy) + (f.ozy * f.ozy + f.xzy * f.xzy));
}

/* Where the forces of a row go, corner by corner. */
typedef struct force_rows {
    double *c[CORNERS];
} force_rows;
SEI_PF_INLINE force_rows forces_at(const sei_mech_work *w, int thread, int64_t j, int64_t k, int component) {
    force_rows rows;
    for (int a = 0; a < CORNERS; ++a) rows.c[a] = row_of(w, thread, j, k, component * CORNERS + a) + 1;
    return rows;
}
#define STORE(rows, i, f)         \
    do {                          \
        (rows).c[0][i] = (f).ooo; \
        (rows).c[1][i] = (f).xoo; \
        (rows).c[2][i] = (f).ozo; \
        (rows).c[3][i] = (f).xzo; \
        (rows).c[4][i] = (f).ooy; \
        (rows).c[5][i] = (f).xoy; \
        (rows).c[6][i] = (f).ozy; \
        (rows).c[7][i] = (f).xzy; \
    } while (0)

static void cell_row(const sei_mech_work *w, int thread, int64_t j, int64_t k) {
    const int64_t n = mech_padded(w), at = (k * w->ny + j) * w->nx;
    double *internal = term_of(w, thread, T_INTERNAL), *axial = term_of(w, thread, T_AXIAL);
    memset(row_of(w, thread, j, k, 0), 0, (size_t)(ROWS * n) * sizeof(double));
    memset(internal, 0, (size_t)(2 * n) * sizeof *internal);
    if (k < 0 || k >= w->nz) return;
    const corner_rows x = corners_of(w, 0, j, k), z = corners_of(w, 1, j, k), y = corners_of(w, 2, j, k);
    const force_rows fx = forces_at(w, thread, j, k, 0), fz = forces_at(w, thread, j, k, 1), fy = forces_at(w, thread, j, k, 2);
    const double *sxx = w->cell[SEI_MECH_SXX] + at, *szz = w->cell[SEI_MECH_SZZ] + at, *syy = w->cell[SEI_MECH_SYY] + at;
    const double *sxz = w->cell[SEI_MECH_SXZ] + at, *sxy = w->cell[SEI_MECH_SXY] + at, *szy = w->cell[SEI_MECH_SZY] + at;
    const double *bulk = w->cell[SEI_MECH_BULK] + at, *shear = w->cell[SEI_MECH_SHEAR] + at;
    const double *yield = w->cell[SEI_MECH_YIELD] + at, *soft = w->cell[SEI_MECH_SOFT] + at;
    const double *hourglass = w->cell[SEI_MECH_HOURGLASS] + at, stretch = w->stretch;
    const int64_t begin = w->span[2 * k], end = w->span[2 * k + 1];
    _Pragma(MECH_VECTOR) for (int64_t i = begin; i < end; ++i) {
        const mech_eight mx = modes_at(&x, i), mz = modes_at(&z, i), my = modes_at(&y, i);
        const mech_full f = gradient_of(mx, mz, my, stretch);
        const mech_space_cell c = {{sxx[i], szz[i], syy[i], sxz[i], sxy[i], szy[i]}, bulk[i], shear[i], yield[i], soft[i]};
        const mech_full p = mech_space_stress_of(&c, &f);
        const mech_eight gx = forces_of(p.xx, p.xz, p.xy, mx, hourglass[i]), gz = forces_of(p.zx, p.zz, p.zy, mz, hourglass[i]);
        const mech_eight gy = forces_of(p.yx, p.yz, p.yy, my, hourglass[i]);
        STORE(fx, i, gx);
        STORE(fz, i, gz);
        STORE(fy, i, gy);
        internal[i] = squares(gx) + (squares(gz) + squares(gy));
        axial[i] = p.yy;
    }
}

/* The eight cells around a row of nodes, each by its own corner: behind and in front, below and above, left and right. */
typedef struct around {
    const double *c[CORNERS];
} around;
SEI_PF_INLINE around cells_around(const sei_mech_work *w, int thread, int64_t j, int64_t k, int component) {
    around r;
    const int64_t behind = j > 0 ? j - 1 : w->ny - 1;
    for (int a = 0; a < CORNERS; ++a)
        r.c[a] =
            row_of(w, thread, (a & 4) != 0 ? behind : j, (a & 2) != 0 ? k - 1 : k, component * CORNERS + a) + ((a & 1) ? 0 : 1);
    return r;
}
SEI_PF_INLINE double gather(const around *r, int64_t i) {
    return ((r->c[0][i] + r->c[1][i]) + (r->c[2][i] + r->c[3][i])) + ((r->c[4][i] + r->c[5][i]) + (r->c[6][i] + r->c[7][i]));
}

static void node_row(const sei_mech_work *w, int thread, int64_t j, int64_t k, double damping, double *sums) {
    const int64_t at = (k * w->ny + j) * (w->nx + 1), n = mech_padded(w);
    double *work = term_of(w, thread, T_WORK), *inertia = term_of(w, thread, T_INERTIA), *force2 = term_of(w, thread, T_FORCE);
    memset(work, 0, (size_t)(3 * n) * sizeof *work);
    const double *mass = w->mass + at;
    const double keep = (2 - damping) / (2 + damping), push = 2 / (2 + damping);
    const mech_span span = mech_span_around(w, k);
    for (int d = 0; d < 3; ++d) {
        const around cells = cells_around(w, thread, j, k, d);
        const double *x = w->position[d] + at;
        double *next = w->next[d] + at, *v = w->velocity[d] + at, *f = w->force[d] + at;
        _Pragma(MECH_VECTOR) for (int64_t i = span.begin; i <= span.end; ++i) {
            const double m = mass[i], open = m > 0 ? 1 : 0, inverse = open / (m > 0 ? m : 1), p = open * gather(&cells, i);
            work[i] += v[i] * (f[i] - p);
            inertia[i] += m * (v[i] * v[i]);
            force2[i] += p * p;
            f[i] = p;
            const double u = pf_clamp(keep * v[i] + push * p * inverse, -SEI_MECH_REACH, SEI_MECH_REACH);
            v[i] = u;
            next[i] = x[i] + u;
        }
    }
    sums[SEI_MECH_WORK] = mech_lanes_sum(work, n);
    sums[SEI_MECH_INERTIA] = mech_lanes_sum(inertia, n);
    sums[SEI_MECH_FORCE2] = mech_lanes_sum(force2, n);
}

static void iterate(const sei_mech_work *w, int thread, int64_t z0, int64_t z1, double damping, double *sums) {
    const int64_t n = mech_padded(w);
    for (int64_t k = z0 - 1; k < z1; ++k) {
        for (int64_t j = 0; j < w->ny; ++j) {
            cell_row(w, thread, j, k);
            if (k < z0) continue;
            double *row = sums + (k * w->ny + j) * SEI_MECH_SUMS;
            row[SEI_MECH_INTERNAL2] = mech_lanes_sum(term_of(w, thread, T_INTERNAL), n);
            row[SEI_MECH_AXIAL] = mech_lanes_sum(term_of(w, thread, T_AXIAL), n);
        }
        for (int64_t j = 0; j < w->ny && k >= z0; ++j) node_row(w, thread, j, k, damping, sums + (k * w->ny + j) * SEI_MECH_SUMS);
    }
}

static void mass_row(const sei_mech_work *w, int thread, int64_t j, int64_t k) {
    double *out = row_of(w, thread, j, k, 0);
    memset(out, 0, (size_t)mech_padded(w) * sizeof *out);
    if (k < 0 || k >= w->nz) return;
    const int64_t at = (k * w->ny + j) * w->nx;
    const corner_rows x = corners_of(w, 0, j, k), z = corners_of(w, 1, j, k), y = corners_of(w, 2, j, k);
    const double *bulk = w->cell[SEI_MECH_BULK] + at, *shear = w->cell[SEI_MECH_SHEAR] + at;
    const double *soft = w->cell[SEI_MECH_SOFT] + at, *hourglass = w->cell[SEI_MECH_HOURGLASS] + at;
    for (int64_t i = w->span[2 * k]; i < w->span[2 * k + 1]; ++i) {
        const mech_full f = gradient_of(modes_at(&x, i), modes_at(&z, i), modes_at(&y, i), w->stretch);
        double det;
        const mech_full g = mech_cofactor(&f, &det);
        const double squared = ((g.xx * g.xx + g.xz * g.xz + g.xy * g.xy) + (g.zx * g.zx + g.zz * g.zz + g.zy * g.zy)) +
                               (g.yx * g.yx + g.yz * g.yz + g.yy * g.yy);
        const double det2 = det * det > 1e-12 ? det * det : 1e-12;
        out[i + 1] = mech_cell_mass(bulk[i] + (2.0 / 3) * shear[i], squared / det2, soft[i], hourglass[i]);
    }
}

static void mass(const sei_mech_work *w, int thread, int64_t z0, int64_t z1) {
    for (int64_t k = z0 - 1; k < z1; ++k) {
        for (int64_t j = 0; j < w->ny; ++j) mass_row(w, thread, j, k);
        for (int64_t j = 0; j < w->ny && k >= z0; ++j) {
            const int64_t behind = j > 0 ? j - 1 : w->ny - 1;
            const double *a = row_of(w, thread, j, k - 1, 0), *b = row_of(w, thread, j, k, 0);
            const double *c = row_of(w, thread, behind, k - 1, 0), *d = row_of(w, thread, behind, k, 0);
            double *out = w->mass + (k * w->ny + j) * (w->nx + 1);
            for (int64_t i = 0; i <= w->nx; ++i)
                out[i] =
                    SEI_MECH_SHARE_SPACE * (((a[i] + a[i + 1]) + (b[i] + b[i + 1])) + ((c[i] + c[i + 1]) + (d[i] + d[i + 1])));
        }
    }
}

const sei_mech_operators MECH_JOIN(sei_mech_cpu_space, SEI_ISA) = {.name = "cpu", .iterate = iterate, .mass = mass, .team = true};

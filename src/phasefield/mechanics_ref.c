/*
 * The relaxation as it is written down, in two and three dimensions: the specification that the kernels are compared with.
 * Eigenvalues by Jacobi's rotations, the library's logarithm and exponential, forces scattered from cells to nodes.
 */
#include <math.h>
#include <string.h>

#include "phasefield/mechanics.h"
#include "phasefield/mechanics_cell.h"

/* The corners of a cell: signs along x, z, y. In a plane the last does not count. */
static void corner(const sei_mech_work *w, int64_t i, int64_t j, int64_t k, int a, double sign[3], int64_t *node) {
    const int64_t dx = a & 1, dz = a >> 1 & 1, dy = a >> 2 & 1, y = w->ny > 1 ? (j + dy) % w->ny : 0;
    sign[0] = dx ? 1 : -1;
    sign[1] = dz ? 1 : -1;
    sign[2] = dy ? 1 : -1;
    *node = ((k + dz) * w->ny + y) * (w->nx + 1) + i + dx;
}

/* Hourglass modes at a corner: one in the plane, four in space. */
static int modes(const sei_mech_work *w, const double sign[3], double mode[4]) {
    mode[0] = sign[0] * sign[1];
    if (w->dims == 2) return 1;
    mode[1] = sign[0] * sign[2];
    mode[2] = sign[1] * sign[2];
    mode[3] = sign[0] * sign[1] * sign[2];
    return 4;
}

void sei_mech_cell_gradient(const sei_mech_work *w, int64_t i, int64_t j, int64_t k, double f[3][3]) {
    const int dims = w->dims == 3 ? 3 : 2, corners = dims == 3 ? 8 : 4;
    memset(f, 0, 9 * sizeof(double));
    f[2][2] = w->stretch;
    for (int a = 0; a < corners; ++a) {
        double sign[3];
        int64_t node;
        corner(w, i, j, k, a, sign, &node);
        for (int d = 0; d < dims; ++d)
            for (int e = 0; e < dims; ++e) f[d][e] += sign[e] * 2 / corners * w->position[d][node];
    }
}

static double determinant(double f[3][3]) {
    return f[0][0] * (f[1][1] * f[2][2] - f[1][2] * f[2][1]) - f[0][1] * (f[1][0] * f[2][2] - f[1][2] * f[2][0]) +
           f[0][2] * (f[1][0] * f[2][1] - f[1][1] * f[2][0]);
}

/* The inverse times the determinant. */
static void adjugate(double f[3][3], double out[3][3]) {
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
            const int p = (b + 1) % 3, q = (b + 2) % 3, r = (a + 1) % 3, s = (a + 2) % 3;
            out[a][b] = f[p][r] * f[q][s] - f[p][s] * f[q][r];
        }
}

static void multiply(double a[3][3], double b[3][3], bool transpose, double out[3][3]) {
    for (int r = 0; r < 3; ++r)
        for (int c = 0; c < 3; ++c) {
            double sum = 0;
            for (int n = 0; n < 3; ++n) sum += a[r][n] * (transpose ? b[c][n] : b[n][c]);
            out[r][c] = sum;
        }
}

/* One of Jacobi's rotations of the symmetric a, gathered in v. */
static void rotate(double a[3][3], double v[3][3], int p, int q) {
    if (a[p][q] == 0) return;
    const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int n = 0; n < 3; ++n) {
        const double x = a[n][p], y = a[n][q];
        a[n][p] = c * x - s * y;
        a[n][q] = s * x + c * y;
    }
    for (int n = 0; n < 3; ++n) {
        const double x = a[p][n], y = a[q][n];
        a[p][n] = c * x - s * y;
        a[q][n] = s * x + c * y;
    }
    for (int n = 0; n < 3; ++n) {
        const double x = v[n][p], y = v[n][q];
        v[n][p] = c * x - s * y;
        v[n][q] = s * x + c * y;
    }
}

static void eigen(double a[3][3], double v[3][3]) {
    memset(v, 0, 9 * sizeof(double));
    v[0][0] = v[1][1] = v[2][2] = 1;
    for (int sweep = 0; sweep < 8; ++sweep) {
        const double off = fabs(a[0][1]) + fabs(a[0][2]) + fabs(a[1][2]);
        if (off <= 1e-300) return;
        rotate(a, v, 0, 1);
        rotate(a, v, 0, 2);
        rotate(a, v, 1, 2);
    }
}

static void from_eigen(double v[3][3], const double value[3], double out[3][3]) {
    for (int r = 0; r < 3; ++r)
        for (int c = 0; c < 3; ++c)
            out[r][c] = value[0] * v[r][0] * v[c][0] + value[1] * v[r][1] * v[c][1] + value[2] * v[r][2] * v[c][2];
}

void sei_mech_cell_evaluate(const sei_mech_work *w, int64_t i, int64_t j, int64_t k, sei_mech_cell *out) {
    const int64_t n = (k * w->ny + j) * w->nx + i;
    const bool plane = w->dims == 2;
    const double sxz = w->cell[SEI_MECH_SXZ][n], sxy = plane ? 0 : w->cell[SEI_MECH_SXY][n];
    const double szy = plane ? 0 : w->cell[SEI_MECH_SZY][n];
    double s[3][3] = {
        {w->cell[SEI_MECH_SXX][n], sxz, sxy}, {sxz, w->cell[SEI_MECH_SZZ][n], szy}, {sxy, szy, w->cell[SEI_MECH_SYY][n]}};
    double b[3][3], v[3][3], product[3][3], inverse[3][3];
    sei_mech_cell_gradient(w, i, j, k, out->f);
    multiply(out->f, s, false, product);
    multiply(product, out->f, true, b);
    eigen(b, v);
    double strain[3], tau[3], stretch2[3], trace = 0, deviator2 = 0;
    for (int d = 0; d < 3; ++d) {
        strain[d] = 0.5 * log(fmax(b[d][d], 1e-24));
        trace += strain[d];
    }
    for (int d = 0; d < 3; ++d) deviator2 += (strain[d] - trace / 3) * (strain[d] - trace / 3);
    const double equivalent = sqrt(1.5 * deviator2), yield = w->cell[SEI_MECH_YIELD][n];
    const double part = equivalent > yield ? yield / equivalent : 1;
    for (int d = 0; d < 3; ++d) {
        const double left = part * (strain[d] - trace / 3);
        tau[d] = w->cell[SEI_MECH_BULK][n] * trace + w->cell[SEI_MECH_SHEAR][n] * left;
        stretch2[d] = exp(2 * (trace / 3 + left));
    }
    from_eigen(v, tau, out->tau);
    out->yields = part < 1;
    memcpy(out->plastic, s, sizeof s);
    if (!out->yields) return;
    const double det = determinant(out->f);
    adjugate(out->f, inverse);
    for (int r = 0; r < 3; ++r)
        for (int c = 0; c < 3; ++c) inverse[r][c] /= det;
    from_eigen(v, stretch2, b);
    multiply(inverse, b, false, product);
    multiply(product, inverse, true, out->plastic);
}

/* P of a cell, soft stress included, as nodes feel it. */
static void nominal_stress(const sei_mech_work *w, int64_t cell, sei_mech_cell *at, double p[3][3]) {
    const double det = determinant(at->f), soft = w->cell[SEI_MECH_SOFT][cell];
    double inverse[3][3];
    adjugate(at->f, inverse); /* F^{-1} det: P = tau (F^{-1})^T */
    for (int r = 0; r < 3; ++r)
        for (int c = 0; c < 3; ++c) inverse[r][c] /= fabs(det) > 1e-6 ? det : (det < 0 ? -1e-6 : 1e-6);
    multiply(at->tau, inverse, true, p);
    for (int r = 0; r < 3; ++r)
        for (int c = 0; c < 3; ++c) p[r][c] += soft * (at->f[r][c] - (r == c ? 1 : 0));
}

/* Adds a cell's forces to its nodes, and what it exerts to its row's sums. */
static void pull(const sei_mech_work *w, int64_t i, int64_t j, int64_t k, double *row) {
    const int corners = w->dims == 3 ? 8 : 4;
    const int64_t cell = (k * w->ny + j) * w->nx + i;
    sei_mech_cell at;
    double p[3][3], q[4][3] = {{0}}, sign[3], mode[4];
    int64_t node;
    int n_modes = 1;
    sei_mech_cell_evaluate(w, i, j, k, &at);
    nominal_stress(w, cell, &at, p);
    for (int a = 0; a < corners; ++a) {
        corner(w, i, j, k, a, sign, &node);
        n_modes = modes(w, sign, mode);
        for (int m = 0; m < n_modes; ++m)
            for (int d = 0; d < w->dims; ++d) q[m][d] += mode[m] * w->position[d][node];
    }
    for (int a = 0; a < corners; ++a) {
        corner(w, i, j, k, a, sign, &node);
        modes(w, sign, mode);
        for (int d = 0; d < w->dims; ++d) {
            double force = 0;
            for (int e = 0; e < w->dims; ++e) force -= p[d][e] * sign[e] * 2 / corners;
            for (int m = 0; m < n_modes; ++m) force -= w->cell[SEI_MECH_HOURGLASS][cell] * mode[m] * q[m][d];
            w->next[d][node] += force;
            row[SEI_MECH_INTERNAL2] += force * force;
        }
    }
    row[SEI_MECH_AXIAL] += p[2][2];
}

static bool in_wire(const sei_mech_work *w, int64_t i, int64_t j, int64_t k) {
    const int64_t cell = (k * w->ny + j) * w->nx + i;
    return w->cell[SEI_MECH_BULK][cell] > 0 || w->cell[SEI_MECH_SOFT][cell] > 0;
}

static void iterate(const sei_mech_work *w, int thread, int64_t z0, int64_t z1, double damping, double *sums) {
    (void)thread;
    memset(sums, 0, (size_t)((z1 - z0) * w->ny * SEI_MECH_SUMS) * sizeof *sums);
    for (int d = 0; d < w->dims; ++d) memset(w->next[d], 0, (size_t)w->nodes * sizeof(double));
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i)
                if (in_wire(w, i, j, k)) pull(w, i, j, k, sums + (k * w->ny + j) * SEI_MECH_SUMS);
    for (int64_t n = 0; n < w->nodes; ++n) {
        double *row = sums + n / (w->nx + 1) * SEI_MECH_SUMS;
        for (int d = 0; d < w->dims; ++d) {
            const double force = w->mass[n] > 0 ? w->next[d][n] : 0, v = w->velocity[d][n];
            row[SEI_MECH_WORK] += v * (w->force[d][n] - force);
            row[SEI_MECH_INERTIA] += w->mass[n] * v * v;
            row[SEI_MECH_FORCE2] += force * force;
            w->force[d][n] = force;
            const double push = w->mass[n] > 0 ? 2 * force / w->mass[n] : 0;
            w->velocity[d][n] = fmin(fmax(((2 - damping) * v + push) / (2 + damping), -SEI_MECH_REACH), SEI_MECH_REACH);
            w->next[d][n] = w->position[d][n] + w->velocity[d][n];
        }
    }
}

static void mass(const sei_mech_work *w, int thread, int64_t z0, int64_t z1) {
    (void)thread;
    (void)z0;
    (void)z1;
    memset(w->mass, 0, (size_t)w->nodes * sizeof(double));
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                if (!in_wire(w, i, j, k)) continue;
                const int64_t cell = (k * w->ny + j) * w->nx + i;
                double f[3][3], inverse[3][3], inverse2 = 0, sign[3];
                sei_mech_cell_gradient(w, i, j, k, f);
                const double axial = f[2][2], det = w->dims == 2 ? determinant(f) / axial : determinant(f);
                if (w->dims == 2) f[2][2] = 1;
                adjugate(f, inverse);
                for (int r = 0; r < w->dims; ++r)
                    for (int c = 0; c < w->dims; ++c) inverse2 += inverse[r][c] * inverse[r][c] / fmax(det * det, 1e-12);
                const double modulus = w->cell[SEI_MECH_BULK][cell] + 2.0 / 3 * w->cell[SEI_MECH_SHEAR][cell];
                const double part =
                    mech_cell_mass(modulus, inverse2, w->cell[SEI_MECH_SOFT][cell], w->cell[SEI_MECH_HOURGLASS][cell]);
                for (int a = 0; a < (w->dims == 3 ? 8 : 4); ++a) {
                    int64_t node;
                    corner(w, i, j, k, a, sign, &node);
                    w->mass[node] += (w->dims == 3 ? SEI_MECH_SHARE_SPACE : SEI_MECH_SHARE_PLANE) * part;
                }
            }
}

const sei_mech_operators sei_mech_ref = {.name = "ref", .iterate = iterate, .mass = mass, .team = false};

/*
 * The linear misfit problem by Fourier transforms. G projects a symmetric tensor field on the strains of periodic
 * displacements (in Fourier space, with the gradient of a four-node cell at its centre, which is the rotated scheme's);
 * the strain solves G C (e - misfit) = 0 by conjugate gradients, which stay among such strains.
 */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "phasefield/mechanics_lines.h"
#include "seitomo/mechanics.h"

enum { XX, ZZ, XZ, COMPONENTS, MOST_ITERATIONS = 10000 };

typedef struct problem {
    int64_t nx, nz, cells;
    double poisson;
    const double *youngs, *misfit;
    sei_mech_lines *rows, *columns;
    sei_mech_complex *spectrum[COMPONENTS];
} problem;

static void problem_free(problem *p) {
    sei_mech_lines_free(p->rows);
    sei_mech_lines_free(p->columns);
    for (int c = 0; c < COMPONENTS; ++c) sei_free(p->spectrum[c]);
}

static void transform(problem *p, bool inverse, sei_mech_complex *field) {
    for (int64_t k = 0; k < p->nz; ++k) sei_mech_lines_transform(p->rows, inverse, 1, field + k * p->nx);
    for (int64_t i = 0; i < p->nx; ++i) sei_mech_lines_transform(p->columns, inverse, p->nx, field + i);
}

static sei_mech_complex times(sei_mech_complex a, sei_mech_complex b) {
    return (sei_mech_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static sei_mech_complex plus(sei_mech_complex a, sei_mech_complex b) {
    return (sei_mech_complex){a.re + b.re, a.im + b.im};
}
static sei_mech_complex scaled(double s, sei_mech_complex a) {
    return (sei_mech_complex){s * a.re, s * a.im};
}
static sei_mech_complex conjugate(sei_mech_complex a) {
    return (sei_mech_complex){a.re, -a.im};
}

/*
 * The strain (D u + u D)/2 nearest to t at one wave vector; E conjugate to D, s = E t E/|D|^2, u = (2 t E - D s)/|D|^2. The mean
 * keeps its value: no mean stress is left.
 */
static void project_wave(sei_mech_complex dx, sei_mech_complex dz, sei_mech_complex t[COMPONENTS]) {
    const double d2 = dx.re * dx.re + dx.im * dx.im + dz.re * dz.re + dz.im * dz.im;
    if (d2 < 1e-20) {
        for (int c = 0; c < COMPONENTS; ++c) t[c] = (sei_mech_complex){0, 0};
        return;
    }
    const sei_mech_complex cx = conjugate(dx), cz = conjugate(dz);
    const sei_mech_complex px = plus(times(t[XX], cx), times(t[XZ], cz)), pz = plus(times(t[XZ], cx), times(t[ZZ], cz));
    const sei_mech_complex s = scaled(1 / d2, plus(times(cx, px), times(cz, pz)));
    const sei_mech_complex ux = scaled(1 / d2, plus(scaled(2, px), scaled(-1, times(dx, s))));
    const sei_mech_complex uz = scaled(1 / d2, plus(scaled(2, pz), scaled(-1, times(dz, s))));
    t[XX] = times(dx, ux);
    t[ZZ] = times(dz, uz);
    t[XZ] = scaled(0.5, plus(times(dx, uz), times(dz, ux)));
}

static void project(problem *p, double *field) {
    const double turn = 2 * acos(-1), share = 1 / (double)p->cells;
    double largest = 0; /* single precision transforms: fields near one */
    for (int64_t n = 0; n < COMPONENTS * p->cells; ++n) largest = fmax(largest, fabs(field[n]));
    if (largest == 0) return;
    for (int c = 0; c < COMPONENTS; ++c) {
        for (int64_t n = 0; n < p->cells; ++n) p->spectrum[c][n] = (sei_mech_complex){field[c * p->cells + n] / largest, 0};
        transform(p, false, p->spectrum[c]);
    }
    for (int64_t k = 0; k < p->nz; ++k)
        for (int64_t i = 0; i < p->nx; ++i) {
            const int64_t n = k * p->nx + i;
            if (n == 0) continue;
            const double qx = turn * (double)i / (double)p->nx, qz = turn * (double)k / (double)p->nz;
            const sei_mech_complex ex = {cos(qx), sin(qx)}, ez = {cos(qz), sin(qz)};
            const sei_mech_complex less_x = {ex.re - 1, ex.im}, less_z = {ez.re - 1, ez.im};
            const sei_mech_complex more_x = {ex.re + 1, ex.im}, more_z = {ez.re + 1, ez.im};
            sei_mech_complex t[COMPONENTS] = {p->spectrum[XX][n], p->spectrum[ZZ][n], p->spectrum[XZ][n]};
            project_wave(times(less_x, more_z), times(more_x, less_z), t);
            for (int c = 0; c < COMPONENTS; ++c) p->spectrum[c][n] = t[c];
        }
    for (int c = 0; c < COMPONENTS; ++c) {
        transform(p, true, p->spectrum[c]);
        for (int64_t n = 0; n < p->cells; ++n) field[c * p->cells + n] = largest * share * p->spectrum[c][n].re;
    }
}

/* C (e - misfit), in the plane; with `axial` the stress along the axis too. */
static void stress_of(const problem *p, const double *strain, bool misfit, double *stress, bool axial) {
    for (int64_t n = 0; n < p->cells; ++n) {
        const double free_strain = misfit ? p->misfit[n] : 0;
        const double shear = p->youngs[n] / (2 * (1 + p->poisson)), lame = 2 * shear * p->poisson / (1 - 2 * p->poisson);
        const double xx = strain[n], zz = strain[p->cells + n], trace = xx + zz - 3 * free_strain;
        stress[n] = lame * trace + 2 * shear * (xx - free_strain);
        stress[p->cells + n] = lame * trace + 2 * shear * (zz - free_strain);
        stress[2 * p->cells + n] = 2 * shear * strain[2 * p->cells + n];
        if (axial) stress[3 * p->cells + n] = lame * trace - 2 * shear * free_strain;
    }
}

static double inner(const problem *p, const double *a, const double *b) {
    double sum = 0;
    for (int c = 0; c < COMPONENTS; ++c)
        for (int64_t n = c * p->cells; n < (c + 1) * p->cells; ++n) sum += (c == XZ ? 2 : 1) * a[n] * b[n];
    return sum;
}

static sei_status check(int64_t nx, int64_t nz, const double *youngs, const double *misfit, double poisson, double tolerance) {
    if (nx < 4 || nz < 4 || nx > 1 << 15 || nz > 1 << 15)
        return sei_fail(SEI_ERR_USAGE, "misfit: a section of %lld x %lld cells, expected 4 to 32768", (long long)nx,
                        (long long)nz);
    if (!(poisson >= 0 && poisson <= 0.45)) return sei_fail(SEI_ERR_USAGE, "misfit: poisson is %g, expected 0 to 0.45", poisson);
    if (!(tolerance >= 1e-6 && tolerance < 1))
        return sei_fail(SEI_ERR_USAGE, "misfit: tolerance is %g, expected 1e-6 to 1", tolerance);
    double least = INFINITY, most = 0;
    for (int64_t n = 0; n < nx * nz; ++n) {
        if (!(youngs[n] > 0) || !isfinite(youngs[n]) || !isfinite(misfit[n]))
            return sei_fail(SEI_ERR_USAGE, "misfit: cell (%lld, %lld) has a modulus of %g and a misfit of %g",
                            (long long)(n % nx), (long long)(n / nx), youngs[n], misfit[n]);
        least = fmin(least, youngs[n]);
        most = fmax(most, youngs[n]);
    }
    if (most > 1e6 * least)
        return sei_fail(SEI_ERR_USAGE, "misfit: moduli from %g to %g, expected a ratio of at most 1e6", least, most);
    return SEI_OK;
}

static sei_status solve(problem *p, double tolerance, double *strain, int64_t *iterations) {
    double *residual = NULL, *direction = NULL, *image = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(residual, p->cells, COMPONENTS, 1));
    SEI_TRY(SEI_NEW(direction, p->cells, COMPONENTS, 1));
    SEI_TRY(SEI_NEW(image, p->cells, COMPONENTS, 1));
    const int64_t count = COMPONENTS * p->cells;
    stress_of(p, strain, true, residual, false);
    for (int64_t n = 0; n < count; ++n) residual[n] = -residual[n];
    project(p, residual);
    memcpy(direction, residual, (size_t)count * sizeof *direction);
    double now = inner(p, residual, residual);
    const double aim = tolerance * tolerance * now;
    int64_t n_iterations = 0;
    for (; now > aim && n_iterations < MOST_ITERATIONS; ++n_iterations) {
        SEI_TRY(sei_interrupt_check());
        stress_of(p, direction, false, image, false);
        project(p, image);
        const double step = now / inner(p, direction, image);
        for (int64_t n = 0; n < count; ++n) {
            strain[n] += step * direction[n];
            residual[n] -= step * image[n];
        }
        const double next = inner(p, residual, residual);
        for (int64_t n = 0; n < count; ++n) direction[n] = residual[n] + next / now * direction[n];
        now = next;
    }
    if (!(now <= aim))
        SEI_TRY(sei_fail(SEI_ERR_INPUT,
                         "misfit: no balance after %d iterations; take a larger tolerance or a smaller ratio of moduli",
                         MOST_ITERATIONS));
    if (iterations != NULL) *iterations = n_iterations;
done:
    sei_free(residual);
    sei_free(direction);
    sei_free(image);
    return status;
}

sei_status sei_mechanics_misfit_fourier(int64_t nx, int64_t nz, const double *youngs, const double *misfit, double poisson,
                                        double tolerance, double *stress, int64_t *iterations) {
    problem p = {.nx = nx, .nz = nz, .cells = nx * nz, .poisson = poisson, .youngs = youngs, .misfit = misfit};
    double *strain = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(check(nx, nz, youngs, misfit, poisson, tolerance));
    SEI_TRY(sei_mech_lines_make(nx, &p.rows));
    SEI_TRY(sei_mech_lines_make(nz, &p.columns));
    for (int c = 0; c < COMPONENTS; ++c) SEI_TRY(SEI_NEW(p.spectrum[c], nx, nz, 1));
    SEI_TRY(SEI_NEW(strain, p.cells, COMPONENTS, 1));
    SEI_TRY(solve(&p, tolerance, strain, iterations));
    stress_of(&p, strain, true, stress, true);
done:
    problem_free(&p);
    sei_free(strain);
    return status;
}

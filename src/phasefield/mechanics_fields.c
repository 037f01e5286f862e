/* What a deformed wire looks like: positions, stresses, numbers. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "phasefield/mechanics.h"

static double determinant(double f[3][3]) {
    return f[0][0] * (f[1][1] * f[2][2] - f[1][2] * f[2][1]) - f[0][1] * (f[1][0] * f[2][2] - f[1][2] * f[2][0]) +
           f[0][2] * (f[1][0] * f[2][1] - f[1][1] * f[2][0]);
}

/* Cauchy stress of a cell, xx, zz, xz, yy, xy, zy, with the soft stress; det F. */
static double cauchy(const sei_mech_work *w, const sei_mechanics_state *s, int64_t n, double sigma[6]) {
    sei_mech_cell at;
    sei_mech_cell_evaluate(w, n % s->nx, n / s->nx % s->ny, n / s->nx / s->ny, &at);
    const double det = determinant(at.f), soft = w->cell[SEI_MECH_SOFT][n];
    /* crushed voids: their soft stress has no meaning per deformed area */
    const double per_volume = 1 / (fabs(det) > 1e-3 ? fabs(det) : 1e-3);
    const int place[6][2] = {{0, 0}, {1, 1}, {0, 1}, {2, 2}, {0, 2}, {1, 2}};
    for (int m = 0; m < 6; ++m) {
        const int r = place[m][0], c = place[m][1];
        double extra = 0;
        for (int e = 0; e < 3; ++e) {
            extra += 0.5 * soft * (at.f[r][e] - (r == e ? 1 : 0)) * at.f[c][e];
            extra += 0.5 * soft * (at.f[c][e] - (c == e ? 1 : 0)) * at.f[r][e];
        }
        sigma[m] = (at.tau[r][c] + extra) * per_volume;
    }
    return det;
}

static double mean_of(const double *sigma) {
    return (sigma[0] + sigma[1] + sigma[3]) / 3;
}

static double mises_of(const double *sigma) {
    const double mean = mean_of(sigma), a = sigma[0] - mean, b = sigma[1] - mean, c = sigma[3] - mean;
    return sqrt(1.5 * (a * a + b * b + c * c + 2 * (sigma[2] * sigma[2] + sigma[4] * sigma[4] + sigma[5] * sigma[5])));
}

static void set(double *field, int64_t n, double value) {
    if (field != NULL) field[n] = value;
}

/* The centre of a cell: the mean of its corners. */
static double centre(const sei_mechanics_state *s, const double *field, int64_t n, double period) {
    const int64_t i = n % s->nx, j = n / s->nx % s->ny, k = n / s->nx / s->ny, nx = s->nx + 1;
    const int64_t front = s->ny > 1 ? (j + 1) % s->ny : 0;
    double sum = s->ny > 1 && j + 1 == s->ny ? 4 * period : 0;
    for (int64_t z = k; z <= k + 1; ++z)
        for (int64_t x = i; x <= i + 1; ++x) sum += field[(z * s->ny + j) * nx + x] + field[(z * s->ny + front) * nx + x];
    return sum / 8;
}

static sei_status open_state(const sei_mechanics_options *o, const sei_mechanics_state *s, sei_mech_work *w) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_mechanics_check(o));
    SEI_TRY(sei_mech_state_check(o, s));
    SEI_TRY(sei_mech_work_make(s, 1, w));
    sei_mech_take_state(o, s, w);
    sei_mech_fill(o, s, w);
done:
    return status;
}

sei_status sei_mechanics_evaluate(const sei_mechanics_options *o, const sei_mechanics_state *s, const sei_mechanics_fields *out) {
    sei_mech_work w = {0};
    sei_status status = SEI_OK;
    SEI_TRY(open_state(o, s, &w));
    const double dx = 2 * o->half_width / (double)o->nx, length = (double)s->ny * dx * s->stretch;
#pragma omp parallel for schedule(static) num_threads(sei_threads())
    for (int64_t n = 0; n < w.cells; ++n) {
        double sigma[6] = {0}, det = 0;
        const bool in = s->wire[n] != 0;
        if (in) det = cauchy(&w, s, n, sigma);
        set(out->x, n, in ? centre(s, s->x, n, 0) : 0);
        set(out->z, n, in ? centre(s, s->z, n, 0) : 0);
        set(out->y, n, in ? (s->y == NULL ? 0.5 * length : centre(s, s->y, n, length)) : 0);
        for (int m = 0; m < 6; ++m) set(out->sigma[m], n, sigma[m]);
        set(out->mean_stress, n, mean_of(sigma));
        set(out->mises, n, mises_of(sigma));
        set(out->jacobian, n, det);
    }
done:
    sei_mech_work_free(&w);
    return status;
}

/* Area of a cell's deformed section, in cell edges squared: half the cross product of its diagonals, mean over its ends. */
static double section(const sei_mech_work *w, int64_t n) {
    const int64_t i = n % w->nx, j = n / w->nx % w->ny, k = n / w->nx / w->ny, nx = w->nx + 1;
    double sum = 0;
    for (int end = 0; end < 2; ++end) {
        const int64_t y = (j + end) % w->ny, a = (k * w->ny + y) * nx + i, b = ((k + 1) * w->ny + y) * nx + i;
        const double *x = w->position[0], *z = w->position[1];
        sum += 0.25 * ((x[b + 1] - x[a]) * (z[b] - z[a + 1]) - (x[b] - x[a + 1]) * (z[b + 1] - z[a]));
    }
    return sum;
}

sei_status sei_mechanics_metrics(const sei_mechanics_options *o, const sei_mechanics_state *s, sei_numbers *numbers) {
    sei_mech_work w = {0};
    sei_status status = SEI_OK;
    double area = 0, wire = 0, core = 0, mean = 0, radial = 0, axial = 0, least = INFINITY;
    SEI_TRY(open_state(o, s, &w));
    for (int64_t n = 0; n < w.cells; ++n) {
        if (!s->wire[n]) continue;
        const double x = (2 * (double)(n % s->nx) + 1 - (double)s->nx) / (double)s->nx * o->half_width;
        const double z = (2 * (double)(n / s->nx / s->ny) + 1 - (double)s->nz) / (double)s->nz * o->half_width;
        double sigma[6];
        const double det = cauchy(&w, s, n, sigma);
        wire += 1;
        area += section(&w, n);
        if (!s->solid[n]) continue;
        least = fmin(least, det);
        if (x * x + z * z >= 0.25) continue;
        core += 1;
        mean += mean_of(sigma);
        radial += 0.5 * (sigma[0] + sigma[1]);
        axial += sigma[3];
    }
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"area_radius", "", sqrt(area / wire)},           {"axial_stretch", "", s->stretch},
        {"residual_mechanics", "", s->residual_worst},    {"unbalanced_mechanics", "", (double)s->unbalanced},
        {"core_mean_stress", "c_max R T", mean / core},   {"core_radial_stress", "c_max R T", radial / core},
        {"core_axial_stress", "c_max R T", axial / core}, {"jacobian_min", "", least},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; ++n)
        SEI_TRY(sei_numbers_set(numbers, rows[n].name, rows[n].value, rows[n].unit, NAN));
done:
    sei_mech_work_free(&w);
    return status;
}

/* Parameters of the model: defaults, ranges, and the steps that are stable. */
#include <math.h>

#include "core/alloc.h"
#include "phasefield/model.h"

void sei_phasefield_options_default(sei_phasefield_options *options) {
    *options = (sei_phasefield_options){.nx = 256,
                                        .ny = 1,
                                        .nz = 256,
                                        .half_width = 1.1,
                                        .omega = 2.6,
                                        .kappa_li = 1e-4,
                                        .m_li = 10,
                                        .m_v = 0.1,
                                        .c_min = 0.14,
                                        .c_max = 0.86,
                                        .e_li = 0.06,
                                        .e_v = 0.04,
                                        .k_vl = 1,
                                        .c_bc_high = 0.92,
                                        .c_bc_low = 0.08,
                                        .mu_bc_high = NAN,
                                        .mu_bc_low = NAN,
                                        .r0 = 0.25,
                                        .c_s = 0.95,
                                        .spot_density = 0.35,
                                        .spot_length = 0.06,
                                        .k_a = 8,
                                        .k_s = 100,
                                        .wetting = true,
                                        .d_gap = 0.05,
                                        .l_inv = 0.25,
                                        .void_threshold = 0.5,
                                        .release_threshold = 0.3,
                                        .rho = 5,
                                        .c_a = 0.3,
                                        .c_b = 0.7,
                                        .safety = 0.8,
                                        .check_every = 250,
                                        .stop_soc = 0.985,
                                        .t_max = 0.12,
                                        .seed = 1};
}

/*
 * Smallest cell of the wire in single precision: 256 across the default width have 0.0086. What a stage adds shrinks with
 * dx^4, a float's step does not.
 */
static const double SINGLE_DX = 0.008;

/* A number with the range it must lie in; both ends belong to it. */
typedef struct range {
    const char *name;
    double value, low, high;
} range;

static sei_status check_ranges(const sei_phasefield_options *o) {
    const double tiny = 1e-12, huge = 1e12;
    const range ranges[] = {
        {"half_width", o->half_width, 1.01, 10},
        {"omega", o->omega, 0, 100},
        {"kappa_li", o->kappa_li, tiny, huge},
        {"kappa_v", o->kappa_v, 0, huge},
        {"m_li", o->m_li, tiny, huge},
        {"m_v", o->m_v, 0, huge},
        {"c_min", o->c_min, 0.001, 0.999},
        {"c_max", o->c_max, 0.001, 0.999},
        {"e_li", o->e_li, 1e-6, 0.4},
        {"e_v", o->e_v, 1e-6, 0.4},
        {"k_vl", o->k_vl, 0, 1e3},
        {"c_bc_high", o->c_bc_high, 0.001, 0.999},
        {"c_bc_low", o->c_bc_low, 0.001, 0.999},
        {"r0", o->r0, 0, 100},
        {"c_s", o->c_s, 0.001, 1},
        {"spot_density", o->spot_density, tiny, 100},
        {"spot_length", o->spot_length, 0.01, 2},
        {"k_a", o->k_a, 0, 1e4},
        {"k_s", o->k_s, 0, 1e6},
        {"d_gap", o->d_gap, 0, 2},
        {"l_inv", o->l_inv, 0, 10},
        {"void_threshold", o->void_threshold, 0, 1},
        {"release_threshold", o->release_threshold, 0, 1},
        {"rho", o->rho, tiny, huge},
        {"c_a", o->c_a, -10, 10},
        {"c_b", o->c_b, -10, 10},
        {"safety", o->safety, 0.01, 1},
        {"tau", o->tau, 0, huge},
        {"check_every", o->check_every, 1, 1e9},
        {"stop_soc", o->stop_soc, 0.5, 0.9999},
        {"t_max", o->t_max, tiny, huge},
    };
    for (size_t n = 0; n < sizeof ranges / sizeof ranges[0]; ++n) {
        const range *r = &ranges[n];
        if (!(r->value >= r->low && r->value <= r->high))
            return sei_fail(SEI_ERR_USAGE, "phase field: %s is %g, expected %g to %g", r->name, r->value, r->low, r->high);
    }
    if (!(o->c_max > o->c_min))
        return sei_fail(SEI_ERR_USAGE, "phase field: c_max %g must lie above c_min %g", o->c_max, o->c_min);
    if (!(o->c_s > o->c_min)) return sei_fail(SEI_ERR_USAGE, "phase field: c_s %g must lie above c_min %g", o->c_s, o->c_min);
    if (!(o->c_b > o->c_a)) return sei_fail(SEI_ERR_USAGE, "phase field: c_b %g must lie above c_a %g", o->c_b, o->c_a);
    return SEI_OK;
}

static sei_status check_grid(const sei_phasefield_options *o) {
    const int64_t limit = 1 << 20;
    if (o->nx < 3 || o->nz < 3 || o->ny < 1 || o->nx > limit || o->ny > limit || o->nz > limit || o->ny == 2)
        return sei_fail(
            SEI_ERR_USAGE,
            "phase field: a grid of %lld x %lld x %lld cells; expected 3 to %lld along x and z, 1 or 3 to %lld along y",
            (long long)o->nx, (long long)o->ny, (long long)o->nz, (long long)limit, (long long)limit);
    if ((int)o->free_energy < SEI_PHASEFIELD_ADDITIVE || (int)o->free_energy > SEI_PHASEFIELD_QUARTIC)
        return sei_fail(SEI_ERR_USAGE, "phase field: unknown free energy %d", (int)o->free_energy);
    if ((int)o->integrator < SEI_PHASEFIELD_RKL1 || (int)o->integrator > SEI_PHASEFIELD_EULER)
        return sei_fail(SEI_ERR_USAGE, "phase field: unknown integrator %d", (int)o->integrator);
    if ((int)o->precision < SEI_PHASEFIELD_DOUBLE || (int)o->precision > SEI_PHASEFIELD_SINGLE)
        return sei_fail(SEI_ERR_USAGE, "phase field: unknown precision %d", (int)o->precision);
    if (o->geometry == SEI_PHASEFIELD_BOX) {
        if (!(o->dx > 0 && o->dx < 1e6))
            return sei_fail(SEI_ERR_USAGE, "phase field: dx is %g, a box needs its cell edge", o->dx);
        return SEI_OK;
    }
    if (o->geometry != SEI_PHASEFIELD_WIRE) return sei_fail(SEI_ERR_USAGE, "phase field: unknown geometry %d", (int)o->geometry);
    if (o->free_energy == SEI_PHASEFIELD_QUARTIC)
        return sei_fail(SEI_ERR_USAGE, "phase field: the quartic free energy is for boxes, not for the wire");
    if (o->nx != o->nz || o->nx < 24)
        return sei_fail(SEI_ERR_USAGE, "phase field: the wire's section has %lld x %lld cells, expected a square of at least 24",
                        (long long)o->nx, (long long)o->nz);
    if (o->dx != 0 || o->periodic_x || o->periodic_z)
        return sei_fail(SEI_ERR_USAGE,
                        "phase field: dx and periodic faces are given for boxes; the wire's follow from half_width");
    return SEI_OK;
}

/* The concentration beyond the spinodal whose chemical potential is mu, on the rich (high) or the poor side; NaN: none. */
static double concentration_of(double mu, bool high, double omega, double e) {
    const double width = 1 - 2 / omega; /* spinodals at (1 -+ sqrt(width))/2 when omega > 2 */
    const double spinodal = omega > 2 ? 0.5 * (1 + (high ? 1 : -1) * sqrt(width)) : (high ? 0.001 : 0.999);
    double low = high ? spinodal : 0.001, up = high ? 0.999 : spinodal;
    if (!(sei_pf_solution_slope(low, omega, e) <= mu && sei_pf_solution_slope(up, omega, e) >= mu)) return NAN;
    for (int n = 0; n < 100; ++n) {
        const double middle = 0.5 * (low + up);
        if (sei_pf_solution_slope(middle, omega, e) < mu)
            low = middle;
        else
            up = middle;
    }
    return 0.5 * (low + up);
}

static sei_status resolve_boundary(const sei_phasefield_options *o, sei_phasefield_limits *out) {
    const double mu[2] = {o->mu_bc_high, o->mu_bc_low}, given[2] = {o->c_bc_high, o->c_bc_low};
    double c[2];
    for (int n = 0; n < 2; ++n) {
        const char *name = n == 0 ? "mu_bc_high" : "mu_bc_low";
        c[n] = isnan(mu[n]) ? given[n] : concentration_of(mu[n], n == 0, o->omega, o->e_li);
        if (isnan(c[n])) return sei_fail(SEI_ERR_USAGE, "phase field: no stable concentration has %s %g", name, mu[n]);
    }
    if (!(c[0] > c[1])) return sei_fail(SEI_ERR_USAGE, "phase field: c_bc_high %g must lie above c_bc_low %g", c[0], c[1]);
    out->c_bc_high = c[0];
    out->c_bc_low = c[1];
    return SEI_OK;
}

/* Largest f'' of c_Li that the explicit limit counts on. */
static double curvature_li(const sei_phasefield_options *o) {
    if (o->free_energy == SEI_PHASEFIELD_QUARTIC) return 2 * o->rho * (o->c_b - o->c_a) * (o->c_b - o->c_a);
    const double swing = o->c_max - o->c_min, reach = o->c_s - o->c_min;
    /* the bracket's part is inside the safety for k_vl up to 1; what exceeds it is counted */
    const double excess =
        o->free_energy == SEI_PHASEFIELD_ADDITIVE ? fmax(o->k_vl - 1, 0) * 3 * reach * reach / (swing * swing) : 0;
    return fmax(sei_pf_solution_curvature(o->omega, o->e_li), 0.1) + excess;
}

/* Largest stable explicit step of M div grad (f' - kappa lap c), for the checkerboard mode. */
static double explicit_limit(double mobility, double kappa, double curvature, double dx, int dimension) {
    const double a = 4 * dimension, dx2 = dx * dx;
    return 2 / (mobility * (a * a * kappa / (dx2 * dx2) + a * curvature / dx2));
}

static sei_status resolve_steps(const sei_phasefield_options *o, sei_phasefield_limits *out) {
    const int dimension = o->ny > 1 ? 3 : 2;
    const bool rkl = o->integrator == SEI_PHASEFIELD_RKL1;
    const double stable_li = explicit_limit(o->m_li, o->kappa_li, curvature_li(o), out->dx, dimension);
    const double curvature_v = fmax(fmax(sei_pf_solution_curvature(o->omega, o->e_v), o->k_vl), 0.1);
    const bool moves = o->m_v > 0 && o->free_energy != SEI_PHASEFIELD_QUARTIC;
    const double stable_v = moves ? explicit_limit(o->m_v, out->kappa_v, curvature_v, out->dx, dimension) : INFINITY;
    const int most = rkl ? SEI_PF_MAX_STAGES : 1;
    const double reach = 0.5 * most * (most + 1);
    const double largest = fmin(stable_v, reach * stable_li);
    out->dt_li = o->safety * stable_li;
    out->dt_v = o->safety * stable_v;
    if (o->tau > largest)
        return sei_fail(
            SEI_ERR_USAGE,
            "phase field: a macro step of %g is unstable: at most %g (%s; c_Li %g per explicit step, at most %d stages; "
            "c_v %g); take a smaller tau, or 0 for the largest",
            o->tau, largest, rkl ? "rkl1" : "euler", stable_li, most, stable_v);
    out->tau = o->tau;
    if (out->tau <= 0) {
        out->tau = fmin(out->dt_v, reach * out->dt_li);
        if (o->geometry == SEI_PHASEFIELD_WIRE) out->tau = fmin(out->tau, 2e-5);
    }
    out->stages = 1;
    if (rkl) {
        const double wanted = ceil(0.5 * (sqrt(1 + 8 * out->tau / out->dt_li) - 1) - 1e-9);
        out->stages = wanted < 1 ? 1 : (wanted > most ? most : (int)wanted);
    }
    return SEI_OK;
}

sei_status sei_phasefield_check(const sei_phasefield_options *options, sei_phasefield_limits *out) {
    sei_phasefield_limits limits = {0};
    sei_status status = SEI_OK;
    SEI_TRY(check_grid(options));
    SEI_TRY(check_ranges(options));
    SEI_TRY(resolve_boundary(options, &limits));
    limits.dx = options->geometry == SEI_PHASEFIELD_WIRE ? 2 * options->half_width / (double)options->nx : options->dx;
    /* a 10-90 % interface is 0.0080 wide for 1e-5 and grows with the root */
    const double ratio = limits.dx / 0.0171875, enough = fmax(1e-4, 2e-4 * ratio * ratio);
    limits.kappa_v = options->kappa_v > 0 ? options->kappa_v : (limits.dx <= 0.00266 ? 1e-5 : enough);
    if (options->precision == SEI_PHASEFIELD_SINGLE && options->geometry == SEI_PHASEFIELD_WIRE && limits.dx < SINGLE_DX)
        return sei_fail(SEI_ERR_USAGE,
                        "phase field: single precision is for cells of %g and larger, these are %g: a stage's change would drown "
                        "in rounding; use double",
                        SINGLE_DX, limits.dx);
    SEI_TRY(resolve_steps(options, &limits));
    *out = limits;
done:
    return status;
}

double sei_pf_solution_curvature(double omega, double e) {
    return 1 / (e * (1 - e)) - 2 * omega;
}

double sei_pf_solution_slope(double c, double omega, double e) {
    const double inside = fmin(fmax(c, e), 1 - e);
    return log(inside / (1 - inside)) + omega * (1 - 2 * inside) + sei_pf_solution_curvature(omega, e) * (c - inside);
}

double sei_pf_solution_energy(double c, double omega, double e) {
    const double inside = fmin(fmax(c, e), 1 - e), beyond = c - inside;
    const double f = inside * log(inside) + (1 - inside) * log(1 - inside) + omega * inside * (1 - inside);
    const double slope = log(inside / (1 - inside)) + omega * (1 - 2 * inside);
    return f + beyond * (slope + 0.5 * sei_pf_solution_curvature(omega, e) * beyond);
}

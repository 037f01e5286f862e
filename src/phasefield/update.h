/*
 * The update of one cell in plain arithmetic that vectorises and that a card's compiler takes too: + - * /, selections and
 * bits, no calls, no contraction, so that every backend that includes this file computes the same bits.
 */
#ifndef SEI_PHASEFIELD_UPDATE_H
#define SEI_PHASEFIELD_UPDATE_H

#include <stdint.h>
#include <string.h>

#include "phasefield/model.h"

#ifndef SEI_PF_INLINE
#define SEI_PF_INLINE static inline __attribute__((always_inline))
#endif

SEI_PF_INLINE uint64_t pf_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

SEI_PF_INLINE double pf_double(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/*
 * log(a/b) for normal a, b > 0 with one division: a = 2^p m, b = 2^q n with m, n in [1, 2), one of them doubled when their
 * ratio leaves [1/sqrt(2), sqrt(2)]; then log(m/n) = 2 atanh(s), s = (m-n)/(m+n), |s| <= 0.1716. The first term left out
 * of the series is 2 s^19/19 < 3e-16.
 */
SEI_PF_INLINE double pf_log_ratio(double a, double b) {
    const uint64_t bits_a = pf_bits(a), bits_b = pf_bits(b);
    /* an integer below 2^52 in the mantissa of 2^52 becomes a double without a conversion */
    const uint64_t two52 = 0x4330000000000000ULL;
    double power = pf_double((bits_a >> 52) | two52) - pf_double((bits_b >> 52) | two52);
    const uint64_t mantissa = 0x000fffffffffffffULL, one = 0x3ff0000000000000ULL;
    double m = pf_double((bits_a & mantissa) | one), n = pf_double((bits_b & mantissa) | one);
    const double root = 1.4142135623730951;
    const int large = m > root * n, small = n > root * m;
    const double m2 = m + m, n2 = n + n;
    n = large ? n2 : n;
    m = small ? m2 : m;
    power = large ? power + 1 : (small ? power - 1 : power);
    const double s = (m - n) / (m + n), q = s * s;
    const double series =
        1 +
        q * (1.0 / 3 +
             q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17))))))));
    return power * 0.69314718055994530942 + 2 * s * series;
}

/* exp(x) for -700 <= x <= 0: x = k log 2 + r, the series of exp r (|r| < 0.347, first term left out 3e-18), times 2^k. */
SEI_PF_INLINE double pf_exp(double x) {
    const double shift = 6755399441055744.0; /* 1.5 2^52: adding it rounds to an integer, kept in the low bits */
    const double limited = x < -700 ? -700 : x;
    const double shifted = limited * 1.4426950408889634074 + shift;
    const double k = shifted - shift;
    const double r = (limited - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    double sum = 1 + r * (1.0 / 14);
    sum = 1 + r * (1.0 / 13) * sum;
    sum = 1 + r * (1.0 / 12) * sum;
    sum = 1 + r * (1.0 / 11) * sum;
    sum = 1 + r * (1.0 / 10) * sum;
    sum = 1 + r * (1.0 / 9) * sum;
    sum = 1 + r * (1.0 / 8) * sum;
    sum = 1 + r * (1.0 / 7) * sum;
    sum = 1 + r * (1.0 / 6) * sum;
    sum = 1 + r * (1.0 / 5) * sum;
    sum = 1 + r * (1.0 / 4) * sum;
    sum = 1 + r * (1.0 / 3) * sum;
    sum = 1 + r * (1.0 / 2) * sum;
    sum = 1 + r * sum;
    return sum * pf_double((pf_bits(shifted) + 1023) << 52);
}

SEI_PF_INLINE double pf_clamp(double x, double low, double high) {
    const double above = x < low ? low : x;
    return above > high ? high : above;
}

/* f'(c) of the regular solution. */
SEI_PF_INLINE double pf_slope(double c, double omega, double e, double curvature) {
    const double inside = pf_clamp(c, e, 1 - e);
    return pf_log_ratio(inside, 1 - inside) + omega * (1 - 2 * inside) + curvature * (c - inside);
}

/* f(c). */
SEI_PF_INLINE double pf_energy(double c, double omega, double e, double curvature) {
    const double inside = pf_clamp(c, e, 1 - e), beyond = c - inside;
    const double logit = pf_log_ratio(inside, 1 - inside);
    const double value = inside * logit + pf_log_ratio(1 - inside, 1) + omega * inside * (1 - inside);
    return value + beyond * (logit + omega * (1 - 2 * inside) + 0.5 * curvature * beyond);
}

SEI_PF_INLINE double pf_fraction(const sei_pf_constants *k, double c_li) {
    return pf_clamp((c_li - k->c_min) * k->inverse_swing, 0, 1);
}

/* What multiplies h' in mu_Li. */
SEI_PF_INLINE double pf_bracket(const sei_pf_constants *k, int form, double c_v, int64_t mask) {
    if (form != SEI_PHASEFIELD_ADDITIVE && form != SEI_PHASEFIELD_LITERAL) return 0;
    const double energy = pf_energy(c_v, k->omega, k->e_v, k->curvature_v);
    if (form == SEI_PHASEFIELD_LITERAL) return energy;
    const double away = c_v - k->c_min;
    const double value = energy - k->f_min - 0.5 * k->k_vl * away * away;
    return (mask & SEI_PF_WETTED) != 0 ? 0 : value;
}

/* mu_Li of a cell; `spread` is the sum of differences to its neighbours. */
SEI_PF_INLINE double pf_mu_li(const sei_pf_constants *k, int form, double c, double spread, double bracket, int64_t mask) {
    double mu;
    if (form == SEI_PHASEFIELD_QUARTIC) {
        mu = 2 * k->rho * (c - k->c_a) * (c - k->c_b) * (2 * c - k->c_a - k->c_b);
    } else {
        const double slope = pf_slope(c, k->omega, k->e_li, k->curvature_li);
        const double x = pf_fraction(k, c), rise = 6 * x * (1 - x) * k->inverse_swing;
        if (form == SEI_PHASEFIELD_LITERAL) {
            const double energy = pf_energy(c, k->omega, k->e_li, k->curvature_li);
            mu = x * x * (3 - 2 * x) * slope + rise * (energy - bracket);
        } else if (form == SEI_PHASEFIELD_ADDITIVE) {
            mu = slope - rise * bracket;
        } else {
            mu = slope;
        }
    }
    return (mask & SEI_PF_ACTIVE) != 0 ? mu - k->kappa_li_dx2 * spread : k->mu_exterior;
}

/* mu_v; `spread` counts open faces only. */
SEI_PF_INLINE double pf_mu_v(const sei_pf_constants *k, double c_v, double c_li, double spread, int64_t mask) {
    const double x = pf_fraction(k, c_li);
    const double smooth = x * x * (3 - 2 * x);
    const double h = (mask & SEI_PF_WETTED) != 0 ? 0 : smooth;
    return (1 - h) * pf_slope(c_v, k->omega, k->e_v, k->curvature_v) + h * k->k_vl * (c_v - k->c_min) - k->kappa_v_dx2 * spread;
}

/* R dc_Li in the half-cycle's direction, integrated exactly: c_v moves exponentially towards c_s (nucleation) or c_min. */
SEI_PF_INLINE double pf_react(const sei_pf_constants *k, int direction, double c_v, double dc_li, double noise, int64_t mask) {
    const double target = direction > 0 ? k->c_min : k->c_s;
    const double rate = direction > 0 ? k->annihilation : k->nucleation * noise;
    const double amount = direction > 0 ? dc_li : -dc_li;
    const double acts_on = amount > 0 ? amount : 0;
    const double moved = target + (c_v - target) * pf_exp(-rate * acts_on);
    const int acts = (amount > 0) & ((direction > 0) | (c_v < k->c_s)) & ((mask & SEI_PF_OPEN_LI) != 0);
    return acts ? moved : c_v;
}

/* The sum of differences to six neighbours, in this order everywhere. */
SEI_PF_INLINE double pf_sum6(double w, double e, double d, double u, double b, double f) {
    return ((w + e) + (d + u)) + (b + f);
}

#endif

/*
 * The update of one cell in plain arithmetic that vectorises and that a card's compiler takes too: + - * /, fused
 * multiply-adds where they are written, selections and bits, no calls, no contraction: every backend that includes this file
 * computes the same bits, wherever the processor has a fused multiply-add (the cpu's baseline has none and rounds twice).
 *
 * PF_SINGLE, 0 (unless said) or 1, is the precision: pf_real is double or float. Each may be included once, so that C++
 * takes both, each in a namespace of its own; a C file takes one.
 */
#ifndef PF_SINGLE
#define PF_SINGLE 0
#endif
#if (PF_SINGLE && !defined(SEI_PHASEFIELD_UPDATE_SINGLE)) || (!PF_SINGLE && !defined(SEI_PHASEFIELD_UPDATE_DOUBLE))
#if PF_SINGLE
#define SEI_PHASEFIELD_UPDATE_SINGLE
#else
#define SEI_PHASEFIELD_UPDATE_DOUBLE
#endif

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/everywhere.h"
#include "phasefield/model.h"

#undef SEI_PF_INLINE
#define SEI_PF_INLINE static SEI_EVERYWHERE __attribute__((always_inline))

#undef PF_FMA
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__cplusplus)
#define PF_FMA(a, b, c) (PF_SINGLE ? (pf_real)fmaf((float)(a), (float)(b), (float)(c)) : (pf_real)fma((a), (b), (c)))
#else
#define PF_FMA(a, b, c) ((a) * (b) + (c))
#endif
#undef PF_C
#define PF_C(number) ((pf_real)(number))

#if PF_SINGLE
typedef float pf_real;
typedef uint32_t pf_word; /* a number's bits */
typedef int32_t pf_mask;  /* as wide as a number, so that selections stay in their lanes */
#else
typedef double pf_real;
typedef uint64_t pf_word;
typedef int64_t pf_mask;
#endif

/* sei_pf_constants in the precision of the fields. */
typedef struct pf_constants {
    pf_real omega, c_min, inverse_swing, rise, k_vl; /* rise: 6/(c_max - c_min) */
    pf_real e_li, curvature_li, e_v, curvature_v, f_min;
    pf_real kappa_li_dx2, kappa_v_dx2, m_li_dx2, m_v_dx2;
    pf_real c_exterior, mu_exterior;
    pf_real c_s, nucleation, annihilation;
    pf_real rho, c_a, c_b;
} pf_constants;

SEI_PF_INLINE pf_constants pf_constants_of(const sei_pf_constants *k) {
    pf_constants c;
    c.omega = (pf_real)k->omega;
    c.c_min = (pf_real)k->c_min;
    c.inverse_swing = (pf_real)k->inverse_swing;
    c.rise = (pf_real)(6 * k->inverse_swing);
    c.k_vl = (pf_real)k->k_vl;
    c.e_li = (pf_real)k->e_li;
    c.curvature_li = (pf_real)k->curvature_li;
    c.e_v = (pf_real)k->e_v;
    c.curvature_v = (pf_real)k->curvature_v;
    c.f_min = (pf_real)k->f_min;
    c.kappa_li_dx2 = (pf_real)k->kappa_li_dx2;
    c.kappa_v_dx2 = (pf_real)k->kappa_v_dx2;
    c.m_li_dx2 = (pf_real)k->m_li_dx2;
    c.m_v_dx2 = (pf_real)k->m_v_dx2;
    c.c_exterior = (pf_real)k->c_exterior;
    c.mu_exterior = (pf_real)k->mu_exterior;
    c.c_s = (pf_real)k->c_s;
    c.nucleation = (pf_real)k->nucleation;
    c.annihilation = (pf_real)k->annihilation;
    c.rho = (pf_real)k->rho;
    c.c_a = (pf_real)k->c_a;
    c.c_b = (pf_real)k->c_b;
    return c;
}

SEI_PF_INLINE pf_word pf_bits(pf_real x) {
    pf_word bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

SEI_PF_INLINE pf_real pf_number(pf_word bits) {
    pf_real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/*
 * log(a/b) for normal a, b > 0 with one division. The difference of the bits, rounded to the exponent, is the power p with
 * n = 2^p b within a factor of 3/2 of a; then log(a/n) = 2 atanh(s), s = (a-n)/(a+n), |s| <= 0.2, by the polynomial in s^2
 * of smallest largest relative error there: 1.4e-17, single 2.4e-9.
 */
SEI_PF_INLINE pf_real pf_log_ratio(pf_real a, pf_real b) {
    const pf_word bits_a = pf_bits(a), bits_b = pf_bits(b);
#if PF_SINGLE
    const pf_word nearest = (bits_a - bits_b) + 0x00400000U, power = nearest & 0xff800000U;
    /* an integer below 2^23 in the mantissa of 2^23 becomes a float without a conversion */
    const pf_real p = pf_number(((power + 0x3f800000U) >> 23) | 0x4b000000U) - (8388608.0F + 127.0F);
#else
    const pf_word nearest = (bits_a - bits_b) + 0x0008000000000000ULL, power = nearest & 0xfff0000000000000ULL;
    /* an integer below 2^52 in the mantissa of 2^52 becomes a double without a conversion */
    const pf_real p = pf_number(((power + 0x3ff0000000000000ULL) >> 52) | 0x4330000000000000ULL) - (4503599627370496.0 + 1023.0);
#endif
    const pf_real n = pf_number(bits_b + power);
    const pf_real s = (a - n) / (a + n), q = s * s;
#if PF_SINGLE
    pf_real series = PF_FMA(q, PF_C(0.30434927181601146), PF_C(0.39952673078833106));
    series = PF_FMA(q, series, PF_C(0.6666704838195202));
    series = PF_FMA(q, series, PF_C(1.9999999952030283));
#else
    pf_real series = PF_FMA(q, 0.15388595089729662, 0.1524713017474048);
    series = PF_FMA(q, series, 0.18186539309219957);
    series = PF_FMA(q, series, 0.22222132917769882);
    series = PF_FMA(q, series, 0.28571429486193306);
    series = PF_FMA(q, series, 0.399999999954058);
    series = PF_FMA(q, series, 0.6666666666667544);
    series = PF_FMA(q, series, 2.0);
#endif
    return PF_FMA(p, PF_C(0.69314718055994530942), s * series);
}

/* exp(x) for -700 <= x <= 0 (single: -80): x = k log 2 + r, the series of exp r, |r| < 0.347, times 2^k. */
SEI_PF_INLINE pf_real pf_exp(pf_real x) {
#if PF_SINGLE
    const pf_real shift = 12582912.0F, least = -80.0F; /* 1.5 2^23: adding it rounds to an integer, kept in the low bits */
#else
    const pf_real shift = 6755399441055744.0, least = -700.0; /* 1.5 2^52 */
#endif
    const pf_real limited = x < least ? least : x;
    const pf_real shifted = PF_FMA(limited, PF_C(1.4426950408889634074), shift);
    const pf_real k = shifted - shift;
#if PF_SINGLE
    const pf_real r = PF_FMA(k, PF_C(-1.42860682030941723212e-6), PF_FMA(k, PF_C(-0.693145751953125), limited));
    pf_real sum = PF_C(1.0 / 5040);
#else
    const pf_real r = PF_FMA(k, -1.90821492927058770002e-10, PF_FMA(k, -0.693147180369123816490, limited));
    pf_real sum = 1.0 / 6227020800.0;
    sum = PF_FMA(r, sum, 1.0 / 479001600.0);
    sum = PF_FMA(r, sum, 1.0 / 39916800.0);
    sum = PF_FMA(r, sum, 1.0 / 3628800.0);
    sum = PF_FMA(r, sum, 1.0 / 362880.0);
    sum = PF_FMA(r, sum, 1.0 / 40320.0);
    sum = PF_FMA(r, sum, 1.0 / 5040.0);
#endif
    sum = PF_FMA(r, sum, PF_C(1.0 / 720));
    sum = PF_FMA(r, sum, PF_C(1.0 / 120));
    sum = PF_FMA(r, sum, PF_C(1.0 / 24));
    sum = PF_FMA(r, sum, PF_C(1.0 / 6));
    sum = PF_FMA(r, sum, PF_C(0.5));
    sum = PF_FMA(r, sum, PF_C(1));
    sum = PF_FMA(r, sum, PF_C(1));
#if PF_SINGLE
    return sum * pf_number((pf_bits(shifted) + 127) << 23);
#else
    return sum * pf_number((pf_bits(shifted) + 1023) << 52);
#endif
}

SEI_PF_INLINE pf_real pf_clamp(pf_real x, pf_real low, pf_real high) {
    const pf_real above = x < low ? low : x;
    return above > high ? high : above;
}

/* f'(c) of the regular solution. */
SEI_PF_INLINE pf_real pf_slope(pf_real c, pf_real omega, pf_real e, pf_real curvature) {
    const pf_real inside = pf_clamp(c, e, 1 - e);
    const pf_real slope = pf_log_ratio(inside, 1 - inside) + PF_FMA(-2 * omega, inside, omega);
    return PF_FMA(curvature, c - inside, slope);
}

/* f(c). */
SEI_PF_INLINE pf_real pf_energy(pf_real c, pf_real omega, pf_real e, pf_real curvature) {
    const pf_real inside = pf_clamp(c, e, 1 - e), rest = 1 - inside, beyond = c - inside;
    const pf_real logit = pf_log_ratio(inside, rest);
    const pf_real value = PF_FMA(inside, logit, PF_FMA(omega * inside, rest, pf_log_ratio(rest, 1)));
    const pf_real slope = PF_FMA(PF_C(0.5) * curvature, beyond, logit + PF_FMA(-2 * omega, inside, omega));
    return PF_FMA(beyond, slope, value);
}

SEI_PF_INLINE pf_real pf_fraction(const pf_constants *k, pf_real c_li) {
    return pf_clamp((c_li - k->c_min) * k->inverse_swing, 0, 1);
}

/* h(x) */
SEI_PF_INLINE pf_real pf_smooth(pf_real x) {
    return x * x * PF_FMA(PF_C(-2), x, PF_C(3));
}

/* What multiplies h' in mu_Li. */
SEI_PF_INLINE pf_real pf_bracket(const pf_constants *k, int form, pf_real c_v, pf_mask mask) {
    if (form != SEI_PHASEFIELD_ADDITIVE && form != SEI_PHASEFIELD_LITERAL) return 0;
    const pf_real energy = pf_energy(c_v, k->omega, k->e_v, k->curvature_v);
    if (form == SEI_PHASEFIELD_LITERAL) return energy;
    const pf_real away = c_v - k->c_min;
    const pf_real value = PF_FMA(PF_C(-0.5) * k->k_vl * away, away, energy - k->f_min);
    return (mask & SEI_PF_WETTED) != 0 ? 0 : value;
}

/* mu_Li of a cell of the wire or box; `spread` is the sum of differences to its neighbours. */
SEI_PF_INLINE pf_real pf_mu_li(const pf_constants *k, int form, pf_real c, pf_real spread, pf_real bracket) {
    pf_real mu;
    if (form == SEI_PHASEFIELD_QUARTIC) {
        mu = 2 * k->rho * (c - k->c_a) * (c - k->c_b) * (2 * c - k->c_a - k->c_b);
    } else {
        mu = pf_slope(c, k->omega, k->e_li, k->curvature_li);
        const pf_real x = pf_fraction(k, c), rise = PF_FMA(-x, x, x) * k->rise; /* h' */
        if (form == SEI_PHASEFIELD_LITERAL) {
            const pf_real energy = pf_energy(c, k->omega, k->e_li, k->curvature_li);
            mu = PF_FMA(rise, energy - bracket, pf_smooth(x) * mu);
        } else if (form == SEI_PHASEFIELD_ADDITIVE) {
            mu = PF_FMA(-rise, bracket, mu);
        }
    }
    return PF_FMA(-k->kappa_li_dx2, spread, mu);
}

/* One stage of c_Li: y1 + b (y1 - y2) + w (M/dx^2 spread + source (c_bc - y1)), `spread` of mu_Li; rate = w M/dx^2. */
SEI_PF_INLINE pf_real pf_stage(pf_real y1, pf_real y2, pf_real b, pf_real rate, pf_real spread) {
    return PF_FMA(rate, spread, PF_FMA(b, y1 - y2, y1));
}

/* What the source adds to a stage. */
SEI_PF_INLINE pf_real pf_fed(const pf_constants *k, pf_real next, pf_real y1, pf_real w, pf_real source) {
    return PF_FMA(w * source, k->c_exterior - y1, next);
}

/* mu_v; `spread` counts open faces only. */
SEI_PF_INLINE pf_real pf_mu_v(const pf_constants *k, pf_real c_v, pf_real c_li, pf_real spread, pf_mask mask) {
    const pf_real smooth = pf_smooth(pf_fraction(k, c_li));
    const pf_real h = (mask & SEI_PF_WETTED) != 0 ? 0 : smooth;
    const pf_real silicon = (1 - h) * pf_slope(c_v, k->omega, k->e_v, k->curvature_v);
    return PF_FMA(-k->kappa_v_dx2, spread, PF_FMA(h * k->k_vl, c_v - k->c_min, silicon));
}

/* R dc_Li in the half-cycle's direction, integrated exactly: c_v moves exponentially towards c_s (nucleation) or c_min. */
SEI_PF_INLINE pf_real pf_react(const pf_constants *k, int direction, pf_real c_v, pf_real dc_li, pf_real noise, pf_mask mask) {
    const pf_real target = direction > 0 ? k->c_min : k->c_s;
    const pf_real rate = direction > 0 ? k->annihilation : k->nucleation * noise;
    const pf_real amount = direction > 0 ? dc_li : -dc_li;
    const pf_real acts_on = amount > 0 ? amount : 0;
    const pf_real moved = PF_FMA(c_v - target, pf_exp(-rate * acts_on), target);
    const int acts = (amount > 0) & ((direction > 0) | (c_v < k->c_s)) & ((mask & SEI_PF_OPEN_LI) != 0);
    return acts ? moved : c_v;
}

/* The sum of differences to six neighbours, in this order everywhere. */
SEI_PF_INLINE pf_real pf_sum6(pf_real w, pf_real e, pf_real d, pf_real u, pf_real b, pf_real f) {
    return ((w + e) + (d + u)) + (b + f);
}

SEI_PF_INLINE pf_real pf_sum4(pf_real w, pf_real e, pf_real d, pf_real u) {
    return (w + e) + (d + u);
}

#endif

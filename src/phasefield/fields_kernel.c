/*
 * The model's operators for OpenMP teams, compiled once per instruction set. Chemical potential and flux go through the
 * field together: three planes of potentials roll along z, so a field is read once and written once. Rows along x
 * vectorise; each cell's arithmetic is update.h's, so neither width nor threads change a bit.
 */
#include "phasefield/update.h"

#define PF_JOIN2(name, isa) name##_##isa
#define PF_JOIN(name, isa) PF_JOIN2(name, isa)

/* Cells of a row do not depend on each other. */
#ifdef __clang__
#define PF_VECTOR "clang loop vectorize(assume_safety)"
#pragma clang diagnostic ignored "-Wpass-failed" /* where it finds no vector form, the loop stays right */
#else
#define PF_VECTOR "GCC ivdep" /* unlike "omp simd" it leaves short vectors for a row's rest */
#endif

/* One row of a field and of its neighbours along z (down, up) and y (back, front). */
typedef struct rows {
    const double *c, *d, *u, *b, *f;
} rows;

typedef struct mask_rows {
    const int64_t *c, *d, *u, *b, *f;
} mask_rows;

/* Where a row's neighbours stand; at a closed face the row itself. */
typedef struct row_places {
    int64_t down, up;    /* planes */
    int64_t back, front; /* rows of a plane */
    int64_t west, east;  /* cells beside the row's first and last */
} row_places;

SEI_PF_INLINE row_places places_of(const sei_pf_work *w, int64_t j, int64_t k) {
    row_places at;
    at.down = k > 0 ? k - 1 : (w->periodic_z ? w->nz - 1 : k);
    at.up = k < w->nz - 1 ? k + 1 : (w->periodic_z ? 0 : k);
    at.back = j > 0 ? j - 1 : w->ny - 1;
    at.front = j < w->ny - 1 ? j + 1 : 0;
    at.west = w->periodic_x ? w->nx - 1 : 0;
    at.east = w->periodic_x ? 0 : w->nx - 1;
    return at;
}

SEI_PF_INLINE rows rows_of(const sei_pf_work *w, const double *field, const row_places *at, int64_t j, int64_t k) {
    return (rows){field + (k * w->ny + j) * w->nx, field + (at->down * w->ny + j) * w->nx, field + (at->up * w->ny + j) * w->nx,
                  field + (k * w->ny + at->back) * w->nx, field + (k * w->ny + at->front) * w->nx};
}

SEI_PF_INLINE mask_rows masks_of(const sei_pf_work *w, const row_places *at, int64_t j, int64_t k) {
    const int64_t *mask = w->mask;
    return (mask_rows){mask + (k * w->ny + j) * w->nx, mask + (at->down * w->ny + j) * w->nx, mask + (at->up * w->ny + j) * w->nx,
                       mask + (k * w->ny + at->back) * w->nx, mask + (k * w->ny + at->front) * w->nx};
}

/* The difference to a neighbour, where the face is open to `what` (0: always). */
SEI_PF_INLINE double across(double here, double there, int64_t what, int64_t mask_here, int64_t mask_there) {
    const double difference = there - here;
    return what == 0 || (mask_here & mask_there & what) != 0 ? difference : 0;
}

SEI_PF_INLINE double spread(const rows *r, const mask_rows *m, int what, int three_d, int64_t i, int64_t w, int64_t e) {
    const double here = r->c[i];
    const int64_t mask = what == 0 ? 0 : m->c[i];
    const double west = across(here, r->c[w], what, mask, what == 0 ? 0 : m->c[w]);
    const double east = across(here, r->c[e], what, mask, what == 0 ? 0 : m->c[e]);
    const double down = across(here, r->d[i], what, mask, what == 0 ? 0 : m->d[i]);
    const double up = across(here, r->u[i], what, mask, what == 0 ? 0 : m->u[i]);
    if (!three_d) return (west + east) + (down + up);
    const double back = across(here, r->b[i], what, mask, what == 0 ? 0 : m->b[i]);
    const double front = across(here, r->f[i], what, mask, what == 0 ? 0 : m->f[i]);
    return pf_sum6(west, east, down, up, back, front);
}

/* CELL(i, west, east) for the cells begin <= i < end of a row of nx > 1: its ends apart, what lies between as a vector. */
#define PF_ROW(begin, end, nx, at, CELL)                                                         \
    do {                                                                                         \
        const int64_t first_ = (begin) > 0 ? (begin) : 1;                                        \
        const int64_t last_ = (end) < (nx) ? (end) : (nx)-1;                                     \
        if ((begin) == 0 && (end) > 0) CELL(0, (at).west, 1);                                    \
        _Pragma(PF_VECTOR) for (int64_t i_ = first_; i_ < last_; ++i_) CELL(i_, i_ - 1, i_ + 1); \
        if ((end) == (nx) && (begin) < (nx)) CELL((nx)-1, (nx)-2, (at).east);                    \
    } while (0)

static void bracket_band(const sei_pf_work *w, int64_t z0, int64_t z1, const double *c_v) {
    const int64_t end = z1 * w->ny * w->nx;
    const sei_pf_constants k = w->k;
    double *out = w->bracket;
    if (k.form == SEI_PHASEFIELD_ADDITIVE) {
        _Pragma(PF_VECTOR) for (int64_t n = z0 * w->ny * w->nx; n < end; ++n) out[n] =
            pf_bracket(&k, SEI_PHASEFIELD_ADDITIVE, c_v[n], w->mask[n]);
    } else if (k.form == SEI_PHASEFIELD_LITERAL) {
        _Pragma(PF_VECTOR) for (int64_t n = z0 * w->ny * w->nx; n < end; ++n) out[n] =
            pf_bracket(&k, SEI_PHASEFIELD_LITERAL, c_v[n], w->mask[n]);
    } else {
        memset(out + z0 * w->ny * w->nx, 0, (size_t)((z1 - z0) * w->ny * w->nx) * sizeof *out);
    }
}

/* Chemical potentials of lithium in plane p into mu[ny][nx]. */
SEI_PF_INLINE void mu_li_plane(const sei_pf_work *w, int form, int three_d, int64_t p, const double *c, double *mu) {
    const sei_pf_constants k = w->k;
    const int64_t nx = w->nx;
    for (int64_t j = 0; j < w->ny; ++j) {
        const int32_t *span = w->span + 4 * (p * w->ny + j);
        const row_places at = places_of(w, j, p);
        const rows r = rows_of(w, c, &at, j, p);
        const int64_t *mask = w->mask + (p * w->ny + j) * nx;
        const double *bracket = w->bracket + (p * w->ny + j) * nx;
        double *out = mu + j * nx;
        const int64_t begin = span[2], end = span[3];
#define CELL(i, west, east) \
    out[i] = pf_mu_li(&k, form, r.c[i], spread(&r, NULL, 0, three_d, (i), (west), (east)), bracket[i], mask[i])
        PF_ROW(begin, end, nx, at, CELL);
#undef CELL
    }
}

/* One row of a stage; `what` 0 where every face is open. */
SEI_PF_INLINE void lithium_row(const sei_pf_work *w, int what, int three_d, const rows *mu, int64_t j, int64_t p,
                               const sei_pf_li *s) {
    const int64_t nx = w->nx, row = (p * w->ny + j) * nx;
    const int32_t *span = w->span + 4 * (p * w->ny + j);
    const row_places at = places_of(w, j, p);
    const mask_rows m = masks_of(w, &at, j, p);
    const double *y1 = s->y1 + row, *y2 = s->y2 + row, *source = w->source == NULL ? NULL : w->source + row;
    double *y = s->y + row;
    const double mobility = w->k.m_li_dx2, exterior = w->k.c_exterior;
    const double b = s->stage.b, weight = s->stage.w;
    const int64_t begin = span[0], end = span[1];
#define CELL(i, west, east)                                                                \
    do {                                                                                   \
        const double flux = mobility * spread(mu, &m, what, three_d, (i), (west), (east)); \
        const double rate = source == NULL ? flux : flux + source[i] * (exterior - y1[i]); \
        const double next = (y1[i] + b * (y1[i] - y2[i])) + weight * rate;                 \
        y[i] = (m.c[i] & SEI_PF_ACTIVE) != 0 ? next : y1[i];                               \
    } while (0)
    if (source == NULL)
        PF_ROW(begin, end, nx, at, CELL);
    else
        PF_ROW(begin, end, nx, at, CELL);
#undef CELL
}

/* Places of the rolling planes: plane p of the band stands in third (p + 3) % 3. */
SEI_PF_INLINE double *rolling(const sei_pf_work *w, int thread, int64_t p) {
    return w->scratch + (3 * (int64_t)thread + (p + 3) % 3) * w->ny * w->nx;
}

/* The rows of mu beside row j of plane p, from the rolling planes; beyond closed faces the row itself. */
SEI_PF_INLINE rows rolling_rows(const sei_pf_work *w, int thread, int64_t j, int64_t p) {
    const row_places at = places_of(w, j, p);
    const double *here = rolling(w, thread, p);
    const double *down = at.down == p ? here : rolling(w, thread, p - 1), *up = at.up == p ? here : rolling(w, thread, p + 1);
    return (rows){here + j * w->nx, down + j * w->nx, up + j * w->nx, here + at.back * w->nx, here + at.front * w->nx};
}

/* Plane p, which may lie one beyond either end: wrapped, or -1 where a closed face needs none. */
SEI_PF_INLINE int64_t wrapped(const sei_pf_work *w, int64_t p) {
    if (p >= 0 && p < w->nz) return p;
    return w->periodic_z ? (p + w->nz) % w->nz : -1;
}

SEI_PF_INLINE void lithium_band(const sei_pf_work *w, int form, int three_d, int thread, int64_t z0, int64_t z1,
                                const sei_pf_li *s) {
    for (int64_t p = z0 - 1; p <= z1; ++p) {
        const int64_t source = wrapped(w, p);
        if (source >= 0) mu_li_plane(w, form, three_d, source, s->y1, rolling(w, thread, p));
        if (p <= z0) continue;
        for (int64_t j = 0; j < w->ny; ++j) {
            const rows mu = rolling_rows(w, thread, j, p - 1);
            if (w->row_open[(p - 1) * w->ny + j])
                lithium_row(w, 0, three_d, &mu, j, p - 1, s);
            else
                lithium_row(w, SEI_PF_OPEN_LI, three_d, &mu, j, p - 1, s);
        }
    }
}

SEI_PF_INLINE void potential_band(const sei_pf_work *w, int form, int three_d, int64_t z0, int64_t z1, const double *c_li,
                                  double *mu) {
    for (int64_t p = z0; p < z1; ++p) mu_li_plane(w, form, three_d, p, c_li, mu + p * w->ny * w->nx);
}

/* The form and the dimension are known when the rows are compiled. */
#define PF_BY_FORM(call, ...)                                                                            \
    switch (w->k.form * 2 + (w->ny > 1)) {                                                               \
        case SEI_PHASEFIELD_ADDITIVE * 2: call(w, SEI_PHASEFIELD_ADDITIVE, 0, __VA_ARGS__); break;       \
        case SEI_PHASEFIELD_ADDITIVE * 2 + 1: call(w, SEI_PHASEFIELD_ADDITIVE, 1, __VA_ARGS__); break;   \
        case SEI_PHASEFIELD_DECOUPLED * 2: call(w, SEI_PHASEFIELD_DECOUPLED, 0, __VA_ARGS__); break;     \
        case SEI_PHASEFIELD_DECOUPLED * 2 + 1: call(w, SEI_PHASEFIELD_DECOUPLED, 1, __VA_ARGS__); break; \
        case SEI_PHASEFIELD_LITERAL * 2: call(w, SEI_PHASEFIELD_LITERAL, 0, __VA_ARGS__); break;         \
        case SEI_PHASEFIELD_LITERAL * 2 + 1: call(w, SEI_PHASEFIELD_LITERAL, 1, __VA_ARGS__); break;     \
        case SEI_PHASEFIELD_QUARTIC * 2: call(w, SEI_PHASEFIELD_QUARTIC, 0, __VA_ARGS__); break;         \
        case SEI_PHASEFIELD_QUARTIC * 2 + 1: call(w, SEI_PHASEFIELD_QUARTIC, 1, __VA_ARGS__); break;     \
        default: break;                                                                                  \
    }

static void lithium(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_li *s) {
    PF_BY_FORM(lithium_band, thread, z0, z1, s)
}

static void potential(const sei_pf_work *w, int64_t z0, int64_t z1, const double *c_li, double *mu) {
    PF_BY_FORM(potential_band, z0, z1, c_li, mu)
}

static void mu_v_plane(const sei_pf_work *w, int64_t p, const sei_pf_vacancy *s, double *mu) {
    const sei_pf_constants k = w->k;
    const int64_t nx = w->nx;
    for (int64_t j = 0; j < w->ny; ++j) {
        const int32_t *span = w->span + 4 * (p * w->ny + j);
        const row_places at = places_of(w, j, p);
        const rows r = rows_of(w, s->c, &at, j, p);
        const mask_rows m = masks_of(w, &at, j, p);
        const double *li = s->li_new + (p * w->ny + j) * nx;
        double *out = mu + j * nx;
        const int64_t begin = span[2], end = span[3];
#define CELL(i, west, east) \
    out[i] = pf_mu_v(&k, r.c[i], li[i], spread(&r, &m, SEI_PF_OPEN_VACANCY, 1, (i), (west), (east)), m.c[i])
        PF_ROW(begin, end, nx, at, CELL);
#undef CELL
    }
}

static void vacancy_row(const sei_pf_work *w, const rows *mu, int64_t j, int64_t p, const sei_pf_vacancy *s) {
    const sei_pf_constants k = w->k;
    const int64_t nx = w->nx, row = (p * w->ny + j) * nx;
    const int32_t *span = w->span + 4 * (p * w->ny + j);
    const row_places at = places_of(w, j, p);
    const mask_rows m = masks_of(w, &at, j, p);
    const double *c = s->c + row, *li_new = s->li_new + row, *li_old = s->li_old + row;
    const double *noise = w->noise == NULL ? NULL : w->noise + row;
    double *c_new = s->c_new + row;
    const double factor = w->tau * k.m_v_dx2;
    const int64_t begin = span[0], end = span[1];
#define MOVED(i, west, east) (c[i] + factor * spread(mu, &m, SEI_PF_OPEN_VACANCY, 1, (i), (west), (east)))
#define KEPT(i, next) c_new[i] = (m.c[i] & SEI_PF_ACTIVE) != 0 ? (next) : c[i]
#define CLOSED(i, west, east) KEPT(i, MOVED(i, west, east))
#define LITHIATED(i, west, east) KEPT(i, pf_react(&k, 1, MOVED(i, west, east), li_new[i] - li_old[i], 0, m.c[i]))
#define DELITHIATED(i, west, east) KEPT(i, pf_react(&k, -1, MOVED(i, west, east), li_new[i] - li_old[i], noise[i], m.c[i]))
    if (k.direction == 0)
        PF_ROW(begin, end, nx, at, CLOSED);
    else if (k.direction > 0)
        PF_ROW(begin, end, nx, at, LITHIATED);
    else
        PF_ROW(begin, end, nx, at, DELITHIATED);
#undef DELITHIATED
#undef LITHIATED
#undef CLOSED
#undef KEPT
#undef MOVED
}

static void vacancy(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *s) {
    for (int64_t p = z0 - 1; p <= z1; ++p) {
        const int64_t source = wrapped(w, p);
        if (source >= 0) mu_v_plane(w, source, s, rolling(w, thread, p));
        if (p <= z0) continue;
        for (int64_t j = 0; j < w->ny; ++j) {
            const rows mu = rolling_rows(w, thread, j, p - 1);
            vacancy_row(w, &mu, j, p - 1, s);
        }
    }
    bracket_band(w, z0, z1, s->c_new);
}

const sei_pf_operators PF_JOIN(sei_pf_cpu, SEI_ISA) = {
    .name = "cpu", .bracket = bracket_band, .potential = potential, .lithium = lithium, .vacancy = vacancy, .team = true};

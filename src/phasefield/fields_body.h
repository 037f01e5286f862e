/*
 * The model's operators for OpenMP teams, compiled once per instruction set and precision. Chemical potential and flux go
 * through the field together: three planes of potentials roll along z, so a field is read once and written once. Rows along
 * x vectorise; each cell's arithmetic is update.h's, so neither width nor threads change a bit.
 *
 * The active cells of a row are one range: no cell asks whether it takes part. The last vector may run past the range's end
 * over cells that do not, whose values are put right afterwards.
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

enum { PF_LANES = PF_SINGLE ? 16 : 8 }; /* of the widest vectors there are */

/* One row of a field and of its neighbours along z (down, up) and y (back, front). */
typedef struct rows {
    const pf_real *c, *d, *u, *b, *f;
} rows;

typedef struct mask_rows {
    const uint8_t *c, *d, *u, *b, *f;
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

SEI_PF_INLINE rows rows_of(const sei_pf_work *w, const pf_real *field, const row_places *at, int64_t j, int64_t k) {
    return (rows){field + (k * w->ny + j) * w->nx, field + (at->down * w->ny + j) * w->nx, field + (at->up * w->ny + j) * w->nx,
                  field + (k * w->ny + at->back) * w->nx, field + (k * w->ny + at->front) * w->nx};
}

SEI_PF_INLINE mask_rows masks_of(const sei_pf_work *w, const row_places *at, int64_t j, int64_t k) {
    const uint8_t *mask = w->mask;
    return (mask_rows){mask + (k * w->ny + j) * w->nx, mask + (at->down * w->ny + j) * w->nx, mask + (at->up * w->ny + j) * w->nx,
                       mask + (k * w->ny + at->back) * w->nx, mask + (k * w->ny + at->front) * w->nx};
}

/* The difference to a neighbour, where the face is open to `what` (0: always). */
SEI_PF_INLINE pf_real across(pf_real here, pf_real there, pf_mask what, pf_mask mask_here, pf_mask mask_there) {
    const pf_real difference = there - here;
    return what == 0 || (mask_here & mask_there & what) != 0 ? difference : 0;
}

SEI_PF_INLINE pf_real spread(const rows *r, const mask_rows *m, int what, int three_d, int64_t i, int64_t w, int64_t e) {
    const pf_real here = r->c[i];
    const pf_mask mask = what == 0 ? 0 : m->c[i];
    const pf_real west = across(here, r->c[w], what, mask, what == 0 ? 0 : m->c[w]);
    const pf_real east = across(here, r->c[e], what, mask, what == 0 ? 0 : m->c[e]);
    const pf_real down = across(here, r->d[i], what, mask, what == 0 ? 0 : m->d[i]);
    const pf_real up = across(here, r->u[i], what, mask, what == 0 ? 0 : m->u[i]);
    if (!three_d) return pf_sum4(west, east, down, up);
    const pf_real back = across(here, r->b[i], what, mask, what == 0 ? 0 : m->b[i]);
    const pf_real front = across(here, r->f[i], what, mask, what == 0 ? 0 : m->f[i]);
    return pf_sum6(west, east, down, up, back, front);
}

/* A range's end moved on until whole vectors hold the cells from the second on, where the row has room for it. */
SEI_PF_INLINE int64_t whole_vectors(int64_t nx, int64_t begin, int64_t end) {
    const int64_t first = begin > 0 ? begin : 1;
    if (end <= first) return end;
    const int64_t longer = first + (end - first + PF_LANES - 1) / PF_LANES * PF_LANES;
    return longer < nx ? longer : end;
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

SEI_PF_INLINE void fill(pf_real *row, int64_t begin, int64_t end, pf_real value) {
    for (int64_t i = begin; i < end; ++i) row[i] = value;
}

SEI_PF_INLINE void bracket_row(const sei_pf_work *w, const pf_constants *constants, int form, int64_t row, const pf_real *c_v) {
    const pf_constants k = *constants;
    const int32_t *span = w->span + 4 * row;
    const uint8_t *mask = w->mask + row * w->nx;
    pf_real *out = (pf_real *)w->bracket + row * w->nx;
    const int64_t end = whole_vectors(w->nx, span[0], span[1]);
    _Pragma(PF_VECTOR) for (int64_t i = span[0]; i < end; ++i) out[i] = pf_bracket(&k, form, c_v[i], mask[i]);
    fill(out, span[1], end, 0);
}

static void bracket_band(const sei_pf_work *w, int64_t z0, int64_t z1, const void *c_v) {
    const pf_constants k = pf_constants_of(&w->k);
    for (int64_t row = z0 * w->ny; row < z1 * w->ny; ++row) {
        const pf_real *c = (const pf_real *)c_v + row * w->nx;
        if (w->k.form == SEI_PHASEFIELD_ADDITIVE) bracket_row(w, &k, SEI_PHASEFIELD_ADDITIVE, row, c);
        if (w->k.form == SEI_PHASEFIELD_LITERAL) bracket_row(w, &k, SEI_PHASEFIELD_LITERAL, row, c);
    }
}

/* Chemical potentials of lithium in plane p into mu[ny][nx]. */
SEI_PF_INLINE void mu_li_plane(const sei_pf_work *w, int form, int three_d, const pf_constants *constants, int64_t p,
                               const pf_real *c, pf_real *mu) {
    const pf_constants k = *constants;
    const int64_t nx = w->nx;
    for (int64_t j = 0; j < w->ny; ++j) {
        const int32_t *span = w->span + 4 * (p * w->ny + j);
        const row_places at = places_of(w, j, p);
        const rows r = rows_of(w, c, &at, j, p);
        const pf_real *bracket = (const pf_real *)w->bracket + (p * w->ny + j) * nx;
        pf_real *out = mu + j * nx;
        const int64_t begin = span[0], end = whole_vectors(nx, span[0], span[1]);
#define CELL(i, west, east) out[i] = pf_mu_li(&k, form, r.c[i], spread(&r, NULL, 0, three_d, (i), (west), (east)), bracket[i])
        PF_ROW(begin, end, nx, at, CELL);
#undef CELL
        if (span[1] == 0) {
            fill(out, span[2], span[3], k.mu_exterior);
        } else {
            fill(out, span[2], span[0], k.mu_exterior);
            fill(out, span[1], span[3], k.mu_exterior);
        }
    }
}

/* One row of a stage; `what` 0 where every face is open. */
SEI_PF_INLINE void lithium_row(const sei_pf_work *w, const pf_constants *constants, int what, int three_d, const rows *mu_rows,
                               int64_t j, int64_t p, const sei_pf_li *s) {
    const pf_constants k = *constants;
    const rows mu = *mu_rows;
    const int64_t nx = w->nx, row = (p * w->ny + j) * nx;
    const int32_t *span = w->span + 4 * (p * w->ny + j);
    const row_places at = places_of(w, j, p);
    const mask_rows m = masks_of(w, &at, j, p);
    const pf_real *y1 = (const pf_real *)s->y1 + row, *y2 = (const pf_real *)s->y2 + row;
    const pf_real *source = w->source == NULL ? NULL : (const pf_real *)w->source + row;
    pf_real *y = (pf_real *)s->y + row;
    const pf_real b = (pf_real)s->stage.b, weight = (pf_real)s->stage.w, rate = (pf_real)(s->stage.w * w->k.m_li_dx2);
    const int64_t begin = span[0], end = whole_vectors(nx, span[0], span[1]);
#define NEXT(i, west, east) pf_stage(y1[i], y2[i], b, rate, spread(&mu, &m, what, three_d, (i), (west), (east)))
#define CELL(i, west, east) y[i] = NEXT(i, west, east)
#define FED(i, west, east) y[i] = pf_fed(&k, NEXT(i, west, east), y1[i], weight, source[i])
    if (source == NULL)
        PF_ROW(begin, end, nx, at, CELL);
    else
        PF_ROW(begin, end, nx, at, FED);
#undef FED
#undef CELL
#undef NEXT
    fill(y, span[1], end, k.c_exterior);
}

/* Places of the rolling planes: plane p of the band stands in third (p + 3) % 3. */
SEI_PF_INLINE pf_real *rolling(const sei_pf_work *w, int thread, int64_t p) {
    return (pf_real *)w->scratch + (3 * (int64_t)thread + (p + 3) % 3) * w->ny * w->nx;
}

/* The rows of mu beside row j of plane p, from the rolling planes; beyond closed faces the row itself. */
SEI_PF_INLINE rows rolling_rows(const sei_pf_work *w, int thread, int64_t j, int64_t p) {
    const row_places at = places_of(w, j, p);
    const pf_real *here = rolling(w, thread, p);
    const pf_real *down = at.down == p ? here : rolling(w, thread, p - 1), *up = at.up == p ? here : rolling(w, thread, p + 1);
    return (rows){here + j * w->nx, down + j * w->nx, up + j * w->nx, here + at.back * w->nx, here + at.front * w->nx};
}

/* Plane p, which may lie one beyond either end: wrapped, or -1 where a closed face needs none. */
SEI_PF_INLINE int64_t wrapped(const sei_pf_work *w, int64_t p) {
    if (p >= 0 && p < w->nz) return p;
    return w->periodic_z ? (p + w->nz) % w->nz : -1;
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

static void mu_li_of_plane(const sei_pf_work *w, const pf_constants *k, int64_t p, const pf_real *c, pf_real *mu) {
    PF_BY_FORM(mu_li_plane, k, p, c, mu)
}

/* Apart from the potentials, so that each is compiled once for all forms. */
static __attribute__((noinline)) void lithium_plane(const sei_pf_work *w, const pf_constants *k, int thread, int64_t p,
                                                    const sei_pf_li *s) {
    for (int64_t j = 0; j < w->ny; ++j) {
        const rows mu = rolling_rows(w, thread, j, p);
        const bool open = w->row_open[p * w->ny + j] != 0;
        if (w->ny > 1 && open) lithium_row(w, k, 0, 1, &mu, j, p, s);
        if (w->ny > 1 && !open) lithium_row(w, k, SEI_PF_OPEN_LI, 1, &mu, j, p, s);
        if (w->ny == 1 && open) lithium_row(w, k, 0, 0, &mu, j, p, s);
        if (w->ny == 1 && !open) lithium_row(w, k, SEI_PF_OPEN_LI, 0, &mu, j, p, s);
    }
}

static void lithium(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_li *s) {
    const pf_constants k = pf_constants_of(&w->k);
    for (int64_t p = z0 - 1; p <= z1; ++p) {
        const int64_t source = wrapped(w, p);
        if (source >= 0) mu_li_of_plane(w, &k, source, (const pf_real *)s->y1, rolling(w, thread, p));
        if (p > z0) lithium_plane(w, &k, thread, p - 1, s);
    }
}

static void potential(const sei_pf_work *w, int64_t z0, int64_t z1, const void *c_li, void *mu) {
    const pf_constants k = pf_constants_of(&w->k);
    for (int64_t p = z0; p < z1; ++p) mu_li_of_plane(w, &k, p, (const pf_real *)c_li, (pf_real *)mu + p * w->ny * w->nx);
}

SEI_PF_INLINE void mu_v_plane(const sei_pf_work *w, const pf_constants *constants, int three_d, int64_t p,
                              const sei_pf_vacancy *s, pf_real *mu) {
    const pf_constants k = *constants;
    const int64_t nx = w->nx;
    for (int64_t j = 0; j < w->ny; ++j) {
        const int32_t *span = w->span + 4 * (p * w->ny + j);
        const row_places at = places_of(w, j, p);
        const rows r = rows_of(w, (const pf_real *)s->c, &at, j, p);
        const mask_rows m = masks_of(w, &at, j, p);
        const pf_real *li = (const pf_real *)s->li_new + (p * w->ny + j) * nx;
        pf_real *out = mu + j * nx;
        const int64_t begin = span[2], end = whole_vectors(nx, span[2], span[3]);
#define CELL(i, west, east) \
    out[i] = pf_mu_v(&k, r.c[i], li[i], spread(&r, &m, SEI_PF_OPEN_VACANCY, three_d, (i), (west), (east)), m.c[i])
        PF_ROW(begin, end, nx, at, CELL);
#undef CELL
    }
}

SEI_PF_INLINE void vacancy_row(const sei_pf_work *w, const pf_constants *constants, int three_d, const rows *mu_rows, int64_t j,
                               int64_t p, const sei_pf_vacancy *s) {
    const pf_constants k = *constants;
    const rows mu = *mu_rows;
    const int64_t nx = w->nx, row = (p * w->ny + j) * nx;
    const int32_t *span = w->span + 4 * (p * w->ny + j);
    const row_places at = places_of(w, j, p);
    const mask_rows m = masks_of(w, &at, j, p);
    const pf_real *c = (const pf_real *)s->c + row;
    const pf_real *li_new = (const pf_real *)s->li_new + row, *li_old = (const pf_real *)s->li_old + row;
    const pf_real *noise = w->noise == NULL ? NULL : (const pf_real *)w->noise + row;
    pf_real *c_new = (pf_real *)s->c_new + row;
    const pf_real factor = (pf_real)(w->tau * w->k.m_v_dx2);
    const int64_t begin = span[0], end = whole_vectors(nx, span[0], span[1]);
#define MOVED(i, west, east) PF_FMA(factor, spread(&mu, &m, SEI_PF_OPEN_VACANCY, three_d, (i), (west), (east)), c[i])
#define CLOSED(i, west, east) c_new[i] = MOVED(i, west, east)
#define LITHIATED(i, west, east) c_new[i] = pf_react(&k, 1, MOVED(i, west, east), li_new[i] - li_old[i], 0, m.c[i])
#define DELITHIATED(i, west, east) c_new[i] = pf_react(&k, -1, MOVED(i, west, east), li_new[i] - li_old[i], noise[i], m.c[i])
    if (w->k.direction == 0)
        PF_ROW(begin, end, nx, at, CLOSED);
    else if (w->k.direction > 0)
        PF_ROW(begin, end, nx, at, LITHIATED);
    else
        PF_ROW(begin, end, nx, at, DELITHIATED);
#undef DELITHIATED
#undef LITHIATED
#undef CLOSED
#undef MOVED
    for (int64_t i = span[1]; i < end; ++i) c_new[i] = c[i];
}

SEI_PF_INLINE void vacancy_band(const sei_pf_work *w, int three_d, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *s) {
    const pf_constants k = pf_constants_of(&w->k);
    for (int64_t p = z0 - 1; p <= z1; ++p) {
        const int64_t source = wrapped(w, p);
        if (source >= 0) mu_v_plane(w, &k, three_d, source, s, rolling(w, thread, p));
        if (p <= z0) continue;
        for (int64_t j = 0; j < w->ny; ++j) {
            const rows mu = rolling_rows(w, thread, j, p - 1);
            vacancy_row(w, &k, three_d, &mu, j, p - 1, s);
        }
    }
    bracket_band(w, z0, z1, s->c_new);
}

static void vacancy(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *s) {
    if (w->ny > 1)
        vacancy_band(w, 1, thread, z0, z1, s);
    else
        vacancy_band(w, 0, thread, z0, z1, s);
}

const sei_pf_operators PF_JOIN(PF_OPERATORS, SEI_ISA) = {
    .name = "cpu", .bracket = bracket_band, .potential = potential, .lithium = lithium, .vacancy = vacancy, .team = true};

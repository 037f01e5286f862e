/* Mechanics: options, states, working memory. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "phasefield/mechanics.h"

void sei_mechanics_options_default(sei_mechanics_options *options) {
    *options = (sei_mechanics_options){.nx = 256,
                                       .ny = 1,
                                       .nz = 256,
                                       .half_width = 1.1,
                                       .c_min = 0.14,
                                       .c_max = 0.86,
                                       .beta = 0.5874,
                                       .youngs_si = 175,
                                       .youngs_lithiated = 43.75,
                                       .poisson = 0.25,
                                       .yield = 1.64,
                                       .void_stiffness = 0.03,
                                       .hourglass = 0.05,
                                       .axial = SEI_MECHANICS_PLANE_STRAIN,
                                       .largest_step = 0.05,
                                       .tolerance = 3e-3,
                                       .max_iterations = 20000};
}

sei_status sei_mechanics_check(const sei_mechanics_options *o) {
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        {"half_width", o->half_width, 1.01, 10},
        {"c_min", o->c_min, 0.001, 0.999},
        {"c_max", o->c_max, 0.001, 0.999},
        {"beta", o->beta, -0.5, 2},
        {"youngs_si", o->youngs_si, 1e-12, 1e12},
        {"youngs_lithiated", o->youngs_lithiated, 1e-12, 1e12},
        {"poisson", o->poisson, 0, 0.45},
        {"yield", o->yield, 1e-12, 1e12},
        {"void_stiffness", o->void_stiffness, 1e-6, 1},
        {"hourglass", o->hourglass, 0, 1},
        {"largest_step", o->largest_step, 1e-3, 1},
        {"tolerance", o->tolerance, 1e-12, 1},
        {"max_iterations", (double)o->max_iterations, 1, 1e9},
    };
    for (size_t n = 0; n < sizeof ranges / sizeof ranges[0]; ++n)
        if (!(ranges[n].value >= ranges[n].low && ranges[n].value <= ranges[n].high))
            return sei_fail(SEI_ERR_USAGE, "mechanics: %s is %g, expected %g to %g", ranges[n].name, ranges[n].value,
                            ranges[n].low, ranges[n].high);
    const int64_t limit = 1 << 20;
    if (o->nx < 8 || o->nx != o->nz || o->nx > limit || o->ny < 1 || o->ny > limit || o->ny == 2)
        return sei_fail(
            SEI_ERR_USAGE,
            "mechanics: a grid of %lld x %lld x %lld cells; expected a square section of 8 to %lld, 1 or 3 to %lld along "
            "the axis",
            (long long)o->nx, (long long)o->ny, (long long)o->nz, (long long)limit, (long long)limit);
    if (!(o->c_max > o->c_min)) return sei_fail(SEI_ERR_USAGE, "mechanics: c_max %g must lie above c_min %g", o->c_max, o->c_min);
    if (o->axial != SEI_MECHANICS_PLANE_STRAIN && o->axial != SEI_MECHANICS_AXIAL_FREE)
        return sei_fail(SEI_ERR_USAGE, "mechanics: unknown axial condition %d", (int)o->axial);
    return SEI_OK;
}

static void lay_undeformed(const sei_mechanics_options *o, sei_mechanics_state *s) {
    const double dx = 2 * o->half_width / (double)o->nx;
    const int64_t cells = s->nx * s->ny * s->nz;
    for (int64_t k = 0; k <= s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            for (int64_t i = 0; i <= s->nx; ++i) {
                const int64_t n = (k * s->ny + j) * (s->nx + 1) + i;
                s->x[n] = ((double)i - 0.5 * (double)s->nx) * dx;
                s->z[n] = ((double)k - 0.5 * (double)s->nz) * dx;
                if (s->y != NULL) s->y[n] = (double)j * dx;
            }
    memset(s->plastic, 0, (size_t)(cells * (s->ny > 1 ? 6 : 4)) * sizeof *s->plastic);
    for (int64_t n = 0; n < cells; ++n) {
        s->plastic[n] = s->plastic[cells + n] = s->plastic[3 * cells + n] = 1;
        s->c_li[n] = o->c_min;
        s->solid[n] = s->wire[n];
    }
    s->stretch = 1;
    s->residual_worst = 0;
}

sei_status sei_mechanics_begin(const sei_mechanics_options *o, sei_mechanics_state *out) {
    sei_mechanics_state s = {.nx = o->nx, .ny = o->ny, .nz = o->nz};
    sei_status status = SEI_OK;
    SEI_TRY(sei_mechanics_check(o));
    SEI_TRY(SEI_NEW(s.x, s.nx + 1, s.ny, s.nz + 1));
    SEI_TRY(SEI_NEW(s.z, s.nx + 1, s.ny, s.nz + 1));
    if (s.ny > 1) SEI_TRY(SEI_NEW(s.y, s.nx + 1, s.ny, s.nz + 1));
    SEI_TRY(SEI_NEW(s.plastic, s.nx * (s.ny > 1 ? 6 : 4), s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.c_li, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.c_v, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.wire, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.solid, s.nx, s.ny, s.nz));
    for (int64_t n = 0; n < s.nx * s.ny * s.nz; ++n) {
        const double x = (2 * (double)(n % s.nx) + 1 - (double)s.nx) / (double)s.nx * o->half_width;
        const double z = (2 * (double)(n / s.nx / s.ny) + 1 - (double)s.nz) / (double)s.nz * o->half_width;
        s.wire[n] = x * x + z * z < 1;
        s.c_v[n] = o->c_min;
    }
    lay_undeformed(o, &s);
    *out = s;
    return SEI_OK;
done:
    sei_mechanics_state_free(&s);
    return status;
}

void sei_mechanics_state_free(sei_mechanics_state *state) {
    void *const arrays[] = {state->x, state->y, state->z, state->plastic, state->c_li, state->c_v, state->wire, state->solid};
    for (size_t n = 0; n < sizeof arrays / sizeof arrays[0]; ++n) sei_free(arrays[n]);
    *state = (sei_mechanics_state){0};
}

sei_status sei_mech_state_check(const sei_mechanics_options *o, const sei_mechanics_state *s) {
    if (s->nx == o->nx && s->ny == o->ny && s->nz == o->nz && s->x != NULL) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "mechanics: a state of %lld x %lld x %lld cells for a grid of %lld x %lld x %lld",
                    (long long)s->nx, (long long)s->ny, (long long)s->nz, (long long)o->nx, (long long)o->ny, (long long)o->nz);
}

sei_status sei_mechanics_begin_cycle(const sei_mechanics_options *o, const double *c_v, sei_mechanics_state *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_mech_state_check(o, s));
    lay_undeformed(o, s);
    memcpy(s->c_v, c_v, (size_t)(s->nx * s->ny * s->nz) * sizeof *c_v);
done:
    return status;
}

/* The wire's cells of each row of planes. */
static void find_spans(const sei_mechanics_state *s, int32_t *span) {
    for (int64_t k = 0; k < s->nz; ++k) {
        const uint8_t *row = s->wire + k * s->ny * s->nx;
        int64_t begin = 0, end = s->nx;
        while (begin < end && !row[begin]) ++begin;
        while (end > begin && !row[end - 1]) --end;
        span[2 * k] = (int32_t)(begin < end ? begin : s->nx / 2);
        span[2 * k + 1] = (int32_t)(begin < end ? end : s->nx / 2);
    }
}

sei_status sei_mech_work_make(const sei_mechanics_state *s, int threads, sei_mech_work *out) {
    const int dims = s->ny > 1 ? 3 : 2;
    sei_mech_work w = {.nx = s->nx, .ny = s->ny, .nz = s->nz, .dims = dims, .threads = threads};
    sei_status status = SEI_OK;
    w.cells = s->nx * s->ny * s->nz;
    w.nodes = (s->nx + 1) * s->ny * (s->nz + 1);
    const int64_t line = (s->nx + 2 + SEI_MECH_LANES) / SEI_MECH_LANES * SEI_MECH_LANES;
    w.scratch_size = line * (2 * (dims == 3 ? SEI_MECH_ROWS_SPACE * s->ny : SEI_MECH_ROWS_PLANE) + SEI_MECH_TERMS);
    /* rows of doubles on lines of their own, 64 bytes each */
    const int64_t rows = (s->nz + 1) * s->ny, nodes = (w.nodes + 7) / 8 * 8, cells = (w.cells + 7) / 8 * 8;
    const int64_t sums = (rows * SEI_MECH_SUMS + 7) / 8 * 8;
    const int64_t total = SEI_MECH_ARRAYS * cells + (4 * dims + 1) * nodes + 2 * sums + threads * w.scratch_size;
    size_t bytes = 0;
    SEI_TRY(sei_checked_bytes(total, 1, 1, sizeof(double), &bytes));
    SEI_TRY(sei_alloc_aligned(bytes, &w.memory));
    SEI_TRY(SEI_NEW(w.span, s->nz, 2, 1));
    memset(w.memory, 0, bytes);
    double *at = w.memory;
    for (int n = 0; n < SEI_MECH_ARRAYS; ++n, at += cells) w.cell[n] = at;
    for (int d = 0; d < dims; ++d) {
        w.position[d] = at;
        w.next[d] = at + nodes;
        w.velocity[d] = at + 2 * nodes;
        w.force[d] = at + 3 * nodes;
        at += 4 * nodes;
    }
    w.mass = at;
    at += nodes;
    w.sums[0] = at;
    w.sums[1] = at + sums;
    w.scratch = at + 2 * sums;
    find_spans(s, w.span);
    *out = w;
    return SEI_OK;
done:
    sei_mech_work_free(&w);
    return status;
}

void sei_mech_work_free(sei_mech_work *work) {
    sei_free(work->memory);
    sei_free(work->span);
    *work = (sei_mech_work){0};
}

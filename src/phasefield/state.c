/* States: made, filled, checked, freed. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "phasefield/model.h"

double sei_pf_radius2(const sei_phasefield_options *o, int64_t i, int64_t k) {
    const double x = (2 * (double)i + 1 - (double)o->nx) / (double)o->nx * o->half_width;
    const double z = (2 * (double)k + 1 - (double)o->nz) / (double)o->nz * o->half_width;
    return x * x + z * z;
}

void sei_pf_wire_mask(const sei_phasefield_options *o, uint8_t *wire) {
    const bool box = o->geometry == SEI_PHASEFIELD_BOX;
    for (int64_t k = 0; k < o->nz; ++k)
        for (int64_t j = 0; j < o->ny; ++j)
            for (int64_t i = 0; i < o->nx; ++i) wire[(k * o->ny + j) * o->nx + i] = box || sei_pf_radius2(o, i, k) < 1;
}

int64_t sei_pf_count(const uint8_t *mask, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) count += mask[i] != 0;
    return count;
}

static sei_status make_state(const sei_phasefield_options *o, sei_phasefield_state *out) {
    sei_phasefield_limits limits;
    sei_phasefield_state s = {.nx = o->nx, .ny = o->ny, .nz = o->nz, .last_time = NAN};
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(o, &limits));
    SEI_TRY(SEI_NEW(s.c_li, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.c_v, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.source, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.wire, s.nx, s.ny, s.nz));
    SEI_TRY(SEI_NEW(s.wetted, s.nx, s.ny, s.nz));
    sei_pf_wire_mask(o, s.wire);
    for (int64_t n = 0; n < s.nx * s.ny * s.nz; ++n) s.c_li[n] = s.c_v[n] = o->c_min;
    *out = s;
    return SEI_OK;
done:
    sei_phasefield_state_free(&s);
    return status;
}

sei_status sei_phasefield_begin(const sei_phasefield_options *options, sei_phasefield_state *out) {
    return make_state(options, out);
}

static sei_status check_values(const sei_phasefield_state *s, const double *field, const char *name) {
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n)
        if (s->wire[n] && !(field[n] >= -0.5 && field[n] <= 1.5))
            return sei_fail(SEI_ERR_INPUT, "phase field: %s at (%lld, %lld, %lld) is %g, expected -0.5 to 1.5", name,
                            (long long)(n % s->nx), (long long)(n / s->nx % s->ny), (long long)(n / s->nx / s->ny), field[n]);
    return SEI_OK;
}

sei_status sei_phasefield_begin_fields(const sei_phasefield_options *o, const double *c_li, const double *c_v,
                                       const uint8_t *wetted, int64_t half_cycles, sei_phasefield_state *out) {
    sei_phasefield_state s = {0};
    sei_status status = SEI_OK;
    if (half_cycles < 0)
        return sei_fail(SEI_ERR_USAGE, "phase field: %lld half-cycles behind the start, expected 0 or more",
                        (long long)half_cycles);
    SEI_TRY(make_state(o, &s));
    SEI_TRY(check_values(&s, c_li, "c_li"));
    SEI_TRY(check_values(&s, c_v, "c_v"));
    for (int64_t n = 0; n < s.nx * s.ny * s.nz; ++n) {
        if (!s.wire[n]) continue;
        s.c_li[n] = c_li[n];
        s.c_v[n] = c_v[n];
        s.wetted[n] = wetted != NULL && o->wetting && wetted[n] != 0;
    }
    s.half_cycles = half_cycles;
    *out = s;
    return SEI_OK;
done:
    sei_phasefield_state_free(&s);
    return status;
}

sei_status sei_pf_state_check(const sei_phasefield_options *o, const sei_phasefield_state *s) {
    if (s->nx != o->nx || s->ny != o->ny || s->nz != o->nz)
        return sei_fail(SEI_ERR_INPUT, "phase field: the state has %lld x %lld x %lld cells, the options %lld x %lld x %lld",
                        (long long)s->nx, (long long)s->ny, (long long)s->nz, (long long)o->nx, (long long)o->ny,
                        (long long)o->nz);
    if (s->c_li == NULL || s->c_v == NULL || s->source == NULL || s->wire == NULL || s->wetted == NULL)
        return sei_fail(SEI_ERR_INPUT, "phase field: the state lacks a field; make it with sei_phasefield_begin");
    return SEI_OK;
}

void sei_phasefield_state_free(sei_phasefield_state *s) {
    sei_free(s->c_li);
    sei_free(s->c_v);
    sei_free(s->source);
    sei_free(s->wire);
    sei_free(s->wetted);
    *s = (sei_phasefield_state){0};
}

/* The model's cells as the labels a tomogram would get, so that one ruler measures both; and what the scheme itself loses. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "phasefield/model.h"
#include "seitomo/morphology.h"

void sei_phasefield_label_options_default(sei_phasefield_label_options *options) {
    *options = (sei_phasefield_label_options){.radius_nm = 20, .sei_nm = 2, .shell_nm = 20};
}

static bool is_void(const sei_phasefield_options *o, const sei_phasefield_state *s, int64_t n) {
    return s->wetted[n] || s->c_v[n] > o->void_threshold;
}

/* Squared distance in cells of every cell to the nearest silicon; the axis is periodic, so it is continued by `reach`. */
static sei_status distance_to_silicon(const sei_phasefield_options *o, const sei_phasefield_state *s, int64_t reach,
                                      float *distance2) {
    const int64_t pad = s->ny > 1 ? reach : 0, ny = s->ny + 2 * pad;
    uint8_t *other = NULL;
    float *longer = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(other, s->nx, ny, s->nz));
    SEI_TRY(SEI_NEW(longer, s->nx, ny, s->nz));
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < ny; ++j)
            for (int64_t i = 0; i < s->nx; ++i) {
                const int64_t from = ((j - pad) % s->ny + s->ny) % s->ny, n = (k * s->ny + from) * s->nx + i;
                other[(k * ny + j) * s->nx + i] = !s->wire[n] || is_void(o, s, n);
            }
    SEI_TRY(sei_distance2(other, s->nx, ny, s->nz, false, longer));
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            memcpy(distance2 + (k * s->ny + j) * s->nx, longer + (k * ny + j + pad) * s->nx, (size_t)s->nx * sizeof *longer);
done:
    sei_free(other);
    sei_free(longer);
    return status;
}

static sei_status check(const sei_phasefield_options *o, const sei_phasefield_state *s, const sei_phasefield_label_options *l) {
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {{"radius_nm", l->radius_nm, 0.1, 1e5}, {"sei_nm", l->sei_nm, 0, 1e5}, {"shell_nm", l->shell_nm, 0, 1e5}};
    if (o->geometry != SEI_PHASEFIELD_WIRE) return sei_fail(SEI_ERR_USAGE, "phase field: labels are a wire's, not a box's");
    for (size_t n = 0; n < sizeof ranges / sizeof ranges[0]; ++n)
        if (!(ranges[n].value >= ranges[n].low && ranges[n].value <= ranges[n].high))
            return sei_fail(SEI_ERR_USAGE, "phase field: %s is %g, expected %g to %g", ranges[n].name, ranges[n].value,
                            ranges[n].low, ranges[n].high);
    return sei_pf_state_check(o, s);
}

/* The rules in words, beside the wire's own names and colours. */
static sei_status describe(const sei_phasefield_label_options *l, sei_labels *labels) {
    sei_status status = sei_labels_define_wire(labels);
    for (size_t n = 0; status == SEI_OK && n < labels->n_classes; ++n) {
        sei_label_class *c = &labels->classes[n];
        char *rule = c->rule;
        switch (c->id) {
            case SEI_LABEL_SI: snprintf(rule, sizeof c->rule, "cells of the wire that are not void, lithiated or not"); break;
            case SEI_LABEL_SEI:
                snprintf(rule, sizeof c->rule, "wetted cells within %g nm of silicon, and a shell of %g nm round the wire",
                         l->sei_nm, l->shell_nm);
                break;
            case SEI_LABEL_CLOSED_VOID: snprintf(rule, sizeof c->rule, "void cells that are not wetted"); break;
            case SEI_LABEL_OPEN_VOID:
                snprintf(rule, sizeof c->rule, "wetted cells farther than %g nm from silicon", l->sei_nm);
                break;
            default: break;
        }
    }
    return status;
}

sei_status sei_phasefield_labels(const sei_phasefield_options *o, const sei_phasefield_state *s,
                                 const sei_phasefield_label_options *l, sei_labels *out) {
    sei_labels labels = {0};
    float *distance2 = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(check(o, s, l));
    const double cell = 2 * o->half_width / (double)o->nx, cell_nm = cell * l->radius_nm;
    const double shell = s->half_cycles > 0 ? l->shell_nm / l->radius_nm : 0, outer = 1 + shell;
    /* two cells of nothing beyond the shell */
    const int64_t pad = (int64_t)fmax(ceil((outer - o->half_width) / cell) + 2, 0);
    const int64_t nx = s->nx + 2 * pad, nz = s->nz + 2 * pad;
    SEI_TRY(SEI_NEW(distance2, s->nx, s->ny, s->nz));
    SEI_TRY(distance_to_silicon(o, s, (int64_t)ceil(l->sei_nm / cell_nm) + 2, distance2));
    SEI_TRY(sei_labels_alloc(nx, s->ny, nz, cell_nm, &labels));
    SEI_TRY(describe(l, &labels));
    for (int64_t k = 0; k < nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            for (int64_t i = 0; i < nx; ++i) {
                uint8_t *label = &labels.data[(k * s->ny + j) * nx + i];
                const int64_t x = i - pad, z = k - pad, n = (z * s->ny + j) * s->nx + x;
                const bool inside = x >= 0 && x < s->nx && z >= 0 && z < s->nz;
                if (!inside || !s->wire[n]) {
                    *label = sei_pf_radius2(o, x, z) < outer * outer && shell > 0 ? SEI_LABEL_SEI : SEI_LABEL_OUTSIDE;
                } else if (s->wetted[n]) {
                    /* silicon begins half a cell before its cell's centre */
                    const bool lined = (sqrt((double)distance2[n]) - 0.5) * cell_nm <= l->sei_nm;
                    *label = lined ? SEI_LABEL_SEI : SEI_LABEL_OPEN_VOID;
                } else {
                    *label = is_void(o, s, n) ? SEI_LABEL_CLOSED_VOID : SEI_LABEL_SI;
                }
            }
    *out = labels;
    labels = (sei_labels){0};
done:
    sei_labels_free(&labels);
    sei_free(distance2);
    return status;
}

static double sum_of(const double *field, int64_t count) {
    double sum = 0;
    for (int64_t n = 0; n < count; ++n) sum += field[n];
    return sum;
}

sei_status sei_phasefield_drift(const sei_phasefield_options *options, const char *backend, const sei_phasefield_state *state,
                                double *drift) {
    const int64_t cells = state->nx * state->ny * state->nz;
    sei_phasefield_options box = *options;
    sei_phasefield_limits limits;
    sei_phasefield_state closed = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(options, &limits));
    SEI_TRY(sei_pf_state_check(options, state));
    box.geometry = SEI_PHASEFIELD_BOX;
    box.dx = limits.dx;
    box.kappa_v = limits.kappa_v;
    box.tau = limits.tau;
    SEI_TRY(sei_phasefield_begin_fields(&box, state->c_li, state->c_v, NULL, 0, &closed));
    const double before[2] = {sum_of(closed.c_li, cells), sum_of(closed.c_v, cells)};
    SEI_TRY(sei_phasefield_step(&box, backend, box.check_every, &closed));
    *drift = fmax(fabs(sum_of(closed.c_li, cells) / before[0] - 1), fabs(sum_of(closed.c_v, cells) / before[1] - 1));
done:
    sei_phasefield_state_free(&closed);
    return status;
}

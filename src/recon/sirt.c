/*
 * Simultaneous iterative reconstruction (Gilbert 1972) with row and column sums as weights (van der Sluis & van der
 * Vorst 1990), from 0:
 *
 *     x <- x + relaxation * C A' w R (b - r - A x),     R = 1 / A 1,  C = 1 / A'w
 *
 * With positivity every step ends with x = max(x, 0).
 */
#include "recon/solver.h"

static sei_status residual(sei_solver *s, int row) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    SEI_TRY(SEI_OP(d, project)(d, &s->slab, s->volume, s->model));
    SEI_TRY(SEI_OP(d, sirt_residual)(d, &s->slab, s->counts, s->weight, s->background, s->inverse_row, s->model, s->slice_sums));
    SEI_TRY(sei_solver_note(s, row));
done:
    return status;
}

static sei_status step(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const bool positive = s->options->method == SEI_METHOD_SIRT_POSITIVE;
    SEI_TRY(SEI_OP(d, backproject)(d, &s->slab, s->model, s->back));
    SEI_TRY(SEI_OP(d, sirt_update)(d, &s->slab, s->back, s->inverse_column, (float)s->options->relaxation, positive, s->volume));
done:
    return status;
}

sei_status sei_solve_sirt(sei_solver *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_solver_columns(s));
    SEI_TRY(sei_solver_rows(s));
    SEI_TRY(SEI_OP(s->device, fill)(s->device, s->volume, 0));
    for (int i = 0; i < s->options->iterations; ++i) {
        SEI_TRY(residual(s, i));
        SEI_TRY(step(s));
    }
    SEI_TRY(residual(s, s->options->iterations)); /* the sums of the result */
done:
    return status;
}

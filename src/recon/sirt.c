/*
 * Simultaneous iterative reconstruction (Gilbert 1972) with row and column sums as weights (van der Sluis & van der
 * Vorst 1990), from 0:
 *
 *     x <- x + relaxation * C A' w R (b - r - A x),     R = 1 / A 1,  C = 1 / A'w
 *
 * With positivity every step ends with x = max(x, 0).
 */
#include "recon/solver.h"

static sei_status residual(sei_solver *s) {
    return SEI_OP(s->device, sirt_residual)(s->device, &s->slab, s->volume, s->counts, s->weight, s->background, s->inverse_row,
                                            true, s->model, s->slice_sums);
}

static sei_status step(sei_solver *s) {
    const bool positive = s->options->method == SEI_METHOD_SIRT_POSITIVE;
    return SEI_OP(s->device, sirt_update)(s->device, &s->slab, s->model, s->inverse_column, true, (float)s->options->relaxation,
                                          positive, s->volume);
}

sei_status sei_solve_sirt(sei_solver *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_solver_columns(s));
    SEI_TRY(sei_solver_rows(s));
    SEI_TRY(SEI_OP(s->device, fill)(s->device, s->volume, 0));
    SEI_TRY(sei_solver_iterate(s, residual, step));
done:
    return status;
}

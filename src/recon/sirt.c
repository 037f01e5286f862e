/*
 * Simultaneous iterative reconstruction (Gilbert 1972) with row and column sums as weights (van der Sluis & van der
 * Vorst 1990), from 0 or a given start:
 *
 *     x <- x + relaxation * C A' w R (b - r - A x),     R = 1 / A 1,  C = 1 / A'w
 *
 * With positivity every step ends with x = max(x, 0).
 */
#include "recon/solver.h"

static sei_status residual(sei_solver *s, const sei_part *part, const sei_buffer *counts, double *sums) {
    return SEI_OP(s->device, sirt_residual)(s->device, &part->slab, s->volume, counts, part->weight, part->background,
                                            part->inverse_row, s->per_slice, s->model, sums);
}

static sei_status step(sei_solver *s, const sei_part *part) {
    const bool positive = s->options->method == SEI_METHOD_SIRT_POSITIVE;
    return SEI_OP(s->device, sirt_update)(s->device, &part->slab, s->model, part->inverse_column, s->per_slice,
                                          (float)s->options->relaxation, positive, s->volume);
}

sei_status sei_solve_sirt(sei_solver *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_solver_weights(s, true));
    for (int i = 0; i < s->ny; ++i) s->slice_sums[i] = 0;
    SEI_TRY(sei_solver_start(s, s->slice_sums, -1));
    SEI_TRY(sei_solver_iterate(s, residual, step));
done:
    return status;
}

/*
 * Expectation maximisation for Poisson counts with additive background (Shepp & Vardi 1982; Lange & Carson 1984):
 *
 *     x <- x / (A'w) * A'( w b / (A x + r) )
 *
 * The likelihood never falls, x stays >= 0, and without background the sum of (A'w) x equals the sum of w b over the
 * bins that see x, after every iteration.
 */
#include "recon/solver.h"

/*
 * A uniform start per slice, scaled so that its projection holds what the data hold above the background:
 * (sum wb - sum wr) / sum wA1. Where the background eats it all, a hundredth of the counts is spread instead: a start of
 * 0 would stay 0. A slice without counts is 0 at once, which is its maximum of likelihood.
 */
static sei_status start(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const size_t ny = (size_t)s->slab.ny, n = sei_solver_volume_count(s);
    SEI_TRY(SEI_OP(d, em_ratio)(d, &s->slab, s->volume, s->counts, s->weight, NULL, s->model, s->slice_sums));
    for (size_t y = 0; y < ny; ++y) {
        const double counted = s->slice_sums[SEI_SUM_COUNTED * ny + y], ones = s->slice_sums[SEI_SUM_MODEL * ny + y];
        const double background = s->background_sum == NULL ? 0 : s->background_sum[y];
        const double above = counted - background > 0.01 * counted ? counted - background : 0.01 * counted;
        s->slice_sums[y] = ones > 0 ? above / ones : 0;
    }
    for (size_t i = 0; i < n; ++i) s->host_volume[i] *= (float)s->slice_sums[i % ny];
    SEI_TRY(SEI_OP(d, upload)(d, s->volume, 0, n, s->host_volume));
done:
    return status;
}

/* w b / (A x + r) */
static sei_status ratio(sei_solver *s) {
    return SEI_OP(s->device, em_ratio)(s->device, &s->slab, s->volume, s->counts, s->weight, s->background, s->model,
                                       s->slice_sums);
}

static sei_status maximisation(sei_solver *s) {
    return SEI_OP(s->device, em_update)(s->device, &s->slab, s->model, s->inverse_column, true, s->volume);
}

sei_status sei_solve_em(sei_solver *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_solver_columns(s));
    SEI_TRY(start(s));
    SEI_TRY(sei_solver_iterate(s, ratio, maximisation));
done:
    return status;
}

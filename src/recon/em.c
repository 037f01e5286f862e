/*
 * Expectation maximisation for Poisson counts with additive background (Shepp & Vardi 1982; Lange & Carson 1984):
 *
 *     x <- x / (A'w) * A'( w b / (A x + r) )
 *
 * The likelihood never falls, x stays >= 0, and without background the sum of (A'w) x equals the sum of w b over the
 * bins that see x, after every iteration. With the tilts in subsets, one update with each of them after the other, this is
 * OSEM (Hudson & Larkin, IEEE Trans. Med. Imaging 13 (1994) 601).
 */
#include "core/threads.h"
#include "recon/solver.h"

/* A start that is not uniform is raised to this share of the one that is: EM never leaves 0. */
static const double least_start = 0.01;

/*
 * The level of a uniform start, so that its projection holds what the data hold above the background: (sum wb - sum wr) /
 * sum wA1. Where the background eats it all, a hundredth of the counts is spread instead: a start of 0 would stay 0. A slice
 * without counts is 0 at once, which is its maximum of likelihood. From the series' own rows, so that it does not depend on
 * slabs; into slice_sums.
 */
static void find_levels(sei_solver *s) {
    const sei_series *series = s->series;
#pragma omp parallel for num_threads(sei_threads())
    for (int i = 0; i < s->ny; ++i) {
        int64_t y = 0;
        const sei_source *source = sei_solver_source(s, i, &y);
        double counted = 0, background = 0;
        for (int64_t t = 0; t < series->n_tilts; ++t) {
            const int64_t row = (t * series->ny + y) * series->nx;
            const uint8_t *seen = s->seen + t * series->nx;
            double of_tilt = 0;
            int64_t valid = 0;
            for (int64_t u = 0; u < series->nx; ++u) {
                if (series->valid != NULL && series->valid[row + u] == 0) continue;
                const float value = source->data[row + u];
                of_tilt += value > 0 && seen[u] != 0 ? (double)value : 0;
                ++valid;
            }
            counted += of_tilt;
            background += source->background == NULL ? 0 : source->background[t] * (double)valid;
        }
        if (s->trial) counted *= s->trial_share;
        const double above = counted - background > 0.01 * counted ? counted - background : 0.01 * counted;
        const double ones = s->per_slice ? s->ones[i] : s->ones_of_maps;
        s->slice_sums[i] = ones > 0 ? above / ones : 0;
    }
}

/* w b / (A x + r) */
static sei_status ratio(sei_solver *s, const sei_part *part, const sei_buffer *counts, double *sums) {
    return SEI_OP(s->device, em_ratio)(s->device, &part->slab, s->volume, counts, part->weight, part->background, s->model, sums);
}

static sei_status maximisation(sei_solver *s, const sei_part *part) {
    return SEI_OP(s->device, em_update)(s->device, &part->slab, s->model, part->inverse_column, s->per_slice, s->volume);
}

sei_status sei_solve_em(sei_solver *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_solver_weights(s, false));
    find_levels(s);
    SEI_TRY(sei_solver_start(s, s->slice_sums, least_start));
    SEI_TRY(sei_solver_iterate(s, ratio, maximisation));
done:
    return status;
}

/* The iterations, and what is written down of them. */
#include "recon/solver.h"

#include <math.h>

#include "core/log.h"

void sei_solver_note(sei_solver *s, int row, bool held_out) {
    for (int k = 0; k < SEI_SUM_COUNT; ++k) {
        for (int i = 0; i < s->ny; ++i) {
            int64_t y = 0;
            const sei_history *history = &sei_solver_source(s, i, &y)->history;
            double *sums = (held_out ? history->held_out : history->sums) + (size_t)row * SEI_SUM_COUNT;
            sums[k] += s->slice_sums[(size_t)k * (size_t)s->ny + (size_t)i];
        }
    }
}

sei_status sei_solver_tick(sei_solver *s) {
    s->steps_done += s->ny;
    return sei_progress_step(s->steps_done);
}

double sei_solver_score(const sei_solver *s, const sei_history *history, int row) {
    const double *sums = history->held_out + (size_t)row * SEI_SUM_COUNT;
    if (!sei_method_is_em(s->options->method)) return -sums[SEI_SUM_RESIDUAL2];
    /* the model m is that of the trial's counts: sum of t*log(odds m) - odds m over the counts t held out */
    const double counted = sums[SEI_SUM_COUNTED];
    if (!(counted > 0) || counted < (1 - 1e-9) * history->held_out[SEI_SUM_COUNTED]) return -INFINITY;
    const double odds = (1 - s->trial_share) / s->trial_share;
    return (sums[SEI_SUM_LOG_LIKELIHOOD] + (1 - odds) * sums[SEI_SUM_MODEL]) / counted + log(odds);
}

int sei_solver_best(const sei_solver *s, const sei_history *history, int last) {
    int best = 0;
    for (int i = 1; i <= last; ++i) {
        if (sei_solver_score(s, history, i) > sei_solver_score(s, history, best)) best = i;
        if (s->patience > 0 && i - best >= s->patience) break;
    }
    return best;
}

/* Compares the estimate with all parts' counts, and notes its sums; for a single part the comparison is left in model. */
static sei_status measure(sei_solver *s, int row, bool held_out, sei_solver_compare *compare) {
    sei_status status = SEI_OK;
    const int n = SEI_SUM_COUNT * s->ny;
    for (int i = 0; i < n; ++i) s->slice_sums[i] = 0;
    for (int k = 0; k < s->n_parts; ++k) {
        const sei_part *part = &s->parts[k];
        SEI_TRY(compare(s, part, held_out ? part->held_out : part->counts, s->part_sums));
        for (int i = 0; i < n; ++i) s->slice_sums[i] += s->part_sums[i];
    }
    sei_solver_note(s, row, held_out);
done:
    return status;
}

sei_status sei_solver_iterate(sei_solver *s, sei_solver_compare *compare, sei_solver_update *update) {
    sei_status status = SEI_OK;
    const bool every = s->n_parts == 1 || s->options->every_sweep;
    for (int i = 0;; ++i) {
        if (s->trial) SEI_TRY(measure(s, i, true, compare));
        if (every || i == s->iterations) SEI_TRY(measure(s, i, false, compare));
        SEI_TRY(sei_solver_tick(s));
        if (i == s->iterations) break;
        if (s->ends_early && i - sei_solver_best(s, &s->sources[0].history, i) >= s->patience) break;
        for (int k = 0; k < s->n_parts; ++k) {
            if (s->n_parts > 1) SEI_TRY(compare(s, &s->parts[k], s->parts[k].counts, NULL));
            SEI_TRY(update(s, &s->parts[k]));
        }
    }
done:
    return status;
}

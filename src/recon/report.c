/* What is told of a reconstruction. */
#include <math.h>

#include "recon/solver.h"

/* Sums of w and of w*r over the series. */
static void weight_totals(const sei_series *series, const double *background, double *weights, double *backgrounds) {
    const int64_t n = series->ny * series->nx;
    *weights = *backgrounds = 0;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        int64_t valid = series->valid == NULL ? n : 0;
        for (int64_t i = 0; series->valid != NULL && i < n; ++i) valid += series->valid[t * n + i] != 0;
        *weights += (double)valid;
        *backgrounds += background == NULL ? 0 : background[t] * (double)valid;
    }
}

sei_status sei_recon_make_report(const sei_solver *s, size_t source, const sei_trial *trial, int64_t negative_counts, int width,
                                 sei_recon_report *report) {
    static const char *const columns[] = {"iteration", "log_likelihood", "counted", "residual", "flux", "held_out"};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    const sei_recon_options *o = s->options;
    const bool em = sei_method_is_em(o->method), every = s->n_parts == 1 || o->every_sweep;
    const sei_series *series = s->series;
    double weights = 0, background = 0;
    sei_table history = {0};
    const sei_status status = sei_table_alloc("history", COLUMNS, columns, (size_t)s->iterations + 1, &history);
    if (status != SEI_OK) return status;
    weight_totals(series, s->sources[source].background, &weights, &background);
    for (int i = 0; i <= s->iterations; ++i) {
        const double *sums = s->sources[source].history.sums + (size_t)i * SEI_SUM_COUNT;
        const bool known = every || i == s->iterations;
        double *cells = history.cells + (size_t)i * COLUMNS;
        cells[0] = i;
        cells[1] = em && known ? sums[SEI_SUM_LOG_LIKELIHOOD] : NAN;
        cells[2] = em && known ? sums[SEI_SUM_COUNTED] : NAN;
        cells[3] = known && weights > 0 ? sqrt(sums[SEI_SUM_RESIDUAL2] / weights) : NAN;
        cells[4] = em && known ? sums[SEI_SUM_MODEL] - background : NAN;
        cells[5] = trial->figures != NULL && i <= trial->tried ? trial->figures[i] : NAN;
    }
    double low = INFINITY, high = -INFINITY;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        low = fmin(low, series->tilts[t].tilt_deg);
        high = fmax(high, series->tilts[t].tilt_deg);
    }
    *report = (sei_recon_report){.n_iterations = s->iterations,
                                 .history = history,
                                 .negative_counts = negative_counts,
                                 .elongation_theory = sei_elongation_theory(0.5 * (high - low)),
                                 .slab_slices = width,
                                 .trial_iterations = trial->tried,
                                 .trial_slices = trial->slices};
    return SEI_OK;
}

/* In which order tilts are taken. */
#include <math.h>

#include "core/alloc.h"
#include "seitomo/experiment.h"

/* The tilt nearest to the angle; of two equally near ones the lower. */
static int64_t nearest(const sei_experiment *e, double angle_deg) {
    int64_t best = 0;
    for (int64_t i = 1; i < e->n_tilts; ++i) {
        if (fabs(e->tilt_deg[i] - angle_deg) < fabs(e->tilt_deg[best] - angle_deg)) best = i;
    }
    return best;
}

/* Takes up to `count` tilts from `from` in steps of `step`; returns the next one in that direction. */
static int64_t take(const sei_experiment *e, int64_t from, int step, int64_t count, int32_t *taken, int32_t *order) {
    for (; count > 0 && from >= 0 && from < e->n_tilts; --count, from += step) order[from] = (*taken)++;
    return from;
}

sei_status sei_experiment_order(const sei_experiment *e, int32_t *order) {
    const bool continuous = e->scheme == SEI_SCHEME_CONTINUOUS;
    int32_t taken = 0;
    if (e->n_tilts < 1 || e->n_tilts > INT32_MAX) {
        return sei_fail(SEI_ERR_INPUT, "experiment: %lld tilts; at least 1 is needed", (long long)e->n_tilts);
    }
    for (int64_t i = 0; i < e->n_tilts; ++i) {
        if (!isfinite(e->tilt_deg[i]) || fabs(e->tilt_deg[i]) > 90 || (i > 0 && e->tilt_deg[i] <= e->tilt_deg[i - 1])) {
            return sei_fail(SEI_ERR_INPUT, "experiment: tilt %lld is %g deg; tilts lie within +-90 deg and ascend", (long long)i,
                            e->tilt_deg[i]);
        }
    }
    if (continuous) {
        const double low = fabs(e->tilt_deg[0] - e->start_deg);
        const double high = fabs(e->tilt_deg[e->n_tilts - 1] - e->start_deg);
        const bool down = high < low; /* a NaN start is below nothing: upwards */
        take(e, down ? e->n_tilts - 1 : 0, down ? -1 : 1, e->n_tilts, &taken, order);
        return SEI_OK;
    }
    const int64_t start = nearest(e, isnan(e->start_deg) ? 0 : e->start_deg);
    const int first = e->down_first ? -1 : 1;
    if (e->scheme == SEI_SCHEME_BIDIRECTIONAL) {
        take(e, start, first, e->n_tilts, &taken, order);
        take(e, start - first, -first, e->n_tilts, &taken, order);
        return SEI_OK;
    }
    if (e->group < 1) {
        return sei_fail(SEI_ERR_INPUT, "experiment: groups of %lld tilts in a dose-symmetric series; at least 1 is needed",
                        (long long)e->group);
    }
    order[start] = taken++;
    for (int64_t near = start + first, far = start - first; taken < e->n_tilts;) {
        near = take(e, near, first, e->group, &taken, order);
        far = take(e, far, -first, e->group, &taken, order);
    }
    return SEI_OK;
}

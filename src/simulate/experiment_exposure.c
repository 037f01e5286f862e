/* What happens at every exposure: angles, motion, dose. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/random.h"
#include "seitomo/experiment.h"
#include "simulate/streams.h"

static const double radian = 3.14159265358979323846 / 180;

/* A number of the experiment and where it must lie. */
typedef struct bound {
    const char *name;
    double value, low, high;
} bound;

static sei_status check(const sei_experiment *e) {
    const bound bounds[] = {{"current_pa", e->current_pa, 0, 1e9},
                            {"seconds", e->seconds, 0, 1e9},
                            {"dose_e_per_nm2", e->dose_e_per_nm2, 0, 1e15},
                            {"angle_sd_deg", e->angle_sd_deg, 0, 45},
                            {"backlash_deg", e->backlash_deg, 0, 45},
                            {"drift_px", e->drift_px, 0, 1e5},
                            {"drift_walk_px", e->drift_walk_px, 0, 1e5},
                            {"drift_px_per_s x", e->drift_px_per_s[0], -1e5, 1e5},
                            {"drift_px_per_s y", e->drift_px_per_s[1], -1e5, 1e5},
                            {"drift_in_tilt_px", e->drift_in_tilt_px, 0, 1e5},
                            {"axis_deg", e->axis_deg, -180, 180},
                            {"axis_error_deg", e->axis_error_deg, -90, 90},
                            {"axis_offset_px", e->axis_offset_px, -1e5, 1e5},
                            {"blur_nm", e->blur_nm, 0, 1e4},
                            {"blur_tilt_nm", e->blur_tilt_nm, 0, 1e4},
                            {"contamination_nm_per_1e6", e->contamination_nm_per_1e6, 0, 1e4},
                            {"missing_count", (double)e->missing_count, 0, (double)e->n_tilts}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; ++i) {
        if (bounds[i].value >= bounds[i].low && bounds[i].value <= bounds[i].high) continue;
        return sei_fail(SEI_ERR_INPUT, "experiment: %s is %g, expected %g to %g", bounds[i].name, bounds[i].value, bounds[i].low,
                        bounds[i].high);
    }
    if (e->current_pa > 0 && e->dose_e_per_nm2 > 0) {
        return sei_fail(SEI_ERR_INPUT,
                        "experiment: current_pa %g and dose_e_per_nm2 %g are both given; give one, the ledger tells the other",
                        e->current_pa, e->dose_e_per_nm2);
    }
    if ((e->drift_px_per_s[0] != 0 || e->drift_px_per_s[1] != 0) && !(e->seconds > 0)) {
        return sei_fail(SEI_ERR_INPUT, "experiment: a drift per second needs the seconds of an exposure; give seconds");
    }
    if ((e->dose_e_per_nm2 > 0 || e->current_pa > 0) && !(e->field_nm2 > 0)) {
        return sei_fail(SEI_ERR_INPUT, "experiment: the field of view is %g nm2, expected above 0", e->field_nm2);
    }
    if (e->contamination_nm_per_1e6 > 0 && !(e->dose_e_per_nm2 > 0) && !(e->current_pa > 0 && e->seconds > 0)) {
        return sei_fail(SEI_ERR_INPUT,
                        "experiment: contamination grows with dose, and no dose is stated; give current_pa and seconds, or "
                        "dose_e_per_nm2");
    }
    return SEI_OK;
}

/* Marks in keep[] which tilts are taken; *n how many. */
static sei_status leave_out(const sei_experiment *e, bool *keep, int64_t *n) {
    const sei_random random = {.seed = e->seed, .stream = SEI_STREAM_MISSING};
    *n = e->n_tilts;
    for (int64_t t = 0; t < e->n_tilts; ++t) keep[t] = true;
    for (size_t m = 0; m < e->n_missing; ++m) {
        int64_t found = -1;
        for (int64_t t = 0; t < e->n_tilts; ++t) {
            if (fabs(e->tilt_deg[t] - e->missing_deg[m]) < 1e-6) found = t;
        }
        if (found < 0) return sei_fail(SEI_ERR_INPUT, "experiment: missing tilt %g deg is none of the series", e->missing_deg[m]);
        *n -= keep[found];
        keep[found] = false;
    }
    for (int64_t drawn = 0; drawn<e->missing_count && * n> 0; ++drawn) {
        int64_t lowest = -1;
        double least = 2;
        for (int64_t t = 0; t < e->n_tilts; ++t) {
            const double lot = keep[t] ? sei_random_uniform(&random, (uint64_t)t, 0) : 2;
            if (lot >= least) continue;
            least = lot;
            lowest = t;
        }
        keep[lowest] = false;
        *n -= 1;
    }
    if (*n < 1) {
        return sei_fail(SEI_ERR_INPUT, "experiment: %zu tilts named and %lld drawn are missing of %lld; none is left",
                        e->n_missing, (long long)e->missing_count, (long long)e->n_tilts);
    }
    return SEI_OK;
}

/* Angle error, drift, motion and blur of tilt `e->index`; the walk and the backlash depend on the order and come later. */
static void draw(const sei_experiment *e, sei_tilt_exposure *out) {
    const sei_random angle = {.seed = e->seed, .stream = SEI_STREAM_ANGLE};
    const sei_random drift = {.seed = e->seed, .stream = SEI_STREAM_DRIFT};
    const sei_random smear = {.seed = e->seed, .stream = SEI_STREAM_SMEAR};
    const uint64_t t = (uint64_t)out->index;
    out->true_deg = out->nominal_deg + (e->angle_sd_deg > 0 ? e->angle_sd_deg * sei_random_normal(&angle, t, 0) : 0);
    for (uint32_t axis = 0; axis < 2; ++axis) {
        out->shift_px[axis] = e->drift_px * (2 * sei_random_uniform(&drift, t, axis) - 1);
        out->smear_px[axis] = e->drift_px_per_s[axis] * e->seconds;
        if (e->drift_in_tilt_px > 0) out->smear_px[axis] += e->drift_in_tilt_px * sei_random_normal(&smear, t, axis);
    }
}

/* Everything that follows from what came before: by_order[] are the exposures as they were taken. */
static void follow(const sei_experiment *e, int64_t n, sei_tilt_exposure *const *by_order) {
    const sei_random walk = {.seed = e->seed, .stream = SEI_STREAM_WALK};
    const double first_turn = n > 1 && by_order[1]->nominal_deg < by_order[0]->nominal_deg ? -1 : 1;
    double position[2] = {0, 0};
    double dose = 0;
    for (int64_t i = 0; i < n; ++i) {
        sei_tilt_exposure *here = by_order[i];
        const double turn = i == 0 ? first_turn : here->nominal_deg < by_order[i - 1]->nominal_deg ? -1 : 1;
        if (turn != first_turn) here->true_deg -= turn * e->backlash_deg;
        for (uint32_t axis = 0; axis < 2 && e->drift_walk_px > 0 && i > 0; ++axis) {
            position[axis] += e->drift_walk_px * sei_random_normal(&walk, (uint64_t)here->index, axis);
        }
        here->shift_px[0] += position[0];
        here->shift_px[1] += position[1];
        here->blur_nm = hypot(e->blur_nm, e->blur_tilt_nm * sin(here->true_deg * radian));
        here->dose_before_e_per_nm2 = dose;
        here->contamination_nm = e->contamination_nm_per_1e6 * (dose + here->dose_e_per_nm2 / 2) / 1e6;
        dose += here->dose_e_per_nm2;
    }
}

/* Current, time and dose of one exposure of n. */
static void stated_dose(const sei_experiment *e, int64_t n, sei_tilt_exposure *out) {
    out->seconds = e->seconds > 0 ? e->seconds : NAN;
    out->current_pa = e->current_pa > 0 ? e->current_pa : NAN;
    if (e->dose_e_per_nm2 > 0) {
        out->dose_e_per_nm2 = e->dose_e_per_nm2 / (double)n;
        out->current_pa = out->dose_e_per_nm2 * e->field_nm2 * SEI_ELECTRON_C / out->seconds * 1e12;
    } else if (e->current_pa > 0 && e->seconds > 0) {
        out->dose_e_per_nm2 = e->current_pa * 1e-12 * e->seconds / SEI_ELECTRON_C / e->field_nm2;
    }
}

sei_status sei_experiment_exposures(const sei_experiment *e, sei_tilt_exposure **out, int64_t *n_out) {
    sei_tilt_exposure *made = NULL;
    sei_tilt_exposure **by_order = NULL;
    bool *keep = NULL;
    double *taken_deg = NULL;
    int32_t *order = NULL;
    int64_t n = 0;
    sei_status status = SEI_NEW(order, e->n_tilts > 0 ? e->n_tilts : 1, 1, 1);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_experiment_order(e, order)); /* checks the tilts */
    SEI_TRY(check(e));
    SEI_TRY(SEI_NEW(keep, e->n_tilts, 1, 1));
    SEI_TRY(leave_out(e, keep, &n));
    SEI_TRY(SEI_NEW(made, n, 1, 1));
    SEI_TRY(SEI_NEW(taken_deg, n, 1, 1));
    SEI_TRY(SEI_NEW(by_order, n, 1, 1));
    for (int64_t t = 0, i = 0; t < e->n_tilts; ++t) {
        if (!keep[t]) continue;
        taken_deg[i] = e->tilt_deg[t];
        made[i] = (sei_tilt_exposure){.index = t, .nominal_deg = e->tilt_deg[t]};
        stated_dose(e, n, &made[i]);
        draw(e, &made[i]);
        i += 1;
    }
    sei_experiment taken = *e;
    taken.n_tilts = n;
    taken.tilt_deg = taken_deg;
    SEI_TRY(sei_experiment_order(&taken, order));
    for (int64_t i = 0; i < n; ++i) {
        made[i].order = order[i];
        by_order[order[i]] = &made[i];
    }
    follow(e, n, by_order);
    *out = made;
    *n_out = n;
    made = NULL;
done:
    sei_free(made);
    sei_free(by_order);
    sei_free(keep);
    sei_free(taken_deg);
    sei_free(order);
    return status;
}

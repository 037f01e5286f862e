/* The dose ledger, its totals, and what a dose takes away. */
#include <math.h>
#include <string.h>

#include "seitomo/experiment.h"

/* Sums of equal parts of a dose may miss it by their rounding. */
static bool passes(const sei_tilt_exposure *e, double limit) {
    return e->dose_before_e_per_nm2 + e->dose_e_per_nm2 > limit * (1 + 1e-12);
}

sei_status sei_dose_ledger(const sei_tilt_exposure *exposures, int64_t n, sei_table *out) {
    static const char *const columns[] = {"tilt_deg", "order", "current_pa", "seconds", "dose_e_per_nm2", "cumulative_e_per_nm2",
                                          "passed"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    const sei_status status = sei_table_alloc("dose", N_COLUMNS, columns, (size_t)n, out);
    if (status != SEI_OK) return status;
    for (int64_t i = 0; i < n; ++i) {
        const sei_tilt_exposure *e = &exposures[i];
        const bool stated = e->dose_e_per_nm2 > 0;
        const double after = e->dose_before_e_per_nm2 + e->dose_e_per_nm2;
        const double passed = passes(e, SEI_DOSE_FIRST_VOIDS_E_PER_NM2) + passes(e, SEI_DOSE_LIMIT_E_PER_NM2);
        const double row[N_COLUMNS] = {
            e->nominal_deg,       e->order, e->current_pa, e->seconds, stated ? e->dose_e_per_nm2 : NAN, stated ? after : NAN,
            stated ? passed : NAN};
        memcpy(out->cells + i * N_COLUMNS, row, sizeof row);
    }
    return SEI_OK;
}

/* Of the exposures after which the cumulative dose is above the limit, the first one taken. */
static void first_above(const sei_tilt_exposure *exposures, int64_t n, double limit, int32_t *order, double *tilt_deg) {
    *order = -1;
    *tilt_deg = NAN;
    for (int64_t i = 0; i < n; ++i) {
        const sei_tilt_exposure *e = &exposures[i];
        if (!passes(e, limit) || (*order >= 0 && e->order > *order)) continue;
        *order = e->order;
        *tilt_deg = e->nominal_deg;
    }
}

sei_dose_total sei_dose_sum(const sei_tilt_exposure *exposures, int64_t n) {
    sei_dose_total total = {.current_pa = NAN};
    for (int64_t i = 0; i < n; ++i) {
        total.dose_e_per_nm2 += exposures[i].dose_e_per_nm2;
        total.seconds += exposures[i].seconds;
        total.charge_nc += exposures[i].current_pa * 1e-3 * exposures[i].seconds;
        if (exposures[i].order == 0) total.current_pa = exposures[i].current_pa;
    }
    first_above(exposures, n, SEI_DOSE_FIRST_VOIDS_E_PER_NM2, &total.first_voids_order, &total.first_voids_deg);
    first_above(exposures, n, SEI_DOSE_LIMIT_E_PER_NM2, &total.limit_order, &total.limit_deg);
    return total;
}

double sei_damage_factor(const sei_material *material, double before_e_per_nm2, double dose_e_per_nm2) {
    const double critical = material->critical_dose_e_per_nm2;
    if (!(critical > 0) || !(material->lost_fraction > 0)) return 1;
    const double here = dose_e_per_nm2 / critical;
    /* the mean of exp(-D/Dc) over the exposure is exp(-D0/Dc) (1 - exp(-d/Dc)) / (d/Dc) */
    const double mean = here > 0 ? -expm1(-here) / here : 1;
    return 1 - material->lost_fraction * (1 - exp(-before_e_per_nm2 / critical) * mean);
}

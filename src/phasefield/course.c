/* The course of a half-cycle, whichever backend takes its steps: what is tested on the way, and its end. */
#include <math.h>
#include <string.h>

#include "phasefield/course.h"
#include "phasefield/device.h"

static double real_at(bool single, const void *field, int64_t n) {
    return single ? (double)((const float *)field)[n] : ((const double *)field)[n];
}

sei_status sei_pf_check_fields(const sei_phasefield_state *s, bool single, const void *li, const void *vacancy, int64_t steps,
                               double tau) {
    const void *fields[2] = {li, vacancy};
    const char *names[2] = {"c_Li", "c_v"};
    for (int f = 0; f < 2; ++f)
        for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
            if (!s->wire[n]) continue;
            const double c = real_at(single, fields[f], n);
            if (c >= -0.5 && c <= 1.5) continue;
            return sei_fail(SEI_ERR_INPUT,
                            "phase field: %s at (%lld, %lld, %lld) became %g in half-cycle %lld after %lld macro steps of %g; "
                            "expected -0.5 to 1.5: the model is outside its range or the step too large (lower safety)",
                            names[f], (long long)(n % s->nx), (long long)(n / s->nx % s->ny), (long long)(n / s->nx / s->ny), c,
                            (long long)s->half_cycles + 1, (long long)(s->macro_steps + steps), tau);
        }
    return SEI_OK;
}

void sei_pf_take_fields(sei_phasefield_state *s, bool single, const void *li, const void *vacancy) {
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
        if (!s->wire[n]) continue;
        s->c_li[n] = real_at(single, li, n);
        s->c_v[n] = real_at(single, vacancy, n);
    }
}

void sei_pf_count_steps(const sei_phasefield_limits *limits, int64_t steps, sei_phasefield_state *s) {
    s->macro_steps += steps;
    s->evaluations += steps * limits->stages;
    s->half_time = (double)s->macro_steps * limits->tau;
}

static double row_sum(const sei_phasefield_state *s, int64_t row) {
    double parts[SEI_PF_SUM_PARTS] = {0}, sum = 0;
    for (int64_t i = 0; i < s->nx; ++i) {
        const int64_t n = row * s->nx + i;
        if (s->wire[n] && !s->wetted[n]) parts[i % SEI_PF_SUM_PARTS] += s->c_li[n];
    }
    for (int part = 0; part < SEI_PF_SUM_PARTS; ++part) sum += parts[part];
    return sum;
}

double sei_pf_soc_of_mean(const sei_phasefield_limits *limits, double mean) {
    return (mean - limits->c_bc_low) / (limits->c_bc_high - limits->c_bc_low);
}

int64_t sei_pf_count_dry(const sei_phasefield_state *s) {
    int64_t count = 0;
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) count += s->wire[n] && !s->wetted[n];
    return count;
}

double sei_phasefield_soc(const sei_phasefield_limits *limits, const sei_phasefield_state *s) {
    double sum = 0;
    for (int64_t row = 0; row < s->ny * s->nz; ++row) sum += row_sum(s, row);
    const int64_t count = sei_pf_count_dry(s);
    return sei_pf_soc_of_mean(limits, count > 0 ? sum / (double)count : NAN);
}

bool sei_pf_at_end(const sei_phasefield_options *o, const sei_phasefield_state *s, double soc, double half_time) {
    const bool full = sei_pf_direction(s->half_cycles) > 0 ? soc >= o->stop_soc : soc <= 1 - o->stop_soc;
    return full || half_time >= o->t_max;
}

sei_status sei_pf_end_half_cycle(const sei_phasefield_options *o, const sei_phasefield_limits *limits, sei_phasefield_state *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_wet(o, limits, s));
    s->time += s->half_time;
    s->last_time = s->half_time;
    s->half_time = 0;
    s->macro_steps = 0;
    s->half_cycles += 1;
    memset(s->source, 0, (size_t)(s->nx * s->ny * s->nz) * sizeof *s->source);
done:
    return status;
}

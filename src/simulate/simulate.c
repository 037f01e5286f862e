/* The tilt series from the first exposure to the stored numbers. */
#include "seitomo/simulate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "simulate/check.h"
#include "simulate/detect.h"

/* The dose rows of one series: what each exposure did. */
static sei_status tables(const sei_simulation *s, const sei_tilt_exposure *exposures, int64_t n, sei_simulated *made) {
    static const char *const shift_columns[] = {"tilt_deg", "dx_px", "dy_px"};
    static const char *const columns[] = {
        "tilt_deg",         "true_tilt_deg",        "order", "dx_px", "dy_px", "smear_x_px", "smear_y_px", "blur_nm",
        "contamination_nm", "dose_before_e_per_nm2"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    const double axis = (s->experiment.axis_deg + s->experiment.axis_error_deg) * 3.14159265358979323846 / 180;
    sei_status status = SEI_OK;
    SEI_TRY(sei_table_alloc("true shifts", 3, shift_columns, (size_t)n, &made->shifts));
    SEI_TRY(sei_table_alloc("exposures", N_COLUMNS, columns, (size_t)n, &made->exposures));
    for (int64_t t = 0; t < n; ++t) {
        const sei_tilt_exposure *e = &exposures[t];
        const double *at = e->shift_px;
        const double undo[3] = {e->nominal_deg, -(at[0] * cos(axis) + at[1] * sin(axis)),
                                -(at[1] * cos(axis) - at[0] * sin(axis))};
        const double row[N_COLUMNS] = {e->nominal_deg,
                                       e->true_deg,
                                       e->order,
                                       at[0],
                                       at[1],
                                       e->smear_px[0],
                                       e->smear_px[1],
                                       e->blur_nm,
                                       e->contamination_nm,
                                       e->dose_before_e_per_nm2};
        memcpy(made->shifts.cells + t * 3, undo, sizeof undo);
        memcpy(made->exposures.cells + t * N_COLUMNS, row, sizeof row);
        made->series.tilts[t].tilt_deg = e->nominal_deg;
        made->series.tilts[t].order = e->order;
        made->series.tilts[t].dose_e_per_nm2 = e->dose_e_per_nm2 > 0 ? e->dose_e_per_nm2 : NAN;
    }
    made->total = sei_dose_sum(exposures, n);
    if (made->total.dose_e_per_nm2 > 0) SEI_TRY(sei_dose_ledger(exposures, n, &made->dose));
done:
    return status;
}

/* Ideal images of every exposure into the channels and, where wanted, brems. */
static sei_status take_images(sei_imager *imager, const sei_tilt_exposure *exposures, int64_t n, sei_series *series, float *brems,
                              sei_shadow *shadow) {
    const int64_t pixels = series->nx * series->ny;
    float *image[SEI_SIMULATE_MAX_CHANNELS + 1] = {NULL};
    sei_status status = SEI_OK;
    sei_progress_begin("simulate", n);
    for (int64_t t = 0; t < n; ++t) {
        for (size_t c = 0; c < series->n_channels; ++c) image[c] = series->channels[c].data + t * pixels;
        if (brems != NULL) image[series->n_channels] = brems + t * pixels;
        SEI_TRY(sei_imager_take(imager, &exposures[t], image, shadow));
        SEI_TRY(sei_progress_step(t + 1));
    }
done:
    sei_progress_end();
    return status;
}

/* Shows the images to whoever asked. */
static sei_status show(const sei_simulation *s, const sei_tilt_exposure *exposures, int64_t n, const sei_series *series,
                       const sei_exposing *exposing, const float *brems) {
    sei_noise_free images = {.n_tilts = n, .nx = s->nx, .ny = s->ny, .exposures = exposures, .bremsstrahlung = brems};
    if (s->noise_free == NULL) return SEI_OK;
    for (size_t c = 0; c < s->n_channels; ++c) {
        images.image[c] = series->channels[c].data;
        images.scale[c] = exposing[c].scale;
        images.flat[c] = exposing[c].flat;
        images.brems[c] = exposing[c].brems;
    }
    return s->noise_free(s->asker, &images);
}

static sei_status record(const sei_simulation *s, sei_device *device, const sei_tilt_exposure *exposures, int64_t n,
                         sei_simulated *made) {
    sei_series *series = &made->series;
    sei_imager imager = {0};
    sei_shadow shadow = {0};
    sei_exposing exposing[SEI_SIMULATE_MAX_CHANNELS];
    float *brems = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_imager_new(s, &imager));
    if (imager.n_images > s->n_channels) SEI_TRY(SEI_NEW(brems, n, s->ny, s->nx));
    SEI_TRY(take_images(&imager, exposures, n, series, brems, &shadow));
    SEI_TRY(sei_find_scales(s, &shadow, exposures[0].dose_e_per_nm2 * s->pixel_nm * s->pixel_nm, exposing));
    SEI_TRY(show(s, exposures, n, series, exposing, brems));
    for (size_t c = 0; c < s->n_channels; ++c) {
        made->scale[c] = exposing[c].scale;
        SEI_TRY(sei_detect(s, device, c, &exposing[c], exposures, n, brems, &series->channels[c]));
        SEI_TRY(sei_interrupt_check());
    }
    sei_faults faults = s->faults;
    faults.seed = s->experiment.seed;
    SEI_TRY(sei_faults_apply(&faults, series, &made->faults));
    for (size_t c = 0; c < s->n_channels; ++c) sei_settle_type(s, c, n * s->ny * s->nx, &series->channels[c]);
done:
    sei_free(brems);
    sei_imager_free(&imager);
    return status;
}

sei_status sei_simulation_exposures(const sei_simulation *s, sei_tilt_exposure **out, int64_t *n) {
    sei_experiment experiment = s->experiment;
    experiment.field_nm2 = (double)(s->nx * s->ny) * s->pixel_nm * s->pixel_nm;
    return sei_experiment_exposures(&experiment, out, n);
}

sei_status sei_simulate(const sei_simulation *s, sei_simulated *out) {
    sei_simulated made = {0};
    sei_tilt_exposure *exposures = NULL;
    sei_device *opened = NULL;
    int64_t n = 0;
    sei_status status = sei_simulation_check(s);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_simulation_exposures(s, &exposures, &n));
    SEI_TRY(sei_simulation_check_exposures(s, exposures, n));
    if (s->device == NULL) {
        const sei_device_options cpu = {.name = "cpu"};
        SEI_TRY(sei_device_open(&cpu, &opened));
    }
    SEI_TRY(sei_series_alloc(s->nx, s->ny, n, s->n_channels, &made.series));
    made.series.pixel_nm = s->pixel_nm;
    made.series.axis_deg = s->experiment.axis_deg;
    made.series.axis_offset_px = s->experiment.axis_offset_px;
    SEI_TRY(tables(s, exposures, n, &made));
    SEI_TRY(record(s, s->device != NULL ? s->device : opened, exposures, n, &made));
    SEI_TRY(sei_facts_set(&made.series.facts, "specimen", "simulated", "virtual microscope"));
    *out = made;
    memset(&made, 0, sizeof made);
done:
    sei_simulated_free(&made);
    sei_free(exposures);
    sei_device_close(opened);
    return status;
}

void sei_simulated_free(sei_simulated *simulated) {
    sei_series_free(&simulated->series);
    sei_table_free(&simulated->shifts);
    sei_table_free(&simulated->exposures);
    sei_table_free(&simulated->dose);
    sei_table_free(&simulated->faults);
    memset(simulated, 0, sizeof *simulated);
}

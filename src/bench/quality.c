/* B4: is what comes out right? A noisy wire with two particles, 15 draws of the noise, held against its truth. */
#include <math.h>
#include <stdio.h>

#include "bench/bench.h"
#include "core/alloc.h"

typedef struct quality {
    sei_bench_part *part;
    sei_device *device;
    sei_bench_specimen specimen;
    float *truth;
    sei_bench_subject of; /* for the rows */
} quality;

static sei_status reconstruct(const quality *q, const sei_recon_options *options, sei_volume *volume, sei_table *history) {
    sei_recon_report report = {0};
    sei_volume_free(volume);
    sei_table_free(history);
    const sei_status status = sei_reconstruct(q->device, &q->specimen.series, 0, options, volume, &report);
    *history = report.history;
    return status;
}

/* The largest step back of the likelihood, and the largest deviation of the flux from the counts, relative to each. */
static void look_at(const sei_table *history, double *step_back, double *flux) {
    *step_back = *flux = 0;
    for (size_t r = 1; r < history->n_rows; ++r) {
        const double before = sei_table_get(history, r - 1, "log_likelihood"), now = sei_table_get(history, r, "log_likelihood");
        *step_back = fmax(*step_back, (before - now) / fabs(before));
        const double counted = sei_table_get(history, r - 1, "counted");
        *flux = fmax(*flux, fabs(sei_table_get(history, r, "flux") / counted - 1));
    }
}

sei_status sei_bench_quality(sei_bench_part *part) {
    /* a quick run is too coarse for what is asserted of error and elongation */
    const sei_bench_size size = {.n = part->quick ? 64 : 256, .ny = part->quick ? 3 : 15, .n_tilts = 25, .max_deg = 60};
    const double most_error = part->quick ? NAN : 0.23, least_long = part->quick ? NAN : 1.45,
                 most_long = part->quick ? NAN : 1.65;
    quality q = {.part = part};
    sei_recon_options options;
    sei_volume volume = {0};
    sei_table history = {0};
    char isa[SEI_UNIT_LENGTH];
    double step_back = 0, flux = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &q.device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, 1, 1000, size.ny, &q.specimen));
    SEI_TRY(sei_bench_truth(size.n, true, &q.truth));
    q.of = (sei_bench_subject){
        .device = q.device, .isa = isa, .nx = size.n, .nz = size.n, .ny = size.ny, .n_tilts = size.n_tilts, .n_channels = 1};
    sei_recon_options_default(&options);
    options.iterations = 20;
    SEI_TRY(reconstruct(&q, &options, &volume, &history));
    look_at(&history, &step_back, &flux);
    SEI_TRY(sei_bench_number(part, "EM 20: step back of the likelihood", &q.of, step_back, "", NAN, 1e-7));
    SEI_TRY(sei_bench_number(part, "EM 20: flux against counts", &q.of, flux, "", NAN, 1e-5));
    SEI_TRY(sei_bench_number(part, "EM 20: error", &q.of, sei_bench_error(&volume, q.specimen.truth_scale, q.truth), "", NAN,
                             most_error));
    SEI_TRY(sei_bench_number(part, "EM 20: elongation of a particle", &q.of, sei_bench_elongation(&volume, 0), "", NAN, NAN));
    options.method = SEI_METHOD_OSEM;
    options.iterations = 4;
    SEI_TRY(reconstruct(&q, &options, &volume, &history));
    SEI_TRY(sei_bench_number(part, "OSEM, 5 subsets, 4 sweeps: error", &q.of,
                             sei_bench_error(&volume, q.specimen.truth_scale, q.truth), "", NAN, most_error));
    options.method = SEI_METHOD_SIRT;
    options.iterations = 20;
    SEI_TRY(reconstruct(&q, &options, &volume, &history));
    SEI_TRY(
        sei_bench_number(part, "SIRT 20: error", &q.of, sei_bench_error(&volume, q.specimen.truth_scale, q.truth), "", NAN, NAN));
    SEI_TRY(sei_bench_number(part, "SIRT 20: elongation of a particle", &q.of, sei_bench_elongation(&volume, 0), "", least_long,
                             most_long));
done:
    sei_volume_free(&volume);
    sei_table_free(&history);
    sei_bench_specimen_free(&q.specimen);
    sei_free(q.truth);
    sei_device_close(q.device);
    return status;
}

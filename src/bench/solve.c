/* B2, B2o, B2m, B5: whole reconstructions, from data in memory to volumes in memory. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "core/alloc.h"

enum { MAPS = 5 }; /* channels of a multi-channel run */

/* One reconstruction to be run again and again; the volumes of the last run stay until the next. */
typedef struct solve {
    sei_device *device;
    const sei_series *series;
    size_t n_channels; /* of the series' channels, the first ones */
    sei_recon_options options;
    sei_volume *volumes; /* [n_channels] */
    double updates, flop;
} solve;

static void solve_free(solve *s) {
    for (size_t c = 0; s->volumes != NULL && c < s->n_channels; ++c) sei_volume_free(&s->volumes[c]);
    sei_free(s->volumes);
    s->volumes = NULL;
}

static sei_status run_solve(void *context) {
    solve *s = context;
    sei_status status = SEI_OK;
    solve_free(s);
    sei_recon_channel channels[MAPS] = {{0}};
    for (size_t c = 0; c < s->n_channels; ++c) channels[c].channel = c;
    SEI_TRY(SEI_NEW(s->volumes, (int64_t)s->n_channels, 1, 1));
    SEI_TRY(sei_reconstruct_channels(s->device, s->series, s->n_channels, channels, &s->options, s->volumes, NULL));
done:
    return status;
}

static solve solve_of(sei_device *device, const sei_series *series, size_t n_channels, sei_method method, int iterations) {
    solve s = {.device = device, .series = series, .n_channels = n_channels};
    sei_recon_options_default(&s.options);
    s.options.method = method;
    s.options.iterations = iterations;
    return s;
}

/* The work is counted for two projections an iteration: what is computed once, such as the sensitivity, is left out. */
static sei_bench_subject subject_of(solve *s, const char *isa, const char *what, const sei_bench_size *size) {
    sei_bench_geometry g;
    sei_bench_geometry_make(size, s->options.kernel, &g);
    const double projections = 2.0 * s->options.iterations * (double)s->n_channels;
    return (sei_bench_subject){.what = what,
                               .device = s->device,
                               .isa = isa,
                               .context = s,
                               .run = run_solve,
                               .nx = size->n,
                               .nz = size->n,
                               .ny = size->ny,
                               .n_tilts = size->n_tilts,
                               .n_channels = (int64_t)s->n_channels,
                               .updates = projections * (double)size->n * size->n * size->ny * size->n_tilts,
                               .flop = projections * 2 * sei_bench_nonzeros(&g.slab) * size->ny};
}

#define PEAK_COUNTS 1000.0

sei_status sei_bench_solve(sei_bench_part *part) {
    static const char *const what[4] = {"EM 20, 1 channel", "SIRT 20, 1 channel", "EM 20, 5 channels", "SIRT 20, 5 channels"};
    const sei_bench_size size = sei_bench_reference(part);
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    solve solves[4] = {{0}};
    sei_bench_subject subjects[4] = {{0}};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, MAPS, PEAK_COUNTS, 2, &specimen));
    for (int i = 0; i < 4; ++i) {
        solves[i] = solve_of(device, &specimen.series, i < 2 ? 1 : MAPS, i % 2 == 0 ? SEI_METHOD_EM : SEI_METHOD_SIRT, 20);
        subjects[i] = subject_of(&solves[i], isa, what[i], &size);
    }
    SEI_TRY(sei_bench_time(part, 4, subjects));
    SEI_TRY(sei_bench_ratio(part, "EM 20, time of 5 channels / of 1", &subjects[2], &subjects[0]));
    SEI_TRY(sei_bench_ratio(part, "SIRT 20, time of 5 channels / of 1", &subjects[3], &subjects[1]));
done:
    sei_bench_subjects_free(4, subjects);
    for (int i = 0; i < 4; ++i) solve_free(&solves[i]);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

sei_status sei_bench_peer_solve(sei_bench_part *part) {
    static const char *const what[4] = {"EM 20, linear", "SIRT 20, linear", "EM 20, strip", "SIRT 20, strip"};
    const sei_bench_size size = sei_bench_reference(part);
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    solve solves[4] = {{0}};
    sei_bench_subject subjects[4] = {{0}};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, 1, PEAK_COUNTS, 2, &specimen));
    for (int i = 0; i < 4; ++i) {
        solves[i] = solve_of(device, &specimen.series, 1, i % 2 == 0 ? SEI_METHOD_EM : SEI_METHOD_SIRT, 20);
        solves[i].options.kernel = i < 2 ? SEI_KERNEL_LINEAR : SEI_KERNEL_STRIP;
        subjects[i] = subject_of(&solves[i], isa, what[i], &size);
    }
    SEI_TRY(sei_bench_time(part, 4, subjects));
done:
    sei_bench_subjects_free(4, subjects);
    for (int i = 0; i < 4; ++i) solve_free(&solves[i]);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

/* One EM alone in its process. The least there can be: the volume, data and model, the maps of sensitivity and ray weights. */
sei_status sei_bench_memory(sei_bench_part *part) {
    const sei_bench_size size = sei_bench_reference(part);
    const double area = (double)size.n * size.n, bins = (double)size.n_tilts * size.n;
    const double least = 4 * (area * size.ny + 2 * bins * size.ny + area + bins);
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    solve em = {0};
    sei_bench_subject subject = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, 1, PEAK_COUNTS, 1, &specimen));
    em = solve_of(device, &specimen.series, 1, SEI_METHOD_EM, 2);
    subject = subject_of(&em, isa, "EM", &size);
    SEI_TRY(run_solve(&em));
    SEI_TRY(sei_bench_peak(part, "EM, 1 channel, peak memory", &subject));
    SEI_TRY(sei_bench_number(part, "peak / (volume + 2 sinograms + maps)", &subject,
                             part->rows[part->n_rows - 1].peak_bytes / least, "x", NAN, NAN));
done:
    solve_free(&em);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

sei_status sei_bench_large(sei_bench_part *part) {
    const sei_bench_size size = part->quick ? (sei_bench_size){.n = 128, .ny = 8, .n_tilts = 141, .max_deg = 70}
                                            : (sei_bench_size){.n = 2048, .ny = 64, .n_tilts = 141, .max_deg = 70};
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    solve em = {0};
    sei_bench_subject subject = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, 1, PEAK_COUNTS, 1, &specimen));
    em = solve_of(device, &specimen.series, 1, SEI_METHOD_EM, 1);
    subject = subject_of(&em, isa, "EM 1", &size);
    SEI_TRY(sei_bench_time(part, 1, &subject));
    SEI_TRY(sei_bench_peak(part, "EM 1, peak memory", &subject));
    part->rows[part->n_rows - 1].high = 3072; /* MiB */
done:
    sei_bench_subjects_free(1, &subject);
    solve_free(&em);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

/* ---- less work */

static sei_status say_error(sei_bench_part *part, const char *what, const sei_bench_subject *subject,
                            const sei_bench_specimen *of, const float *truth) {
    const solve *s = subject->context;
    return sei_bench_number(part, what, subject, sei_bench_error(&s->volumes[0], of->truth_scale, truth), "", NAN, NAN);
}

/* Four sweeps of five subsets update as often as 20 iterations of EM, from a fifth of the projections. */
sei_status sei_bench_subsets(sei_bench_part *part) {
    const sei_bench_size size = sei_bench_reference(part);
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    float *truth = NULL;
    solve solves[2] = {{0}}; /* EM and OSEM */
    sei_bench_subject subjects[2] = {{0}};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, true, 1, PEAK_COUNTS, 16, &specimen));
    SEI_TRY(sei_bench_truth(size.n, true, &truth));
    solves[0] = solve_of(device, &specimen.series, 1, SEI_METHOD_EM, 20);
    solves[1] = solve_of(device, &specimen.series, 1, SEI_METHOD_OSEM, 4);
    solves[1].options.subsets = 5;
    subjects[0] = subject_of(&solves[0], isa, "EM 20", &size);
    subjects[1] = subject_of(&solves[1], isa, "OSEM, 5 subsets, 4 sweeps", &size);
    SEI_TRY(sei_bench_time(part, 2, subjects));
    SEI_TRY(sei_bench_ratio(part, "time of EM 20 / OSEM", &subjects[0], &subjects[1]));
    SEI_TRY(say_error(part, "error of EM 20", &subjects[0], &specimen, truth));
    SEI_TRY(say_error(part, "error of OSEM", &subjects[1], &specimen, truth));
done:
    sei_bench_subjects_free(2, subjects);
    for (int i = 0; i < 2; ++i) solve_free(&solves[i]);
    sei_free(truth);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

sei_status sei_bench_support(sei_bench_part *part) {
    static const int iterations[2] = {4, 20};
    const sei_bench_size size = sei_bench_reference(part);
    sei_bench_specimen specimen = {0};
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH], what[SEI_NAME_LENGTH];
    uint8_t *support = NULL;
    float *truth = NULL;
    double area = 0;
    solve solves[2] = {{0}}; /* without and with */
    sei_bench_subject subjects[2] = {{0}};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(sei_bench_specimen_make(&size, false, 1, PEAK_COUNTS, 16, &specimen));
    SEI_TRY(sei_bench_wire_support(size.n, &support));
    SEI_TRY(sei_bench_truth(size.n, false, &truth));
    for (int64_t i = 0; i < (int64_t)size.n * size.n; ++i) area += support[i] / ((double)size.n * size.n);
    for (int i = 0; i < 2; ++i) solves[i] = solve_of(device, &specimen.series, 1, SEI_METHOD_EM, 20);
    solves[1].options.support = support;
    solves[1].options.n_support = (int64_t)size.n * size.n;
    subjects[0] = subject_of(&solves[0], isa, "EM 20", &size);
    subjects[1] = subject_of(&solves[1], isa, "EM 20 within the support", &size);
    SEI_TRY(sei_bench_time(part, 2, subjects));
    SEI_TRY(sei_bench_ratio(part, "time of EM 20 without / with support", &subjects[0], &subjects[1]));
    SEI_TRY(sei_bench_number(part, "the support's share of the slice", &subjects[1], area, "", NAN, NAN));
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < 2; ++i) {
            solves[i].options.iterations = iterations[k];
            SEI_TRY(run_solve(&solves[i]));
            snprintf(what, sizeof what, "error after %d%s", iterations[k], i == 0 ? "" : " within the support");
            SEI_TRY(say_error(part, what, &subjects[i], &specimen, truth));
        }
    }
done:
    sei_bench_subjects_free(2, subjects);
    for (int i = 0; i < 2; ++i) solve_free(&solves[i]);
    sei_free(support);
    sei_free(truth);
    sei_bench_specimen_free(&specimen);
    sei_device_close(device);
    return status;
}

/* The experiment: ideal projections, drift, background, counting noise, and the truth beside them. */
#include "seitomo/simulate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/random.h"
#include "core/threads.h"
#include "simulate/voxelise.h"

/* One stream of random numbers per purpose; channels add their index. */
enum { STREAM_DRIFT = 1, STREAM_HOT = 2, STREAM_COUNTS = 100, STREAM_NOISE = 200 };

/* float32 holds every whole number up to here */
static const double most_counts = 16777216.0;

static int64_t elements(const sei_simulation *s) {
    return s->n_tilts * s->ny * s->nx;
}

static sei_status check_signal(const sei_simulation *s) {
    for (size_t m = 0; m < s->specimen.n_materials; ++m) {
        for (size_t c = 0; c < s->n_channels; ++c) {
            const double signal = s->signal[m * s->n_channels + c];
            if (signal >= 0 && isfinite(signal)) continue;
            return sei_fail(SEI_ERR_INPUT, "simulation: material '%s' has signal %g in channel '%s'; it must be 0 or more",
                            s->specimen.materials[m].name, signal, s->channel_names[c]);
        }
    }
    return SEI_OK;
}

static sei_status check(const sei_simulation *s) {
    if (s->nx < 1 || s->ny < 1 || s->nz < 1 || s->n_tilts < 1) {
        return sei_fail(SEI_ERR_INPUT, "simulation: %lld x %lld x %lld voxels and %lld tilts; each must be at least 1",
                        (long long)s->nx, (long long)s->ny, (long long)s->nz, (long long)s->n_tilts);
    }
    if (!(s->pixel_nm > 0)) return sei_fail(SEI_ERR_INPUT, "simulation: pixel_nm is %g, expected above 0", s->pixel_nm);
    if (s->n_channels < 1 || s->n_channels > SEI_SIMULATE_MAX_CHANNELS) {
        return sei_fail(SEI_ERR_INPUT, "simulation: %zu channels, expected 1 to %d", s->n_channels, SEI_SIMULATE_MAX_CHANNELS);
    }
    if (s->subsamples < 1 || s->subsamples > 32) {
        return sei_fail(SEI_ERR_INPUT, "simulation: subsamples is %d, expected 1 to 32", s->subsamples);
    }
    if (s->hot_pixels < 0) {
        return sei_fail(SEI_ERR_INPUT, "simulation: hot_pixels is %lld, expected 0 or more", (long long)s->hot_pixels);
    }
    if (s->specimen.n_materials > 0 && s->signal == NULL) {
        return sei_fail(SEI_ERR_INPUT, "simulation: no signals for %zu materials", s->specimen.n_materials);
    }
    return check_signal(s);
}

/* counts / (mean ideal signal over the specimen's shadow), or 1 where counts are not asked for. */
static void find_scales(const sei_simulation *s, const sei_series *ideal, double *scale) {
    int64_t shadow = 0;
    double sum[SEI_SIMULATE_MAX_CHANNELS] = {0};
    for (int64_t i = 0; i < elements(s); ++i) {
        bool covered = false;
        for (size_t c = 0; c < s->n_channels; ++c) covered = covered || ideal->channels[c].data[i] > 0;
        if (!covered) continue;
        shadow += 1;
        for (size_t c = 0; c < s->n_channels; ++c) sum[c] += (double)ideal->channels[c].data[i];
    }
    for (size_t c = 0; c < s->n_channels; ++c) {
        scale[c] = s->counts[c] > 0 && sum[c] > 0 ? s->counts[c] * (double)shadow / sum[c] : 1;
    }
}

/* Background, Poisson counts and Gaussian noise of one channel, in place. */
static sei_status expose(const sei_simulation *s, size_t c, double scale, float *data) {
    const int64_t n = elements(s);
    const sei_random poisson = {.seed = s->seed, .stream = (uint32_t)(STREAM_COUNTS + c)};
    const sei_random normal = {.seed = s->seed, .stream = (uint32_t)(STREAM_NOISE + c)};
    double largest = 0;
    for (int64_t i = 0; i < n; ++i) largest = fmax(largest, scale * (double)data[i] + s->background[c]);
    if (s->counts[c] > 0 && largest > most_counts / 2) {
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: channel '%s' would hold %.3g counts in a pixel, float32 holds %.0f exactly; ask for "
                        "fewer counts",
                        s->channel_names[c], largest, most_counts);
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t i = 0; i < n; ++i) {
        double value = scale * (double)data[i] + s->background[c];
        if (s->counts[c] > 0) value = sei_random_poisson(&poisson, (uint64_t)i, value);
        if (s->noise[c] > 0) value += s->noise[c] * largest * sei_random_normal(&normal, (uint64_t)i, 0);
        data[i] = (float)value;
    }
    return SEI_OK;
}

static void add_hot_pixels(const sei_simulation *s, sei_series *series) {
    const sei_random random = {.seed = s->seed, .stream = STREAM_HOT};
    const int64_t n = elements(s);
    for (size_t c = 0; c < s->n_channels; ++c) {
        float largest = 0;
        for (int64_t i = 0; i < n; ++i) largest = fmaxf(largest, series->channels[c].data[i]);
        for (int64_t k = 0; k < s->hot_pixels; ++k) {
            const uint64_t draw = (uint64_t)k * SEI_SIMULATE_MAX_CHANNELS + c;
            const int64_t at = (int64_t)(sei_random_uniform(&random, draw, 0) * (double)n);
            series->channels[c].data[at < n ? at : n - 1] = 20 * largest;
        }
    }
}

/* Whole counts are stored as uint16 where they fit, everything else as float32. */
static sei_dtype stored_type(const sei_simulation *s, size_t c, const float *data) {
    if (!(s->counts[c] > 0) || s->noise[c] > 0) return SEI_DTYPE_F32;
    for (int64_t i = 0; i < elements(s); ++i) {
        if (data[i] > 65535) return SEI_DTYPE_F32;
    }
    return SEI_DTYPE_U16;
}

/* One noise-free image of channel c: the sum over materials of path and signal per nm. */
static void add_up(const sei_simulation *s, const float *paths, size_t c, float *image) {
    const int64_t pixels = s->nx * s->ny;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t i = 0; i < pixels; ++i) {
        double sum = 0;
        for (size_t m = 0; m < s->specimen.n_materials; ++m) {
            sum += s->signal[m * s->n_channels + c] * (double)paths[(int64_t)m * pixels + i];
        }
        image[i] = (float)sum;
    }
}

/* Ideal images of all tilts into the series, with each tilt's drift undone in `shifts`. */
static sei_status expose_ideal(const sei_simulation *s, sei_series *series, sei_table *shifts) {
    const sei_random drift = {.seed = s->seed, .stream = STREAM_DRIFT};
    sei_view view = {
        .nx = s->nx, .ny = s->ny, .pixel_nm = s->pixel_nm, .subsamples = s->subsamples, .axis_offset_px = s->axis_offset_px};
    sei_tracer *tracer = NULL;
    float *paths = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_tracer_new(&s->specimen, &tracer));
    SEI_TRY(SEI_NEW(paths, (int64_t)s->specimen.n_materials, s->ny, s->nx));
    sei_progress_begin("simulate", s->n_tilts);
    for (int64_t t = 0; t < s->n_tilts; ++t) {
        for (int i = 0; i < 2; ++i) {
            view.shift_px[i] = s->drift_px * (2 * sei_random_uniform(&drift, (uint64_t)t, (uint32_t)i) - 1);
            shifts->cells[3 * t + 1 + i] = -view.shift_px[i];
        }
        view.tilt_deg = shifts->cells[3 * t] = s->tilt_deg[t];
        SEI_TRY(sei_tracer_paths(tracer, &view, NULL, paths));
        series->tilts[t].tilt_deg = s->tilt_deg[t];
        series->tilts[t].order = (int32_t)t;
        for (size_t c = 0; c < s->n_channels; ++c) add_up(s, paths, c, series->channels[c].data + t * s->ny * s->nx);
        SEI_TRY(sei_progress_step(t + 1));
    }
done:
    sei_progress_end();
    sei_free(paths);
    sei_tracer_free(tracer);
    return status;
}

static sei_status make_series(const sei_simulation *s, sei_series *series, sei_table *shifts, double *scale) {
    static const char *const columns[] = {"tilt_deg", "dx_px", "dy_px"};
    sei_status status = SEI_OK;
    SEI_TRY(sei_series_alloc(s->nx, s->ny, s->n_tilts, s->n_channels, series));
    SEI_TRY(sei_table_alloc("true shifts", 3, columns, (size_t)s->n_tilts, shifts));
    series->pixel_nm = s->pixel_nm;
    series->axis_offset_px = s->axis_offset_px;
    SEI_TRY(expose_ideal(s, series, shifts));
    find_scales(s, series, scale);
    for (size_t c = 0; c < s->n_channels; ++c) {
        sei_channel *channel = &series->channels[c];
        snprintf(channel->name, sizeof channel->name, "%s", s->channel_names[c]);
        snprintf(channel->unit, sizeof channel->unit, "%s", s->counts[c] > 0 && s->noise[c] <= 0 ? "counts" : "grey");
        SEI_TRY(expose(s, c, scale[c], channel->data));
    }
    add_hot_pixels(s, series);
    for (size_t c = 0; c < s->n_channels; ++c) series->channels[c].stored = stored_type(s, c, series->channels[c].data);
    SEI_TRY(sei_facts_set(&series->facts, "specimen", "simulated", "virtual microscope"));
done:
    return status;
}

static sei_status make_truth(const sei_simulation *s, const double *scale, sei_labels *labels, sei_volume *volumes,
                             sei_numbers *numbers) {
    static const struct {
        int label;
        const char *name;
    } known[] = {{SEI_LABEL_SI, "si_volume"},
                 {SEI_LABEL_SEI, "sei_volume"},
                 {SEI_LABEL_CLOSED_VOID, "closed_void_volume"},
                 {SEI_LABEL_OPEN_VOID, "open_void_volume"},
                 {SEI_LABEL_SUPPORT, "support_volume"}};
    double voxels[256] = {0};
    double value[SEI_MAX_MATERIALS * SEI_SIMULATE_MAX_CHANNELS];
    const double cell_nm3 = s->pixel_nm * s->pixel_nm * s->pixel_nm;
    sei_status status = SEI_OK;
    SEI_TRY(sei_labels_alloc(s->nx, s->ny, s->nz, s->pixel_nm, labels));
    SEI_TRY(sei_labels_define_wire(labels));
    for (size_t c = 0; c < s->n_channels; ++c) {
        SEI_TRY(sei_volume_alloc(s->nx, s->ny, s->nz, s->pixel_nm, &volumes[c]));
        snprintf(volumes[c].name, sizeof volumes[c].name, "%s", s->channel_names[c]);
    }
    for (size_t i = 0; i < s->specimen.n_materials * s->n_channels; ++i) value[i] = s->signal[i] * scale[i % s->n_channels];
    SEI_TRY(sei_voxelise(&s->specimen, 4, s->n_channels, value, labels, volumes, voxels));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        SEI_TRY(sei_numbers_set(numbers, known[i].name, voxels[known[i].label] * cell_nm3, "nm3", 0));
    }
done:
    return status;
}

/* Gives a made struct to the caller who asked for it and forgets it here. */
#define HAND_OVER(target, made)               \
    do {                                      \
        if ((target) != NULL) {               \
            *(target) = (made);               \
            memset(&(made), 0, sizeof(made)); \
        }                                     \
    } while (0)

sei_status sei_simulate(const sei_simulation *s, sei_series *series, sei_table *true_shifts, sei_labels *truth_labels,
                        sei_volume *truth_volumes, sei_numbers *truth_numbers) {
    double scale[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_series made = {0};
    sei_table shifts = {0};
    sei_labels labels = {0};
    sei_numbers numbers = {0};
    sei_volume volumes[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_status status = check(s);
    if (status != SEI_OK) return status;
    SEI_TRY(make_series(s, &made, &shifts, scale));
    if (truth_labels != NULL || truth_volumes != NULL || truth_numbers != NULL) {
        SEI_TRY(make_truth(s, scale, &labels, volumes, &numbers));
    }
    HAND_OVER(series, made);
    HAND_OVER(true_shifts, shifts);
    HAND_OVER(truth_labels, labels);
    HAND_OVER(truth_numbers, numbers);
    for (size_t c = 0; truth_volumes != NULL && c < s->n_channels; ++c) HAND_OVER(&truth_volumes[c], volumes[c]);
done:
    for (size_t c = 0; c < s->n_channels; ++c) sei_volume_free(&volumes[c]);
    sei_series_free(&made);
    sei_table_free(&shifts);
    sei_labels_free(&labels);
    sei_numbers_free(&numbers);
    return status;
}

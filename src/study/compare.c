/* The methods side by side on one channel of one series. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "seitomo/segment.h"
#include "seitomo/study.h"
#include "study/compare.h"
#include "study/run.h"
#include "study/series_edit.h"

void sei_compare_options_default(sei_compare_options *options) {
    *options = (sei_compare_options){.iterations = 20, .kernel = SEI_KERNEL_LINEAR, .bin = 1, .slice_nm = 5};
}

/* Residual and likelihood of a volume against the images, by its reprojection. */
static sei_status fit_to_data(sei_device *device, const sei_volume *volume, const sei_series *series, sei_kernel kernel,
                              double *residual, double *log_likelihood) {
    sei_series again = {0};
    const sei_status status = sei_reproject(device, volume, series, kernel, &again);
    if (status != SEI_OK) return status;
    const size_t count = (size_t)series->n_tilts * (size_t)series->ny * (size_t)series->nx;
    const float *b = series->channels[0].data;
    const float *m = again.channels[0].data;
    double sum = 0;
    double squares = 0;
    double likelihood = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; ++i) {
        if (series->valid != NULL && series->valid[i] == 0) continue;
        sum += fmax((double)b[i], 0);
        ++n;
    }
    /* a model of zero where counts were seen would be minus infinity: every method gets the same floor */
    const double floor_counts = n > 0 ? sum / (double)n * 1e-3 : 0;
    for (size_t i = 0; i < count; ++i) {
        if (series->valid != NULL && series->valid[i] == 0) continue;
        const double difference = (double)b[i] - (double)m[i];
        const double model = fmax((double)m[i], floor_counts);
        squares += difference * difference;
        if (model > 0) likelihood += fmax((double)b[i], 0) * log(model) - model;
    }
    *residual = n > 0 ? sqrt(squares / (double)n) : NAN;
    *log_likelihood = floor_counts > 0 ? likelihood : NAN;
    sei_series_free(&again);
    return SEI_OK;
}

/* |x - s t| / |s t| with the scale s that fits best. */
static void against_truth(const sei_volume *volume, const sei_volume *truth, double *rmse, double *scale) {
    const size_t count = (size_t)volume->nx * (size_t)volume->ny * (size_t)volume->nz;
    double xt = 0;
    double tt = 0;
    double xx = 0;
    for (size_t i = 0; i < count; ++i) {
        const double x = (double)volume->data[i];
        const double t = (double)truth->data[i];
        xt += x * t;
        tt += t * t;
        xx += x * x;
    }
    *scale = tt > 0 ? xt / tt : NAN;
    const double model = *scale * *scale * tt;
    *rmse = model > 0 ? sqrt(fmax(xx - 2 * *scale * xt + model, 0) / model) : NAN;
}

/* An isolated part of the truth: its box. */
typedef struct object {
    int64_t low[3], high[3];
    int64_t voxels, first;
} object;

enum { MAX_OBJECTS = 256, MIN_OBJECT_VOXELS = 8, MARGIN = 3 };

/* The largest first; of one size in the order of their first voxels. */
static int by_size(const void *a, const void *b) {
    const object *x = a;
    const object *y = b;
    if (x->voxels != y->voxels) return x->voxels > y->voxels ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static sei_status find_objects(const sei_volume *truth, object **out, size_t *n_objects) {
    const size_t count = (size_t)truth->nx * (size_t)truth->ny * (size_t)truth->nz;
    uint8_t *mask = NULL;
    uint32_t *labels = NULL;
    object *objects = NULL;
    uint32_t n = 0;
    float largest = 0;
    sei_status status = SEI_OK;
    *n_objects = 0;
    SEI_TRY(SEI_NEW(mask, truth->nx, truth->ny, truth->nz));
    SEI_TRY(SEI_NEW(labels, truth->nx, truth->ny, truth->nz));
    for (size_t i = 0; i < count; ++i) largest = fmaxf(largest, truth->data[i]);
    for (size_t i = 0; i < count; ++i) mask[i] = truth->data[i] > 0.5F * largest;
    SEI_TRY(sei_components(mask, truth->nx, truth->ny, truth->nz, 26, labels, &n));
    SEI_TRY(SEI_NEW(objects, n, 1, 1));
    for (uint32_t k = 0; k < n; ++k) objects[k] = (object){.low = {INT64_MAX, INT64_MAX, INT64_MAX}, .high = {-1, -1, -1}};
    for (size_t i = 0; i < count; ++i) {
        if (labels[i] == 0) continue;
        object *o = &objects[labels[i] - 1];
        if (o->voxels == 0) o->first = (int64_t)i;
        const int64_t at[3] = {(int64_t)i % truth->nx, (int64_t)i / truth->nx % truth->ny, (int64_t)i / truth->nx / truth->ny};
        for (int a = 0; a < 3; ++a) {
            if (at[a] < o->low[a]) o->low[a] = at[a];
            if (at[a] > o->high[a]) o->high[a] = at[a];
        }
        ++o->voxels;
    }
    const int64_t size[3] = {truth->nx, truth->ny, truth->nz};
    for (uint32_t k = 0; k < n; ++k) {
        bool inside = objects[k].voxels >= MIN_OBJECT_VOXELS;
        for (int a = 0; a < 3; ++a) inside = inside && objects[k].low[a] >= MARGIN && objects[k].high[a] < size[a] - MARGIN;
        if (inside) objects[(*n_objects)++] = objects[k];
    }
    if (*n_objects > MAX_OBJECTS) {
        sei_info("compare: the truth has %zu isolated objects; the %d largest are measured", *n_objects, MAX_OBJECTS);
        qsort(objects, *n_objects, sizeof *objects, by_size);
        *n_objects = MAX_OBJECTS;
    }
    *out = objects;
    objects = NULL;
done:
    sei_free(objects);
    sei_free(mask);
    sei_free(labels);
    return status;
}

static void moments(const sei_volume *volume, const object *objects, size_t n, double *mean, double *sd, double *used) {
    double sum = 0;
    double squares = 0;
    size_t count = 0;
    for (size_t k = 0; k < n; ++k) {
        const object *o = &objects[k];
        int64_t half = 0;
        for (int a = 0; a < 3; ++a) {
            if ((o->high[a] - o->low[a] + 1) / 2 > half) half = (o->high[a] - o->low[a] + 1) / 2;
        }
        const double e = sei_measure_elongation(volume, (o->low[0] + o->high[0]) / 2, (o->low[1] + o->high[1]) / 2,
                                                (o->low[2] + o->high[2]) / 2, 2 * half + MARGIN);
        if (!isfinite(e)) continue;
        sum += e;
        squares += e * e;
        ++count;
    }
    *mean = count > 0 ? sum / (double)count : NAN;
    *sd = count > 1 ? sqrt(fmax(squares - sum * sum / (double)count, 0) / (double)(count - 1)) : NAN;
    *used = (double)count;
}

/* The truth on the volumes' grid. */
static sei_status fit_truth(const sei_volume *truth, const sei_volume *volume, sei_volume *out) {
    const double ratio = volume->voxel_nm / truth->voxel_nm;
    const double span[3] = {(double)truth->nx / ratio - (double)volume->nx, (double)truth->ny / ratio - (double)volume->ny,
                            (double)truth->nz / ratio - (double)volume->nz};
    for (int a = 0; a < 3; ++a) {
        if (fabs(span[a]) < 1.0) continue;
        return sei_fail(SEI_ERR_INPUT,
                        "the truth is %lld x %lld x %lld voxels of %.6g nm, the volumes are %lld x %lld x %lld of %.6g nm: not "
                        "the same space",
                        (long long)truth->nx, (long long)truth->ny, (long long)truth->nz, truth->voxel_nm, (long long)volume->nx,
                        (long long)volume->ny, (long long)volume->nz, volume->voxel_nm);
    }
    return sei_volume_resample(truth, volume->nx, volume->ny, volume->nz, volume->voxel_nm, out);
}

static sei_status find_channel(const sei_series *series, const char *wanted, size_t *channel) {
    *channel = 0;
    const char *name = wanted == NULL ? "HAADF" : wanted;
    for (size_t c = 0; c < series->n_channels; ++c) {
        if (strcasecmp(series->channels[c].name, name) == 0) {
            *channel = c;
            return SEI_OK;
        }
    }
    return wanted == NULL ? SEI_OK : sei_fail(SEI_ERR_INPUT, "the series has no channel '%s'", wanted);
}

/* Voxels in depth of the binned volume. */
static int64_t depth_of(const sei_compare_work *work) {
    const sei_compare_options *o = work->options;
    if (o->depth_px <= 0) return work->series.nx - 2 * work->pad;
    return o->depth_px < o->bin ? 1 : (o->depth_px + o->bin / 2) / o->bin;
}

static void recon_options(const sei_compare_work *work, size_t index, sei_recon_options *options) {
    const sei_compare_options *o = work->options;
    sei_recon_options_default(options);
    options->method = work->methods[index];
    options->iterations = o->iterations;
    if (options->method == SEI_METHOD_OSEM) /* as many updates */
        options->iterations = (o->iterations + options->subsets - 1) / options->subsets;
    options->every_sweep = true; /* for the history */
    options->kernel = o->kernel;
    options->depth_px = depth_of(work);
    const sei_series *s = &work->series;
    const double images = 4.0 * (double)s->nx * (double)s->ny * (double)s->n_tilts, left = (double)o->memory_bytes - 2 * images;
    options->memory_bytes = o->memory_bytes == 0 ? 0 : left > 1 ? (size_t)left : 1;
}

/* One method: reconstruct, write, measure into its row. */
static sei_status one_method(sei_compare_work *work, size_t index, double *row) {
    const sei_compare_options *o = work->options;
    const sei_method method = work->methods[index];
    sei_volume volume = {0};
    sei_volume truth = {0};
    sei_recon_report report = {0};
    sei_recon_options options;
    object *objects = NULL;
    size_t n_objects = 0;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < SEI_COMPARE_COLUMNS; ++c) row[c] = NAN;
    recon_options(work, index, &options);
    sei_info("compare: %s of %s", sei_method_name(method), work->channel);
    SEI_TRY(sei_reconstruct(work->device, &work->series, 0, &options, &volume, &report));
    snprintf(volume.name, sizeof volume.name, "%s", work->channel);
    /* the data are explained by the whole of the volume; the rest is about the field */
    SEI_TRY(
        fit_to_data(work->device, &volume, &work->series, o->kernel, &row[SEI_COMPARE_RESIDUAL], &row[SEI_COMPARE_LIKELIHOOD]));
    SEI_TRY(sei_volume_cut_sides(&volume, work->pad));
    SEI_TRY(sei_compare_write_volume(work, index, &volume, &report));
    row[SEI_COMPARE_METHOD] = (double)method;
    SEI_TRY(sei_measure_elongation_autocorrelation(&volume, &row[SEI_COMPARE_AUTOCORRELATION]));
    row[SEI_COMPARE_THEORY] = report.elongation_theory;
    if (o->truth != NULL) {
        SEI_TRY(fit_truth(o->truth, &volume, &truth));
        against_truth(&volume, &truth, &row[SEI_COMPARE_RMSE], &row[SEI_COMPARE_SCALE]);
        SEI_TRY(find_objects(&truth, &objects, &n_objects));
        moments(&volume, objects, n_objects, &row[SEI_COMPARE_MOMENTS], &row[SEI_COMPARE_MOMENTS_SD], &row[SEI_COMPARE_OBJECTS]);
    }
done:
    sei_free(objects);
    sei_recon_report_free(&report);
    sei_volume_free(&truth);
    sei_volume_free(&volume);
    return status;
}

/* One value everywhere: autocorrelation, scales and pictures have nothing to go by. */
static sei_status check_contrast(const sei_series *series, size_t channel) {
    const float *data = series->channels[channel].data;
    const size_t count = (size_t)series->n_tilts * (size_t)series->ny * (size_t)series->nx;
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; ++i) {
        if (series->valid != NULL && series->valid[i] == 0) continue;
        low = fminf(low, data[i]);
        high = fmaxf(high, data[i]);
    }
    if (low < high) return SEI_OK;
    if (low > high) return sei_fail(SEI_ERR_INPUT, "channel '%s' has no pixel with data", series->channels[channel].name);
    return sei_fail(SEI_ERR_INPUT,
                    "channel '%s' is %g in every pixel: methods cannot be compared on it; choose another with --channel",
                    series->channels[channel].name, (double)low);
}

/* The one channel, binned and padded. */
static sei_status take_channel(const sei_series *series, sei_compare_work *work) {
    const sei_compare_options *o = work->options;
    sei_series trimmed = {0};
    sei_series binned = {0};
    size_t channel = 0;
    sei_status status = SEI_OK;
    SEI_TRY(find_channel(series, o->channel, &channel));
    SEI_TRY(check_contrast(series, channel));
    snprintf(work->channel, sizeof work->channel, "%s", series->channels[channel].name);
    sei_safe_name(work->channel, work->file_name, sizeof work->file_name);
    SEI_TRY(sei_series_trim(series, channel, o->bin, &trimmed));
    SEI_TRY(sei_clean_bin(&trimmed, o->bin, &binned));
    work->pad = (o->pad_px + o->bin - 1) / o->bin;
    SEI_TRY(sei_series_pad(&binned, work->pad, &work->series));
done:
    sei_series_free(&trimmed);
    sei_series_free(&binned);
    return status;
}

static sei_compare_work work_of(sei_device *device, const sei_compare_options *options, const char *folder) {
    static const sei_method standard[] = {SEI_METHOD_EM, SEI_METHOD_SIRT, SEI_METHOD_WBP};
    return (sei_compare_work){.device = device,
                              .options = options,
                              .folder = folder,
                              .n_methods = options->n_methods > 0 ? options->n_methods : 3,
                              .methods = options->n_methods > 0 ? options->methods : standard};
}

sei_status sei_compare_plan(sei_device *device, const sei_series *series, const sei_compare_options *options,
                            double *memory_bytes, double *disk_bytes) {
    sei_compare_work work = work_of(device, options, "");
    double most = 0;
    sei_status status = SEI_OK;
    SEI_TRY(take_channel(series, &work));
    for (size_t i = 0; i < work.n_methods; ++i) {
        sei_recon_options recon;
        sei_recon_plan plan;
        recon_options(&work, i, &recon);
        recon.memory_bytes = 0; /* what it takes is told, not whether there is so much */
        SEI_TRY(sei_reconstruct_plan(device, &work.series, 1, &recon, &plan));
        most = fmax(most, (double)(options->memory_bytes > 0 ? plan.least : plan.bytes));
    }
    const double images = 4.0 * (double)work.series.nx * (double)work.series.ny * (double)work.series.n_tilts;
    const double area = (double)(work.series.nx - 2 * work.pad) * (double)work.series.ny;
    const double volume = 4.0 * area * (double)depth_of(&work);
    /* the series as read, the channel, its reprojection; a truth on the volume's grid */
    *memory_bytes = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts * (double)series->n_channels +
                    2 * images + most + (options->truth != NULL ? 2 * volume : 0);
    *disk_bytes = (double)work.n_methods * volume + 10e6; /* and some megabytes of pictures and pages */
done:
    sei_series_free(&work.series);
    return status;
}

sei_status sei_compare(sei_device *device, const sei_series *series, const sei_compare_options *options, const char *folder,
                       sei_table *rows) {
    sei_compare_work work = work_of(device, options, folder);
    sei_table table = {0};
    sei_status status = SEI_OK;
    SEI_TRY(take_channel(series, &work));
    SEI_TRY(sei_compare_check_targets(&work));
    SEI_TRY(sei_table_alloc("compare", SEI_COMPARE_COLUMNS, sei_compare_columns, work.n_methods, &table));
    for (size_t i = 0; i < work.n_methods; ++i) {
        SEI_TRY(sei_table_set_word(&table, i, sei_method_name(work.methods[i])));
        SEI_TRY(one_method(&work, i, table.cells + i * SEI_COMPARE_COLUMNS));
        SEI_TRY(sei_interrupt_check());
    }
    SEI_TRY(sei_compare_write_summary(&work, &table));
    if (rows != NULL) {
        *rows = table;
        table = (sei_table){0};
    }
done:
    sei_table_free(&table);
    sei_series_free(&work.series);
    return status;
}

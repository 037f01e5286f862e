/* Cleaning of a series: crop, non-finite pixels, dead lines, hot pixels, normalisation. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clean/clean.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"

static const double most_hot = 0.02; /* share of an image beyond which "hot" pixels are no faults */

void sei_clean_options_default(sei_clean_options *options) {
    *options = (sei_clean_options){.hot_pixel_sigma = 8, .dead_lines = true, .normalise_grey_only = true};
}

bool sei_clean_is_whole(sei_dtype dtype) {
    return dtype >= SEI_DTYPE_U8 && dtype <= SEI_DTYPE_I32;
}

sei_image sei_image_of(const sei_series *series, size_t channel, int64_t tilt) {
    const size_t offset = (size_t)tilt * (size_t)series->ny * (size_t)series->nx;
    return (sei_image){series->channels[channel].data + offset, series->valid == NULL ? NULL : series->valid + offset, series->nx,
                       series->ny};
}

static size_t image_size(const sei_series *series) {
    return (size_t)series->ny * (size_t)series->nx;
}

bool sei_clean_is_counts(const sei_series *series, size_t channel) {
    const sei_channel *c = &series->channels[channel];
    size_t small = 0, n = (size_t)series->n_tilts * image_size(series);
    if (strcmp(c->unit, "counts") == 0) return true;
    if (c->unit[0] != 0) return false;
    for (size_t i = 0; i < n; ++i) {
        const float v = c->data[i];
        if (isfinite(v) && (v < 0 || v != floorf(v))) return false;
        small += v < 16;
    }
    return 2 * small > n && sei_clean_is_whole(c->stored);
}

sei_status sei_repairs_add(sei_repairs *repairs, sei_repair repair) {
    if (repairs->count == repairs->capacity) {
        const size_t capacity = repairs->capacity > 0 ? 2 * repairs->capacity : 256;
        void *items = repairs->items;
        const sei_status status = sei_realloc(&items, capacity * sizeof *repairs->items);
        if (status != SEI_OK) return status;
        repairs->items = items;
        repairs->capacity = capacity;
    }
    repairs->items[repairs->count++] = repair;
    return SEI_OK;
}

static sei_status add_pixel(sei_repairs *repairs, const sei_series *series, size_t channel, int64_t tilt, int64_t at,
                            sei_repair_kind kind, double before, double after) {
    return sei_repairs_add(repairs, (sei_repair){channel, series->tilts[tilt].tilt_deg, (double)(at % series->nx + repairs->x0),
                                                 (double)(at / series->nx + repairs->y0), kind, before, after});
}

static sei_status crop(sei_series *series, const sei_clean_options *o) {
    const int64_t nx = o->crop_nx, ny = o->crop_ny;
    const int64_t old_nx = series->nx, old_ny = series->ny;
    if (nx < 1 || ny < 1 || o->crop_x < 0 || o->crop_y < 0 || nx > old_nx || ny > old_ny || o->crop_x > old_nx - nx ||
        o->crop_y > old_ny - ny) {
        return sei_fail(SEI_ERR_INPUT, "crop of %lld x %lld pixels at (%lld, %lld) does not lie in the %lld x %lld image",
                        (long long)nx, (long long)ny, (long long)o->crop_x, (long long)o->crop_y, (long long)old_nx,
                        (long long)old_ny);
    }
    /* Rows move towards the front of the same memory, so each is read before it is overwritten. */
    for (int64_t row = 0; row < series->n_tilts * ny; ++row) {
        const int64_t from = ((row / ny) * old_ny + row % ny + o->crop_y) * old_nx + o->crop_x;
        for (size_t c = 0; c < series->n_channels; ++c) {
            float *data = series->channels[c].data;
            memmove(data + row * nx, data + from, (size_t)nx * sizeof *data);
        }
        if (series->valid != NULL) memmove(series->valid + row * nx, series->valid + from, (size_t)nx);
    }
    /* The image's centre moved by (cx, cy); the axis stays: its offset changes by the part across the axis. */
    const double cx = (double)o->crop_x + 0.5 * (double)(nx - old_nx), cy = (double)o->crop_y + 0.5 * (double)(ny - old_ny);
    const double axis_rad = series->axis_deg * (M_PI / 180);
    series->axis_offset_px -= cx * cos(axis_rad) + cy * sin(axis_rad);
    series->nx = nx;
    series->ny = ny;
    return SEI_OK;
}

static sei_status non_finite(sei_series *series, size_t channel, bool allowed, sei_repairs *repairs, int64_t *found) {
    const size_t size = image_size(series);
    uint8_t *flag = NULL;
    sei_status status = SEI_OK;
    int64_t bad = 0, first = 0;
    float *data = series->channels[channel].data;
    for (size_t i = 0; i < size * (size_t)series->n_tilts; ++i) {
        if (isfinite(data[i])) continue;
        if (series->valid != NULL && series->valid[i] == 0) {
            data[i] = 0;
        } else if (bad++ == 0) {
            first = (int64_t)i;
        }
    }
    if (bad == 0) return SEI_OK;
    const int64_t tilt = first / (int64_t)size, at = first % (int64_t)size;
    if (!allowed) {
        return sei_fail(
            SEI_ERR_INPUT,
            "channel '%s', tilt %.4g deg: pixel (%lld, %lld) is not a finite number (%lld such pixels in the channel); "
            "repair them by choice (clean.repair_non_finite) or mend the file",
            series->channels[channel].name, series->tilts[tilt].tilt_deg, (long long)(at % series->nx),
            (long long)(at / series->nx), (long long)bad);
    }
    SEI_TRY(SEI_NEW(flag, series->ny, series->nx, 1));
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const sei_image image = sei_image_of(series, channel, t);
        size_t missing = 0;
        for (size_t i = 0; i < size; ++i) {
            flag[i] = (uint8_t)!isfinite(image.data[i]);
            missing += flag[i];
        }
        for (int64_t i = 0; i < (int64_t)size && missing > 0; ++i) {
            if (flag[i] == 0) continue;
            const double value = sei_clean_neighbours_value(&image, flag, i % image.nx, i / image.nx, false,
                                                            sei_clean_is_whole(series->channels[channel].stored));
            if (isnan(value)) {
                SEI_TRY(sei_fail(SEI_ERR_INPUT, "channel '%s', tilt %.4g deg: no pixel is a finite number; leave this tilt out",
                                 series->channels[channel].name, series->tilts[t].tilt_deg));
            }
            SEI_TRY(add_pixel(repairs, series, channel, t, i, SEI_REPAIR_NON_FINITE, (double)image.data[i], value));
            image.data[i] = (float)value; /* flagged still, so it does not feed its neighbours */
            *found += 1;
        }
    }
done:
    sei_free(flag);
    return status;
}

static sei_status hot_pixels(sei_series *series, size_t channel, double sigma, sei_repairs *repairs, int64_t *found) {
    const int64_t size = (int64_t)image_size(series);
    const bool counts = sei_clean_is_counts(series, channel), whole = sei_clean_is_whole(series->channels[channel].stored);
    const int threads = sei_threads();
    uint8_t *flag = NULL;
    float *scratch = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(flag, series->n_tilts, size, 1));
    SEI_TRY(SEI_NEW(scratch, threads, size + 8, 1));
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int worker = 0; worker < threads; ++worker) {
        for (int64_t t = worker; t < series->n_tilts; t += threads) {
            const sei_image image = sei_image_of(series, channel, t);
            sei_clean_find_hot(&image, counts, sigma, flag + t * size, scratch + worker * (size + 8));
        }
    }
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const sei_image image = sei_image_of(series, channel, t);
        const uint8_t *marks = flag + t * size;
        int64_t marked = 0;
        for (int64_t i = 0; i < size; ++i) marked += marks[i] != 0;
        if ((double)marked > most_hot * (double)size && marked > 4) {
            sei_warn("channel '%s', tilt %.4g deg: %lld of %lld pixels stand out; that is noise or structure, none was repaired",
                     series->channels[channel].name, series->tilts[t].tilt_deg, (long long)marked, (long long)size);
            continue;
        }
        for (int64_t i = 0; i < size && marked > 0; ++i) {
            if (marks[i] == 0) continue;
            const double value = sei_clean_neighbours_value(&image, marks, i % image.nx, i / image.nx, counts, whole);
            if (isnan(value)) continue;
            SEI_TRY(add_pixel(repairs, series, channel, t, i, marks[i] == 1 ? SEI_REPAIR_HOT : SEI_REPAIR_COLD,
                              (double)image.data[i], value));
            image.data[i] = (float)value;
            *found += 1;
        }
    }
done:
    sei_free(flag);
    sei_free(scratch);
    return status;
}

static sei_status normalise(sei_series *series, size_t channel, sei_normalise how) {
    const int64_t size = (int64_t)image_size(series);
    double *level = NULL;
    float *values = NULL;
    double mean = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(level, series->n_tilts, 1, 1));
    SEI_TRY(SEI_NEW(values, size, 1, 1));
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const sei_image image = sei_image_of(series, channel, t);
        double sum = 0;
        int64_t n = 0;
        for (int64_t i = 0; i < size; ++i) {
            if (image.valid != NULL && image.valid[i] == 0) continue;
            sum += (double)image.data[i];
            values[n++] = image.data[i];
        }
        if (how == SEI_NORMALISE_MEAN) level[t] = sum / (double)n;
        if (how == SEI_NORMALISE_MEDIAN && n > 0) level[t] = (double)sei_clean_select(values, n, n / 2);
        if (!(level[t] > 0)) {
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "channel '%s', tilt %.4g deg: %s %.4g is not above 0, the image cannot be normalised",
                             series->channels[channel].name, series->tilts[t].tilt_deg,
                             how == SEI_NORMALISE_MEAN ? "mean" : "median", level[t]));
        }
        mean += level[t] / (double)series->n_tilts;
    }
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const sei_image image = sei_image_of(series, channel, t);
        for (int64_t i = 0; i < size; ++i) image.data[i] = (float)((double)image.data[i] * (mean / level[t]));
    }
done:
    sei_free(level);
    sei_free(values);
    return status;
}

static sei_status to_table(const sei_repairs *repairs, sei_table *out) {
    static const char *const columns[] = {"channel", "tilt_deg", "x", "y", "kind", "old", "new"};
    sei_table table = {0};
    const sei_status status = sei_table_alloc("repairs", 7, columns, repairs->count, &table);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < repairs->count; ++i) {
        const sei_repair *r = &repairs->items[i];
        const double row[7] = {(double)r->channel, r->tilt_deg, r->x, r->y, (double)r->kind, r->before, r->after};
        memcpy(&table.cells[i * 7], row, sizeof row);
    }
    *out = table;
    return SEI_OK;
}

static sei_status set_count(sei_series *series, const char *key, int64_t count) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)count);
    return sei_facts_set(&series->facts, key, text, "cleaning");
}

sei_status sei_clean_series(sei_series *series, const sei_clean_options *options, sei_table *repairs_out) {
    sei_repairs repairs = {0};
    int64_t hot = 0, lines = 0, bad = 0;
    sei_status status = SEI_OK;
    if (!(options->hot_pixel_sigma >= 0)) {
        return sei_fail(SEI_ERR_USAGE, "hot_pixel_sigma is %g; it must be 0 (off) or above", options->hot_pixel_sigma);
    }
    if (options->crop_nx != 0 || options->crop_ny != 0) SEI_TRY(crop(series, options));
    repairs.x0 = options->crop_nx != 0 ? options->crop_x : 0;
    repairs.y0 = options->crop_nx != 0 ? options->crop_y : 0;
    for (size_t c = 0; c < series->n_channels; ++c) SEI_TRY(non_finite(series, c, options->repair_non_finite, &repairs, &bad));
    for (size_t c = 0; c < series->n_channels; ++c) {
        SEI_TRY(sei_interrupt_check());
        if (options->dead_lines) SEI_TRY(sei_clean_dead_lines(series, c, &repairs, &lines));
        if (options->hot_pixel_sigma > 0) SEI_TRY(hot_pixels(series, c, options->hot_pixel_sigma, &repairs, &hot));
        if (options->normalise == SEI_NORMALISE_NONE) continue;
        if (options->normalise_grey_only && sei_clean_is_counts(series, c)) continue;
        SEI_TRY(normalise(series, c, options->normalise));
    }
    SEI_TRY(set_count(series, "hot_pixels", hot));
    SEI_TRY(set_count(series, "dead_lines", lines));
    SEI_TRY(set_count(series, "non_finite", bad));
    if (hot + lines + bad > 0) {
        sei_info("cleaned: %lld hot or cold pixels, %lld dead lines, %lld pixels that were no numbers", (long long)hot,
                 (long long)lines, (long long)bad);
    }
    if (repairs_out != NULL) SEI_TRY(to_table(&repairs, repairs_out));
done:
    sei_free(repairs.items);
    return status;
}

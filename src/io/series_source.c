/* One file to one series: whose angles and pixel size count, and are they possible. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "io/series.h"

static bool given(double value) {
    return !isnan(value);
}

/* Says when the side file's angles are not those inside the file; a mirrored pair is the usual mistake. */
static void compare_angles(const sei_source *source, const sei_stack *stack, const double *tilt_deg, size_t count) {
    double apart = 0;
    double mirrored = 0;
    if (stack->n_angles != count || stack->tilt_deg == NULL) return;
    for (size_t i = 0; i < count; ++i) {
        apart = fmax(apart, fabs(tilt_deg[i] - stack->tilt_deg[i]));
        mirrored = fmax(mirrored, fabs(tilt_deg[i] + stack->tilt_deg[i]));
    }
    if (apart <= 0.06) return; /* header angles are rounded to 0.01 or 0.1 deg */
    const char *inside =
        sei_facts_find(&stack->facts, "angles") != NULL ? sei_facts_find(&stack->facts, "angles")->source : "the file";
    if (mirrored <= 0.06) {
        sei_warn("%s: the angles of %s have the opposite sign to those of %s; the former are used (--invert-tilt turns them)",
                 sei_path_base(source->path), source->table_source, inside);
    } else {
        sei_warn("%s: the angles of %s differ by up to %.2f deg from those of %s; the former are used",
                 sei_path_base(source->path), source->table_source, apart, inside);
    }
}

/* Fills series->tilts from the best source. `lender` is another file of the same call that has angles, or NULL. */
static sei_status resolve_angles(const sei_read_options *options, const sei_source *source, const sei_source *lender,
                                 sei_series *series) {
    const sei_stack *stack = &source->stacks.items[0];
    const sei_angle_table *table = &source->table;
    const double *tilt_deg = NULL;
    const int32_t *order = NULL;
    const double *dose = NULL;
    size_t count = 0;
    char text[2 * SEI_TEXT_LENGTH];
    char from[2 * SEI_TEXT_LENGTH] = "";
    if (table->count > 0) {
        tilt_deg = table->tilt_deg, order = table->order, dose = table->dose_e_per_nm2, count = table->count;
        snprintf(from, sizeof from, "%s", source->table_source);
    } else if (stack->n_angles > 0) {
        const sei_fact *fact = sei_facts_find(&stack->facts, "angles");
        tilt_deg = stack->tilt_deg, order = stack->order, dose = stack->dose_e_per_nm2, count = stack->n_angles;
        snprintf(from, sizeof from, "%s: %s", sei_path_base(source->path), fact == NULL ? "the file" : fact->source);
    } else if (lender != NULL && lender->table.count > 0) {
        tilt_deg = lender->table.tilt_deg, order = lender->table.order, dose = lender->table.dose_e_per_nm2,
        count = lender->table.count;
        snprintf(from, sizeof from, "%s", lender->table_source);
    } else if (lender != NULL) {
        const sei_stack *other = &lender->stacks.items[0];
        tilt_deg = other->tilt_deg, order = other->order, dose = other->dose_e_per_nm2, count = other->n_angles;
        snprintf(from, sizeof from, "%s", sei_path_base(lender->path));
    }
    if (tilt_deg == NULL) {
        for (int64_t t = 0; t < series->n_tilts; ++t) series->tilts[t].tilt_deg = NAN;
        if (options->allow_missing_geometry) return SEI_OK;
        return sei_fail(
            SEI_ERR_INPUT,
            "%s: no tilt angles, neither inside it nor beside it; give them with --angles FILE (.rawtlt, .tlt, .mdoc)",
            source->path);
    }
    /* of a cut file the first images are there, so the first angles are theirs */
    if (stack->missing_images > 0 && count == (size_t)(series->n_tilts + stack->missing_images)) count = (size_t)series->n_tilts;
    const sei_status status = sei_angles_check(tilt_deg, count, series->n_tilts, from);
    if (status != SEI_OK)
        return table->count > 0 || lender != NULL ? sei_fail_context(status, "%s", sei_path_base(source->path)) : status;
    compare_angles(source, stack, tilt_deg, count);
    for (size_t t = 0; t < count; ++t) {
        series->tilts[t].tilt_deg = options->invert_tilt ? -tilt_deg[t] : tilt_deg[t];
        series->tilts[t].order = order == NULL ? -1 : order[t];
        series->tilts[t].dose_e_per_nm2 = dose == NULL ? NAN : dose[t];
    }
    sei_angles_describe(tilt_deg, count, text, sizeof text);
    return sei_facts_set(&series->facts, "angles", text, from);
}

static sei_status find_pixel(const sei_read_options *options, const sei_source *source, sei_series *series) {
    const sei_stack *stack = &source->stacks.items[0];
    const sei_fact *pixel_y = sei_facts_find(&stack->facts, "pixel_y_nm");
    char text[32];
    double y_nm = NAN;
    if (options->pixel_nm > 0) {
        series->pixel_nm = options->pixel_nm;
        return sei_facts_set(&series->facts, "pixel_nm", sei_format_double(series->pixel_nm, text), "command line, --pixel-nm");
    }
    if (pixel_y != NULL && sei_parse_double(pixel_y->value, &y_nm) && given(stack->pixel_nm) &&
        fabs(y_nm - stack->pixel_nm) > 1e-3 * y_nm && !options->allow_missing_geometry) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: its pixels are not square: %.6g nm along x, %.6g nm along y; give --pixel-nm X if that is wrong",
                        source->path, stack->pixel_nm, y_nm);
    }
    series->pixel_nm = stack->pixel_nm;
    if (source->table.pixel_nm > 0) {
        if (given(stack->pixel_nm) && fabs(stack->pixel_nm - source->table.pixel_nm) > 2e-3 * stack->pixel_nm) {
            sei_warn("%s: pixel size %.6g nm in %s, %.6g nm in the file; the former is used", sei_path_base(source->path),
                     source->table.pixel_nm, source->table_source, stack->pixel_nm);
        }
        series->pixel_nm = source->table.pixel_nm;
        return sei_facts_set(&series->facts, "pixel_nm", sei_format_double(series->pixel_nm, text), source->table_source);
    }
    if (!(series->pixel_nm > 0) && !options->allow_missing_geometry) {
        return sei_fail(SEI_ERR_INPUT, "%s: no pixel size in it; give it with --pixel-nm X", source->path);
    }
    return SEI_OK;
}

static sei_status resolve_pixel(const sei_read_options *options, const sei_source *source, sei_series *series) {
    const sei_status status = find_pixel(options, source, series);
    if (status != SEI_OK || options->allow_missing_geometry || sei_pixel_nm_is_possible(series->pixel_nm)) return status;
    return sei_fail(SEI_ERR_INPUT, "%s: a pixel size of %g nm; expected %g to %g nm, give the right one with --pixel-nm X",
                    source->path, series->pixel_nm, SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST);
}

/* A file that says nothing of the axis takes it, as its angles, from the file of the same call that has some. */
static sei_status resolve_axis(const sei_read_options *options, const sei_source *source, const sei_source *lender,
                               sei_series *series) {
    const sei_stack *stack = &source->stacks.items[0];
    const bool silent = !given(stack->axis_deg) && !given(stack->axis_offset_px) && source->table.count == 0;
    const sei_stack *other = silent && lender != NULL ? &lender->stacks.items[0] : stack;
    const bool in_table = silent && lender != NULL && lender->table.count > 0 && given(lender->table.axis_deg);
    const double axis_deg = in_table ? lender->table.axis_deg : other->axis_deg;
    char text[32];
    sei_status status = SEI_OK;
    series->axis_deg = given(axis_deg) ? axis_deg : 0;
    series->axis_offset_px = given(other->axis_offset_px) ? other->axis_offset_px : 0;
    series->aligned = stack->aligned;
    const char *from = NULL;
    if (given(options->axis_deg)) {
        series->axis_deg = options->axis_deg;
        from = "command line, --axis";
    } else if (source->table.count > 0 && given(source->table.axis_deg)) {
        series->axis_deg = source->table.axis_deg;
        from = source->table_source;
    } else if (in_table) {
        from = lender->table_source;
    } else if (other != stack && given(axis_deg)) {
        from = sei_path_base(lender->path);
    } else if (!given(stack->axis_deg)) {
        from = "nothing says otherwise: the tilt axis is y";
    }
    if (from != NULL) SEI_TRY(sei_facts_set(&series->facts, "axis_deg", sei_format_double(series->axis_deg, text), from));
    if (given(options->axis_offset_px)) {
        series->axis_offset_px = options->axis_offset_px;
        SEI_TRY(sei_facts_set(&series->facts, "axis_offset_px", sei_format_double(series->axis_offset_px, text),
                              "command line, --axis-offset"));
    }
done:
    return status;
}

/* Reads NAME.valid.mrc into series->valid, in the order of the file's images. */
static sei_status read_mask(const char *path, sei_series *series) {
    const sei_format_read all = {0};
    sei_stacks stacks = {0};
    uint8_t *valid = NULL;
    sei_status status = sei_format_mrc.read(path, &all, &stacks);
    if (status != SEI_OK) return status;
    const sei_stack *mask = &stacks.items[0];
    if (mask->nx != series->nx || mask->ny != series->ny || mask->nz != series->n_tilts) {
        status = sei_fail(SEI_ERR_INPUT,
                          "%s: a mask of %lld x %lld x %lld beside images of %lld x %lld x %lld; remove it or write it again",
                          path, (long long)mask->nx, (long long)mask->ny, (long long)mask->nz, (long long)series->nx,
                          (long long)series->ny, (long long)series->n_tilts);
        goto done;
    }
    const size_t count = (size_t)mask->nx * (size_t)mask->ny * (size_t)mask->nz;
    SEI_TRY(SEI_NEW(valid, mask->nx, mask->ny, mask->nz));
    for (size_t i = 0; i < count; ++i) valid[i] = mask->data[i] != 0;
    series->valid = valid;
    SEI_TRY(sei_facts_set(&series->facts, "valid", "a mask of valid pixels", sei_path_base(path)));
done:
    sei_stacks_free(&stacks);
    return status;
}

/* The arrays of one file must agree among themselves in angles and pixel size. */
static sei_status check_agreement(const sei_source *source) {
    const sei_stack *first = &source->stacks.items[0];
    for (size_t i = 1; i < source->stacks.count; ++i) {
        const sei_stack *stack = &source->stacks.items[i];
        if (given(first->pixel_nm) && given(stack->pixel_nm) &&
            fabs(first->pixel_nm - stack->pixel_nm) > 1e-4 * first->pixel_nm) {
            return sei_fail(SEI_ERR_INPUT,
                            "%s: channels differ in pixel size: '%s' %.6g nm, '%s' %.6g nm; choose with --channels", source->path,
                            first->name, first->pixel_nm, stack->name, stack->pixel_nm);
        }
        if (first->n_angles == 0 || stack->n_angles == 0) continue;
        if (first->n_angles != stack->n_angles) {
            return sei_fail(SEI_ERR_INPUT, "%s: channels differ in angles: '%s' has %zu, '%s' has %zu; choose with --channels",
                            source->path, first->name, first->n_angles, stack->name, stack->n_angles);
        }
        for (size_t t = 0; t < first->n_angles; ++t) {
            if (fabs(first->tilt_deg[t] - stack->tilt_deg[t]) <= 1e-3) continue;
            return sei_fail(SEI_ERR_INPUT,
                            "%s: channels differ at image %zu: '%s' at %g deg, '%s' at %g deg; choose with --channels",
                            source->path, t + 1, first->name, first->tilt_deg[t], stack->name, stack->tilt_deg[t]);
        }
    }
    return SEI_OK;
}

/* Moves the stacks' arrays into the series as its channels. */
static sei_status move_channels(sei_source *source, sei_series *series) {
    sei_status status = SEI_OK;
    char key[SEI_NAME_LENGTH + 16];
    char text[SEI_TEXT_LENGTH];
    void *channels = series->channels;
    SEI_TRY(sei_realloc(&channels, source->stacks.count * sizeof *series->channels));
    series->channels = channels;
    for (size_t i = 0; i < source->stacks.count; ++i) {
        sei_stack *stack = &source->stacks.items[i];
        sei_channel *channel = &series->channels[series->n_channels++];
        *channel = (sei_channel){.stored = stack->stored,
                                 .window_low_kev = stack->window_low_kev,
                                 .window_high_kev = stack->window_high_kev,
                                 .data = stack->data};
        stack->data = NULL;
        memcpy(channel->name, stack->name, sizeof channel->name);
        memcpy(channel->unit, stack->unit, sizeof channel->unit);
        if (channel->unit[0] == 0) {
            snprintf(channel->unit, sizeof channel->unit, "%s", sei_unit_of(channel->name, channel->stored));
        }
        if (series->valid == NULL && stack->valid != NULL) {
            series->valid = stack->valid;
            stack->valid = NULL;
        }
        snprintf(key, sizeof key, "channel %s", channel->name);
        snprintf(text, sizeof text, "%s, %s", sei_dtype_name(channel->stored), channel->unit[0] == 0 ? "no unit" : channel->unit);
        SEI_TRY(sei_facts_set(&series->facts, key, text, sei_path_base(source->path)));
        if (stack->rounded > 0) {
            sei_warn("%s: %lld values of '%s' were rounded to float32", sei_path_base(source->path), (long long)stack->rounded,
                     channel->name);
        }
    }
done:
    return status;
}

static void flip_rows(sei_series *series) {
    const size_t nx = (size_t)series->nx;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        for (int64_t y = 0; y < series->ny / 2; ++y) {
            const size_t a = (size_t)(t * series->ny + y) * nx;
            const size_t b = (size_t)(t * series->ny + series->ny - 1 - y) * nx;
            for (size_t x = 0; x < nx; ++x) {
                for (size_t c = 0; c < series->n_channels; ++c) {
                    float *data = series->channels[c].data;
                    const float other = data[a + x];
                    data[a + x] = data[b + x];
                    data[b + x] = other;
                }
                if (series->valid != NULL) {
                    const uint8_t other = series->valid[a + x];
                    series->valid[a + x] = series->valid[b + x];
                    series->valid[b + x] = other;
                }
            }
        }
    }
}

/* Sorts, and says so; an unsorted file whose order is not known otherwise was recorded in the order of its images. */
static sei_status sort_tilts(const sei_source *source, sei_series *series) {
    bool sorted = true;
    bool known = false;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        sorted = sorted && (t == 0 || series->tilts[t - 1].tilt_deg <= series->tilts[t].tilt_deg);
        known = known || series->tilts[t].order >= 0;
    }
    if (sorted || isnan(series->tilts[0].tilt_deg)) return SEI_OK;
    bool descending = true;
    for (int64_t t = 1; t < series->n_tilts; ++t)
        descending = descending && series->tilts[t - 1].tilt_deg >= series->tilts[t].tilt_deg;
    sei_status status = SEI_OK;
    if (!known && !descending) {
        for (int64_t t = 0; t < series->n_tilts; ++t) series->tilts[t].order = (int32_t)t;
        SEI_TRY(sei_facts_set(&series->facts, "order", "that of the images in the file, which are not sorted by tilt",
                              sei_path_base(source->path)));
    }
    sei_info("%s: images sorted by tilt; their acquisition order is %s", sei_path_base(source->path),
             known || !descending ? "kept" : "not known");
    SEI_TRY(sei_facts_set(&series->facts, "sorted", "by tilt; the file has another order", sei_path_base(source->path)));
    SEI_TRY(sei_series_sort(series));
done:
    return status;
}

sei_status sei_series_from_source(const sei_read_options *options, sei_source *source, const sei_source *lender,
                                  sei_series *out) {
    const sei_stack *first = &source->stacks.items[0];
    sei_series series = {0};
    char *mask = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(check_agreement(source));
    SEI_TRY(sei_series_alloc(first->nx, first->ny, first->nz, 0, &series));
    SEI_TRY(sei_facts_copy(&first->facts, &series.facts));
    SEI_TRY(resolve_angles(options, source, lender, &series));
    SEI_TRY(resolve_pixel(options, source, &series));
    SEI_TRY(resolve_axis(options, source, lender, &series));
    SEI_TRY(move_channels(source, &series));
    if (series.valid == NULL && source->format != &sei_format_hdf5 && !options->headers_only) {
        SEI_TRY(sei_mask_beside(source->path, series.channels[0].name, &mask));
        if (mask != NULL) SEI_TRY(read_mask(mask, &series));
        if (mask != NULL) SEI_TRY(sei_note_input(options, mask));
    }
    if (options->flip_y) {
        if (!options->headers_only) flip_rows(&series);
        /* the mirror image's axis, unless the user has said where it lies in the images as they are now */
        if (!given(options->axis_deg) && series.axis_deg != 0) {
            char text[32];
            series.axis_deg = -series.axis_deg;
            SEI_TRY(sei_facts_set(&series.facts, "axis_deg", sei_format_double(series.axis_deg, text),
                                  "as read, mirrored with the rows"));
        }
        SEI_TRY(sei_facts_set(&series.facts, "flip_y", "rows reversed", "command line, --flip-y"));
    }
    SEI_TRY(sort_tilts(source, &series));
    *out = series;
    series = (sei_series){0};
done:
    sei_free(mask);
    sei_series_free(&series);
    return status;
}

/* What a file is, without its images. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "io/json.h"
#include "io/series.h"

void sei_file_info_free(sei_file_info *info) {
    sei_free(info->channels);
    sei_free(info->tilt_deg);
    sei_facts_free(&info->facts);
    *info = (sei_file_info){0};
}

static sei_status fact_number(sei_facts *facts, const char *key, double value, const char *source) {
    char text[32];
    return isnan(value) ? SEI_OK : sei_facts_set(facts, key, sei_format_double(value, text), source);
}

/* The angles of a table, with everything else it tells. Takes over the table's angles. */
static sei_status take_table(sei_angle_table *table, const char *source, sei_file_info *info) {
    char text[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    sei_free(info->tilt_deg);
    info->tilt_deg = table->tilt_deg;
    info->n_angles = table->count;
    table->tilt_deg = NULL;
    sei_angles_describe(info->tilt_deg, info->n_angles, text, sizeof text);
    SEI_TRY(sei_facts_set(&info->facts, "angles", text, source));
    SEI_TRY(fact_number(&info->facts, "pixel_nm", table->pixel_nm, source));
    SEI_TRY(fact_number(&info->facts, "axis_deg", table->axis_deg, source));
    if (table->order != NULL) SEI_TRY(sei_facts_set(&info->facts, "order", "acquisition order of every tilt", source));
    if (table->dose_e_per_nm2 != NULL) {
        double sum = 0;
        for (size_t i = 0; i < table->count; ++i) sum += table->dose_e_per_nm2[i];
        SEI_TRY(fact_number(&info->facts, "dose_total_e_per_nm2", sum, source));
    }
done:
    return status;
}

/* A file that is a table of angles by its name. */
static bool is_table(const char *path) {
    static const char *const extensions[] = {"rawtlt", "tlt", "mdoc", "txt", "log"};
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; ++i) {
        if (sei_path_has_extension(path, extensions[i])) return true;
    }
    return false;
}

static sei_status probe_table(const char *path, sei_file_info *info) {
    sei_angle_table table = {0};
    sei_status status = sei_angles_read(path, &table);
    if (status != SEI_OK) return status;
    snprintf(info->format, sizeof info->format, "tilt table");
    info->content = SEI_CONTENT_ANGLES;
    info->nz = (int64_t)table.count;
    SEI_TRY(sei_facts_set(&info->facts, "format", table.format, "the text itself"));
    SEI_TRY(take_table(&table, sei_path_base(path), info));
done:
    sei_angle_table_free(&table);
    return status;
}

/* Facts that hold for one channel of several. */
static sei_status describe_channel(const sei_stack *stack, const char *name, sei_facts *facts) {
    char key[SEI_NAME_LENGTH + 16];
    char text[SEI_TEXT_LENGTH];
    char low[32];
    char high[32];
    const char *unit = stack->unit[0] != 0 ? stack->unit : sei_unit_of(name, stack->stored);
    snprintf(key, sizeof key, "channel %s", name);
    const int used = snprintf(text, sizeof text, "%lld x %lld x %lld %s%s%s", (long long)stack->nx, (long long)stack->ny,
                              (long long)stack->nz, sei_dtype_name(stack->stored), unit[0] != 0 ? ", " : "", unit);
    if (!isnan(stack->window_low_kev)) {
        snprintf(text + used, sizeof text - (size_t)used, ", %s to %s keV", sei_format_double(stack->window_low_kev, low),
                 sei_format_double(stack->window_high_kev, high));
    }
    return sei_facts_set(facts, key, text, "the array");
}

/* Angles make a series, classes (inside or in NAME.json) labels, the header's word a volume. */
static sei_status find_content(const char *path, const sei_stack *first, sei_file_info *info) {
    sei_labels classes = {0};
    sei_status status = SEI_OK;
    info->content = first->is_volume ? SEI_CONTENT_VOLUME : SEI_CONTENT_UNKNOWN;
    if (info->n_angles > 0) {
        info->content = SEI_CONTENT_SERIES;
        return SEI_OK;
    }
    const bool bytes = first->stored == SEI_DTYPE_U8 || first->stored == SEI_DTYPE_I8;
    SEI_TRY(sei_facts_take_classes(&first->facts, &classes));
    if (classes.n_classes == 0 && bytes && info->n_channels == 1) SEI_TRY(sei_json_read_classes(path, &classes));
    if (classes.n_classes > 0) info->content = SEI_CONTENT_LABELS;
done:
    sei_labels_free(&classes);
    return status;
}

static sei_status probe_images(const char *path, const sei_stacks *stacks, sei_file_info *info) {
    const sei_stack *first = &stacks->items[0];
    sei_angle_table table = {0};
    char *beside = NULL;
    sei_status status = SEI_OK;
    info->nx = first->nx;
    info->ny = first->ny;
    info->nz = first->nz;
    info->stored = first->stored;
    SEI_TRY(sei_facts_copy(&first->facts, &info->facts));
    const sei_fact *format = sei_facts_find(&info->facts, "format");
    if (format != NULL) snprintf(info->format, sizeof info->format, "%.*s", (int)sizeof info->format - 1, format->value);
    SEI_TRY(SEI_NEW(info->channels, (int64_t)stacks->count, 1, 1));
    info->n_channels = stacks->count;
    for (size_t i = 0; i < stacks->count; ++i) {
        const sei_stack *stack = &stacks->items[i];
        if (stack->name[0] != 0) {
            memcpy(info->channels[i], stack->name, sizeof info->channels[i]);
        } else {
            sei_channel_name_of_path(path, info->channels[i]);
        }
        SEI_TRY(describe_channel(stack, info->channels[i], &info->facts));
    }
    if (first->n_angles > 0) {
        SEI_TRY(SEI_NEW(info->tilt_deg, (int64_t)first->n_angles, 1, 1));
        memcpy(info->tilt_deg, first->tilt_deg, first->n_angles * sizeof *info->tilt_deg);
        info->n_angles = first->n_angles;
    }
    SEI_TRY(sei_angles_beside(path, &beside));
    if (beside != NULL) {
        const sei_status read = sei_angles_read(beside, &table);
        if (!first->is_volume) SEI_TRY(read); /* a volume needs none */
    }
    /* one angle per image makes a series of what its header calls a volume: programs write stacks so */
    if (table.count > 0 && (!first->is_volume || (int64_t)table.count == first->nz))
        SEI_TRY(take_table(&table, sei_path_base(beside), info));
    SEI_TRY(find_content(path, first, info));
done:
    sei_free(beside);
    sei_angle_table_free(&table);
    return status;
}

sei_status sei_io_probe(const char *path, sei_file_info *out) {
    const sei_format_read headers = {.headers_only = true};
    const sei_format *format = NULL;
    sei_file_info info = {0};
    sei_stacks stacks = {0};
    sei_status status = SEI_OK;
    if (is_table(path)) {
        SEI_TRY(probe_table(path, &info));
    } else {
        SEI_TRY(sei_format_of(path, &format));
        snprintf(info.format, sizeof info.format, "%s", format->name);
        SEI_TRY(format->read(path, &headers, &stacks));
        if (stacks.count > 0) SEI_TRY(probe_images(path, &stacks, &info));
    }
    *out = info;
    info = (sei_file_info){0};
done:
    sei_stacks_free(&stacks);
    sei_file_info_free(&info);
    return status;
}

/* Labels and numbers: the volumes of one reconstruction on one grid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "seitomo/report.h"
#include "seitomo/segment.h"
#include "study/record.h"
#include "study/run.h"

unsigned sei_run_segment_entry(const sei_run_state *run) {
    for (unsigned e = 0; e < run->recipe->n_reconstruct; ++e) {
        if (strcmp(run->recipe->reconstruct[e].name, run->recipe->segment.from) == 0) return e;
    }
    return 0;
}

sei_status sei_run_common_grid(sei_run_state *run, unsigned e, sei_grid grid, sei_volume **out, size_t *n) {
    sei_volume *volumes = NULL;
    size_t count = 0;
    sei_status status = SEI_NEW(volumes, (int64_t)run->n_channels, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t c = 0; c < run->n_channels; ++c) {
        if (!sei_run_takes(run, e, c)) continue;
        SEI_TRY(sei_run_read_volume(run, e, c, &volumes[count]));
        ++count;
    }
    size_t pattern = 0;
    for (size_t i = 1; i < count; ++i) {
        const bool coarser = volumes[i].voxel_nm > volumes[pattern].voxel_nm * (1 + 1e-6);
        const bool finer = volumes[i].voxel_nm < volumes[pattern].voxel_nm * (1 - 1e-6);
        if (grid == SEI_GRID_COARSEST ? coarser : finer) pattern = i;
    }
    const sei_volume like = volumes[pattern];
    for (size_t i = 0; i < count; ++i) {
        sei_volume *v = &volumes[i];
        if (v->nx == like.nx && v->ny == like.ny && v->nz == like.nz) continue;
        sei_volume fresh = {0};
        SEI_TRY(sei_volume_resample(v, like.nx, like.ny, like.nz, like.voxel_nm, &fresh));
        snprintf(fresh.name, sizeof fresh.name, "%s", v->name);
        snprintf(fresh.unit, sizeof fresh.unit, "%s", v->unit);
        sei_volume_free(v);
        *v = fresh;
    }
    *out = volumes;
    *n = count;
    volumes = NULL;
done:
    if (volumes != NULL) sei_volumes_free(volumes, run->n_channels);
    return status;
}

static void rule_colour(const sei_recipe_rule *rule, uint8_t rgb[3]) {
    if (rule->colour[0] == 0) {
        sei_channel_colour(rule->channel, rgb);
        return;
    }
    const long value = strtol(rule->colour + 1, NULL, 16); /* checked with the recipe */
    rgb[0] = (uint8_t)(value >> 16);
    rgb[1] = (uint8_t)((value >> 8) & 255);
    rgb[2] = (uint8_t)(value & 255);
}

sei_status sei_stage_segment(sei_run_state *run, sei_stage *stage) {
    const sei_recipe_segment *s = &run->recipe->segment;
    sei_volume *volumes = NULL;
    size_t n = 0;
    sei_segment_rule *rules = NULL;
    sei_segment_options options;
    sei_labels labels = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_run_common_grid(run, sei_run_segment_entry(run), s->grid, &volumes, &n));
    SEI_TRY(SEI_NEW(rules, (int64_t)s->n_rules + 1, 1, 1));
    for (unsigned i = 0; i < s->n_rules; ++i) {
        const sei_recipe_rule *from = &s->rules[i];
        sei_segment_rule_default(&rules[i]);
        rules[i].channel = from->channel;
        rules[i].threshold = from->threshold;
        rules[i].otsu_classes = from->otsu_classes;
        rules[i].otsu_take = from->otsu_take;
        rules[i].smooth_sigma_px = from->smooth_sigma_px;
        rules[i].label = (uint8_t)from->label;
        rules[i].label_name = from->name[0] == 0 ? NULL : from->name;
        rules[i].may_be_support = from->may_be_support;
        rule_colour(from, rules[i].rgb);
    }
    sei_segment_options_default(&options);
    options.n_rules = s->n_rules;
    options.rules = s->n_rules > 0 ? rules : NULL;
    options.wire = s->wire;
    options.min_component_voxels = s->min_component_voxels;
    options.closing_nm = s->closing_nm;
    options.min_void_width_px = s->min_void_width_px;
    SEI_TRY(sei_segment(n, volumes, &options, &labels));
    stage->facts = sei_json_facts(&labels.facts);
    SEI_TRY(sei_run_provenance(run, stage, json_object_get(run->resolved, "segment"), false));
    SEI_TRY(sei_run_path(run, stage, "labels/labels.mrc", &path));
    SEI_TRY(sei_io_write_labels(path, &labels, &run->provenance, true));
done:
    sei_free(path);
    sei_free(rules);
    sei_labels_free(&labels);
    sei_volumes_free(volumes, n);
    return status;
}

sei_status sei_stage_measure(sei_run_state *run, sei_stage *stage) {
    sei_volume *volumes = NULL;
    size_t n = 0;
    sei_labels labels = {0};
    sei_numbers numbers = {0};
    sei_table profiles = {0};
    char *from = NULL;
    char *to = NULL;
    char *table = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_run_read_path(run, "labels/labels.mrc", &from));
    SEI_TRY(sei_io_read_labels(from, &labels));
    SEI_TRY(sei_run_common_grid(run, sei_run_segment_entry(run), run->recipe->segment.grid, &volumes, &n));
    SEI_TRY(sei_measure(&labels, n, volumes, &run->recipe->measure, &numbers, &profiles));
    stage->numbers = sei_json_numbers(&numbers);
    SEI_TRY(sei_run_path(run, stage, "measures.json", &to));
    SEI_TRY(sei_run_provenance(run, stage, json_object_get(run->resolved, "measure"), false));
    SEI_TRY(sei_io_write_numbers(to, &numbers, &run->provenance, true));
    if (profiles.n_columns > 0) {
        SEI_TRY(sei_run_path(run, stage, "tables/profiles.csv", &table));
        SEI_TRY(sei_io_write_table(table, &profiles, true));
    }
done:
    sei_free(from);
    sei_free(to);
    sei_free(table);
    sei_table_free(&profiles);
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
    sei_volumes_free(volumes, n);
    return status;
}

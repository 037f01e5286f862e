/* Which stages a recipe has, what each depends on, and which files it may write. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "study/record.h"
#include "study/render_names.h"
#include "study/run.h"

/* One text for one content of a part of the recipe. */
static sei_status part_text(const sei_run_state *run, const char *key, sei_text *out) {
    char *text = NULL;
    sei_status status = sei_json_dump(json_object_get(run->resolved, key), &text);
    if (status == SEI_OK) status = sei_text_add(out, "%s\n", text);
    sei_free(text);
    return status;
}

/* The input's stamp: every key that can change what is read (folders cannot), the files' hashes, and what was read. */
static sei_status input_text(const sei_run_state *run, sei_text *out) {
    json_t *keys = json_copy(json_object_get(run->resolved, "input"));
    char *text = NULL;
    char number[32];
    sei_status status = SEI_OK;
    if (keys == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the run's records");
    json_object_del(keys, "folder");
    json_object_del(keys, "files");
    json_object_del(keys, "angles");
    SEI_TRY(sei_json_dump(keys, &text));
    SEI_TRY(sei_text_add(out, "%s\n", text));
    for (size_t i = 0; i < run->provenance.n_inputs; ++i) {
        SEI_TRY(sei_text_add(out, "%s %s\n", run->provenance.inputs[i].sha256, run->provenance.inputs[i].name));
    }
    /* what was taken from them, by whatever rule */
    const sei_series *s = &run->series;
    SEI_TRY(sei_text_add(out, "pixel_nm %s\n", sei_format_double(s->pixel_nm, number)));
    SEI_TRY(sei_text_add(out, "axis %s", sei_format_double(s->axis_deg, number)));
    SEI_TRY(sei_text_add(out, " %s\n", sei_format_double(s->axis_offset_px, number)));
    for (int64_t t = 0; t < s->n_tilts; ++t) {
        SEI_TRY(sei_text_add(out, "%s %d", sei_format_double(s->tilts[t].tilt_deg, number), (int)s->tilts[t].order));
        SEI_TRY(sei_text_add(out, " %s\n", sei_format_double(s->tilts[t].dose_e_per_nm2, number)));
    }
    if (s->valid != NULL) {
        char hash[65];
        sei_io_sha256_bytes(s->valid, (size_t)s->n_tilts * (size_t)s->ny * (size_t)s->nx, hash);
        SEI_TRY(sei_text_add(out, "valid %s\n", hash));
    }
done:
    json_decref(keys);
    sei_free(text);
    return status;
}

static sei_status name_channels(sei_run_state *run) {
    sei_status status = SEI_OK;
    run->n_channels = run->series.n_channels;
    SEI_TRY(SEI_NEW(run->channels, (int64_t)run->n_channels, 1, 1));
    SEI_TRY(SEI_NEW(run->file_names, (int64_t)run->n_channels, 1, 1));
    for (size_t c = 0; c < run->n_channels; ++c) {
        char safe[SEI_NAME_LENGTH - 8];
        memcpy(run->channels[c], run->series.channels[c].name, SEI_NAME_LENGTH);
        sei_safe_name(run->channels[c], safe, sizeof safe);
        snprintf(run->file_names[c], SEI_NAME_LENGTH, "%s", safe);
        for (size_t b = 0; b < c; ++b) {
            if (strcasecmp(run->file_names[b], run->file_names[c]) == 0)
                snprintf(run->file_names[c], SEI_NAME_LENGTH, "%.48s_%u", safe, (unsigned)c + 1);
        }
    }
done:
    return status;
}

/* NAME=NUMBER for a channel that the entry does not reconstruct: one recipe serves series of several sets of channels, but a
 * slip of the pen must show. */
static void look_at_pairs(const sei_run_state *run, unsigned e, const char *key, char *const *pairs, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const char *equals = strrchr(pairs[i], '=');
        const size_t length = equals == NULL ? strlen(pairs[i]) : (size_t)(equals - pairs[i]);
        bool taken = false;
        for (size_t c = 0; c < run->n_channels; ++c) {
            taken = taken || (strlen(run->channels[c]) == length && strncasecmp(run->channels[c], pairs[i], length) == 0 &&
                              sei_run_takes(run, e, c));
        }
        if (!taken)
            sei_warn("reconstruct.%u.%s: '%s' is not used: '%s' reconstructs no channel of that name", e, key, pairs[i],
                     run->recipe->reconstruct[e].name);
    }
}

/* Every channel that align, an entry or a rule names must be there; what else names a channel is said when it is not. */
sei_status sei_run_check_channels(sei_run_state *run) {
    const sei_recipe *r = run->recipe;
    const char *reference = r->align.reference;
    sei_status status = name_channels(run);
    if (status != SEI_OK) return status;
    if (r->align.method == SEI_ALIGN_XCORR && reference[0] != 0 && sei_series_find(&run->series, reference) == NULL) {
        sei_series none = {0};
        status = sei_series_select(&run->series, 1, &reference, &none); /* its message lists the names there are */
        return sei_fail_context(status, "align.reference");
    }
    for (unsigned e = 0; e < r->n_reconstruct; ++e) {
        for (unsigned i = 0; i < r->reconstruct[e].n_channels; ++i) {
            if (sei_series_find(&run->series, r->reconstruct[e].channels[i]) != NULL) continue;
            return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.channels: the series has no channel '%s'", e,
                            r->reconstruct[e].channels[i]);
        }
        look_at_pairs(run, e, "bin_channels", r->reconstruct[e].bin_channels, r->reconstruct[e].n_bin_channels);
        look_at_pairs(run, e, "background", r->reconstruct[e].background, r->reconstruct[e].n_background);
    }
    for (unsigned i = 0; i < r->render.n_composite; ++i) {
        if (sei_series_find(&run->series, r->render.composite[i]) == NULL)
            sei_warn("render.composite: the series has no channel '%s'; it is left out", r->render.composite[i]);
    }
    for (unsigned i = 0; r->segment.enabled && i < r->segment.n_rules; ++i) {
        const char *name = r->segment.rules[i].channel;
        bool taken = false;
        for (size_t c = 0; c < run->n_channels; ++c) {
            taken = taken || (strcasecmp(run->channels[c], name) == 0 && sei_run_takes(run, sei_run_segment_entry(run), c));
        }
        if (!taken) {
            return sei_fail(SEI_ERR_INPUT, "segment.rules.%u.channel: '%s' is not reconstructed by '%s'", i, name,
                            r->reconstruct[sei_run_segment_entry(run)].name);
        }
    }
    return SEI_OK;
}

static sei_status add_reconstruct(sei_run_state *run, unsigned e, size_t c, size_t align) {
    char name[SEI_STAGE_NAME];
    char *text = NULL;
    sei_text whole = {0};
    sei_stage *stage = NULL;
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    char backend[SEI_NAME_LENGTH];
    json_t *keys = json_copy(json_array_get(json_object_get(run->resolved, "reconstruct"), e));
    sei_status status = SEI_OK;
    if (keys == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the run's records");
    /* adding a channel to the list does not touch the others; the binnings do, through the common cut */
    json_object_del(keys, "channels");
    snprintf(name, sizeof name, "reconstruct.%s.%s", entry->name, run->file_names[c]);
    SEI_TRY(sei_json_dump(keys, &text));
    sei_device_record(run->device, backend);
    SEI_TRY(sei_text_add(&whole, "%s\n%s\n%s\n", text, run->channels[c], backend));
    for (size_t other = 0; other < run->n_channels; ++other) {
        if (sei_run_takes(run, e, other)) SEI_TRY(sei_text_add(&whole, "%d ", sei_run_bin(run, e, other)));
    }
    SEI_TRY(sei_run_recon_files(run, e, c, &whole));
    SEI_TRY(sei_run_add_stage(run, name, sei_stage_reconstruct, whole.data, 1, &align, &stage));
    stage->entry = e;
    stage->channel = c;
    SEI_TRY(sei_stage_file(stage, "volumes/%s/%s.mrc", entry->name, run->file_names[c]));
    SEI_TRY(sei_stage_file(stage, "volumes/%s/%s.json", entry->name, run->file_names[c]));
    SEI_TRY(sei_stage_file(stage, "tables/history_%s_%s.csv", entry->name, run->file_names[c]));
done:
    json_decref(keys);
    sei_free(text);
    sei_text_free(&whole);
    return status;
}

sei_status sei_run_layout(sei_run_state *run) {
    sei_text text = {0};
    sei_stage *stage = NULL;
    size_t *upstream = NULL;
    char backend[SEI_NAME_LENGTH];
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(run->stages, SEI_RUN_MAX_STAGES, 1, 1));
    SEI_TRY(SEI_NEW(upstream, SEI_RUN_MAX_STAGES, 1, 1));
    SEI_TRY(input_text(run, &text));
    SEI_TRY(sei_run_add_stage(run, "input", sei_stage_input, text.data, 0, NULL, &stage));
    SEI_TRY(sei_stage_file(stage, "tables/tilts.csv"));

    text.length = 0;
    SEI_TRY(part_text(run, "clean", &text));
    upstream[0] = 0;
    SEI_TRY(sei_run_add_stage(run, "clean", sei_stage_clean, text.data, 1, upstream, &stage));
    SEI_TRY(sei_stage_file(stage, "tables/repairs.csv"));

    text.length = 0;
    SEI_TRY(part_text(run, "align", &text));
    sei_device_record(run->device, backend);
    SEI_TRY(sei_text_add(&text, "%s\n", backend));
    if (run->shifts_path != NULL) {
        char hex[65];
        SEI_TRY(sei_io_sha256_file(run->shifts_path, hex));
        SEI_TRY(sei_text_add(&text, "%s\n", hex));
    }
    upstream[0] = 1;
    SEI_TRY(sei_run_add_stage(run, "align", sei_stage_align, text.data, 1, upstream, &stage));
    SEI_TRY(sei_stage_file(stage, "aligned/series.emd"));
    SEI_TRY(sei_stage_file(stage, "aligned/series.json"));
    SEI_TRY(sei_stage_file(stage, "tables/shifts.csv"));
    const size_t align = 2;

    size_t n_segment = 0; /* the reconstructions that segment needs come first in upstream */
    for (unsigned e = 0; e < run->recipe->n_reconstruct; ++e) {
        for (size_t c = 0; c < run->n_channels; ++c) {
            if (!sei_run_takes(run, e, c)) continue;
            SEI_TRY(add_reconstruct(run, e, c, align));
            if (e == sei_run_segment_entry(run)) upstream[n_segment++] = run->n_stages - 1;
        }
    }
    const size_t n_reconstructed = run->n_stages;
    if (run->recipe->segment.enabled) {
        text.length = 0;
        SEI_TRY(part_text(run, "segment", &text));
        SEI_TRY(sei_run_add_stage(run, "segment", sei_stage_segment, text.data, n_segment, upstream, &stage));
        SEI_TRY(sei_stage_file(stage, "labels/labels.mrc"));
        SEI_TRY(sei_stage_file(stage, "labels/labels.json"));
        text.length = 0;
        SEI_TRY(part_text(run, "measure", &text));
        upstream[n_segment] = n_reconstructed;
        SEI_TRY(sei_run_add_stage(run, "measure", sei_stage_measure, text.data, n_segment + 1, upstream, &stage));
        SEI_TRY(sei_stage_file(stage, "measures.json"));
        SEI_TRY(sei_stage_file(stage, "tables/profiles.csv"));
    }
    text.length = 0;
    SEI_TRY(part_text(run, "render", &text));
    for (size_t i = 0; i < run->n_stages; ++i) upstream[i] = i;
    SEI_TRY(sei_run_add_stage(run, "render", sei_stage_render, text.data, run->n_stages, upstream, &stage));
    SEI_TRY(sei_render_announce(run, stage));

    for (size_t i = 0; i < run->n_stages; ++i) upstream[i] = i;
    text.length = 0;
    SEI_TRY(part_text(run, "title", &text));
    SEI_TRY(part_text(run, "cycle", &text));
    SEI_TRY(sei_run_add_stage(run, "provenance", sei_stage_provenance, text.data, run->n_stages, upstream, &stage));
    SEI_TRY(sei_stage_file(stage, "provenance.json"));
    SEI_TRY(sei_stage_file(stage, "recipe.json"));
    upstream[0] = run->n_stages - 1;
    SEI_TRY(sei_run_add_stage(run, "report", sei_stage_report, "1", 1, upstream, &stage));
    SEI_TRY(sei_stage_file(stage, "report.html"));
done:
    sei_free(upstream);
    sei_text_free(&text);
    return status;
}

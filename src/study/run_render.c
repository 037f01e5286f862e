/* Pictures and plots of a run. Each is announced before anything starts, made here, and listed with its caption. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "seitomo/report.h"
#include "study/record.h"
#include "study/render_names.h"

static const struct {
    const char *name, *words;
    sei_plane plane;
} planes[] = {{"xy", "seen along the beam", SEI_PLANE_XY}, {"xz", "cross-section", SEI_PLANE_XZ}};
enum { N_PLANES = sizeof planes / sizeof planes[0] };

/* How many entries reconstruct the channel. */
static unsigned n_methods(const sei_run_state *run, size_t c) {
    unsigned n = 0;
    for (unsigned e = 0; e < run->recipe->n_reconstruct; ++e) n += sei_run_takes(run, e, c);
    return n;
}

static size_t reference_channel(const sei_run_state *run) {
    const char *wanted = run->recipe->align.reference[0] != 0 ? run->recipe->align.reference : "HAADF";
    for (size_t c = 0; c < run->n_channels; ++c) {
        if (strcasecmp(run->channels[c], wanted) == 0) return c;
    }
    return 0;
}

static sei_status announce_plot(sei_stage *stage, const char *name) {
    const sei_status status = sei_stage_file(stage, "plots/%s.svg", name);
    return status == SEI_OK ? sei_stage_file(stage, "plots/%s.png", name) : status;
}

sei_status sei_render_announce(sei_run_state *run, sei_stage *stage) {
    const sei_recipe *r = run->recipe;
    const char *from = r->reconstruct[sei_run_segment_entry(run)].name;
    char name[SEI_RUN_NAME];
    sei_status status = SEI_OK;
    SEI_TRY(sei_stage_file(stage, "pictures/tilt_%s.png", run->file_names[reference_channel(run)]));
    SEI_TRY(announce_plot(stage, "tilts"));
    SEI_TRY(announce_plot(stage, "shifts"));
    SEI_TRY(announce_plot(stage, "profiles"));
    for (size_t c = 0; c < run->n_channels; ++c) {
        for (unsigned e = 0; e < r->n_reconstruct; ++e) {
            if (!sei_run_takes(run, e, c)) continue;
            for (int p = 0; p < N_PLANES; ++p) {
                SEI_TRY(
                    sei_stage_file(stage, "pictures/%s_%s_%s.png", r->reconstruct[e].name, run->file_names[c], planes[p].name));
            }
            snprintf(name, sizeof name, "history_%s_%s", r->reconstruct[e].name, run->file_names[c]);
            SEI_TRY(announce_plot(stage, name));
        }
        for (int p = 0; p < N_PLANES && n_methods(run, c) > 1; ++p) {
            SEI_TRY(sei_stage_file(stage, "pictures/methods_%s_%s.png", run->file_names[c], planes[p].name));
        }
    }
    for (int p = 0; p < N_PLANES; ++p) {
        SEI_TRY(sei_stage_file(stage, "pictures/%s_composite_%s.png", from, planes[p].name));
        SEI_TRY(sei_stage_file(stage, "pictures/labels_%s.png", planes[p].name));
    }
    for (unsigned v = 0; v < r->render.n_views; ++v) SEI_TRY(sei_stage_file(stage, "pictures/%s_view_%u.png", from, v));
done:
    return status;
}

/* Keeps the caption of a picture for the page; `group` is its heading there. */
static sei_status caption(sei_facts *list, const char *name, const char *group, const char *words) {
    char key[SEI_NAME_LENGTH];
    /* keys must differ and are short: a running number; the name stands in front of the caption */
    char value[2 * SEI_TEXT_LENGTH];
    snprintf(key, sizeof key, "%03zu", list->count);
    snprintf(value, sizeof value, "%s|%s", name, words);
    return sei_facts_set(list, key, value, group);
}

static void picture_options(const sei_run_state *run, sei_plane plane, const char *title, sei_picture_options *out) {
    const sei_recipe_render *r = &run->recipe->render;
    sei_picture_options_default(out);
    out->plane = plane;
    out->thickness_nm = r->slice_nm;
    out->low_percentile = r->low_percentile;
    out->high_percentile = r->high_percentile;
    out->min_side_px = r->min_side_px;
    out->title = title;
}

static sei_status entry_pictures(sei_run_state *run, sei_stage *stage, unsigned e, sei_facts *list) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    sei_volume volume = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < run->n_channels; ++c) {
        if (!sei_run_takes(run, e, c)) continue;
        SEI_TRY(sei_run_read_volume(run, e, c, &volume));
        for (int p = 0; p < N_PLANES; ++p) {
            char name[SEI_RUN_NAME];
            char title[SEI_TEXT_LENGTH];
            sei_picture_options options;
            snprintf(title, sizeof title, "%s, %s, %s", run->channels[c], entry->name, planes[p].name);
            picture_options(run, planes[p].plane, title, &options);
            snprintf(name, sizeof name, "pictures/%s_%s_%s.png", entry->name, run->file_names[c], planes[p].name);
            SEI_TRY(sei_run_path(run, stage, name, &path));
            SEI_TRY(sei_render_slice(path, &volume, &options, true));
            sei_free(path);
            path = NULL;
            snprintf(title, sizeof title, "%s by %s, %s, slice of %.4g nm", run->channels[c], sei_method_name(entry->method),
                     planes[p].words, fmax(run->recipe->render.slice_nm, volume.voxel_nm));
            char group[SEI_TEXT_LENGTH];
            if (entry->method == SEI_METHOD_WBP) {
                snprintf(group, sizeof group, "Reconstruction %s: %s", entry->name, sei_method_name(entry->method));
            } else {
                snprintf(group, sizeof group, "Reconstruction %s: %s, %d iterations", entry->name, sei_method_name(entry->method),
                         entry->iterations);
            }
            SEI_TRY(caption(list, name, group, title));
        }
        sei_volume_free(&volume);
        SEI_TRY(sei_interrupt_check());
    }
done:
    sei_free(path);
    sei_volume_free(&volume);
    return status;
}

/* The same slice by every method, side by side. */
static sei_status methods_picture(sei_run_state *run, sei_stage *stage, size_t c, int p, sei_facts *list) {
    const sei_recipe *r = run->recipe;
    char **pngs = NULL;
    size_t n = 0;
    char name[SEI_RUN_NAME];
    char words[SEI_TEXT_LENGTH];
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(pngs, r->n_reconstruct, 1, 1));
    for (unsigned e = 0; e < r->n_reconstruct; ++e) {
        if (!sei_run_takes(run, e, c)) continue;
        snprintf(name, sizeof name, "pictures/%s_%s_%s.png", r->reconstruct[e].name, run->file_names[c], planes[p].name);
        SEI_TRY(sei_run_read_path(run, name, &pngs[n]));
        ++n;
    }
    snprintf(name, sizeof name, "pictures/methods_%s_%s.png", run->file_names[c], planes[p].name);
    SEI_TRY(sei_run_path(run, stage, name, &path));
    SEI_TRY(sei_render_montage(path, n, (const char *const *)pngs, (int)n, true));
    snprintf(words, sizeof words, "%s, %s, by every method", run->channels[c], planes[p].words);
    SEI_TRY(caption(list, name, "Methods side by side", words));
done:
    for (size_t i = 0; i < n; ++i) sei_free(pngs[i]);
    sei_free(pngs);
    sei_free(path);
    return status;
}

static bool in_composite(const sei_run_state *run, const char *channel) {
    const sei_recipe_render *r = &run->recipe->render;
    if (r->n_composite == 0) return strcasecmp(channel, "HAADF") != 0;
    for (unsigned i = 0; i < r->n_composite; ++i) {
        if (strcasecmp(r->composite[i], channel) == 0) return true;
    }
    return false;
}

/* Composites and projections of the reconstruction that is segmented. */
static sei_status composite_pictures(sei_run_state *run, sei_stage *stage, sei_facts *list) {
    const sei_recipe *r = run->recipe;
    const unsigned e = sei_run_segment_entry(run);
    const char *from = r->reconstruct[e].name;
    sei_volume *volumes = NULL;
    size_t n = 0;
    sei_volume *chosen = NULL; /* shallow: the data stay with volumes */
    size_t n_chosen = 0;
    char name[SEI_RUN_NAME];
    char words[SEI_TEXT_LENGTH];
    char *path = NULL;
    sei_picture_options options;
    sei_status status = SEI_OK;
    SEI_TRY(sei_run_common_grid(run, e, r->segment.grid, &volumes, &n));
    SEI_TRY(SEI_NEW(chosen, (int64_t)n + 1, 1, 1));
    for (size_t i = 0; i < n; ++i) {
        if (in_composite(run, volumes[i].name)) chosen[n_chosen++] = volumes[i];
    }
    if (n_chosen == 0) {
        for (size_t i = 0; i < n; ++i) chosen[n_chosen++] = volumes[i];
    }
    for (int p = 0; p < N_PLANES; ++p) {
        snprintf(words, sizeof words, "%s, %s", from, planes[p].name);
        picture_options(run, planes[p].plane, words, &options);
        snprintf(name, sizeof name, "pictures/%s_composite_%s.png", from, planes[p].name);
        SEI_TRY(sei_run_path(run, stage, name, &path));
        SEI_TRY(sei_render_composite(path, n_chosen, chosen, &options, true));
        sei_free(path);
        path = NULL;
        snprintf(words, sizeof words, "channels laid over each other, %s", planes[p].words);
        SEI_TRY(caption(list, name, "Composite", words));
    }
    for (unsigned v = 0; v < r->render.n_views; ++v) {
        snprintf(words, sizeof words, "%s, from %g deg", from, r->render.views[v]);
        picture_options(run, SEI_PLANE_XY, words, &options);
        snprintf(name, sizeof name, "pictures/%s_view_%u.png", from, v);
        SEI_TRY(sei_run_path(run, stage, name, &path));
        SEI_TRY(sei_render_projection(path, n_chosen, chosen, r->render.views[v], &options, true));
        sei_free(path);
        path = NULL;
        snprintf(words, sizeof words, "maximum projection seen from %g deg about the tilt axis", r->render.views[v]);
        SEI_TRY(caption(list, name, "Composite", words));
        SEI_TRY(sei_interrupt_check());
    }
done:
    sei_free(path);
    sei_free(chosen);
    sei_volumes_free(volumes, n);
    return status;
}

static sei_status label_pictures(sei_run_state *run, sei_stage *stage, sei_facts *list) {
    sei_labels labels = {0};
    char name[SEI_RUN_NAME];
    char words[SEI_TEXT_LENGTH];
    char *path = NULL;
    sei_picture_options options;
    sei_status status = SEI_OK;
    if (!run->recipe->segment.enabled) return SEI_OK;
    SEI_TRY(sei_run_read_path(run, "labels/labels.mrc", &path));
    SEI_TRY(sei_io_read_labels(path, &labels));
    for (int p = 0; p < N_PLANES; ++p) {
        sei_free(path);
        path = NULL;
        snprintf(words, sizeof words, "labels, %s", planes[p].name);
        picture_options(run, planes[p].plane, words, &options);
        snprintf(name, sizeof name, "pictures/labels_%s.png", planes[p].name);
        SEI_TRY(sei_run_path(run, stage, name, &path));
        SEI_TRY(sei_render_labels(path, &labels, &options, true));
        snprintf(words, sizeof words, "labels, %s", planes[p].words);
        SEI_TRY(caption(list, name, "Labels", words));
    }
done:
    sei_free(path);
    sei_labels_free(&labels);
    return status;
}

static sei_status tilt_picture(sei_run_state *run, sei_stage *stage, sei_facts *list) {
    const size_t c = reference_channel(run);
    char name[SEI_RUN_NAME];
    char words[SEI_TEXT_LENGTH];
    char *path = NULL;
    int64_t flat = 0;
    sei_picture_options options;
    sei_status status = SEI_OK;
    SEI_TRY(sei_run_aligned(run));
    for (int64_t t = 1; t < run->aligned.n_tilts; ++t) {
        if (fabs(run->aligned.tilts[t].tilt_deg) < fabs(run->aligned.tilts[flat].tilt_deg)) flat = t;
    }
    picture_options(run, SEI_PLANE_XY, NULL, &options);
    snprintf(name, sizeof name, "pictures/tilt_%s.png", run->file_names[c]);
    SEI_TRY(sei_run_path(run, stage, name, &path));
    SEI_TRY(sei_render_tilt(path, &run->aligned, c, flat, &options, true));
    snprintf(words, sizeof words, "%s at %g deg after alignment", run->channels[c], run->aligned.tilts[flat].tilt_deg);
    SEI_TRY(caption(list, name, "Tilt series", words));
done:
    sei_free(path);
    return status;
}

/* Plots the columns of a table of the run that are there; an absent table is no plot. */
static sei_status plot(sei_run_state *run, sei_stage *stage, const char *name, const char *group, const sei_plot *asked,
                       const char *words, sei_facts *list) {
    sei_plot plan = *asked;
    sei_plot *how = &plan;
    char file[SEI_RUN_NAME];
    char *from = NULL;
    char *to = NULL;
    sei_table table = {0};
    const char *columns[64];
    const char *labels[64];
    char words_of[64][SEI_NAME_LENGTH];
    sei_status status = SEI_OK;
    snprintf(file, sizeof file, "tables/%s.csv", name);
    SEI_TRY(sei_run_read_path(run, file, &from));
    if (!sei_file_exists(from)) goto done;
    SEI_TRY(sei_io_read_table(from, &table));
    if (how->n_series == 0) { /* every fraction that holds a number */
        how->series = columns;
        how->labels = labels;
        for (size_t c = 0; c < table.n_columns && how->n_series < 64; ++c) {
            bool any = false;
            for (size_t r = 0; r < table.n_rows; ++r) any = any || isfinite(table.cells[r * table.n_columns + c]);
            /* closed and open voids are drawn apart, so their sum is not */
            if (!any || strncmp(table.columns[c], "fraction_", 9) != 0 || strcmp(table.columns[c], "fraction_void") == 0)
                continue;
            char *text = words_of[how->n_series];
            snprintf(text, SEI_NAME_LENGTH, "%s", table.columns[c] + 9);
            for (char *letter = text; *letter != 0; ++letter) {
                if (*letter == '_') *letter = ' ';
            }
            labels[how->n_series] = text;
            columns[how->n_series++] = table.columns[c];
        }
    }
    if (how->n_series == 0 || table.n_rows < 2) goto done;
    snprintf(file, sizeof file, "plots/%s.svg", name);
    SEI_TRY(sei_run_path(run, stage, file, &to));
    to[strlen(to) - 4] = 0;
    SEI_TRY(sei_plot_table(to, &table, how, true));
    SEI_TRY(caption(list, file, group, words));
done:
    sei_table_free(&table);
    sei_free(from);
    sei_free(to);
    return status;
}

static sei_status history_plots(sei_run_state *run, sei_stage *stage, sei_facts *list) {
    static const char *const likelihood[] = {"log_likelihood"};
    static const char *const residual[] = {"residual"};
    for (unsigned e = 0; e < run->recipe->n_reconstruct; ++e) {
        const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
        const bool em = entry->method == SEI_METHOD_EM || entry->method == SEI_METHOD_OSEM;
        if (entry->method == SEI_METHOD_WBP) continue;
        for (size_t c = 0; c < run->n_channels; ++c) {
            char name[SEI_RUN_NAME];
            char words[SEI_TEXT_LENGTH];
            if (!sei_run_takes(run, e, c)) continue;
            snprintf(name, sizeof name, "history_%s_%s", entry->name, run->file_names[c]);
            snprintf(words, sizeof words, "%s by %s: %s per iteration", run->channels[c], entry->name,
                     em ? "log-likelihood" : "residual");
            sei_plot how = {.title = words,
                            .x_label = "iteration",
                            .y_label = em ? "log-likelihood" : "rms residual",
                            .x = "iteration",
                            .n_series = 1,
                            .series = em ? likelihood : residual};
            const sei_status status = plot(run, stage, name, "Convergence", &how, words, list);
            if (status != SEI_OK) return status;
        }
    }
    return SEI_OK;
}

static sei_status tilt_plots(sei_run_state *run, sei_stage *stage, sei_facts *list) {
    static const char *const shifts[] = {"dx_px", "dy_px"};
    static const char *const directions[] = {"x, across the tilt axis", "y, along it"};
    const char *channels[32];
    char names[32][SEI_NAME_LENGTH];
    const char *means[32];
    size_t n = 0;
    for (size_t c = 0; c < run->n_channels && n < 32; ++c) {
        if (strcasecmp(run->channels[c], "HAADF") == 0) continue; /* another unit */
        snprintf(names[n], SEI_NAME_LENGTH, "mean_%.*s", (int)(SEI_NAME_LENGTH - 6), run->channels[c]);
        means[n] = names[n];
        channels[n] = run->channels[c];
        ++n;
    }
    sei_plot how = {.title = "Shifts applied",
                    .x_label = "tilt (deg)",
                    .y_label = "shift (px)",
                    .x = "tilt_deg",
                    .n_series = 2,
                    .series = shifts,
                    .labels = directions,
                    .points = true};
    sei_status status = plot(run, stage, "shifts", "Tilt series", &how, "shift applied to each image", list);
    if (status != SEI_OK || n == 0) return status;
    how = (sei_plot){.title = "Mean signal",
                     .x_label = "tilt (deg)",
                     .y_label = "mean per pixel",
                     .x = "tilt_deg",
                     .n_series = n,
                     .series = means,
                     .labels = channels,
                     .points = true};
    return plot(run, stage, "tilts", "Tilt series", &how, "mean signal of each image as read", list);
}

sei_status sei_stage_render(sei_run_state *run, sei_stage *stage) {
    sei_facts list = {0};
    sei_status status = SEI_OK;
    SEI_TRY(tilt_picture(run, stage, &list));
    SEI_TRY(tilt_plots(run, stage, &list));
    SEI_TRY(composite_pictures(run, stage, &list));
    SEI_TRY(label_pictures(run, stage, &list));
    for (unsigned e = 0; e < run->recipe->n_reconstruct; ++e) SEI_TRY(entry_pictures(run, stage, e, &list));
    for (size_t c = 0; c < run->n_channels; ++c) {
        for (int p = 0; p < N_PLANES && n_methods(run, c) > 1; ++p) SEI_TRY(methods_picture(run, stage, c, p, &list));
    }
    sei_plot profiles = {.title = "Radial profiles",
                         .x_label = "distance from the axis (nm)",
                         .y_label = "fraction of the volume",
                         .x = "r_nm",
                         .y_from_zero = true};
    if (run->recipe->segment.enabled)
        SEI_TRY(plot(run, stage, "profiles", "Radial profiles", &profiles, "radial profiles", &list));
    SEI_TRY(history_plots(run, stage, &list));
    stage->facts = sei_json_facts(&list);
done:
    sei_facts_free(&list);
    return status;
}

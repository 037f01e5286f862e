/* Sweeps of the phase-field model: combinations, their folders, the table and the picture across them. */
#include "study/phasefield_sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "seitomo/report.h"
#include "study/record.h"

enum { MOST = 1000, MAX_KEYS = 16, MAX_SET = 128 };

/* What the table says of a run: its last row and depth by cycle. */
static const char *const told[] = {
    "half_cycle",   "void_fraction",    "void_count",         "enclosed_void_fraction",       "wetted_fraction",
    "wetted_depth", "wetted_depth_max", "void_size_gradient", "si_largest_component_fraction"};
enum { N_TOLD = sizeof told / sizeof told[0] };

typedef struct combination {
    char *set[MAX_KEYS];        /* "model.r0=0.12" */
    char name[SEI_NAME_LENGTH]; /* of its folder */
    sei_status status;
    char message[SEI_TEXT_LENGTH];
    json_t *summary;
} combination;

typedef struct sweep {
    const sei_phasefield_file *file;
    const sei_phasefield_run_options *options;
    size_t n;
    combination *all;
} sweep;

static void free_sweep(sweep *s) {
    for (size_t i = 0; s->all != NULL && i < s->n; ++i) {
        for (int k = 0; k < MAX_KEYS; ++k) sei_free(s->all[i].set[k]);
        json_decref(s->all[i].summary);
    }
    sei_free(s->all);
}

static const char *last_word(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot == NULL ? key : dot + 1;
}

static sei_status make_combinations(sweep *s) {
    const sei_pf_entry *e = s->file->entry;
    sei_text text = {0};
    sei_status status = SEI_OK;
    s->n = 1;
    for (unsigned k = 0; k < e->n_sweep; ++k) {
        if (strcmp(e->sweep[k].key, "sweep") == 0 || strncmp(e->sweep[k].key, "sweep.", 6) == 0)
            return sei_fail(SEI_ERR_INPUT, "sweep.%u.key: a sweep cannot vary itself", k);
        if (s->n > MOST / e->sweep[k].n_values) return sei_fail(SEI_ERR_INPUT, "sweep: more than %d combinations", MOST);
        s->n *= e->sweep[k].n_values;
    }
    SEI_TRY(SEI_NEW(s->all, (int64_t)s->n, 1, 1));
    for (size_t i = 0; i < s->n; ++i) {
        size_t rest = i;
        char words[2 * SEI_TEXT_LENGTH] = "";
        for (unsigned k = e->n_sweep; k-- > 0;) {
            const sei_pf_sweep_entry *axis = &e->sweep[k];
            SEI_TRY(sei_text_add(&text, "%s=%s", axis->key, axis->values[rest % axis->n_values]));
            SEI_TRY(sei_strdup(text.data, &s->all[i].set[k]));
            sei_text_free(&text);
            rest /= axis->n_values;
        }
        for (unsigned k = 0; k < e->n_sweep; ++k) {
            const size_t length = strlen(words);
            snprintf(words + length, sizeof words - length, "%s%s-%s", k > 0 ? "_" : "", last_word(e->sweep[k].key),
                     strchr(s->all[i].set[k], '=') + 1);
        }
        sei_safe_name(words, s->all[i].name, sizeof s->all[i].name);
        for (size_t other = 0; other < i; ++other) {
            char number[24];
            if (strcmp(s->all[other].name, s->all[i].name) != 0) continue;
            snprintf(number, sizeof number, "_%zu", i + 1);
            snprintf(s->all[i].name + strnlen(s->all[i].name, 40), 24, "%s", number);
        }
    }
done:
    sei_text_free(&text);
    return status;
}

/* The recipe with a combination's values. */
static sei_status read_one(const sweep *s, const combination *c, sei_phasefield_file *file) {
    const char *set[MAX_SET];
    const sei_phasefield_run_options *o = s->options;
    size_t n = 0;
    if (o->n_set + s->file->entry->n_sweep > MAX_SET) return sei_fail(SEI_ERR_USAGE, "too many --set beside a sweep");
    for (size_t i = 0; i < o->n_set; ++i) set[n++] = o->set[i];
    for (unsigned k = 0; k < s->file->entry->n_sweep; ++k) set[n++] = c->set[k];
    const sei_status status = sei_phasefield_file_read(o->recipe, n, set, file);
    return status == SEI_OK ? status : sei_fail_context(status == SEI_ERR_USAGE ? SEI_ERR_INPUT : status, "%s: sweep", o->recipe);
}

static sei_status check_all(const sweep *s) {
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < s->n; ++i) {
        sei_phasefield_file file = {0};
        status = read_one(s, &s->all[i], &file);
        sei_phasefield_file_free(&file);
    }
    return status;
}

static sei_status run_all(sweep *s) {
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < s->n; ++i) {
        combination *c = &s->all[i];
        sei_phasefield_file file = {0};
        char *folder = NULL;
        sei_info("sweep %zu of %zu: %s", i + 1, s->n, c->name);
        c->status = read_one(s, c, &file);
        if (c->status == SEI_OK) c->status = sei_path_join(s->options->output, c->name, &folder);
        if (c->status == SEI_OK) c->status = sei_pf_run_one(&file, s->options, folder, &c->summary);
        if (c->status == SEI_ERR_INTERRUPTED) status = c->status;
        if (c->status != SEI_OK) {
            snprintf(c->message, sizeof c->message, "%.*s", SEI_TEXT_LENGTH - 1, sei_last_error());
            if (c->status != SEI_ERR_INTERRUPTED) sei_warn("%s: %s", c->name, c->message);
        }
        sei_phasefield_file_free(&file);
        sei_free(folder);
    }
    return status;
}

static double told_of(const combination *c, const char *name) {
    const json_t *rows = json_object_get(c->summary, "half_cycles");
    const json_t *row = json_array_get(rows, json_array_size(rows) - 1);
    const struct {
        const char *name, *column;
    } renamed[] = {{"void_count", "n_voids"}, {"enclosed_void_fraction", "enclosed_fraction"}, {"wetted_depth", "depth_mean"}};
    for (size_t n = 0; n < sizeof renamed / sizeof renamed[0]; ++n)
        if (strcmp(renamed[n].name, name) == 0) name = renamed[n].column;
    const json_t *value = json_object_get(json_object_get(row, name), "value");
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* One row per combination that is done: its values, then its last half-cycle. */
static sei_status write_table(const sweep *s) {
    const sei_pf_entry *e = s->file->entry;
    const char *columns[1 + MAX_KEYS + N_TOLD] = {"run"};
    const size_t n_columns = 1 + e->n_sweep + N_TOLD;
    sei_table table = {0};
    char *path = NULL;
    size_t row = 0;
    sei_status status = SEI_OK;
    for (unsigned k = 0; k < e->n_sweep; ++k) columns[1 + k] = e->sweep[k].key;
    for (size_t t = 0; t < N_TOLD; ++t) columns[1 + e->n_sweep + t] = told[t];
    SEI_TRY(sei_table_alloc("sweep", n_columns, columns, s->n, &table));
    for (size_t i = 0; i < s->n; ++i) {
        const combination *c = &s->all[i];
        if (c->status != SEI_OK) continue;
        double *cells = table.cells + row * n_columns;
        SEI_TRY(sei_table_set_word(&table, row, c->name));
        for (unsigned k = 0; k < e->n_sweep; ++k)
            if (!sei_parse_double(strchr(c->set[k], '=') + 1, &cells[1 + k])) cells[1 + k] = NAN;
        for (size_t t = 0; t < N_TOLD; ++t) cells[1 + e->n_sweep + t] = told_of(c, told[t]);
        ++row;
    }
    table.n_rows = row;
    SEI_TRY(sei_path_join(s->options->output, "sweep.csv", &path));
    SEI_TRY(sei_io_write_table(path, &table, true));
done:
    sei_table_free(&table);
    sei_free(path);
    return status;
}

/* The last section of every combination that is done, a row per value of the first key. */
static sei_status write_picture(const sweep *s) {
    const sei_pf_entry *e = s->file->entry;
    char **pngs = NULL, *path = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    if (!e->output.pictures) return SEI_OK;
    SEI_TRY(SEI_NEW(pngs, (int64_t)s->n, 1, 1));
    for (size_t i = 0; i < s->n; ++i) {
        char name[2 * SEI_NAME_LENGTH];
        const json_t *rows = json_object_get(s->all[i].summary, "half_cycles");
        snprintf(name, sizeof name, "%s/half_%02zu/section.png", s->all[i].name, json_array_size(rows) - 1);
        if (s->all[i].status != SEI_OK) continue;
        SEI_TRY(sei_path_join(s->options->output, name, &pngs[n++]));
        if (!sei_file_exists(pngs[n - 1])) sei_free(pngs[--n]);
    }
    if (n == 0) goto done;
    SEI_TRY(sei_path_join(s->options->output, "sweep.png", &path));
    SEI_TRY(sei_render_montage(path, n, (const char *const *)pngs, (int)e->sweep[e->n_sweep - 1].n_values, true));
done:
    for (size_t i = 0; pngs != NULL && i < n; ++i) sei_free(pngs[i]);
    sei_free(pngs);
    sei_free(path);
    return status;
}

static sei_status write_record(const sweep *s, json_t **summary) {
    json_t *runs = json_array(), *whole = NULL;
    char *path = NULL;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < s->n; ++i) {
        const combination *c = &s->all[i];
        json_t *set = json_array();
        for (unsigned k = 0; k < s->file->entry->n_sweep; ++k) json_array_append_new(set, sei_json_text(c->set[k]));
        json_array_append_new(runs, json_pack("{s:s, s:o, s:i, s:o, s:O?}", "name", c->name, "set", set, "exit_code",
                                              (int)c->status, "message", sei_json_text(c->message), "summary", c->summary));
    }
    whole = json_pack("{s:s, s:s, s:O}", "kind", "phase-field sweep", "title", s->file->entry->title, "runs", runs);
    if (whole == NULL) {
        status = sei_fail(SEI_ERR_MEMORY, "not enough memory for the sweep's record");
        goto done;
    }
    SEI_TRY(sei_path_join(s->options->output, "sweep.json", &path));
    SEI_TRY(sei_sealed_write(path, true, whole));
    if (summary != NULL) *summary = json_incref(whole);
done:
    json_decref(whole);
    json_decref(runs);
    sei_free(path);
    return status;
}

static sei_status say_failures(const sweep *s) {
    sei_text text = {0};
    size_t failed = 0;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < s->n; ++i) {
        const combination *c = &s->all[i];
        if (c->status == SEI_OK) continue;
        SEI_TRY(sei_text_add(&text, "%s%s (exit code %d: %s)", failed > 0 ? "; " : "", c->name, (int)c->status, c->message));
        ++failed;
    }
    if (failed > 0) status = sei_fail(SEI_ERR_PARTIAL, "%zu of %zu runs of the sweep failed: %s", failed, s->n, text.data);
done:
    sei_text_free(&text);
    return status;
}

/* A record of another program's or nobody's in the way. */
static sei_status check_targets(const sweep *s) {
    static const char *const names[] = {"sweep.csv", "sweep.png"};
    char *record = NULL;
    json_t *ours = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_path_join(s->options->output, "sweep.json", &record));
    if (sei_file_exists(record) && sei_sealed_read(record, &ours) == SEI_OK) goto done;
    if (sei_path_in_the_way(record)) SEI_TRY(sei_file_check_target(record, s->options->force));
    for (size_t n = 0; n < 2; ++n) {
        char *path = NULL;
        SEI_TRY(sei_path_join(s->options->output, names[n], &path));
        if (sei_path_in_the_way(path)) status = sei_file_check_target(path, s->options->force);
        sei_free(path);
        SEI_TRY(status);
    }
done:
    json_decref(ours);
    sei_free(record);
    return status;
}

sei_status sei_pf_sweep(const sei_phasefield_file *file, const sei_phasefield_run_options *options, json_t **summary) {
    sweep s = {.file = file, .options = options};
    sei_status status = make_combinations(&s);
    if (status == SEI_ERR_INPUT) status = sei_yaml_blame(options->recipe, options->n_set, options->set, "sweep", status);
    SEI_TRY(status);
    if (s.all == NULL) goto done;
    SEI_TRY(check_all(&s));
    if (!options->plan_only) {
        SEI_TRY(sei_folder_make(options->output));
        SEI_TRY(check_targets(&s));
    }
    SEI_TRY(run_all(&s));
    if (!options->plan_only) {
        SEI_TRY(write_table(&s));
        SEI_TRY(write_picture(&s));
        SEI_TRY(write_record(&s, summary));
    }
    status = say_failures(&s);
done:
    free_sweep(&s);
    return status;
}

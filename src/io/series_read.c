/*
 * A tilt series from one or several files. First every header is read: names, shapes and the selection are settled before
 * any image is; then the wanted channels are read file by file and joined.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "io/series.h"

/* A wanted channel: "NAME" or "NAME=NAME_IN_FILE". */
typedef struct wish {
    char name[SEI_NAME_LENGTH];
    char in_file[SEI_NAME_LENGTH];
    const sei_source *found;
} wish;

static void free_sources(sei_source *sources, size_t count) {
    for (size_t i = 0; sources != NULL && i < count; ++i) {
        sei_stacks_free(&sources[i].stacks);
        sei_angle_table_free(&sources[i].table);
    }
    sei_free(sources);
}

/* The side file's angles: the one given, else the one beside the file. */
static sei_status read_side_file(const sei_read_options *options, sei_source *source) {
    char *beside = NULL;
    sei_status status = SEI_OK;
    const char *path = options->angles;
    if (path == NULL) {
        SEI_TRY(sei_angles_beside(source->path, &beside));
        path = beside;
    }
    if (path == NULL) return SEI_OK;
    SEI_TRY(sei_angles_read(path, &source->table));
    SEI_TRY(sei_note_input(options, path));
    snprintf(source->table_source, sizeof source->table_source, "%.160s (%s%s)", sei_path_base(path), source->table.format,
             options->angles != NULL ? ", --angles" : "");
done:
    sei_free(beside);
    return status;
}

/* Every stack gets its name: NAME=FILE, the file's own, the file's name. */
static sei_status name_stacks(sei_source *source) {
    if (source->name[0] != 0 && source->stacks.count > 1) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s=%s: the file holds %zu channels, so one name does not do; choose with --channels %s=NAME_IN_FILE",
                        source->name, source->path, source->stacks.count, source->name);
    }
    for (size_t i = 0; i < source->stacks.count; ++i) {
        sei_stack *stack = &source->stacks.items[i];
        if (source->name[0] != 0) {
            memcpy(stack->name, source->name, sizeof stack->name);
        } else if (stack->name[0] == 0) {
            sei_channel_name_of_path(source->path, stack->name);
        }
    }
    return SEI_OK;
}

static sei_status read_headers(const sei_read_options *options, const char *argument, sei_source *source) {
    const sei_format_read headers = {.headers_only = true, .allow_truncated = options->allow_truncated};
    sei_status status = SEI_OK;
    sei_source_split(argument, source->name, &source->path);
    SEI_TRY(sei_format_of(source->path, &source->format));
    SEI_TRY(source->format->read(source->path, &headers, &source->stacks));
    if (source->stacks.count == 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no images in it", source->path);
        goto done;
    }
    SEI_TRY(name_stacks(source));
    SEI_TRY(sei_note_input(options, source->path));
    SEI_TRY(read_side_file(options, source));
done:
    return status;
}

static void list_names(const sei_source *sources, size_t count, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t f = 0; f < count; ++f) {
        for (size_t i = 0; i < sources[f].stacks.count && used + SEI_NAME_LENGTH + 3 < size; ++i) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", sources[f].stacks.items[i].name);
        }
    }
}

static sei_status parse_wish(const char *text, wish *out) {
    const char *equals = strchr(text, '=');
    const size_t length = equals == NULL ? strlen(text) : (size_t)(equals - text);
    const char *in_file = equals == NULL ? text : equals + 1;
    if (length == 0 || length >= SEI_NAME_LENGTH || in_file[0] == 0 || strlen(in_file) >= SEI_NAME_LENGTH) {
        return sei_fail(SEI_ERR_USAGE, "channel '%s': expected NAME or NAME=NAME_IN_FILE, each of 1 to %d bytes", text,
                        SEI_NAME_LENGTH - 1);
    }
    snprintf(out->name, sizeof out->name, "%.*s", (int)length, text);
    snprintf(out->in_file, sizeof out->in_file, "%s", in_file);
    return SEI_OK;
}

/* Finds every wish in exactly one file; files without any are skipped. */
static sei_status match_wishes(sei_source *sources, size_t n_sources, wish *wishes, size_t n_wishes) {
    char known[768];
    for (size_t f = 0; f < n_sources; ++f) sources[f].skipped = n_wishes > 0;
    for (size_t w = 0; w < n_wishes; ++w) {
        for (size_t f = 0; f < n_sources; ++f) {
            for (size_t i = 0; i < sources[f].stacks.count; ++i) {
                if (strcasecmp(sources[f].stacks.items[i].name, wishes[w].in_file) != 0) continue;
                if (wishes[w].found != NULL) {
                    return sei_fail(SEI_ERR_INPUT, "two channels are named '%s', in %s and in %s; name them apart with NAME=FILE",
                                    wishes[w].in_file, wishes[w].found->path, sources[f].path);
                }
                wishes[w].found = &sources[f];
                sources[f].skipped = false;
            }
        }
        if (wishes[w].found == NULL) {
            list_names(sources, n_sources, known, sizeof known);
            return sei_fail(SEI_ERR_INPUT, "%s%s: no channel named '%s'; there are: %s", sources[0].path,
                            n_sources > 1 ? " and the files with it" : "", wishes[w].in_file, known);
        }
        for (size_t other = 0; other < w; ++other) {
            if (strcasecmp(wishes[w].in_file, wishes[other].in_file) == 0 ||
                strcasecmp(wishes[w].name, wishes[other].name) == 0) {
                return sei_fail(SEI_ERR_USAGE, "channel '%s' is asked for twice", wishes[w].name);
            }
        }
    }
    return SEI_OK;
}

static bool is_wanted(const sei_stack *stack, const wish *wishes, size_t n_wishes) {
    for (size_t w = 0; w < n_wishes; ++w) {
        if (strcasecmp(stack->name, wishes[w].in_file) == 0) return true;
    }
    return n_wishes == 0;
}

/* Shapes are known from the headers: channels that cannot be one series are refused before their images are read. */
static sei_status check_shapes(const sei_source *sources, size_t n_sources, const wish *wishes, size_t n_wishes) {
    const sei_stack *first = NULL;
    const char *first_path = NULL;
    for (size_t f = 0; f < n_sources; ++f) {
        for (size_t i = 0; i < sources[f].stacks.count && !sources[f].skipped; ++i) {
            const sei_stack *stack = &sources[f].stacks.items[i];
            if (!is_wanted(stack, wishes, n_wishes)) continue;
            if (first == NULL) {
                first = stack;
                first_path = sources[f].path;
            } else if (stack->nx != first->nx || stack->ny != first->ny || stack->nz != first->nz) {
                return sei_fail(
                    SEI_ERR_INPUT,
                    "channels differ in shape: '%s' in %s is %lld x %lld pixels x %lld images, '%s' in %s is %lld x %lld x %lld; "
                    "choose channels of one shape with --channels",
                    first->name, first_path, (long long)first->nx, (long long)first->ny, (long long)first->nz, stack->name,
                    sources[f].path, (long long)stack->nx, (long long)stack->ny, (long long)stack->nz);
            }
        }
    }
    return SEI_OK;
}

/* Drops what a reader gave and nobody wants. */
static void keep_wanted(sei_source *source, bool with_data, const wish *wishes, size_t n_wishes) {
    size_t kept = 0;
    for (size_t i = 0; i < source->stacks.count; ++i) {
        sei_stack *stack = &source->stacks.items[i];
        const bool keep = is_wanted(stack, wishes, n_wishes) && (stack->data != NULL || !with_data);
        if (!keep) {
            if (i == 0 && stack->valid != NULL && source->stacks.count > 1) { /* a shared mask is with the first stack */
                source->stacks.items[1].valid = stack->valid;
                stack->valid = NULL;
            }
            sei_stack_free(stack);
            continue;
        }
        if (kept != i) {
            source->stacks.items[kept] = *stack;
            *stack = (sei_stack){0};
        }
        ++kept;
    }
    source->stacks.count = kept;
}

/* Reads the images of the wanted channels; the headers' stacks are replaced. */
static sei_status read_images(const sei_read_options *options, sei_source *source, const wish *wishes, size_t n_wishes) {
    const char **names = NULL;
    sei_stacks headers = source->stacks;
    sei_format_read request = {.allow_truncated = options->allow_truncated};
    sei_status status = SEI_OK;
    source->stacks = (sei_stacks){0};
    SEI_TRY(SEI_NEW(names, (int64_t)headers.count, 1, 1));
    for (size_t i = 0; i < headers.count; ++i) {
        if (is_wanted(&headers.items[i], wishes, n_wishes)) names[request.n_wanted++] = headers.items[i].name;
    }
    if (headers.count > 1) {
        request.wanted = names;
    } else {
        request.n_wanted = 0;
    }
    SEI_TRY(source->format->read(source->path, &request, &source->stacks));
    SEI_TRY(name_stacks(source));
    keep_wanted(source, true, wishes, n_wishes);
    if (source->stacks.count == 0) status = sei_fail(SEI_ERR_INPUT, "%s: no channel could be read", source->path);
done:
    sei_free(names);
    sei_stacks_free(&headers);
    return status;
}

/* The first file that knows its angles, for those that do not. */
static const sei_source *find_lender(const sei_source *sources, size_t n_sources) {
    for (size_t f = 0; f < n_sources; ++f) {
        if (sources[f].table.count > 0) return &sources[f];
    }
    for (size_t f = 0; f < n_sources; ++f) {
        if (sources[f].stacks.items[0].n_angles > 0) return &sources[f];
    }
    return NULL;
}

/* Puts the channels into the order of the wishes and gives them their new names. */
static void arrange(sei_series *series, const wish *wishes, size_t n_wishes) {
    for (size_t w = 0; w < n_wishes && w < series->n_channels; ++w) {
        for (size_t c = w; c < series->n_channels; ++c) {
            if (strcasecmp(series->channels[c].name, wishes[w].in_file) != 0) continue;
            const sei_channel chosen = series->channels[c];
            series->channels[c] = series->channels[w];
            series->channels[w] = chosen;
            break;
        }
    }
    for (size_t w = 0; w < n_wishes && w < series->n_channels; ++w) {
        memcpy(series->channels[w].name, wishes[w].name, sizeof wishes[w].name);
    }
}

/* Moves the facts about more's channels over before a join, which keeps only the first file's. */
static sei_status keep_channel_facts(const sei_series *more, sei_series *series) {
    sei_status status = SEI_OK;
    for (size_t i = 0; i < more->facts.count; ++i) {
        const sei_fact *fact = &more->facts.items[i];
        if (strncmp(fact->key, "channel ", 8) == 0) SEI_TRY(sei_facts_set(&series->facts, fact->key, fact->value, fact->source));
    }
done:
    return status;
}

sei_status sei_io_read_series(const sei_read_options *options, sei_series *out) {
    sei_source *sources = NULL;
    wish *wishes = NULL;
    sei_series series = {0};
    sei_series more = {0};
    sei_status status = SEI_OK;
    const size_t n = options->n_files;
    if (n == 0) return sei_fail(SEI_ERR_USAGE, "no file to read a tilt series from");
    SEI_TRY(SEI_NEW(sources, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(wishes, (int64_t)options->n_channels, 1, 1));
    for (size_t w = 0; w < options->n_channels; ++w) SEI_TRY(parse_wish(options->channels[w], &wishes[w]));
    for (size_t f = 0; f < n; ++f) SEI_TRY(read_headers(options, options->files[f], &sources[f]));
    SEI_TRY(match_wishes(sources, n, wishes, options->n_channels));
    SEI_TRY(check_shapes(sources, n, wishes, options->n_channels));
    const sei_source *lender = find_lender(sources, n);
    for (size_t f = 0; f < n; ++f) {
        if (sources[f].skipped) continue;
        if (options->headers_only) {
            keep_wanted(&sources[f], false, wishes, options->n_channels);
        } else {
            SEI_TRY(read_images(options, &sources[f], wishes, options->n_channels));
        }
        SEI_TRY(sei_series_from_source(options, &sources[f], lender, &more));
        if (series.tilts == NULL) {
            series = more;
            more = (sei_series){0};
            continue;
        }
        SEI_TRY(keep_channel_facts(&more, &series));
        status = sei_series_join(&series, &more);
        if (status != SEI_OK) {
            status = sei_fail_context(status, "%s", sources[f].path);
            goto done;
        }
    }
    arrange(&series, wishes, options->n_channels);
    *out = series;
    series = (sei_series){0};
done:
    sei_series_free(&series);
    sei_series_free(&more);
    sei_free(wishes);
    free_sources(sources, n);
    return status;
}

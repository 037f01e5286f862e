/* The command line: one file per verb (cmd_VERB.c), one table of verbs, one set of common options. */
#ifndef SEI_CLI_H
#define SEI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "seitomo/backend.h"
#include "seitomo/io.h"
#include "seitomo/status.h"

/* Options every verb understands; sei_common_children are a verb's argp children, &common their input. */
typedef struct sei_common {
    const char *output;    /* -o */
    const char *backend;   /* --backend */
    const char *isa;       /* --isa (cpu) */
    bool fast;             /* --fast (cuda) */
    int threads;           /* --threads */
    size_t memory_bytes;   /* --memory, 0: not given */
    const char *angles;    /* --angles */
    double pixel_nm;       /* --pixel-nm, NaN: not given */
    double axis_deg;       /* --axis x|y|DEG, NaN: not given */
    double axis_offset_px; /* --axis-offset, NaN: not given */
    bool invert_tilt, flip_y, allow_truncated;
    uint64_t seed; /* --seed */
    bool seed_given;
    size_t n_set; /* --set key=value, in order */
    const char *set[64];
    size_t n_channels; /* --channels A,B=NAME_IN_FILE */
    const char *channels[64];
    bool force, plan, json, quiet;
} sei_common;

extern const struct argp_child sei_common_children[];
/*
 * Parses a verb's words into `words`, which hold `common`: the common options begin with their defaults; threads and verbosity
 * are applied. Returns SEI_ERR_USAGE after argp printed what is wrong.
 */
sei_status sei_cli_begin(const struct argp *argp, int argc, char **argv, void *words, sei_common *common) SEI_MUST_CHECK;
/* Read options from the common ones. Arrays stay with common. */
void sei_cli_read_options(const sei_common *common, size_t n_files, const char *const *files, sei_read_options *out);
/* Opens the backend asked for and says in one line which one it is. */
sei_status sei_cli_open_device(const sei_common *common, sei_device **out) SEI_MUST_CHECK;
/* Files as arguments: collected by ARGP_KEY_ARG. */
enum { SEI_CLI_MAX_FILES = 256 };
typedef struct sei_cli_files {
    size_t count;
    const char *names[SEI_CLI_MAX_FILES];
} sei_cli_files;
/* Adds one, or argp_error when there are too many. */
void sei_cli_add_file(sei_cli_files *files, const char *name, struct argp_state *state);
/* The parser of a verb that takes files and has no options of its own; `none` is the error without any. */
error_t sei_cli_parse_files(int key, char *arg, struct argp_state *state, sei_common *common, sei_cli_files *files,
                            const char *none);
/* A finite number, or a whole number from low to high, or a usage error that names the option. */
double sei_cli_number_of(const char *option, const char *text, struct argp_state *state);
int sei_cli_whole_of(const char *option, const char *text, int low, int high, struct argp_state *state);
/* What a verb with one argument says when something is wrong with it or when -o is missing. */
typedef struct sei_cli_one {
    const char *none, *several, *no_output;
    bool plan_without_output; /* --plan needs no -o */
} sei_cli_one;
/* The parser of such a verb, for the keys that it does not take itself. */
error_t sei_cli_parse_one(int key, char *arg, struct argp_state *state, const sei_cli_one *says, sei_common *common,
                          const char **argument);

/* Before any work: the outputs (NULL: not asked for) differ from each other, from the input words (PATH or NAME=PATH), from
 * the files of angles and masks beside those, and from --angles, so
 * that not even --force lets one file replace another of the same command. SEI_ERR_USAGE. */
sei_status sei_cli_check_outputs(const sei_common *common, const sei_cli_files *inputs, size_t n_outputs,
                                 const char *const *outputs) SEI_MUST_CHECK;
/* The same for every file NAME_CHANNEL.mrc that a series goes to. */
sei_status sei_cli_check_series_outputs(const sei_common *common, const sei_cli_files *inputs, const char *output,
                                        const sei_series *series) SEI_MUST_CHECK;

/* {"value": v, "unit": u, "sd": s}; NaN becomes null. New reference. */
json_t *sei_cli_number(double value, const char *unit, double sd);
json_t *sei_cli_numbers(const sei_numbers *numbers);
json_t *sei_cli_table(const sei_table *table); /* list of objects, NaN null */
json_t *sei_cli_real(double value);            /* NaN and Inf become null */
/* The plan of a verb that knows its memory and disk, as a line and as {"plan": {"memory", "disk"}}. */
sei_status sei_cli_say_plan(const sei_common *common, double memory_bytes, double disk_bytes) SEI_MUST_CHECK;
/* SEI_ERR_MEMORY when --memory was given and is below the need. */
sei_status sei_cli_check_memory(const sei_common *common, double memory_bytes) SEI_MUST_CHECK;
/* Prints a summary on standard output when --json was given; steals the reference either way. */
sei_status sei_cli_print_json(const sei_common *common, json_t *summary) SEI_MUST_CHECK;

/* A verb: its words after the name; returns the exit status. The message of a failure is printed by main. */
typedef sei_status (*sei_verb)(int argc, char **argv);
#define X(name, call, does) sei_status sei_cmd_##name(int argc, char **argv);
#include "cli/verbs.def"
#undef X

#endif

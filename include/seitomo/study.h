/*
 * study: strings the rooms together. A recipe describes one data set from its files to its report; run carries it out
 * stage by stage and can resume; batch runs many; compare sets reconstruction methods side by side.
 */
#ifndef SEITOMO_STUDY_H
#define SEITOMO_STUDY_H

#include "seitomo/align.h"
#include "seitomo/backend.h"
#include "seitomo/clean.h"
#include "seitomo/io.h"
#include "seitomo/measure.h"
#include "seitomo/recon.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recipe ---------------------------------------------------------------------------------------------------- */

typedef enum sei_align_method { SEI_ALIGN_XCORR = 0, SEI_ALIGN_NONE, SEI_ALIGN_FILE } sei_align_method;
typedef enum sei_grid { SEI_GRID_COARSEST = 0, SEI_GRID_FINEST } sei_grid;

typedef struct sei_recipe_input {
    char *folder; /* in front of every relative file name; relative to the recipe's own folder. "" : that folder */
    unsigned n_files;
    char **files; /* "PATH" or "NAME=PATH" */
    unsigned n_channels;
    char **channels;       /* "NAME" or "NAME=NAME_IN_FILE"; none: all */
    char *angles;          /* side file; "": found by the reader */
    double pixel_nm;       /* NaN: from the file */
    char *axis;            /* "x", "y" or degrees; "": from the file */
    double axis_offset_px; /* NaN: from the file */
    bool invert_tilt, flip_y, allow_truncated;
    unsigned n_drop_tilts;
    double *drop_tilts; /* angles in degrees left out (to 0.01 deg) */
} sei_recipe_input;

typedef struct sei_recipe_align {
    sei_align_method method;
    char *shifts; /* file: CSV tilt_deg,dx_px,dy_px */
    char *reference;
    bool cosine_stretch, find_axis_offset;
    double taper_px, low_cutoff, high_cutoff, high_sigma, max_shift_px, axis_offset_px;
    int iterations, interpolation;
} sei_recipe_align;

typedef struct sei_recipe_recon {
    char *name; /* letters, digits, '-' and '_': a folder in volumes/ */
    unsigned n_channels;
    char **channels; /* none: all */
    sei_method method;
    int iterations; /* 0: the method's own number */
    sei_kernel kernel;
    int bin; /* of every channel that bin_channels does not name */
    unsigned n_bin_channels;
    char **bin_channels; /* "Fe=4" */
    double depth_nm;     /* NaN: depth_px */
    int64_t depth_px;    /* of unbinned pixels; 0: as nx */
    int64_t pad_px;      /* room beside the field, unbinned pixels: tilted rays see what lies outside an extended specimen's
                            field; it is reconstructed there and cut off again */
    double relaxation, filter_cutoff;
    char *filter;
    int subsets; /* osem */
    sei_stop stop;
    int64_t seed;  /* of the counts held out */
    char *support; /* "": none; "auto", "auto:CHANNEL"; a volume's file */
    unsigned n_start;
    char **start; /* "Fe=PATH", or "PATH" for every channel; none: the method's own */
    unsigned n_background;
    char **background; /* "Fe=0.02": expected additive counts per unbinned pixel */
} sei_recipe_recon;

typedef struct sei_recipe_rule {
    char *channel;
    double threshold; /* NaN: Otsu */
    int otsu_classes, otsu_take;
    double smooth_sigma_px;
    int label;
    char *name;   /* for labels from 10 up */
    char *colour; /* "#rrggbb"; "": the channel's */
    bool may_be_support;
} sei_recipe_rule;

typedef struct sei_recipe_segment {
    bool enabled;
    char *from; /* name of a reconstruction; "": the first */
    sei_grid grid;
    unsigned n_rules;
    sei_recipe_rule *rules;
    bool wire;
    int min_component_voxels;
    double closing_nm, min_void_width_px;
} sei_recipe_segment;

typedef struct sei_recipe_render {
    double slice_nm;
    unsigned n_views;
    double *views; /* degrees about y of the projections */
    unsigned n_composite;
    char **composite; /* channels laid over each other; none: all but HAADF */
    double low_percentile, high_percentile;
    int min_side_px;
} sei_recipe_render;

typedef struct sei_recipe {
    char *title;
    double cycle; /* charge-discharge cycle; NaN: none */
    sei_recipe_input input;
    sei_clean_options clean;
    sei_recipe_align align;
    unsigned n_reconstruct;
    sei_recipe_recon *reconstruct;
    sei_recipe_segment segment;
    sei_measure_options measure;
    sei_recipe_render render;
} sei_recipe;

/*
 * Loads and checks a recipe (YAML; every key is explained in data/recipes/wire.yaml) with n_set overrides
 * "key.path=value". resolved (may be NULL): the recipe with defaults and overrides as JSON text, every value a string;
 * owned by the caller (free with sei_recipe_text_free). Errors: SEI_ERR_INPUT with file, line and key; SEI_ERR_USAGE
 * for an override; SEI_ERR_ENVIRONMENT, SEI_ERR_MEMORY. *out is released by sei_recipe_free.
 */
sei_status sei_recipe_load(const char *path, size_t n_set, const char *const *set, sei_recipe **out,
                           char **resolved) SEI_MUST_CHECK;
void sei_recipe_free(sei_recipe *recipe); /* NULL: nothing */
void sei_recipe_text_free(char *resolved);
/* The number after "NAME=" in a list like bin_channels, or `otherwise`. ASCII case of NAME ignored. */
double sei_recipe_pair(char *const *pairs, unsigned count, const char *name, double otherwise);

/* ---- run ------------------------------------------------------------------------------------------------------- */

typedef struct sei_run_options {
    const char *recipe; /* path of the YAML file */
    size_t n_set;
    const char *const *set; /* overrides */
    const char *output;     /* folder; made when absent */
    sei_device_options device;
    size_t memory_bytes; /* most to use; 0: what is there */
    bool force;          /* redo every stage and overwrite foreign files */
    bool plan_only;      /* stop after the plan */
} sei_run_options;

/* What a run needs, found from headers before anything starts. */
typedef struct sei_run_plan {
    int64_t nx, ny, n_tilts;
    size_t n_channels;
    double memory_bytes, disk_bytes;
    double written_bytes; /* of those on disk what an earlier run wrote into the folder */
    double multiply_adds; /* of the reconstructions */
} sei_run_plan;

/*
 * Carries out a recipe: input, clean, align, one reconstruct stage per entry and channel, segment, measure, render,
 * report. Every stage has a stamp, the SHA-256 of its parameters, the stamps before it and the hashes of its inputs; a
 * stage whose record in stages/ carries the same stamp and whose files are whole is not done again. Files are written
 * under temporary names, a stage's record last: a run may be killed at any time and goes on from the last whole stage.
 * Every stage reads what earlier stages wrote, so a resumed run has the same bits as an uninterrupted one.
 *
 * Folder: aligned/series.emd, volumes/NAME/CHANNEL.mrc, labels/labels.mrc, measures.json, tables/, plots/, pictures/,
 * report.html, provenance.json, recipe.json, stages/ (records with SHA-256 of every file), run_log.json (threads, times,
 * host: the one file that differs between two runs of a recipe).
 *
 * plan (may be NULL) is filled as soon as it is known; numbers (may be NULL, else empty) gets the measures.
 * Errors: as the stages'; SEI_ERR_ENVIRONMENT when another process works in the folder, when a file that no earlier run
 * wrote is in the way (without force), when the disk is too small; SEI_ERR_MEMORY when the plan exceeds memory_bytes;
 * SEI_ERR_INTERRUPTED after a signal (resumable).
 */
sei_status sei_run(const sei_run_options *options, sei_run_plan *plan, sei_numbers *numbers) SEI_MUST_CHECK;

/* ---- report and verify ------------------------------------------------------------------------------------------ */

/* One self-contained HTML page from the folder of a run or of a batch. SEI_ERR_INPUT: the folder is neither. */
sei_status sei_report_folder(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;

/*
 * Compares every file of a run's or batch's folder with the size and SHA-256 recorded when it was written, and the
 * records with their own seals. *checked (may be NULL) is the number of files. SEI_ERR_INPUT names the first file that
 * differs and how many do; every one is logged. run_log.json holds no results but is sealed too.
 * A simulation that was stopped before its last file is SEI_ERR_INPUT, too.
 */
sei_status sei_verify_folder(const char *folder, int64_t *checked) SEI_MUST_CHECK;

/* ---- compare ---------------------------------------------------------------------------------------------------- */

typedef struct sei_compare_options {
    size_t n_methods; /* 0: em, sirt, wbp */
    const sei_method *methods;
    int iterations; /* default 20 */
    sei_kernel kernel;
    int64_t depth_px; /* 0: as nx */
    int64_t pad_px;   /* room beside the field for specimens that go on beyond it, in unbinned pixels; default 0 */
    int bin;
    const char *channel;        /* NULL: HAADF, else the first */
    const sei_volume *truth;    /* or NULL */
    const sei_provenance *read; /* NULL, or its inputs are those of every volume */
    bool invert_tilt, flip_y;   /* what was done to the series when it was read, for the provenance */
    double slice_nm;
    size_t memory_bytes;
    bool overwrite;
} sei_compare_options;
void sei_compare_options_default(sei_compare_options *options);

/*
 * Reconstructs one channel of an aligned series by each method and writes into `folder`: METHOD/CHANNEL.mrc,
 * METHOD/history.csv, compare.csv, compare.json, compare_xz.png and compare_xy.png (side by side), report.html.
 *
 * rows (may be NULL, else empty; the caller frees it), one per method:
 *   method                       0 em, 1 sirt, 2 sirt-positive, 3 wbp, 4 osem (iterations/5 sweeps of 5 subsets)
 *   elongation_autocorrelation   widths z/x of the volume's autocorrelation
 *   elongation_moments, _sd      mean and spread over `objects`, rms extents z/x; with a truth only: the objects are its
 *                                isolated parts above half of its maximum that do not touch the border, the 256 largest of them
 *   elongation_theory            of the missing wedge (Radermacher & Hoppe 1980)
 *   residual                     rms of b - Ax over pixels with data
 *   log_likelihood               Poisson, sum of b*log(m) - m with m = max(Ax, mean(b)/1000), the same rule for every method
 *   truth_rmse, truth_scale      |x - s t| / |s t| with the best scale s
 * Errors: as sei_reconstruct; SEI_ERR_INPUT when the truth does not cover the same space as the volumes.
 */
sei_status sei_compare(sei_device *device, const sei_series *series, const sei_compare_options *options, const char *folder,
                       sei_table *rows) SEI_MUST_CHECK;
/*
 * What sei_compare will need in memory and on disk, without doing it; with options->memory_bytes the least that it can do
 * with. Errors as sei_compare.
 */
sei_status sei_compare_plan(sei_device *device, const sei_series *series, const sei_compare_options *options,
                            double *memory_bytes, double *disk_bytes) SEI_MUST_CHECK;

/* ---- batch ------------------------------------------------------------------------------------------------------ */

typedef struct sei_batch_options {
    const char *study; /* YAML: title, data: list of {name, cycle, recipe, set} */
    size_t n_set;
    const char *const *set; /* overrides of the study file */
    const char *output;
    const char *program; /* this program's binary: every data set is a process "PROGRAM run ..." */
    int jobs;            /* processes at a time, default 1 */
    int threads;         /* in all; 0: every core */
    const char *backend, *isa;
    size_t memory_bytes; /* in all */
    bool force;
    bool plan_only; /* every data set says what it needs; nothing is written */
} sei_batch_options;

typedef struct sei_batch_result {
    char name[SEI_NAME_LENGTH];
    double cycle;
    int exit_code;                 /* 0 done; 128 + signal when a signal ended it */
    char message[SEI_TEXT_LENGTH]; /* the data set's one line of error */
} sei_batch_result;

/*
 * Runs every data set of a study in a process of its own (a crash takes no other with it), goes on after a failure, then
 * writes batch.json, numbers.csv (one row per data set that is done, by cycle), plots against cycle, report.html.
 * results (may be NULL): array of *n, sei_free'd by sei_batch_results_free. SEI_ERR_PARTIAL when a data set failed (the
 * message names each), SEI_ERR_INTERRUPTED after a signal.
 */
sei_status sei_batch(const sei_batch_options *options, sei_batch_result **results, size_t *n) SEI_MUST_CHECK;
void sei_batch_results_free(sei_batch_result *results);

#ifdef __cplusplus
}
#endif
#endif

/* The phase-field model from a recipe to a folder: run, checkpoint, tables, pictures, page. */
#ifndef SEI_STUDY_PHASEFIELD_RUN_H
#define SEI_STUDY_PHASEFIELD_RUN_H

#include <jansson.h>

#include "seitomo/types.h"
#include "study/phasefield_file.h"

typedef struct sei_phasefield_run_options {
    const char *recipe;
    size_t n_set;
    const char *const *set;
    const char *output;
    const char *backend; /* of sei_phasefield_advance */
    size_t memory_bytes; /* most to use; 0: what is there */
    bool force;          /* begin anew, whatever the folder holds of an earlier run */
    bool plan_only;
} sei_phasefield_run_options;

/*
 * Carries out a recipe. The folder gets
 *
 *   metrics.csv, metrics.json   one row per half-cycle, the intact wire first
 *   half_NN/                    fields.emd, fields.vti (ParaView), labels.mrc with labels.json, measures.json (the names of
 *                               `measure`), section.png; with mechanics deformation.emd, deformation.vti and deformed.png;
 *                               fields.pvd and deformation.pvd are the series of them
 *   pictures/                   figure5.png (panels a to f), half_cycles.png, movie.png (animated) from frames/
 *   plots/                      metrics by half-cycle
 *   summary.json                with the check against the thresholds set for the published figure
 *   provenance.json (sealed: every file's hash), recipe.json, report.html, run_log.json (times, threads, host)
 *
 * With a sweep every combination of its values has such a folder, beside a table and a picture across them.
 *
 * checkpoint.bin is written every output.checkpoint_every tests, at the end of each half-cycle and on an interruption. The same
 * recipe for the same folder goes on from it and ends in the same bits as without a stop; more cycles may be asked for.
 *
 * summary (may be NULL): what summary.json holds, a new reference.
 * Errors: SEI_ERR_INPUT and SEI_ERR_USAGE of the recipe; SEI_ERR_ENVIRONMENT when another process works in the folder or a file
 * that no run of this recipe wrote is in the way (without force); SEI_ERR_MEMORY; SEI_ERR_INTERRUPTED (resumable);
 * SEI_ERR_PARTIAL when some of a sweep failed, after all others.
 */
sei_status sei_phasefield_run(const sei_phasefield_run_options *options, json_t **summary) SEI_MUST_CHECK;

/* The page of such a folder, from its files alone. */
sei_status sei_page_of_phasefield(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;

/* ---- inside */

typedef struct sei_pf_run {
    const sei_phasefield_file *file;
    const sei_phasefield_run_options *options;
    const char *folder;
    char stamp[65]; /* of the program and the recipe but its cycles, title and the checkpoints' distance */
    sei_phasefield_state state;
    size_t n_rows; /* half-cycles whose files are written, the intact wire among them */
    sei_numbers *rows;
    size_t room;      /* of rows */
    int64_t n_frames; /* pictures of the movie so far */
    double frame_soc; /* of the last of them */
    int64_t checks;   /* since a checkpoint was written */
    sei_mechanics_state shape;
    int64_t shape_at; /* state.evaluations when mechanics last followed it */
    double shape_soc;
} sei_pf_run;

/* "half_03/NAME" as a path in the folder; sei_free it. */
sei_status sei_pf_half_path(const sei_pf_run *run, size_t half_cycle, const char *name, char **path) SEI_MUST_CHECK;
sei_status sei_pf_path(const sei_pf_run *run, const char *name, char **path) SEI_MUST_CHECK;
/* Of a row; NaN where it has no such number. */
double sei_pf_row(const sei_pf_run *run, size_t half_cycle, const char *name);
/* A row that is filled in by the caller: the state after the half-cycle that has just ended. */
sei_status sei_pf_add_row(sei_pf_run *run, sei_numbers **row) SEI_MUST_CHECK;

/* phasefield_mechanics.c: nothing where the recipe has no mechanics. cycle: before a lithiation; follow: up to the state. */
sei_status sei_pf_mechanics_begin(sei_pf_run *run) SEI_MUST_CHECK;
sei_status sei_pf_mechanics_cycle(sei_pf_run *run) SEI_MUST_CHECK;
sei_status sei_pf_mechanics_follow(sei_pf_run *run) SEI_MUST_CHECK;
/* half_NN/deformation.vti and .emd */
sei_status sei_pf_write_shape(const sei_pf_run *run, const sei_provenance *provenance) SEI_MUST_CHECK;

/* phasefield_checkpoint.c. read: SEI_ERR_INPUT when the file is damaged, or of another recipe or program. */
sei_status sei_pf_checkpoint_write(const sei_pf_run *run) SEI_MUST_CHECK;
sei_status sei_pf_checkpoint_read(sei_pf_run *run) SEI_MUST_CHECK;

/* phasefield_output.c: the files of the half-cycle that has just ended. */
sei_status sei_pf_write_half(const sei_pf_run *run) SEI_MUST_CHECK;
/* phasefield_table.c: metrics.csv and metrics.json of all rows. */
sei_status sei_pf_write_metrics(const sei_pf_run *run) SEI_MUST_CHECK;
json_t *sei_pf_rows_json(const sei_pf_run *run); /* new reference */
/* phasefield_figure.c: the thresholds of the published figure, or of a control. New reference. */
json_t *sei_pf_figure_json(const sei_pf_run *run);

/* phasefield_pictures.c */
sei_status sei_pf_half_pictures(const sei_pf_run *run) SEI_MUST_CHECK; /* of the half-cycle that has just ended */
sei_status sei_pf_frame(sei_pf_run *run) SEI_MUST_CHECK;               /* the movie's next */
/* Those made of all half-cycles; what exists is read from the folder. */
sei_status sei_pf_pictures(const sei_pf_run *run) SEI_MUST_CHECK;

#endif

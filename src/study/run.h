/* Inside run: the state of a run, its stages, and the files they may write. */
#ifndef SEI_STUDY_RUN_H
#define SEI_STUDY_RUN_H

#include <jansson.h>

#include "core/text.h"
#include "seitomo/study.h"

enum { SEI_RUN_MAX_STAGES = 2048, SEI_STAGE_NAME = 128, SEI_RUN_NAME = 256 };

typedef struct sei_run_state sei_run_state;
typedef struct sei_stage sei_stage;

/* One step of a run. Its record is stages/NAME.json. */
struct sei_stage {
    char name[SEI_STAGE_NAME]; /* "align", "reconstruct.em.Fe" */
    sei_status (*perform)(sei_run_state *run, sei_stage *stage);
    unsigned entry; /* reconstruct: which entry of the recipe ... */
    size_t channel; /* ... and which channel of the series */
    char stamp[65];
    bool current; /* its record carries this stamp and its files are whole */
    bool done_now;
    double seconds;
    json_t *files;           /* names that perform may write, relative to the folder: {name: null} */
    json_t *facts, *numbers; /* what perform wants kept in the record; may be NULL */
};

struct sei_run_state {
    const sei_run_options *options;
    const char *root; /* the output folder */
    char at[32];      /* the key of the recipe that is being worked on, for messages */
    int lock;
    sei_recipe *recipe;
    json_t *resolved;   /* the recipe as JSON */
    char *base_folder;  /* in front of relative input names */
    char **input_paths; /* [n_files], "NAME=PATH" with full paths */
    char *angles_path, *shifts_path;
    sei_provenance provenance; /* inputs with their hashes; parameters filled per stage */
    sei_device *device;
    sei_series series; /* read, tilts dropped; cleaned once `cleaned` */
    bool cleaned;
    sei_series aligned; /* read back from aligned/series.emd; empty until needed */
    size_t n_channels;
    char (*channels)[SEI_NAME_LENGTH];   /* of the series */
    char (*file_names)[SEI_NAME_LENGTH]; /* the same, safe as file names and distinct */
    size_t n_stages;
    sei_stage *stages;
    json_t *owned; /* {name: stage} of files earlier runs of this folder wrote */
    bool any_redone;
};

/* ---- run_stage.c: stamps, records, ownership of files */

/* Adds a stage whose stamp covers its own text, the program's version and the stamps of `upstream` stages. */
sei_status sei_run_add_stage(sei_run_state *run, const char *name, sei_status (*perform)(sei_run_state *, sei_stage *),
                             const char *text, size_t n_upstream, const size_t *upstream, sei_stage **out) SEI_MUST_CHECK;
/* Announces a file (relative name, printf style) that the stage may write. */
sei_status sei_stage_file(sei_stage *stage, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;
/* The full path of an announced file, its folder made (never through a link). sei_free it. */
sei_status sei_run_path(sei_run_state *run, const sei_stage *stage, const char *name, char **path) SEI_MUST_CHECK;
/* The full path of a file of the run for reading. */
sei_status sei_run_read_path(const sei_run_state *run, const char *name, char **path) SEI_MUST_CHECK;
/* Reads what earlier runs recorded, and whether `stage` is current. */
sei_status sei_run_load_records(sei_run_state *run) SEI_MUST_CHECK;
bool sei_stage_is_current(const sei_run_state *run, const sei_stage *stage);
/* Refuses (without force) files in the way that no earlier run of this folder wrote. */
sei_status sei_run_check_foreign(const sei_run_state *run, const sei_stage *stage) SEI_MUST_CHECK;
/* Performs the stage between its two records: "started" with the names it may write, "done" with their hashes. */
sei_status sei_run_stage(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
/* The provenance for files of a stage: inputs, backend and the recipe's part under `key` as parameters. */
sei_status sei_run_provenance(sei_run_state *run, const sei_stage *stage, const json_t *parameters,
                              bool uses_device) SEI_MUST_CHECK;
/* The path of input file i without "NAME=". */
const char *sei_run_plain_path(const sei_run_state *run, unsigned i);

/* ---- the stages */
/* run_input.c: reads and drops tilts, for a plan by the headers alone; else hashes what it reads */
sei_status sei_run_read_input(sei_run_state *run, bool headers_only) SEI_MUST_CHECK;
sei_status sei_run_check_channels(sei_run_state *run) SEI_MUST_CHECK; /* run_layout.c: every channel that the recipe names */
sei_status sei_run_layout(sei_run_state *run) SEI_MUST_CHECK;         /* run_layout.c: every stage with its stamp and files */
sei_status sei_run_make_plan(sei_run_state *run, sei_run_plan *plan) SEI_MUST_CHECK; /* run_plan.c */
sei_status sei_stage_input(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_clean(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_align(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_reconstruct(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_segment(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_measure(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_render(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_provenance(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_report(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;

/* Reads aligned/series.emd once. */
sei_status sei_run_aligned(sei_run_state *run) SEI_MUST_CHECK;
/* Whether entry `e` of the recipe reconstructs channel `c` of the series. */
bool sei_run_takes(const sei_run_state *run, unsigned e, size_t c);
/* "volumes/em/Fe.mrc" */
void sei_run_volume_name(const sei_run_state *run, unsigned e, size_t c, char name[SEI_RUN_NAME]);
int sei_run_bin(const sei_run_state *run, unsigned e, size_t c);
/* The volume of entry e and channel c from its file, with its name and unit. */
sei_status sei_run_read_volume(sei_run_state *run, unsigned e, size_t c, sei_volume *out) SEI_MUST_CHECK;
/* Index of the reconstruction that segment uses. */
unsigned sei_run_segment_entry(const sei_run_state *run);
/* All channels of an entry resampled to one grid; *out is an array of *n, freed by sei_volumes_free. */
sei_status sei_run_common_grid(sei_run_state *run, unsigned e, sei_grid grid, sei_volume **out, size_t *n) SEI_MUST_CHECK;

/* Adds the files that an entry's channel is reconstructed with to the inputs, and their hashes to its stamp. */
sei_status sei_run_recon_files(sei_run_state *run, unsigned e, size_t c, sei_text *stamp) SEI_MUST_CHECK;

#endif

/* Inside batch: the study file, its processes, and the table across data sets. */
#ifndef SEI_STUDY_BATCH_H
#define SEI_STUDY_BATCH_H

#include "seitomo/study.h"
#include "study/run.h"

typedef struct sei_study_entry {
    char *name;   /* shown; its safe form names the folder */
    double cycle; /* NaN: none */
    char *recipe; /* "": the study's; relative to the study file */
    char *folder; /* data folder, relative to the study file; "": as the recipe says */
    unsigned n_set;
    char **set;
} sei_study_entry;

typedef struct sei_study_file {
    char *title;
    char *recipe;
    unsigned n_set;
    char **set; /* for every data set */
    unsigned n_data;
    sei_study_entry *data;
} sei_study_file;

typedef struct sei_batch_state {
    sei_run_state run; /* first: the stages' machinery is shared */
    sei_run_options run_options;
    const sei_batch_options *options;
    sei_study_file *study;
    char *study_folder;               /* "" or ending in '/' */
    char (*folders)[SEI_NAME_LENGTH]; /* [n_data] */
    sei_batch_result *results;        /* [n_data] */
    json_t *logs;                     /* what the processes said, by folder */
} sei_batch_state;

/* A plot against cycle: the numbers of one unit whose names hold `part`. */
typedef struct sei_batch_group {
    const char *name, *title, *unit, *part;
} sei_batch_group;
enum { SEI_BATCH_GROUPS = 5 };
extern const sei_batch_group sei_batch_groups[SEI_BATCH_GROUPS];
bool sei_batch_in_group(int g, const char *name, const char *unit);

/* A data set's place: by cycle, those without one last, then as the study lists them; for qsort. */
typedef struct sei_batch_rank {
    double cycle;
    size_t index;
} sei_batch_rank;
int sei_batch_by_cycle(const void *a, const void *b);

/* batch_process.c: whether the disk has room for all data sets together; SEI_ERR_ENVIRONMENT with need and room. */
sei_status sei_batch_check_space(const sei_batch_state *batch) SEI_MUST_CHECK;
/* batch_process.c: runs every data set, options->jobs at a time, and fills results. */
sei_status sei_batch_processes(sei_batch_state *batch) SEI_MUST_CHECK;
/* batch_table.c: numbers.csv, plots, batch.json */
sei_status sei_batch_announce(sei_batch_state *batch, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_table(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;
sei_status sei_stage_batch_report(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;

#endif

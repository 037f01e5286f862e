/* Inside study: one model per combination of a sweep's values. */
#ifndef SEI_STUDY_PHASEFIELD_SWEEP_H
#define SEI_STUDY_PHASEFIELD_SWEEP_H

#include "study/phasefield_run.h"

/* One recipe without a sweep into one folder. */
sei_status sei_pf_run_one(const sei_phasefield_file *file, const sei_phasefield_run_options *options, const char *folder,
                          json_t **summary) SEI_MUST_CHECK;
/*
 * Every combination, each into a folder named after its values; all recipes are checked before the first begins, and a failure
 * stops none of the others. sweep.csv has one row per combination, pictures/sweep.png their last sections side by side, and
 * sweep.json (sealed) what became of each.
 */
sei_status sei_pf_sweep(const sei_phasefield_file *file, const sei_phasefield_run_options *options,
                        json_t **summary) SEI_MUST_CHECK;

#endif

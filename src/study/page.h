/* The pages of a run and of a batch, from the records in their folders. */
#ifndef SEI_STUDY_PAGE_H
#define SEI_STUDY_PAGE_H

#include <stdbool.h>

#include "study/run.h"

typedef sei_status sei_page_maker(const char *folder, const char *html, bool overwrite);
/* A stage's report.html from the run's folder. */
sei_status sei_stage_page(sei_run_state *run, sei_stage *stage, sei_page_maker *page_of) SEI_MUST_CHECK;

sei_status sei_page_of_run(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;
sei_status sei_page_of_batch(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;

#endif

/* The pages of a run and of a batch, from the records in their folders. */
#ifndef SEI_STUDY_PAGE_H
#define SEI_STUDY_PAGE_H

#include <stdbool.h>

#include "seitomo/status.h"

sei_status sei_page_of_run(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;
sei_status sei_page_of_batch(const char *folder, const char *html, bool overwrite) SEI_MUST_CHECK;

#endif

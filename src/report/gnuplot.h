/* gnuplot as a process: a script in, a picture out, no files in between. */
#ifndef SEI_REPORT_GNUPLOT_H
#define SEI_REPORT_GNUPLOT_H

#include <stdbool.h>

#include "core/text.h"

/*
 * Runs gnuplot (without its start-up files) on the script and gives what it printed on standard output. *ran is false when
 * there is no gnuplot, when it failed, printed nothing or took more than a minute: then `complaint` says which, in one line.
 * SEI_ERR_ENVIRONMENT only when no process or memory file can be made; SEI_ERR_INTERRUPTED after a signal.
 */
sei_status sei_gnuplot_run(const char *script, size_t length, sei_text *output, bool *ran, char complaint[256]) SEI_MUST_CHECK;

#endif

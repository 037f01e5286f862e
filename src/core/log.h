/*
 * Messages and progress on standard error. Rooms below cli never print: they call these, and the command line decides
 * what shows. Standard output belongs to results.
 */
#ifndef SEI_CORE_LOG_H
#define SEI_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "seitomo/status.h"

typedef enum sei_log_level { SEI_LOG_QUIET = 0, SEI_LOG_WARN, SEI_LOG_INFO, SEI_LOG_DEBUG } sei_log_level;

/* Gives the former level. Default: SEI_LOG_WARN (library), the command line sets INFO. */
sei_log_level sei_log_set_level(sei_log_level level);
void sei_log(sei_log_level level, const char *format, ...) SEI_PRINTF(2, 3);
#define sei_warn(...) sei_log(SEI_LOG_WARN, __VA_ARGS__)
#define sei_info(...) sei_log(SEI_LOG_INFO, __VA_ARGS__)

/*
 * Progress of one piece of long work: begin, step from any one thread, end. A bar with the time left on a terminal,
 * a plain line every ten percent elsewhere, nothing at SEI_LOG_QUIET and WARN.
 * sei_progress_step returns SEI_ERR_INTERRUPTED once a signal asked to stop; pass it up like any error.
 */
void sei_progress_begin(const char *what, int64_t total);
sei_status sei_progress_step(int64_t done) SEI_MUST_CHECK;
void sei_progress_end(void);

/* Makes SIGINT and SIGTERM ask for a stop (the command line calls it once); a second signal ends the program at once. */
void sei_interrupt_install(void);
/* SEI_OK, or SEI_ERR_INTERRUPTED with a message after a signal. */
sei_status sei_interrupt_check(void) SEI_MUST_CHECK;
/* The signal that asked for the stop, or 0. */
int sei_interrupt_signal(void);

#endif

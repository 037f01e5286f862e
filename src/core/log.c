#include "core/log.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level_now = SEI_LOG_WARN;
static volatile sig_atomic_t stop_signal = 0;

static struct {
    char what[96];
    int64_t total;
    double started_s, shown_s;
    int shown_tenths;
    bool active, bar;
} progress;

sei_log_level sei_log_set_level(sei_log_level level) {
    return (sei_log_level)atomic_exchange(&level_now, (int)level);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A bar on the terminal must not run into the next line of text. */
static void clear_bar(void) {
    if (progress.active && progress.bar) fputs("\r\033[K", stderr);
}

void sei_log(sei_log_level level, const char *format, ...) {
    char line[1024];
    va_list args;
    if ((int)level > atomic_load(&level_now)) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (unsigned char *c = (unsigned char *)line; *c != 0; ++c) {
        if (*c < 32 || *c == 127) *c = '?';
    }
    clear_bar();
    fprintf(stderr, "%s%s\n", level == SEI_LOG_WARN ? "warning: " : "", line);
}

void sei_progress_begin(const char *what, int64_t total) {
    progress.active = atomic_load(&level_now) >= SEI_LOG_INFO && total > 0;
    if (!progress.active) return;
    snprintf(progress.what, sizeof progress.what, "%s", what);
    progress.total = total;
    progress.started_s = progress.shown_s = now_s();
    progress.shown_tenths = 0;
    progress.bar = isatty(STDERR_FILENO) != 0;
}

sei_status sei_progress_step(int64_t done) {
    if (progress.active) {
        const double now = now_s();
        const double share = (double)done / (double)progress.total;
        const double left_s = share > 0 ? (now - progress.started_s) * (1 - share) / share : 0;
        const int tenths = (int)(share * 10);
        if (progress.bar && now - progress.shown_s > 0.1) {
            static const char full[] = "##############################";
            fprintf(stderr, "\r%-24s [%-30.*s] %3.0f %%  %.0f s left \033[K", progress.what, (int)(share * 30), full, 100 * share,
                    left_s);
            progress.shown_s = now;
        } else if (!progress.bar && tenths > progress.shown_tenths && now - progress.started_s > 2) {
            fprintf(stderr, "%s: %.0f %%, %.0f s left\n", progress.what, 100 * share, left_s);
            progress.shown_tenths = tenths;
        }
    }
    return sei_interrupt_check();
}

void sei_progress_end(void) {
    clear_bar();
    progress.active = false;
}

static void on_signal(int signal_number) {
    if (stop_signal != 0) _exit(128 + signal_number);
    stop_signal = signal_number;
}

void sei_interrupt_install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a broken pipe is an error of write(), not a death */
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* so is a file larger than the shell's limit */
}

int sei_interrupt_signal(void) {
    return (int)stop_signal;
}

sei_status sei_interrupt_check(void) {
    if (stop_signal == 0) return SEI_OK;
    return sei_fail(SEI_ERR_INTERRUPTED, "stopped by signal %d", (int)stop_signal);
}

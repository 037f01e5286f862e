#include "report/gnuplot.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"

enum { TIMEOUT_MS = 60000, POLL_MS = 5 };

/* All of a memory file. */
static sei_status read_all(int fd, sei_text *out) {
    char block[16384];
    off_t at = 0;
    for (;;) {
        const ssize_t n = pread(fd, block, sizeof block, at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sei_fail(SEI_ERR_ENVIRONMENT, "the plot could not be read back: %s", strerror(errno));
        if (n == 0) return SEI_OK;
        const sei_status status = sei_text_append(out, block, (size_t)n);
        if (status != SEI_OK) return status;
        at += n;
    }
}

static sei_status write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        const ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sei_fail(SEI_ERR_ENVIRONMENT, "the plot's script could not be kept: %s", strerror(errno));
        bytes += n;
        count -= (size_t)n;
    }
    return lseek(fd, 0, SEEK_SET) == 0
               ? SEI_OK
               : sei_fail(SEI_ERR_ENVIRONMENT, "the plot's script could not be kept: %s", strerror(errno));
}

/* Waits, kills what hangs. *code is the exit status, or -1. */
static sei_status wait_for(pid_t child, int *code) {
    const struct timespec pause = {0, POLL_MS * 1000000L};
    int state = 0;
    for (int waited = 0;; waited += POLL_MS) {
        const pid_t ended = waitpid(child, &state, WNOHANG);
        if (ended == child) break;
        if (ended < 0 && errno != EINTR)
            return sei_fail(SEI_ERR_ENVIRONMENT, "gnuplot could not be waited for: %s", strerror(errno));
        const sei_status stop = sei_interrupt_check();
        if (stop != SEI_OK || waited > TIMEOUT_MS) {
            kill(child, SIGKILL);
            while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
            if (stop != SEI_OK) return stop;
            break;
        }
        nanosleep(&pause, NULL);
    }
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    return SEI_OK;
}

/* The last line that says something; cuts the text after it. */
static const char *last_line(sei_text *errors) {
    if (errors->data == NULL) return "no picture came";
    size_t end = errors->length;
    while (end > 0 && strchr(" \r\n\t^", errors->data[end - 1]) != NULL) --end;
    errors->data[end] = 0;
    const char *line = strrchr(errors->data, '\n');
    line = line == NULL ? errors->data : line + 1;
    line += strspn(line, " \t");
    return line[0] != 0 ? line : "no picture came";
}

sei_status sei_gnuplot_run(const char *script, size_t length, sei_text *output, bool *ran, char complaint[256]) {
    /* -d: no start-up files. The environment is ours but for where programs, libraries and fonts are found, so that plots do
     * not depend on the user's locale or terminal. */
    static const char *const kept[] = {"PATH", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "XDG_CACHE_HOME", "HOME"};
    enum { N_KEPT = sizeof kept / sizeof kept[0] };
    char program[] = "gnuplot", plain[] = "-d", locale[] = "LC_ALL=C.UTF-8";
    char *const words[] = {program, plain, NULL};
    char *environment[N_KEPT + 2] = {locale};
    sei_text settings[N_KEPT] = {{0}};
    size_t n_settings = 1;
    const int in = memfd_create("plot-script", MFD_CLOEXEC), out = memfd_create("plot", MFD_CLOEXEC),
              err = memfd_create("plot-errors", MFD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    bool have_actions = false;
    sei_text errors = {0};
    pid_t child = 0;
    int code = -1;
    sei_status status = SEI_OK;
    *ran = false;
    for (size_t i = 0; i < N_KEPT; ++i) {
        const char *value = getenv(kept[i]);
        if (value == NULL) continue;
        SEI_TRY(sei_text_add(&settings[i], "%s=%s", kept[i], value));
        environment[n_settings++] = settings[i].data;
    }
    if (in < 0 || out < 0 || err < 0 || posix_spawn_file_actions_init(&actions) != 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "a plot needs three memory files: %s", strerror(errno));
        goto done;
    }
    have_actions = true;
    SEI_TRY(write_all(in, script, length));
    if (posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO) != 0) {
        status = sei_fail(SEI_ERR_MEMORY, "gnuplot could not be started: out of memory");
        goto done;
    }
    const int spawned = posix_spawnp(&child, program, &actions, NULL, words, environment);
    if (spawned != 0) {
        snprintf(complaint, 256, spawned == ENOENT ? "gnuplot is not installed" : "gnuplot could not be started: %s",
                 strerror(spawned));
        goto done;
    }
    SEI_TRY(wait_for(child, &code));
    SEI_TRY(read_all(err, &errors));
    struct stat size;
    if (code != 0 || fstat(out, &size) != 0 || size.st_size == 0) {
        snprintf(complaint, 256, "gnuplot failed: %s", last_line(&errors));
        goto done;
    }
    SEI_TRY(read_all(out, output));
    *ran = true;
done:
    if (have_actions) posix_spawn_file_actions_destroy(&actions);
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    if (err >= 0) close(err);
    for (size_t i = 0; i < N_KEPT; ++i) sei_text_free(&settings[i]);
    sei_text_free(&errors);
    return status;
}

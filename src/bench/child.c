/*
 * A part of a case in a process of its own: its peak of memory is its own, its threads begin fresh, and a card's memory is
 * given back whatever happens. What it found comes through a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "core/alloc.h"
#include "core/log.h"

enum { POLL_MS = 200, MOST_RECORDS = 100000 };

/* What precedes the records. */
typedef struct answer {
    sei_status status;
    char message[1024];
    size_t n_rows, n_calibrations;
} answer;

static bool put(int to, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        const ssize_t n = write(to, from, count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        from += n;
        count -= (size_t)n;
    }
    return true;
}

static _Noreturn void child(const sei_bench_part *asked, sei_bench_work *work, int to) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sei_log_set_level(SEI_LOG_WARN); /* progress would take time and tell nothing */
    sei_bench_part part = *asked;
    answer says = {.status = work(&part)};
    if (says.status != SEI_OK) snprintf(says.message, sizeof says.message, "%s", sei_last_error());
    if (says.status == SEI_OK) {
        says.n_rows = part.n_rows;
        says.n_calibrations = part.n_calibrations;
    }
    const bool whole = put(to, &says, sizeof says) &&
                       put(to, part.calibrations, says.n_calibrations * sizeof *part.calibrations) &&
                       put(to, part.rows, says.n_rows * sizeof *part.rows);
    sei_free(part.rows);
    sei_free(part.calibrations);
    _exit(whole ? 0 : 1);
}

/* SEI_ERR_ENVIRONMENT when the child ended before its answer did. */
static sei_status take(int from, void *bytes, size_t count) {
    char *to = bytes;
    while (count > 0) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        const sei_status status = sei_interrupt_check();
        if (status != SEI_OK) return status;
        if (poll(&ready, 1, POLL_MS) <= 0) continue;
        const ssize_t n = read(from, to, count);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return sei_fail(SEI_ERR_ENVIRONMENT, "the answer ended early");
        to += n;
        count -= (size_t)n;
    }
    return SEI_OK;
}

static sei_status receive(const sei_bench_part *asked, int from, sei_bench_part *found) {
    answer says = {0};
    sei_status status = SEI_OK;
    SEI_TRY(take(from, &says, sizeof says));
    if (says.status != SEI_OK) {
        says.message[sizeof says.message - 1] = 0;
        status = sei_fail(says.status, "%s%s%s", asked->bench_case, asked->bench_case[0] != 0 ? ": " : "", says.message);
        goto done;
    }
    if (says.n_rows > MOST_RECORDS || says.n_calibrations > MOST_RECORDS) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: an answer of %zu rows is none", asked->bench_case, says.n_rows);
        goto done;
    }
    SEI_TRY(SEI_NEW(found->calibrations, (int64_t)says.n_calibrations, 1, 1));
    SEI_TRY(SEI_NEW(found->rows, (int64_t)says.n_rows, 1, 1));
    SEI_TRY(take(from, found->calibrations, says.n_calibrations * sizeof *found->calibrations));
    SEI_TRY(take(from, found->rows, says.n_rows * sizeof *found->rows));
    found->n_calibrations = says.n_calibrations;
    found->n_rows = says.n_rows;
done:
    return status;
}

/* Waits for the child's end; what it says of it, where the answer was not whole. */
static sei_status bury(const sei_bench_part *asked, pid_t pid, sei_status status) {
    int how = 0;
    if (status == SEI_ERR_INTERRUPTED) kill(pid, SIGKILL);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
    if (!WIFSIGNALED(how) || status == SEI_OK || status == SEI_ERR_INTERRUPTED) return status;
    if (WTERMSIG(how) == SIGKILL)
        return sei_fail(SEI_ERR_MEMORY, "%s: the system ended it, as it does when memory runs out", asked->bench_case);
    return sei_fail(SEI_ERR_ENVIRONMENT, "%s: it ended by a signal: %s", asked->bench_case, strsignal(WTERMSIG(how)));
}

sei_status sei_bench_in_child(const sei_bench_part *asked, sei_bench_work *work, const sei_bench_sink *sink) {
    int ends[2] = {-1, -1};
    sei_bench_part found = {0};
    sei_status status = SEI_OK;
    if (pipe2(ends, O_CLOEXEC) != 0) return sei_fail(SEI_ERR_ENVIRONMENT, "%s: no pipe: %s", asked->bench_case, strerror(errno));
    const pid_t pid = fork();
    if (pid < 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: no process to measure in: %s", asked->bench_case, strerror(errno));
        goto done;
    }
    if (pid == 0) {
        close(ends[0]);
        child(asked, work, ends[1]);
    }
    close(ends[1]);
    ends[1] = -1;
    status = bury(asked, pid, receive(asked, ends[0], &found));
    for (size_t i = 0; status == SEI_OK && i < found.n_calibrations; ++i)
        status = sink->calibration(sink->context, &found.calibrations[i]);
    for (size_t i = 0; status == SEI_OK && i < found.n_rows; ++i) status = sink->row(sink->context, &found.rows[i]);
done:
    sei_free(found.rows);
    sei_free(found.calibrations);
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    return status;
}

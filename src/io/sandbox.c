#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"

enum { HEADER_SECONDS = 1, HEADER_MEMORY_MIB = 512, POLL_MS = 200 };
/* Headers of a large file may be long: a second more for every 128 MiB. */
#define BYTES_PER_SECOND ((int64_t)128 << 20)

/* The sanitizers reserve terabytes of address space: a limit on it would end the child at once. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_ADDRESS_SPACE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIMIT_ADDRESS_SPACE 0
#endif
#endif
#ifndef LIMIT_ADDRESS_SPACE
#define LIMIT_ADDRESS_SPACE 1
#endif

/* Sets the soft limit, and the hard one where it can still come down to `most`. */
static void limit(int what, rlim_t now, rlim_t most) {
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)what, &old) != 0) return;
    if (most > old.rlim_max) most = old.rlim_max;
    if (now > most) now = most;
    const struct rlimit fresh = {.rlim_cur = now, .rlim_max = most};
    (void)setrlimit((__rlimit_resource_t)what, &fresh);
}

/* Address space in use, which a child inherits from its parent; 0 when it cannot be told. */
static size_t address_space(int statm) {
    char text[128];
    unsigned long pages = 0;
    const ssize_t n = statm < 0 ? -1 : pread(statm, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = 0;
    if (sscanf(text, "%lu", &pages) != 1) return 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

void sei_sandbox_grant(size_t memory_bytes, int64_t processor_seconds) {
    struct rlimit now;
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0) /* the limit counts from the child's beginning */
        limit(RLIMIT_CPU, (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1 + processor_seconds), RLIM_INFINITY);
    if (getrlimit(RLIMIT_AS, &now) == 0 && now.rlim_cur != RLIM_INFINITY)
        limit(RLIMIT_AS, now.rlim_cur + memory_bytes, RLIM_INFINITY);
}

/* Only this one inode stays readable; nothing can be written, made or removed. False when the kernel has no Landlock. */
static bool landlock(int file) {
    const struct landlock_ruleset_attr all = {.handled_access_fs = (1ULL << 13) - 1}; /* ABI 1: every file access */
    const struct landlock_path_beneath_attr one = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = file};
    const long rules = syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0) return false;
    const bool done = syscall(SYS_landlock_add_rule, (int)rules, LANDLOCK_RULE_PATH_BENEATH, &one, 0) == 0 &&
                      syscall(SYS_landlock_restrict_self, (int)rules, 0) == 0;
    close((int)rules);
    return done;
}

static _Noreturn void child(const sei_sandbox_job *job, int pipe_end, int statm) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPIPE, SIGXCPU, SIGXFSZ};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; ++i) signal(faults[i], SIG_DFL);
    signal(SIGINT, SIG_IGN); /* the parent decides */
    signal(SIGTERM, SIG_DFL);
    /* what a dying libc says belongs nowhere: the input is open for reading only, so writes to it go nowhere */
    dup2(job->file->fd, STDOUT_FILENO);
    dup2(job->file->fd, STDERR_FILENO);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_CPU, (rlim_t)(HEADER_SECONDS + job->file->size / BYTES_PER_SECOND), RLIM_INFINITY);
    const size_t inherited = address_space(statm);
    if (LIMIT_ADDRESS_SPACE && inherited > 0)
        limit(RLIMIT_AS, (rlim_t)inherited + ((rlim_t)HEADER_MEMORY_MIB << 20), RLIM_INFINITY);
    (void)landlock(job->file->fd);
    job->work(pipe_end, job->context);
    _exit(0);
}

sei_status sei_sandbox_put(int pipe_end, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        const ssize_t n = write(pipe_end, from, count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sei_fail(SEI_ERR_ENVIRONMENT, "the pipe between reader and program broke: %s", strerror(errno));
        from += n;
        count -= (size_t)n;
    }
    return SEI_OK;
}

sei_status sei_sandbox_take(int pipe_end, void *bytes, size_t count) {
    char *to = bytes;
    while (count > 0) {
        struct pollfd ready = {.fd = pipe_end, .events = POLLIN};
        const sei_status status = sei_interrupt_check();
        if (status != SEI_OK) return status;
        if (poll(&ready, 1, POLL_MS) <= 0) continue; /* nothing yet, or a signal: look again */
        const ssize_t n = read(pipe_end, to, count);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return sei_fail(SEI_ERR_ENVIRONMENT, "the reader's answer ended early");
        to += n;
        count -= (size_t)n;
    }
    return SEI_OK;
}

/* Why the child ended before its answer was complete. */
static sei_status explain(const sei_sandbox_job *job, int how) {
    const char *path = job->file->path;
    if (WIFSIGNALED(how)) {
        const int signal_number = WTERMSIG(how);
        if (signal_number == SIGXCPU)
            return sei_fail(SEI_ERR_INPUT, "%s: the %s library did not come to an end with it; the file is damaged", path,
                            job->library);
        return sei_fail(SEI_ERR_INPUT, "%s: the %s library crashed on it (%s); the file is damaged", path, job->library,
                        strsignal(signal_number));
    }
    return sei_fail(SEI_ERR_INPUT, "%s: the %s library gave up on it (exit %d); the file is damaged", path, job->library,
                    WIFEXITED(how) ? WEXITSTATUS(how) : -1);
}

sei_status sei_sandbox_run(const sei_sandbox_job *job) {
    int ends[2] = {-1, -1};
    int how = 0;
    sei_status status = SEI_OK;
    sei_infile statm = {.fd = -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return sei_fail(SEI_ERR_ENVIRONMENT, "%s: no pipe: %s", job->file->path, strerror(errno));
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        sei_info("%s: this kernel has no Landlock: the reader is confined by limits alone", job->file->path);
    if (sei_infile_open("/proc/self/statm", &statm) != SEI_OK) statm = (sei_infile){.fd = -1};
    (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20); /* fewer switches; the default works as well */
    const pid_t pid = fork();
    if (pid < 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: no process to read it in: %s", job->file->path, strerror(errno));
        goto done;
    }
    if (pid == 0) {
        close(ends[0]);
        child(job, ends[1], statm.fd);
    }
    close(ends[1]);
    ends[1] = -1;
    status = job->receive(ends[0], job->context);
    if (status == SEI_ERR_ENVIRONMENT) {
        /* the pipe closed: the child is at its end or hangs without a pipe; give its own death a moment to be seen */
        pid_t gone = 0;
        for (int i = 0; i < 100 && gone == 0; ++i) {
            gone = waitpid(pid, &how, WNOHANG);
            if (gone == 0) usleep(10000);
        }
        if (gone == 0) {
            kill(pid, SIGKILL);
            while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
        }
        status = explain(job, how);
        goto done;
    }
    kill(pid, SIGKILL); /* its answer is complete or unwanted */
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
done:
    sei_infile_close(&statm);
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    return status;
}

/* The processes of a batch: one per data set, so that a crash or a bad file takes no other with it. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"
#include "study/batch.h"
#include "study/record.h"

enum { MAX_JOBS = 256, MAX_WORDS = 192, MAX_SAID = 1 << 20 };

typedef struct job {
    pid_t pid; /* 0: free */
    int from;  /* what the process says */
    unsigned index;
    sei_text said;
    size_t shown; /* bytes already passed on */
} job;

/* The words of one data set's command line. */
typedef struct command {
    char *words[MAX_WORDS];
    size_t count;
} command;

static void command_free(command *c) {
    for (size_t i = 0; i < c->count; ++i) sei_free(c->words[i]);
    *c = (command){0};
}

static sei_status add_word(command *c, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;
static sei_status add_word(command *c, const char *format, ...) {
    char word[8192];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(word, sizeof word, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof word)
        return sei_fail(SEI_ERR_INPUT, "a word of the study is longer than %zu bytes", sizeof word - 1);
    if (c->count + 1 >= MAX_WORDS) return sei_fail(SEI_ERR_INPUT, "a data set of the study has too many 'set' entries");
    const sei_status status = sei_strdup(word, &c->words[c->count]);
    if (status == SEI_OK) ++c->count;
    return status;
}

static const char *below_study(const sei_batch_state *batch, const char *path) {
    return path[0] == '/' ? "" : batch->study_folder;
}

static sei_status make_command(const sei_batch_state *batch, unsigned i, int jobs, command *c) {
    const sei_batch_options *o = batch->options;
    const sei_study_file *s = batch->study;
    const sei_study_entry *e = &s->data[i];
    const char *recipe = e->recipe[0] != 0 ? e->recipe : s->recipe;
    const int cores = o->threads > 0 ? o->threads : sei_threads();
    char number[32];
    sei_status status = SEI_OK;
    SEI_TRY(add_word(c, "%s", o->program));
    SEI_TRY(add_word(c, "run"));
    SEI_TRY(add_word(c, "%s%s", below_study(batch, recipe), recipe));
    SEI_TRY(add_word(c, "--output=%s/%s", o->output, batch->folders[i]));
    SEI_TRY(add_word(c, "--threads=%d", cores / jobs > 0 ? cores / jobs : 1));
    if (o->backend != NULL) SEI_TRY(add_word(c, "--backend=%s", o->backend));
    if (o->isa != NULL) SEI_TRY(add_word(c, "--isa=%s", o->isa));
    if (o->memory_bytes > 0) SEI_TRY(add_word(c, "--memory=%zu", o->memory_bytes / (size_t)jobs));
    if (o->force) SEI_TRY(add_word(c, "--force"));
    if (o->plan_only) SEI_TRY(add_word(c, "--plan"));
    if (!isnan(e->cycle)) SEI_TRY(add_word(c, "--set=cycle=%s", sei_format_double(e->cycle, number)));
    if (e->folder[0] != 0) SEI_TRY(add_word(c, "--set=input.folder=%s%s", below_study(batch, e->folder), e->folder));
    for (unsigned k = 0; k < s->n_set; ++k) SEI_TRY(add_word(c, "--set=%s", s->set[k]));
    for (unsigned k = 0; k < e->n_set; ++k) SEI_TRY(add_word(c, "--set=%s", e->set[k]));
done:
    return status;
}

sei_status sei_batch_check_space(const sei_batch_state *batch) {
    double bytes = 0;
    sei_status status = SEI_OK;
    for (unsigned i = 0; status == SEI_OK && i < batch->study->n_data; ++i) {
        command c = {0};
        const char *set[MAX_WORDS];
        status = make_command(batch, i, 1, &c);
        sei_run_options options = {.set = set, .plan_only = true};
        for (size_t w = 2; w < c.count; ++w) {
            if (w == 2) options.recipe = c.words[w];
            if (strncmp(c.words[w], "--output=", 9) == 0) options.output = c.words[w] + 9;
            if (strncmp(c.words[w], "--set=", 6) == 0) set[options.n_set++] = c.words[w] + 6;
        }
        sei_run_plan plan = {0};
        const sei_log_level level = sei_log_set_level(SEI_LOG_QUIET);
        /* one that cannot be planned takes nothing; its own process will say why */
        if (status == SEI_OK) (void)!sei_run(&options, &plan, NULL);
        sei_log_set_level(level);
        bytes += fmax(plan.disk_bytes - plan.written_bytes, 0);
        command_free(&c);
        if (status == SEI_OK) status = sei_interrupt_check();
    }
    return status == SEI_OK ? sei_folder_check_space(batch->options->output, bytes) : status;
}

static sei_status start(const sei_batch_state *batch, unsigned i, int jobs, job *j) {
    command c = {0};
    int ends[2] = {-1, -1};
    const pid_t parent = getpid();
    sei_status status = SEI_OK;
    SEI_TRY(make_command(batch, i, jobs, &c));
    if (pipe2(ends, O_CLOEXEC) != 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "no pipe for a process: %s", strerror(errno));
        goto done;
    }
    const pid_t pid = fork();
    if (pid < 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "no process for '%s': %s", batch->study->data[i].name, strerror(errno));
        goto done;
    }
    if (pid == 0) {
        /* its own group: Ctrl-C reaches it once, through us; it does not outlive us */
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(128 + SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execv(c.words[0], c.words);
        dprintf(STDERR_FILENO, "seitomo run: %s cannot be started: %s\n", c.words[0], strerror(errno));
        _exit(SEI_ERR_ENVIRONMENT);
    }
    *j = (job){.pid = pid, .from = ends[0], .index = i};
    ends[0] = -1;
    sei_info("batch: %s: started", batch->study->data[i].name);
done:
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    command_free(&c);
    return status;
}

/* Passes on whole lines under the data set's name. */
static void show_lines(const sei_batch_state *batch, job *j) {
    while (j->shown < j->said.length) {
        const char *line = j->said.data + j->shown;
        const char *end = memchr(line, '\n', j->said.length - j->shown);
        if (end == NULL) return;
        sei_info("%s: %.*s", batch->study->data[j->index].name, (int)(end - line), line);
        j->shown += (size_t)(end - line) + 1;
    }
}

/* Reads what there is; false at the end. */
static bool listen_to(const sei_batch_state *batch, job *j) {
    char buffer[4096];
    const ssize_t n = read(j->from, buffer, sizeof buffer);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n == 0) return false;
    if (j->said.length < MAX_SAID && sei_text_append(&j->said, buffer, (size_t)n) == SEI_OK) show_lines(batch, j);
    return true;
}

/* The process's own one line of error: its last line that begins with the program's name. */
static void last_error(const sei_text *said, char *message, size_t size) {
    static const char head[] = "seitomo run: ";
    message[0] = 0;
    if (said->data == NULL) return;
    for (const char *line = said->data; line != NULL && *line != 0;) {
        const char *end = strchr(line, '\n');
        const size_t length = end == NULL ? strlen(line) : (size_t)(end - line);
        if (strncmp(line, head, sizeof head - 1) == 0) {
            snprintf(message, size, "%.*s", (int)(length - (sizeof head - 1)), line + sizeof head - 1);
        }
        line = end == NULL ? NULL : end + 1;
    }
}

static void finish(sei_batch_state *batch, job *j) {
    sei_batch_result *r = &batch->results[j->index];
    int state = 0;
    while (waitpid(j->pid, &state, 0) < 0 && errno == EINTR) continue;
    close(j->from);
    r->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    if (r->exit_code != 0) last_error(&j->said, r->message, sizeof r->message);
    if (r->exit_code > 128 && r->message[0] == 0) {
        snprintf(r->message, sizeof r->message, "ended by signal %d", r->exit_code - 128);
    }
    json_object_set_new(batch->logs, batch->folders[j->index], sei_json_text(j->said.data == NULL ? "" : j->said.data));
    if (r->exit_code == 0) {
        sei_info("batch: %s: done", r->name);
    } else {
        sei_warn("%s: failed with exit code %d: %s", r->name, r->exit_code, r->message);
    }
    sei_text_free(&j->said);
    *j = (job){0};
}

sei_status sei_batch_processes(sei_batch_state *batch) {
    const unsigned n = batch->study->n_data;
    const int jobs = batch->options->jobs < 1 ? 1 : batch->options->jobs > MAX_JOBS ? MAX_JOBS : batch->options->jobs;
    job running[MAX_JOBS] = {0};
    unsigned next = 0;
    bool told = false;
    sei_status status = SEI_OK;
    for (unsigned i = 0; i < n; ++i) {
        snprintf(batch->results[i].name, SEI_NAME_LENGTH, "%s", batch->study->data[i].name);
        batch->results[i].cycle = batch->study->data[i].cycle;
        batch->results[i].exit_code = SEI_ERR_INTERRUPTED;
    }
    for (;;) {
        struct pollfd ears[MAX_JOBS];
        int who[MAX_JOBS];
        nfds_t n_ears = 0;
        if (status == SEI_OK) status = sei_interrupt_check();
        for (int j = 0; j < jobs; ++j) {
            if (running[j].pid == 0 && status == SEI_OK && next < n) status = start(batch, next++, jobs, &running[j]);
            if (running[j].pid == 0) continue;
            who[n_ears] = j;
            ears[n_ears++] = (struct pollfd){.fd = running[j].from, .events = POLLIN};
        }
        if (n_ears == 0) break;
        if (status != SEI_OK && !told) {
            for (nfds_t e = 0; e < n_ears; ++e) kill(running[who[e]].pid, SIGTERM);
            told = true;
        }
        if (poll(ears, n_ears, 500) <= 0) continue;
        for (nfds_t e = 0; e < n_ears; ++e) {
            if (ears[e].revents != 0 && !listen_to(batch, &running[who[e]])) finish(batch, &running[who[e]]);
        }
    }
    return status;
}

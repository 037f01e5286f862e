/* Finds the verb, runs it, prints the one line of an error, and gives the exit code. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/log.h"
#include "seitomo/backend.h"
#include "seitomo/version.h"

static const struct {
    const char *name, *call, *does;
    sei_verb run;
} verbs[] = {
#define X(name, call, does) {#name, call, does, sei_cmd_##name},
#include "cli/verbs.def"
#undef X
};
enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static void print_help(FILE *to) {
    fprintf(to,
            "seitomo %s: HAADF and EDS electron tomography, from tilt series to labelled volumes and numbers\n\n"
            "usage: seitomo VERB ...    (seitomo help VERB explains one verb)\n\n",
            SEITOMO_VERSION);
    for (int i = 0; i < N_VERBS; ++i) fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].does);
    fprintf(to,
            "\nexit codes: 0 done, 2 usage, 3 input rejected, 4 environment, 5 memory, 6 part of a batch failed, 130/143 "
            "interrupted\n");
}

static int find_verb(const char *name) {
    for (int i = 0; i < N_VERBS; ++i) {
        if (strcmp(verbs[i].name, name) == 0) return i;
    }
    return -1;
}

/* Whether a verb computes for long enough that its threads' waiting matters; the others answer in milliseconds. */
static bool computes(const char *name) {
    static const char *const brief[] = {"info", "version", "doctor", "verify", "report"};
    for (size_t i = 0; i < sizeof brief / sizeof brief[0]; ++i) {
        if (strcmp(name, brief[i]) == 0) return false;
    }
    return true;
}

static int exit_code(sei_status status) {
    if (status == SEI_ERR_INTERRUPTED && sei_interrupt_signal() == SIGTERM) return 143;
    return (int)status;
}

/* How a verb goes on after it was stopped. */
static const char *after(sei_status status, const char *verb) {
    if (status != SEI_ERR_INTERRUPTED) return "";
    if (strcmp(verb, "run") == 0 || strcmp(verb, "batch") == 0) return "; finished stages are kept, the same command resumes";
    return "; files that were written are whole, the same command begins again (with --force where some were)";
}

static int run_verb(int index, int argc, char **argv) {
    const sei_status status = verbs[index].run(argc, argv);
    if (status != SEI_OK && sei_last_error()[0] != 0) {
        fprintf(stderr, "seitomo %s: %s%s\n", verbs[index].name, sei_last_error(), after(status, verbs[index].name));
    }
    /* output that did not reach its reader is a failure, not a silent success */
    if (fflush(stdout) != 0 && status == SEI_OK) {
        fprintf(stderr, "seitomo %s: standard output could not be written\n", verbs[index].name);
        return SEI_ERR_ENVIRONMENT;
    }
    return exit_code(status);
}

int main(int argc, char **argv) {
    if (argc > 2 && find_verb(argv[1]) >= 0 && computes(argv[1])) sei_wait_asleep(argv); /* before anything is opened or said */
    setlocale(LC_CTYPE, "");
    sei_interrupt_install();
    sei_log_set_level(SEI_LOG_INFO);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? SEI_ERR_USAGE : SEI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) return run_verb(find_verb("version"), 1, argv + 1);
    const bool help = strcmp(argv[1], "help") == 0;
    const char *name = help ? argv[2] : argv[1];
    const int index = find_verb(name);
    if (index < 0) {
        fprintf(stderr, "seitomo: no verb '%s'; 'seitomo help' lists them\n", name);
        return SEI_ERR_USAGE;
    }
    if (help) {
        char *words[] = {argv[2], (char *)"--help", NULL};
        return run_verb(index, 2, words);
    }
    return run_verb(index, argc - 1, argv + 1);
}

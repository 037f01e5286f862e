/* report: the page of a run or a batch, again. */
#include "cli/cli.h"
#include "core/log.h"
#include "seitomo/study.h"

typedef struct words {
    sei_common common;
    const char *folder;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &w->common; return 0;
        case ARGP_KEY_ARG:
            if (w->folder != NULL) argp_error(state, "one folder at a time");
            w->folder = arg;
            return 0;
        case ARGP_KEY_END:
            if (w->folder == NULL) argp_error(state, "no folder");
            if (w->common.output == NULL) argp_error(state, "no output; give -o REPORT.html");
            return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

sei_status sei_cmd_report(int argc, char **argv) {
    static const struct argp_child children[] = {{&sei_common_argp, 0, "common options", 0}, {0}};
    static const struct argp argp = {
        NULL, parse, "DIR", "Writes one self-contained HTML page from the folder of a run or a batch.", children, NULL, NULL};
    words w = {0};
    sei_common_default(&w.common);
    const sei_status status = sei_cli_parse(&argp, argc, argv, &w);
    if (status != SEI_OK) return status;
    sei_cli_apply(&w.common);
    return sei_report_folder(w.folder, w.common.output, w.common.force);
}

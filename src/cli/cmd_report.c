/* report: the page of a run or a batch, again. */
#include "cli/cli.h"
#include "core/log.h"
#include "seitomo/study.h"

typedef struct words {
    sei_common common;
    const char *folder;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no folder", "one folder at a time", "no output; give -o REPORT.html", false};
    words *w = state->input;
    return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->folder);
}

sei_status sei_cmd_report(int argc, char **argv) {
    static const struct argp argp = {
        NULL, parse, "DIR", "Writes one self-contained HTML page from the folder of a run or a batch.", sei_common_children,
        NULL, NULL};
    words w = {0};
    const sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    return sei_report_folder(w.folder, w.common.output, w.common.force);
}

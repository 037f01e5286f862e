/* verify: whether the files of a run or a batch are still as they were written. */
#include "cli/cli.h"
#include "core/log.h"
#include "seitomo/study.h"

typedef struct words {
    sei_common common;
    sei_cli_files folders;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    return sei_cli_parse_files(key, arg, state, &w->common, &w->folders, "no folder");
}

sei_status sei_cmd_verify(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        parse,
        "DIR...",
        "Compares every file of a run or a batch with the size and SHA-256 recorded when it was written.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    json_t *list = json_array();
    for (size_t i = 0; i < w.folders.count && status == SEI_OK; ++i) {
        int64_t checked = 0;
        status = sei_verify_folder(w.folders.names[i], &checked);
        if (status == SEI_OK) sei_info("%s: %lld files are as they were written", w.folders.names[i], (long long)checked);
        json_array_append_new(list, json_pack("{s:s, s:I, s:b}", "folder", w.folders.names[i], "files", (json_int_t)checked,
                                              "whole", status == SEI_OK));
    }
    const sei_status printed = sei_cli_print_json(&w.common, json_pack("{s:o}", "folders", list));
    return status != SEI_OK ? status : printed;
}

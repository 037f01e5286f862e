#include "cli/cli.h"
#include "seitomo/version.h"

static error_t parse(int key, char *arg, struct argp_state *state) {
    (void)arg;
    if (key == ARGP_KEY_INIT) state->child_inputs[0] = state->input;
    return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

sei_status sei_cmd_version(int argc, char **argv) {
    static const struct argp argp = {
        NULL, parse, NULL, "Prints the version and the licence of this program.", sei_common_children, NULL, NULL};
    sei_common common;
    const sei_status status = sei_cli_begin(&argp, argc, argv, &common, &common);
    if (status != SEI_OK) return status;
    if (common.json) {
        return sei_cli_print_json(&common, json_pack("{s:s, s:s}", "version", SEITOMO_VERSION, "licence", "BSD-3-Clause"));
    }
    printf("seitomo %s\nlicence: BSD-3-Clause (no GPL code is linked)\n", SEITOMO_VERSION);
    return SEI_OK;
}

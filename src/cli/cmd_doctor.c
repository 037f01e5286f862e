/* seitomo doctor: what this machine has, what is missing, and what to do about it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cairo.h>
#include <cyaml/cyaml.h>
#include <hdf5.h>
#include <png.h>
#include <tiffio.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/instruction_sets.h"
#include "core/text.h"
#include "core/threads.h"
#include "seitomo/signal.h"
#include "seitomo/version.h"

typedef struct findings {
    json_t *list;
    bool print;
    int missing;
} findings;

/* One finding: a line to read, an object for --json. An empty remedy means that all is well. */
static void found(findings *f, const char *what, bool ok, const char *detail, const char *remedy) {
    if (f->print)
        printf("%-8s %-14s %s%s%s\n", ok ? "ok" : "missing", what, detail, remedy[0] != 0 ? "\n                         -> " : "",
               remedy);
    f->missing += !ok;
    json_array_append_new(f->list,
                          json_pack("{s:s, s:b, s:s, s:s}", "what", what, "ok", (int)ok, "detail", detail, "remedy", remedy));
}

static void look_at_processor(findings *f) {
    static const char *const isas[] = {SEI_ISA_NAMES};
    char detail[512], model[256] = "unknown processor";
    sei_infile cpuinfo = {.fd = -1};
    char text[4096];
    size_t got = 0;
    if (sei_infile_open("/proc/cpuinfo", &cpuinfo) == SEI_OK &&
        sei_infile_read_some(&cpuinfo, 0, text, sizeof text - 1, &got) == SEI_OK) {
        text[got] = 0;
        const char *line = strstr(text, "model name");
        const char *colon = line == NULL ? NULL : strchr(line, ':');
        const char *start = colon == NULL ? NULL : colon + 1 + (colon[1] == ' ');
        if (start != NULL) snprintf(model, sizeof model, "%.*s", (int)strcspn(start, "\n"), start);
    }
    sei_infile_close(&cpuinfo);
    int length =
        snprintf(detail, sizeof detail, "%s, %d thread%s, instruction sets", model, sei_threads(), sei_threads() == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; ++i) {
        sei_device *device = NULL;
        const sei_device_options wanted = {.name = "cpu", .isa = isas[i]};
        if (sei_device_open(&wanted, &device) == SEI_OK)
            length += snprintf(detail + length, sizeof detail - (size_t)length, " %s", isas[i]);
        sei_device_close(device);
    }
    found(f, "processor", true, detail, "");
}

static void look_at_memory(findings *f) {
    char detail[128];
    const double gib = (double)sei_memory_available() / 1073741824.0;
    snprintf(detail, sizeof detail, "%.1f GiB free for this process", gib);
    found(f, "memory", gib >= 1, detail, gib >= 1 ? "" : "close other programs, or use --memory and --bin to work in less");
}

static void look_at_backends(findings *f) {
    static const struct {
        const char *name, *remedy;
    } backends[] = {
        {"ref", "reinstall seitomo"},
        {"cpu", "reinstall seitomo"},
        {"cuda", "only needed to use an NVIDIA card: build with nvcc (cmake -DSEITOMO_CUDA=ON) and install the driver"},
        {"cuda-emulated", "only needed to test the CUDA sources: build with cmake -DSEITOMO_CUDA_EMULATED=ON"}};
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; ++i) {
        sei_device *device = NULL;
        const sei_device_options wanted = {.name = backends[i].name};
        char what[64], detail[1024];
        snprintf(what, sizeof what, "%s", backends[i].name);
        const bool ok = sei_device_open(&wanted, &device) == SEI_OK;
        snprintf(detail, sizeof detail, "backend: %s", ok ? device->backend->description : sei_last_error());
        sei_device_close(device);
        found(f, what, ok, detail, ok ? "" : backends[i].remedy);
    }
}

static void look_at_libraries(findings *f) {
    char detail[512];
    unsigned major = 0, minor = 0, release = 0;
    const unsigned png = (unsigned)png_access_version_number();
    const char *tiff = TIFFGetVersion(); /* "LIBTIFF, Version 4.5.0", then the copyright */
    H5get_libversion(&major, &minor, &release);
    snprintf(detail, sizeof detail, "HDF5 %u.%u.%u, %.*s, libpng %u.%u.%u, jansson %s, libcyaml %s, cairo %s", major, minor,
             release, (int)strcspn(tiff, "\n"), tiff, png / 10000, png / 100 % 100, png % 100, jansson_version_str(),
             cyaml_version_str, cairo_version_string());
    found(f, "libraries", true, detail, "");
}

static void look_at_atoms(findings *f) {
    const bool known = sei_atoms_known();
    found(f, "atoms", known, known ? "xraylib, for simulations by composition" : "simulations take given signals only",
          known ? "" : "apt install libxrl-dev and build again");
}

/* Whether a program stands in a folder of PATH. */
static bool in_path(const char *program, char *where, size_t size) {
    const char *path = getenv("PATH");
    for (const char *start = path; start != NULL;) {
        const size_t length = strcspn(start, ":");
        const int written = snprintf(where, size, "%.*s/%s", (int)length, start, program);
        if (length > 0 && written > 0 && (size_t)written < size && access(where, X_OK) == 0) return true;
        start = start[length] == ':' ? start + length + 1 : NULL;
    }
    return false;
}

static void look_at_programs(findings *f) {
    static const struct {
        const char *name, *without, *remedy;
    } programs[] = {{"gnuplot", "plots are left out of reports", "apt install gnuplot-nox"},
                    {"ffmpeg", "no movies are made", "apt install ffmpeg"}};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; ++i) {
        char where[4096];
        const bool ok = in_path(programs[i].name, where, sizeof where);
        found(f, programs[i].name, ok, ok ? where : programs[i].without, ok ? "" : programs[i].remedy);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    if (key == ARGP_KEY_ARG) argp_error(state, "'%s': doctor takes no files", arg);
    if (key == ARGP_KEY_INIT) state->child_inputs[0] = state->input;
    return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

sei_status sei_cmd_doctor(int argc, char **argv) {
    static const struct argp argp = {
        NULL, parse, NULL, "Says what this machine has for seitomo, what is missing, and the remedy.", sei_common_children,
        NULL, NULL};
    sei_common common;
    const sei_status status = sei_cli_begin(&argp, argc, argv, &common, &common);
    if (status != SEI_OK) return status;
    findings f = {.list = json_array(), .print = !common.json};
    if (f.print) printf("seitomo %s\n", SEITOMO_VERSION);
    look_at_processor(&f);
    look_at_memory(&f);
    look_at_backends(&f);
    look_at_libraries(&f);
    look_at_atoms(&f);
    look_at_programs(&f);
    if (f.print) printf("%s\n", f.missing == 0 ? "nothing is missing" : "seitomo works; what is marked missing is optional");
    return sei_cli_print_json(&common, json_pack("{s:s, s:o}", "version", SEITOMO_VERSION, "findings", f.list));
}

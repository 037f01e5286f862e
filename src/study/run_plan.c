/* What a run needs in memory, disk and arithmetic, from the files' headers alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "study/run.h"

static sei_status probe_files(const sei_run_state *run, sei_run_plan *plan, double *pixel_nm) {
    const sei_recipe_input *in = &run->recipe->input;
    size_t channels = 0;
    for (unsigned i = 0; i < in->n_files; ++i) {
        sei_file_info info = {0};
        const sei_status status = sei_io_probe(sei_run_plain_path(run, i), &info);
        if (status != SEI_OK) return status;
        if (i == 0) {
            plan->nx = info.nx;
            plan->ny = info.ny;
            plan->n_tilts = info.nz;
            const sei_fact *pixel = sei_facts_find(&info.facts, "pixel_nm");
            if (isnan(*pixel_nm) && pixel != NULL) (void)sei_parse_double(pixel->value, pixel_nm);
        }
        channels += info.n_channels > 0 ? info.n_channels : 1;
        sei_file_info_free(&info);
    }
    plan->n_channels = in->n_channels > 0 ? in->n_channels : channels;
    return SEI_OK;
}

sei_status sei_run_make_plan(sei_run_state *run, sei_run_plan *plan) {
    const sei_recipe *r = run->recipe;
    *plan = (sei_run_plan){0};
    double pixel_nm = r->input.pixel_nm;
    const sei_status status = probe_files(run, plan, &pixel_nm);
    if (status != SEI_OK) return status;
    const double image = (double)plan->nx * (double)plan->ny;
    const double series = 4 * image * (double)plan->n_tilts;
    double volumes_disk = 0;
    double volumes_memory = 0;
    for (unsigned e = 0; e < r->n_reconstruct; ++e) {
        const sei_recipe_recon *entry = &r->reconstruct[e];
        const double count = entry->n_channels > 0 ? (double)entry->n_channels : (double)plan->n_channels;
        const double n_iterations = entry->method == SEI_METHOD_WBP ? 0.5 : (double)entry->iterations;
        double entry_bytes = 0;
        for (unsigned i = 0; i < (unsigned)count; ++i) {
            const char *name = i < entry->n_channels ? entry->channels[i] : i < r->input.n_channels ? r->input.channels[i] : "";
            char bare[SEI_NAME_LENGTH];
            snprintf(bare, sizeof bare, "%.*s", (int)strcspn(name, "="), name);
            const double bin = sei_recipe_pair(entry->bin_channels, entry->n_bin_channels, bare, entry->bin);
            double depth = entry->depth_px > 0 ? (double)entry->depth_px : (double)plan->nx;
            if (!isnan(entry->depth_nm) && !isnan(pixel_nm)) depth = entry->depth_nm / pixel_nm;
            const double wide = 1 + 2 * (double)entry->pad_px / fmax((double)plan->nx, 1);
            const double voxels = image * wide * depth / (bin * bin * bin);
            entry_bytes += 4 * voxels;
            plan->multiply_adds +=
                2 * n_iterations * (double)plan->n_tilts * voxels * (entry->kernel == SEI_KERNEL_STRIP ? 2.1 : 1.6);
        }
        volumes_disk += entry_bytes;
        /* segment and render hold one entry's volumes, their resampled copies and as much again for working arrays */
        volumes_memory = fmax(volumes_memory, 3 * entry_bytes);
    }
    const double stack = series * (double)plan->n_channels;
    plan->memory_bytes = fmax(3 * stack, stack + volumes_memory);
    /* aligned stack, volumes, labels, and some megabytes of pictures, plots and pages */
    plan->disk_bytes = stack + volumes_disk * 1.1 + 30e6;
    return SEI_OK;
}

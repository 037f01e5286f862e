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

sei_status sei_run_make_plan(sei_run_state *run, sei_run_plan *plan) {
    const sei_recipe *r = run->recipe;
    /* what the run would refuse about its input is refused here */
    const sei_log_level level = sei_log_set_level(SEI_LOG_QUIET);
    if (run->options->plan_only) sei_log_set_level(level); /* else the run's own reading will say it all */
    sei_status status = sei_run_read_input(run, true);
    sei_log_set_level(level);
    if (status == SEI_OK) status = sei_run_check_channels(run);
    if (status != SEI_OK) return status;
    const sei_series *s = &run->series;
    *plan = (sei_run_plan){.nx = s->nx, .ny = s->ny, .n_tilts = s->n_tilts, .n_channels = s->n_channels};
    const double image = (double)plan->nx * (double)plan->ny;
    const double series = 4 * image * (double)plan->n_tilts;
    double volumes_disk = 0;
    double volumes_memory = 0;
    for (unsigned e = 0; e < r->n_reconstruct; ++e) {
        const sei_recipe_recon *entry = &r->reconstruct[e];
        const double count = entry->n_channels > 0 ? (double)entry->n_channels : (double)plan->n_channels;
        sei_recon_options recon;
        sei_recon_options_default(&recon);
        recon.method = entry->method;
        recon.iterations = entry->iterations;
        recon.subsets = entry->subsets;
        recon.stop = entry->stop;
        const double n_iterations = entry->method == SEI_METHOD_WBP ? 0.5 : (double)sei_recon_iterations(&recon);
        double entry_bytes = 0;
        for (unsigned i = 0; i < (unsigned)count; ++i) {
            const char *name = entry->n_channels > 0 ? entry->channels[i] : run->channels[i];
            const double bin = sei_recipe_pair(entry->bin_channels, entry->n_bin_channels, name, entry->bin);
            double depth = entry->depth_px > 0 ? (double)entry->depth_px : (double)plan->nx;
            if (!isnan(entry->depth_nm)) depth = entry->depth_nm / s->pixel_nm;
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

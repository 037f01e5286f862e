/* B6: end to end, from a file to a file, phase by phase. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "cli/bench.h"
#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"

enum { N_CHANNELS = 5, N_PHASES = 3 };

typedef struct files {
    char in[4096], out[4096];
    sei_device *device;
    sei_recon_options options;
    sei_series series;
    sei_volume volumes[N_CHANNELS];
} files;

static void drop_volumes(files *f) {
    for (int c = 0; c < N_CHANNELS; ++c) sei_volume_free(&f->volumes[c]);
}

static sei_status run_read(void *context) {
    files *f = context;
    sei_read_options read;
    const char *names[] = {f->in};
    sei_series_free(&f->series);
    drop_volumes(f);
    sei_read_options_default(&read);
    read.n_files = 1;
    read.files = names;
    return sei_io_read_series(&read, &f->series);
}

static sei_status run_reconstruct(void *context) {
    files *f = context;
    sei_recon_channel channels[N_CHANNELS] = {{0}};
    for (size_t c = 0; c < N_CHANNELS; ++c) channels[c].channel = c;
    return sei_reconstruct_channels(f->device, &f->series, N_CHANNELS, channels, &f->options, f->volumes, NULL);
}

static sei_status run_write(void *context) {
    files *f = context;
    return sei_io_write_volumes(f->out, N_CHANNELS, f->volumes, NULL, true);
}

static sei_status make_input(files *f, const sei_bench_size *size) {
    sei_bench_specimen specimen = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_specimen_make(size, true, N_CHANNELS, 1000, 2, &specimen));
    for (int c = 0; c < N_CHANNELS; ++c) snprintf(specimen.series.channels[c].name, SEI_NAME_LENGTH, "map%d", c + 1);
    SEI_TRY(sei_io_write_series(f->in, &specimen.series, NULL, false));
done:
    sei_bench_specimen_free(&specimen);
    return status;
}

/* The whole is the sum of the phases of each repeat. */
static sei_status add_whole(sei_bench_part *part, const sei_bench_subject *phases) {
    sei_bench_row row = part->rows[part->n_rows - N_PHASES + 1]; /* the reconstruction's: its work is the whole's */
    double sum = 0, cpu = 0, least = INFINITY;
    for (int r = 0; r < part->repeats; ++r) {
        double one = 0;
        for (int p = 0; p < N_PHASES; ++p) one += phases[p].wall[r];
        least = fmin(least, one);
    }
    for (int p = 0; p < N_PHASES; ++p) {
        sum += part->rows[part->n_rows - N_PHASES + (size_t)p].value;
        cpu += part->rows[part->n_rows - N_PHASES + (size_t)p].cpu;
    }
    const sei_status status = sei_bench_number(part, "file to file, sum of the phases", &phases[1], sum, "ms", NAN, NAN);
    if (status != SEI_OK) return status;
    sei_bench_row *whole = &part->rows[part->n_rows - 1];
    whole->repeats = part->repeats;
    whole->least = 1e3 * least;
    whole->cpu = cpu;
    whole->gupdates = row.gupdates;
    whole->gflop = row.gflop;
    whole->gups = row.gupdates / (1e-3 * sum);
    whole->gflops = row.gflop / (1e-3 * sum);
    return SEI_OK;
}

sei_status sei_cli_bench_files(sei_bench_part *part) {
    const sei_bench_size size = sei_bench_reference(part);
    static const char *const what[N_PHASES] = {"read 5 maps (EMD)", "EM 20, 5 channels", "write 5 volumes (EMD)"};
    sei_status (*const run[N_PHASES])(void *) = {run_read, run_reconstruct, run_write};
    char folder[3072], isa[SEI_UNIT_LENGTH];
    files f = {0};
    sei_bench_subject phases[N_PHASES] = {{0}};
    sei_bench_geometry g;
    sei_status status = SEI_OK;
    snprintf(folder, sizeof folder, "%s/seitomo-bench-%ld", (const char *)part->context, (long)getpid());
    snprintf(f.in, sizeof f.in, "%s/series.emd", folder);
    snprintf(f.out, sizeof f.out, "%s/volumes.emd", folder);
    SEI_TRY(
        sei_folder_check_space(folder, 4.4 * N_CHANNELS * ((double)size.n * size.n + (double)size.n_tilts * size.n) * size.ny));
    SEI_TRY(sei_folder_make(folder));
    SEI_TRY(sei_bench_open(part, &f.device, isa));
    SEI_TRY(make_input(&f, &size));
    sei_recon_options_default(&f.options);
    f.options.iterations = 20;
    sei_bench_geometry_make(&size, f.options.kernel, &g);
    for (int p = 0; p < N_PHASES; ++p) {
        const double projections = p == 1 ? 2.0 * f.options.iterations * N_CHANNELS : NAN;
        phases[p] = (sei_bench_subject){.what = what[p],
                                        .device = f.device,
                                        .isa = isa,
                                        .context = &f,
                                        .run = run[p],
                                        .nx = size.n,
                                        .nz = size.n,
                                        .ny = size.ny,
                                        .n_tilts = size.n_tilts,
                                        .n_channels = N_CHANNELS,
                                        .updates = projections * (double)size.n * size.n * size.ny * size.n_tilts,
                                        .flop = projections * 2 * sei_bench_nonzeros(&g.slab) * size.ny};
    }
    SEI_TRY(sei_bench_time(part, N_PHASES, phases));
    SEI_TRY(add_whole(part, phases));
    SEI_TRY(sei_bench_peak(part, "file to file, peak memory", &phases[1]));
done:
    sei_file_remove(f.in);
    sei_file_remove(f.out);
    sei_folder_remove_empty(folder);
    sei_bench_subjects_free(N_PHASES, phases);
    drop_volumes(&f);
    sei_series_free(&f.series);
    sei_device_close(f.device);
    return status;
}

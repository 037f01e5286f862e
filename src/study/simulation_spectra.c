/* Noise-free images -> spectra of every tilt, and of every pixel. */
#include "study/simulation_spectra.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "simulate/streams.h"

enum { MOST_PARTS = SEI_SIMULATE_MAX_CHANNELS + 2 };

sei_status sei_simulation_spectra_check(const sei_simulation_file *file) {
    size_t found = 0;
    if (!file->spectra.summed && !file->spectra.images) return SEI_OK;
    for (size_t c = 0; c < file->simulation.n_channels; ++c) {
        const sei_signal_channel *channel = &file->physics[c];
        if (channel->kind != SEI_SIGNAL_EDS) continue;
        found += 1;
        if (channel->overlaps) {
            return sei_fail(SEI_ERR_INPUT,
                            "channels.%zu.overlaps: they are in the spectra anyway; leave them out of '%s' or write no spectra",
                            c, channel->name);
        }
        for (size_t other = 0; other < c; ++other) {
            if (file->physics[other].kind != SEI_SIGNAL_EDS || file->physics[other].atomic_number != channel->atomic_number)
                continue;
            return sei_fail(SEI_ERR_INPUT,
                            "channels.%zu: '%s' and '%s' are one element, whose lines spectra hold once; leave one out", c,
                            channel->name, file->physics[other].name);
        }
    }
    if (found > 0) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "spectra: no channel is of kind eds, so there are no lines; give one, or write no spectra");
}

/* The parts of all pixels' spectra. */
typedef struct parts {
    const sei_simulation_file *file;
    const sei_noise_free *images;
    size_t n, n_elements;
    size_t channel[MOST_PARTS]; /* of the element parts */
    bool stray, background;
    double *shape; /* [n][bins] */
    float *net;    /* [ny][nx] net counts of all channels in the present tilt, for stray lines */
} parts;

static double *shape_of(const parts *p, size_t part) {
    return p->shape + (size_t)p->file->spectra.axis.bins * part;
}

/* An element's lines for one unit of its channel's image: its window holds what the channel counts. */
static sei_status element_shape(const parts *p, size_t c, double *shape) {
    const sei_simulation_file *file = p->file;
    const sei_energy_axis *axis = &file->spectra.axis;
    const sei_signal_channel *channel = &file->physics[c];
    sei_signal_channel plain = *channel;
    sei_material element = {
        .name = "element", .density_g_cm3 = 1, .n_constituents = 1, .constituents = {{channel->atomic_number, 1}}};
    double atoms[SEI_MAX_CONSTITUENTS] = {0};
    double counted = 0;
    sei_status status = SEI_OK;
    plain.k_factor = 0;
    SEI_TRY(sei_material_atoms_per_nm3(&element, atoms));
    SEI_TRY(sei_signal_coefficients(1, &element, NULL, 1, &plain, file->microscope, &counted));
    SEI_TRY(sei_spectrum_lines(file->microscope, channel->atomic_number, axis, shape));
    if (!(counted > 0) || !(sei_spectrum_window(axis, shape, channel->window_kev[0], channel->window_kev[1]) > 0)) {
        status = sei_fail(SEI_ERR_INPUT, "spectra: the axis or the window of '%s' (%g to %g keV) holds none of its lines",
                          channel->name, channel->window_kev[0], channel->window_kev[1]);
        goto done;
    }
    for (int64_t e = 0; e < axis->bins; ++e) shape[e] *= atoms[0] / counted * p->images->scale[c];
done:
    return status;
}

/* Bremsstrahlung for one unit of its image, bent to the background of all channels' windows. */
static sei_status background_shape(const parts *p, double *shape) {
    const sei_noise_free *images = p->images;
    const double pixels = (double)(images->n_tilts * images->nx * images->ny);
    sei_spectrum_anchor anchors[MOST_PARTS];
    double total = pixels;
    size_t n = 0;
    if (images->bremsstrahlung != NULL) {
        total = 0;
        for (int64_t i = 0; i < (int64_t)pixels; ++i) total += (double)images->bremsstrahlung[i];
    }
    for (size_t k = 0; k < p->n_elements; ++k) {
        const size_t c = p->channel[k];
        const sei_signal_channel *channel = &p->file->physics[c];
        const double counts = images->flat[c] * pixels + (images->bremsstrahlung != NULL ? images->brems[c] * total : 0);
        if (counts > 0) anchors[n++] = (sei_spectrum_anchor){channel->window_kev[0], channel->window_kev[1], counts / total};
    }
    const sei_status status = sei_spectrum_bremsstrahlung(p->file->microscope, &p->file->spectra.axis, shape);
    return status == SEI_OK ? sei_spectrum_bend(&p->file->spectra.axis, n, anchors, shape) : status;
}

/* Whether any channel has a background, and something for it to follow. */
static bool has_background(const parts *p) {
    bool any = false;
    for (size_t k = 0; k < p->n_elements; ++k) {
        const size_t c = p->channel[k];
        any = any || p->images->flat[c] > 0 || (p->images->bremsstrahlung != NULL && p->images->brems[c] > 0);
    }
    return any;
}

static sei_status make_parts(parts *p) {
    const sei_simulation_file *file = p->file;
    const sei_noise_free *images = p->images;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < file->simulation.n_channels; ++c) {
        if (file->physics[c].kind == SEI_SIGNAL_EDS) p->channel[p->n_elements++] = c;
    }
    p->stray = file->spectra.n_stray > 0;
    p->background = has_background(p);
    p->n = p->n_elements + p->stray + p->background;
    SEI_TRY(SEI_NEW(p->shape, (int64_t)p->n, file->spectra.axis.bins, 1));
    SEI_TRY(SEI_NEW(p->net, images->ny, images->nx, 1));
    for (size_t k = 0; k < p->n_elements; ++k) SEI_TRY(element_shape(p, p->channel[k], shape_of(p, k)));
    if (p->stray) {
        SEI_TRY(sei_spectrum_stray(file->microscope, file->spectra.n_stray, file->spectra.stray, &file->spectra.axis,
                                   shape_of(p, p->n_elements)));
    }
    if (p->background) SEI_TRY(background_shape(p, shape_of(p, p->n - 1)));
done:
    return status;
}

/* The parts as they lie in one tilt. */
static void lay_out(parts *p, int64_t t, sei_spectrum_part *out) {
    const sei_noise_free *images = p->images;
    const int64_t pixels = images->nx * images->ny;
    for (size_t k = 0; k < p->n_elements; ++k) {
        out[k] = (sei_spectrum_part){images->image[p->channel[k]] + t * pixels, shape_of(p, k)};
    }
    for (int64_t i = 0; p->stray && i < pixels; ++i) {
        double sum = 0;
        for (size_t k = 0; k < p->n_elements; ++k) sum += images->scale[p->channel[k]] * (double)out[k].image[i];
        p->net[i] = (float)sum;
    }
    if (p->stray) out[p->n_elements] = (sei_spectrum_part){p->net, shape_of(p, p->n_elements)};
    if (p->background) {
        out[p->n - 1] = (sei_spectrum_part){images->bremsstrahlung == NULL ? NULL : images->bremsstrahlung + t * pixels,
                                            shape_of(p, p->n - 1)};
    }
}

/* One tilt: every pixel's spectrum, their sum into summed[bins]. */
static sei_status write_images(const parts *p, int64_t t, const sei_spectrum_part *laid, uint32_t stream, sei_spectra_file *out,
                               uint16_t *row, double *summed) {
    const sei_energy_axis *axis = &p->file->spectra.axis;
    const sei_noise_free *images = p->images;
    sei_spectrum_sampler sampler = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_spectrum_sampler_make(axis, p->n, laid, &sampler));
    for (int64_t y = 0; y < images->ny; ++y) {
        SEI_TRY(sei_spectrum_sample_row(&sampler, images->nx, y, p->file->simulation.experiment.seed, stream, row));
        SEI_TRY(sei_io_spectra_row(out, t, y, row));
        for (int64_t x = 0; x < images->nx; ++x) {
            for (int64_t e = 0; e < axis->bins; ++e) summed[e] += row[x * axis->bins + e];
        }
        SEI_TRY(sei_interrupt_check());
    }
done:
    sei_spectrum_sampler_free(&sampler);
    return status;
}

/* One tilt without pixels. */
static sei_status draw_summed(const parts *p, const sei_spectrum_part *laid, uint32_t stream, double *mean, double *summed) {
    const sei_energy_axis *axis = &p->file->spectra.axis;
    const sei_status status = sei_spectrum_sum(axis, p->n, laid, p->images->nx * p->images->ny, mean);
    return status == SEI_OK ? sei_spectrum_draw(mean, axis->bins, p->file->simulation.experiment.seed, stream, summed) : status;
}

static sei_status write_tilts(parts *p, sei_spectra_file *out, double *summed) {
    const sei_energy_axis *axis = &p->file->spectra.axis;
    const sei_noise_free *images = p->images;
    sei_spectrum_part laid[MOST_PARTS];
    uint16_t *row = NULL;
    double *mean = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(mean, axis->bins, 1, 1));
    if (p->file->spectra.images) SEI_TRY(SEI_NEW(row, images->nx, axis->bins, 1));
    sei_progress_begin("spectra", images->n_tilts);
    for (int64_t t = 0; t < images->n_tilts; ++t) {
        const uint32_t stream = (uint32_t)(SEI_STREAM_SPECTRA + images->exposures[t].index);
        double *sum = summed + t * axis->bins;
        lay_out(p, t, laid);
        SEI_TRY(row != NULL ? write_images(p, t, laid, stream, out, row, sum) : draw_summed(p, laid, stream, mean, sum));
        SEI_TRY(sei_progress_step(t + 1));
    }
done:
    sei_progress_end();
    sei_free(row);
    sei_free(mean);
    return status;
}

sei_status sei_simulation_spectra(void *asker, const sei_noise_free *images) {
    const sei_spectra_asker *who = asker;
    const sei_simulation_file *file = who->file;
    sei_spectra_shape shape = {.n_tilts = images->n_tilts,
                               .ny = images->ny,
                               .nx = images->nx,
                               .n_energies = file->spectra.axis.bins,
                               .pixel_nm = file->simulation.pixel_nm,
                               .first_kev = file->spectra.axis.first_kev,
                               .step_kev = file->spectra.axis.step_kev,
                               .images = file->spectra.images};
    parts p = {.file = file, .images = images};
    double *tilt_deg = NULL;
    double *summed = NULL;
    char *path = NULL;
    sei_spectra_file *out = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(make_parts(&p));
    SEI_TRY(SEI_NEW(tilt_deg, images->n_tilts, 1, 1));
    SEI_TRY(SEI_NEW(summed, images->n_tilts, shape.n_energies, 1));
    for (int64_t t = 0; t < images->n_tilts; ++t) tilt_deg[t] = images->exposures[t].nominal_deg;
    shape.tilt_deg = tilt_deg;
    SEI_TRY(sei_path_join(who->output->folder, "spectra.emd", &path));
    SEI_TRY(sei_io_spectra_begin(path, &shape, who->output->overwrite, &out));
    SEI_TRY(write_tilts(&p, out, summed));
    SEI_TRY(sei_io_spectra_finish(out, summed, who->provenance));
done:
    sei_io_spectra_close(out);
    sei_free(path);
    sei_free(summed);
    sei_free(tilt_deg);
    sei_free(p.shape);
    sei_free(p.net);
    return status;
}

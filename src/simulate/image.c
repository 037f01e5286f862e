#include "simulate/image.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

static const double radian = 3.14159265358979323846 / 180;

/* What material m gives to image i per nm: a channel's signal, or its bremsstrahlung. */
static double emission(const sei_simulation *s, size_t m, size_t i) {
    return i < s->n_channels ? s->signal[m * s->n_channels + i] : s->bremsstrahlung[m];
}

static bool absorbs(const sei_simulation *s, size_t i) {
    return i < s->n_channels && s->channels[i].energy_kev > 0 && s->microscope != NULL && s->absorption_nm > 0;
}

/* One attenuation map per absorbing channel. */
static sei_status make_maps(sei_imager *imager) {
    const sei_simulation *s = imager->simulation;
    const double size_nm[3] = {(double)s->nx * s->pixel_nm, (double)s->ny * s->pixel_nm, (double)s->nz * s->pixel_nm};
    double energy_kev[SEI_SIMULATE_MAX_CHANNELS];
    sei_volume made[SEI_SIMULATE_MAX_CHANNELS];
    size_t n = 0;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < s->n_channels; ++c) {
        if (absorbs(s, c)) energy_kev[n++] = s->channels[c].energy_kev;
    }
    SEI_TRY(SEI_NEW(imager->maps, (int64_t)s->n_channels, 1, 1));
    if (n == 0) goto done;
    SEI_TRY(sei_attenuation_maps(&s->specimen, size_nm, s->absorption_nm, n, energy_kev, made));
    n = 0;
    for (size_t c = 0; c < s->n_channels; ++c) {
        if (absorbs(s, c)) imager->maps[c] = made[n++];
    }
    imager->n_weights = made[0].nx * made[0].ny * made[0].nz;
    SEI_TRY(SEI_NEW(imager->weights, imager->n_weights, 1, 1));
    SEI_TRY(SEI_NEW(imager->weighted, (int64_t)s->specimen.n_materials, s->ny, s->nx));
done:
    return status;
}

sei_status sei_imager_new(const sei_simulation *s, sei_imager *out) {
    sei_imager imager = {.simulation = s, .n_images = s->n_channels};
    sei_status status = SEI_OK;
    for (size_t c = 0; c < s->n_channels; ++c) {
        if (s->channels[c].peak_to_background > 0 && s->bremsstrahlung != NULL) imager.n_images = s->n_channels + 1;
    }
    for (size_t m = 1; m < s->specimen.n_materials; ++m) {
        for (size_t i = 0; i < imager.n_images; ++i) imager.lights[m] = imager.lights[m] || emission(s, m, i) > 0;
        imager.lights[m] = imager.lights[m] && s->specimen.materials[m].label != SEI_LABEL_SUPPORT;
    }
    SEI_TRY(SEI_NEW(imager.paths, (int64_t)s->specimen.n_materials, s->ny, s->nx));
    SEI_TRY(make_maps(&imager));
    SEI_TRY(sei_tracer_new(&s->specimen, &imager.tracer));
    *out = imager;
    memset(&imager, 0, sizeof imager);
done:
    sei_imager_free(&imager);
    return status;
}

void sei_imager_free(sei_imager *imager) {
    for (size_t c = 0; imager->maps != NULL && c < imager->simulation->n_channels; ++c) sei_volume_free(&imager->maps[c]);
    sei_free(imager->maps);
    sei_free(imager->weights);
    sei_free(imager->paths);
    sei_free(imager->weighted);
    sei_free(imager->sharp);
    sei_tracer_free(imager->tracer);
    memset(imager, 0, sizeof *imager);
}

/* image = film + sum over materials of factor * paths, in the order of the materials. */
static void add_up(const sei_simulation *s, const double *factor, double film, const float *paths, float *image) {
    const int64_t n = s->nx * s->ny;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t p = 0; p < n; ++p) {
        double sum = film;
        for (size_t m = 1; m < s->specimen.n_materials; ++m) {
            if (factor[m] > 0) sum += factor[m] * (double)paths[(int64_t)m * n + p];
        }
        image[p] = (float)sum;
    }
}

/* The paths as channel c's photons leave them; imager->paths where nothing is absorbed. */
static sei_status paths_of(sei_imager *imager, size_t i, const sei_view *view, const float **paths) {
    const sei_simulation *s = imager->simulation;
    *paths = imager->paths;
    if (!absorbs(s, i)) return SEI_OK;
    const sei_volume *map = &imager->maps[i];
    const sei_weight_grid grid = {map->nx, map->ny, map->nz, map->voxel_nm, imager->weights};
    sei_status status = sei_exit_weights(map, s->microscope, view->tilt_deg, imager->weights);
    if (status == SEI_OK) status = sei_tracer_paths(imager->tracer, view, &grid, imager->weighted);
    *paths = imager->weighted;
    return status;
}

/* Blur and motion spread the image, and their tails must not count as shadow: there the rays of a sharp image say where it is.
 * One thread adds up, so the sums do not depend on threads. */
static sei_status add_shadow(sei_imager *imager, const sei_view *view, float *const *image, sei_shadow *shadow) {
    const sei_simulation *s = imager->simulation;
    const int64_t n = s->nx * s->ny;
    const float *paths = imager->paths;
    sei_status status = SEI_OK;
    if (view->blur_nm > 0 || view->smear_px[0] != 0 || view->smear_px[1] != 0) {
        sei_view still = *view;
        still.blur_nm = still.smear_px[0] = still.smear_px[1] = 0;
        if (imager->sharp == NULL) SEI_TRY(SEI_NEW(imager->sharp, (int64_t)s->specimen.n_materials, s->ny, s->nx));
        SEI_TRY(sei_tracer_paths(imager->tracer, &still, NULL, imager->sharp));
        paths = imager->sharp;
    }
    for (int64_t p = 0; p < n; ++p) {
        bool covered = false;
        for (size_t m = 1; m < s->specimen.n_materials && !covered; ++m) {
            covered = imager->lights[m] && paths[(int64_t)m * n + p] > 0;
        }
        if (!covered) continue;
        shadow->pixels += 1;
        for (size_t i = 0; i < imager->n_images; ++i) shadow->sum[i] += (double)image[i][p];
    }
done:
    return status;
}

sei_status sei_imager_take(sei_imager *imager, const sei_tilt_exposure *e, float *const *image, sei_shadow *shadow) {
    const sei_simulation *s = imager->simulation;
    const sei_experiment *x = &s->experiment;
    const sei_view view = {.nx = s->nx,
                           .ny = s->ny,
                           .pixel_nm = s->pixel_nm,
                           .subsamples = s->subsamples,
                           .tilt_deg = e->true_deg,
                           .axis_deg = x->axis_deg + x->axis_error_deg,
                           .axis_offset_px = x->axis_offset_px,
                           .shift_px = {e->shift_px[0], e->shift_px[1]},
                           .smear_px = {e->smear_px[0], e->smear_px[1]},
                           .blur_nm = e->blur_nm};
    const double film_nm = e->contamination_nm / cos(e->true_deg * radian);
    sei_status status = sei_tracer_paths(imager->tracer, &view, NULL, imager->paths);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < imager->n_images; ++i) {
        const bool photons = i >= s->n_channels || s->channels[i].energy_kev > 0;
        const double seen = photons && s->microscope != NULL ? sei_microscope_visible(s->microscope, e->true_deg) : 1;
        const float *paths = NULL;
        double factor[SEI_MAX_MATERIALS] = {0};
        status = paths_of(imager, i, &view, &paths);
        if (status != SEI_OK) return status;
        for (size_t m = 1; m < s->specimen.n_materials; ++m) {
            factor[m] =
                emission(s, m, i) * sei_damage_factor(&s->specimen.materials[m], e->dose_before_e_per_nm2, e->dose_e_per_nm2);
            if (paths == imager->paths) factor[m] *= seen; /* the weights have the shadow in them */
        }
        const double film = s->contaminant > 0 ? emission(s, (size_t)s->contaminant, i) * film_nm * seen : 0;
        add_up(s, factor, film, paths, image[i]);
    }
    return add_shadow(imager, &view, image, shadow);
}

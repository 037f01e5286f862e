/* What a simulation will cost, from its description alone. */
#include <math.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/io.h"
#include "study/simulation_file.h"

/* Seconds of one core, measured on a 2 GHz server: for the order of magnitude, not more. */
static const double ray_s = 1.5e-7; /* a ray through bodies, and for each body a part of it */
static const double ray_body_s = 3e-9;
static const double ray_cell_s = 2e-10;    /* a voxel on a ray's way */
static const double pixel_s = 6e-8;        /* counts and noise of a pixel */
static const double truth_body_s = 2.5e-7; /* a voxel of the truth with its sample points */
static const double truth_voxel_s = 1e-8;
static const double absorbed_s = 5e-7;      /* a ray through bodies whose photons are absorbed; */
static const double absorbed_voxel = 2.5;   /* through voxels, in times of a plain ray */
static const double exit_s = 4.5e-7;        /* a cell of the grid they are absorbed on, all detectors */
static const double spectrum_byte_s = 1e-8; /* a byte of a spectrum image: drawn, compressed, written */
static const double measure_s = 5e-8;       /* measure, per voxel of the volume */
static const double grow_s = 5e-8;          /* growth, per voxel of the specimen */
static const double disk_byte_s = 3e-9;     /* writing, whatever the cores do */

/* Spectra: bytes before compression, which takes most of the time. */
static void add_spectra(const sei_simulation_file *file, int64_t n_tilts, sei_simulation_plan *plan) {
    const sei_simulation *s = &file->simulation;
    const sei_spectra_shape shape = {
        .n_tilts = n_tilts, .ny = s->ny, .nx = s->nx, .n_energies = file->spectra.axis.bins, .images = file->spectra.images};
    if (!file->spectra.summed && !file->spectra.images) return;
    const double bytes = sei_io_spectra_bytes(&shape);
    plan->disk_bytes += bytes;
    plan->seconds += bytes * spectrum_byte_s;
}

/* Exit absorption: every channel of photons is traced again, with weights. One core. */
static double absorption_seconds(const sei_simulation *s, double rays, double voxel_ray, double n_tilts) {
    double seconds = 0;
    if (s->microscope == NULL || !(s->absorption_nm > 0)) return 0;
    const double cells = (double)(s->nx * s->ny * s->nz) * pow(s->pixel_nm / s->absorption_nm, 3);
    for (size_t c = 0; c < s->n_channels; ++c) {
        if (!(s->channels[c].energy_kev > 0)) continue;
        seconds += n_tilts * cells * exit_s + rays * (voxel_ray > 0 ? absorbed_voxel * voxel_ray : absorbed_s);
    }
    return seconds;
}

sei_status sei_simulation_make_plan(const sei_simulation_file *file, const sei_simulation_output *output,
                                    sei_simulation_plan *plan) {
    const sei_simulation *s = &file->simulation;
    const bool voxels = s->specimen.bodies == NULL;
    const double fine = file->oversample > 0 ? (double)file->oversample : 1; /* a label volume's size is not known yet */
    sei_tilt_exposure *exposures = NULL;
    int64_t n = 0;
    const sei_status status = sei_simulation_exposures(s, &exposures, &n);
    if (status != SEI_OK) return status;
    sei_free(exposures);
    const double pixels = (double)(s->nx * s->ny), values = pixels * (double)n * (double)s->n_channels;
    const double cells = pixels * (double)s->nz, channels = (double)s->n_channels;
    const double rays = pixels * (double)n * s->subsamples * s->subsamples;
    const double ray = voxels ? ray_cell_s * fine * (double)(s->nx + s->nz) : ray_s + ray_body_s * (double)s->specimen.n_bodies;
    const double specimen = voxels ? cells * fine * fine * fine : 0;
    const double truth_volumes = file->write_volumes ? (voxels ? 4 * cells : 4 * cells * channels) : 0;
    const double measure = file->write_measures ? 14 * cells : 0;
    *plan = (sei_simulation_plan){
        .n_tilts = n,
        .memory_bytes =
            4 * values + cells + 2 * specimen + fmax(truth_volumes, measure) + 4 * pixels * (double)s->specimen.n_materials,
        .disk_bytes = 4 * values * (1 + output->mrc + output->tiff) + cells + (file->write_volumes ? 4 * cells * channels : 0),
        .seconds = (rays * ray + absorption_seconds(s, rays, voxels ? ray : 0, (double)n) + values * pixel_s +
                    cells * (voxels ? truth_voxel_s * (1 + channels) : truth_body_s) +
                    (file->write_measures ? measure_s * cells : 0) + (file->grow != NULL ? grow_s * specimen : 0)) /
                   sei_threads()};
    plan->seconds += disk_byte_s * plan->disk_bytes;
    add_spectra(file, n, plan);
    return SEI_OK;
}

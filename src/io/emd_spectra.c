/* Spectra of a tilt series as EMD 1.0: one per tilt, and one per pixel and tilt, row by row as they come. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "io/emd.h"
#include "io/emd_out.h"
#include "io/json.h"

enum { IMAGES_RANK = 4, CHUNK_BYTES = 1 << 20, DEFLATE_LEVEL = 1, MOST_ENERGIES = 1 << 16 };

static const char IMAGES[] = "/spectra/images";
static const char SUMMED[] = "/spectra/summed";

struct sei_spectra_file {
    sei_h5_out out;
    sei_spectra_shape shape;
    double *tilt_deg;
    hid_t images; /* dataset, -1: none */
    bool overwrite;
};

double sei_io_spectra_bytes(const sei_spectra_shape *shape) {
    const double spectra = (double)shape->n_tilts * (double)shape->n_energies;
    return 8 * spectra + (shape->images ? 2 * spectra * (double)shape->ny * (double)shape->nx : 0);
}

static sei_status check_shape(const char *path, const sei_spectra_shape *shape) {
    size_t bytes = 0;
    if (shape->n_tilts < 1 || shape->n_energies < 2 || shape->n_energies > MOST_ENERGIES ||
        (shape->images && (shape->nx < 1 || shape->ny < 1))) {
        return sei_fail(
            SEI_ERR_USAGE,
            "%s: spectra of %lld tilts, %lld x %lld pixels and %lld energies; expected at least 1, 1 x 1, and 2 to %d", path,
            (long long)shape->n_tilts, (long long)shape->nx, (long long)shape->ny, (long long)shape->n_energies, MOST_ENERGIES);
    }
    const sei_status status = sei_checked_bytes(shape->n_tilts, shape->images ? shape->ny : 1, shape->images ? shape->nx : 1,
                                                (size_t)shape->n_energies * sizeof(uint16_t), &bytes);
    return status == SEI_OK ? status : sei_fail_context(status, "%s", path);
}

/* [tilt][y][x][energy], uint16, compressed in pieces of a row. */
static sei_status make_images(sei_spectra_file *file) {
    const sei_spectra_shape *s = &file->shape;
    const int64_t fitting = CHUNK_BYTES / (s->n_energies * (int64_t)sizeof(uint16_t));
    const hsize_t size[] = {(hsize_t)s->n_tilts, (hsize_t)s->ny, (hsize_t)s->nx, (hsize_t)s->n_energies};
    const hsize_t chunk[] = {1, 1, (hsize_t)(fitting < 1 ? 1 : fitting < s->nx ? fitting : s->nx), size[3]};
    const hid_t space = H5Screate_simple(IMAGES_RANK, size, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    char path[64];
    snprintf(path, sizeof path, "%s/data", IMAGES);
    if (space >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0 &&
        H5Pset_chunk(creation, IMAGES_RANK, chunk) >= 0 && H5Pset_shuffle(creation) >= 0 &&
        H5Pset_deflate(creation, DEFLATE_LEVEL) >= 0) {
        file->images = H5Dcreate2(file->out.id, path, H5T_STD_U16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    if (file->images < 0) return sei_h5_out_failed(&file->out, path);
    file->out.objects += 1;
    return sei_h5_put_text(&file->out, path, "units", "counts");
}

/* The attributes of an EMD 1.0 array, and its axes of tilts and energies. */
static sei_status describe(sei_spectra_file *file, const char *group, int energy_axis) {
    const sei_spectra_shape *s = &file->shape;
    sei_h5_out *out = &file->out;
    char path[64];
    double *energies = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_make_group(out, group));
    SEI_TRY(sei_h5_put_text(out, group, "emd_group_type", "array"));
    SEI_TRY(sei_h5_put_text(out, group, "python_class", "Array"));
    snprintf(path, sizeof path, "%s/dim0", group);
    SEI_TRY(sei_h5_write_list(out, path, file->tilt_deg, (size_t)s->n_tilts, SEI_DTYPE_F64));
    SEI_TRY(sei_h5_put_text(out, path, "name", "tilt"));
    SEI_TRY(sei_h5_put_text(out, path, "units", "deg"));
    SEI_TRY(SEI_NEW(energies, s->n_energies, 1, 1));
    for (int64_t e = 0; e < s->n_energies; ++e) energies[e] = s->first_kev + (double)e * s->step_kev;
    snprintf(path, sizeof path, "%s/dim%d", group, energy_axis);
    SEI_TRY(sei_h5_write_list(out, path, energies, (size_t)s->n_energies, SEI_DTYPE_F64));
    SEI_TRY(sei_h5_put_text(out, path, "name", "energy"));
    SEI_TRY(sei_h5_put_text(out, path, "units", "keV"));
done:
    sei_free(energies);
    return status;
}

static sei_status begin(sei_spectra_file *file, const char *path) {
    const sei_spectra_shape *s = &file->shape;
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_create(path, file->overwrite, &file->out));
    SEI_TRY(sei_emd1_begin(&file->out, "/spectra"));
    SEI_TRY(describe(file, SUMMED, 1));
    if (s->images) {
        SEI_TRY(describe(file, IMAGES, 3));
        SEI_TRY(sei_h5_write_dim(&file->out, IMAGES, 1, s->ny, s->pixel_nm, "y", "nm"));
        SEI_TRY(sei_h5_write_dim(&file->out, IMAGES, 2, s->nx, s->pixel_nm, "x", "nm"));
        SEI_TRY(make_images(file));
    }
done:
    return status;
}

sei_status sei_io_spectra_begin(const char *path, const sei_spectra_shape *shape, bool overwrite, sei_spectra_file **out) {
    sei_spectra_file *file = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(check_shape(path, shape));
    SEI_TRY(SEI_NEW(file, 1, 1, 1));
    file->out = (sei_h5_out){.file = {.fd = -1}, .id = -1};
    file->shape = *shape;
    file->images = -1;
    file->overwrite = overwrite;
    SEI_TRY(SEI_NEW(file->tilt_deg, shape->n_tilts, 1, 1));
    memcpy(file->tilt_deg, shape->tilt_deg, (size_t)shape->n_tilts * sizeof *file->tilt_deg);
    sei_h5_lock();
    status = begin(file, path);
    sei_h5_unlock();
    if (status != SEI_OK) goto done;
    *out = file;
    file = NULL;
done:
    sei_io_spectra_close(file);
    return status;
}

sei_status sei_io_spectra_row(sei_spectra_file *file, int64_t tilt, int64_t y, const uint16_t *counts) {
    const sei_spectra_shape *s = &file->shape;
    const hsize_t start[] = {(hsize_t)tilt, (hsize_t)y, 0, 0};
    const hsize_t count[] = {1, 1, (hsize_t)s->nx, (hsize_t)s->n_energies};
    if (file->images < 0 || tilt < 0 || tilt >= s->n_tilts || y < 0 || y >= s->ny) {
        return sei_fail(SEI_ERR_USAGE, "%s: no place for row %lld of tilt %lld", file->out.file.path, (long long)y,
                        (long long)tilt);
    }
    sei_h5_lock();
    const hid_t space = H5Dget_space(file->images);
    const hid_t memory = H5Screate_simple(IMAGES_RANK, count, NULL);
    const bool written = space >= 0 && memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                         H5Dwrite(file->images, H5T_NATIVE_UINT16, memory, space, H5P_DEFAULT, counts) >= 0;
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    const sei_status status = written ? SEI_OK : sei_h5_out_failed(&file->out, IMAGES);
    sei_h5_unlock();
    return status;
}

/* [tilt][energy] as float64, counts being whole. */
static sei_status write_summed(sei_spectra_file *file, const double *summed) {
    const hsize_t size[] = {(hsize_t)file->shape.n_tilts, (hsize_t)file->shape.n_energies};
    const hid_t space = H5Screate_simple(2, size, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    char path[64];
    snprintf(path, sizeof path, "%s/data", SUMMED);
    if (space >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0) {
        dataset = H5Dcreate2(file->out.id, path, H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    const bool written = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, summed) >= 0;
    const bool closed = dataset >= 0 && H5Dclose(dataset) >= 0;
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    if (!written || !closed) return sei_h5_out_failed(&file->out, path);
    file->out.objects += 1;
    return sei_h5_put_text(&file->out, path, "units", "counts");
}

static sei_status finish(sei_spectra_file *file, const double *summed, const char *json) {
    sei_status status = SEI_OK;
    SEI_TRY(write_summed(file, summed));
    SEI_TRY(sei_h5_write_provenance(&file->out, json));
    if (file->images >= 0) {
        const herr_t flushed = H5Dflush(file->images);
        const herr_t closed = H5Dclose(file->images);
        file->images = -1;
        if (flushed < 0 || closed < 0) {
            status = sei_h5_out_failed(&file->out, IMAGES);
            goto done;
        }
    }
    SEI_TRY(sei_h5_finish(&file->out));
done:
    return status;
}

sei_status sei_io_spectra_finish(sei_spectra_file *file, const double *summed, const sei_provenance *provenance) {
    char *json = NULL;
    sei_status status = SEI_OK;
    if (provenance != NULL) SEI_TRY(sei_io_provenance_json(provenance, &json));
    sei_h5_lock();
    status = finish(file, summed, json);
    sei_h5_unlock();
done:
    sei_free(json);
    return status;
}

void sei_io_spectra_close(sei_spectra_file *file) {
    if (file == NULL) return;
    sei_h5_lock();
    if (file->images >= 0) H5Dclose(file->images);
    sei_h5_abandon(&file->out);
    sei_h5_unlock();
    sei_free(file->tilt_deg);
    sei_free(file);
}

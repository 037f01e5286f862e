/* What a half-cycle leaves in its folder: fields, labels, measures, pictures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "seitomo/measure.h"
#include "study/phasefield_run.h"

static sei_status describe(const sei_pf_run *run, sei_provenance *p) {
    char hash[65];
    sei_status status = SEI_OK;
    snprintf(p->stage, sizeof p->stage, "phasefield");
    snprintf(p->backend, sizeof p->backend, "%s", run->options->backend);
    SEI_TRY(sei_provenance_set(p, "title", "%s", run->file->entry->title));
    SEI_TRY(sei_provenance_set(p, "seed", "%llu", (unsigned long long)run->file->options.seed));
    SEI_TRY(sei_provenance_set(p, "half_cycle", "%lld", (long long)run->state.half_cycles));
    sei_io_sha256_bytes(run->file->resolved, strlen(run->file->resolved), hash);
    SEI_TRY(sei_provenance_set(p, "recipe_sha256", "%s", hash));
done:
    return status;
}

enum { C_LI, C_V, WETTED, WIRE, N_FIELDS };
static const char *const names[N_FIELDS] = {"c_Li", "c_v", "wetted", "wire"};

static double value_of(const sei_phasefield_state *s, int field, int64_t n) {
    switch (field) {
        case C_LI: return s->c_li[n];
        case C_V: return s->c_v[n];
        case WETTED: return s->wetted[n];
        default: return s->wire[n];
    }
}

static sei_status make_volumes(const sei_pf_run *run, sei_volume volumes[N_FIELDS]) {
    const sei_phasefield_state *s = &run->state;
    const double cell_nm = run->file->limits.dx * run->file->entry->labels.radius_nm;
    sei_status status = SEI_OK;
    for (int f = 0; f < N_FIELDS; ++f) {
        SEI_TRY(sei_volume_alloc(s->nx, s->ny, s->nz, cell_nm, &volumes[f]));
        snprintf(volumes[f].name, sizeof volumes[f].name, "%s", names[f]);
        for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) volumes[f].data[n] = (float)value_of(s, f, n);
    }
done:
    return status;
}

static sei_status write_vti(const sei_pf_run *run, const sei_volume volumes[N_FIELDS]) {
    const sei_phasefield_state *s = &run->state;
    const double cell = volumes[0].voxel_nm;
    sei_vti_array arrays[N_FIELDS] = {{0}};
    char *path = NULL;
    sei_status status = SEI_OK;
    for (int f = 0; f < N_FIELDS; ++f) arrays[f] = (sei_vti_array){.name = names[f], .components = 1, .values = volumes[f].data};
    arrays[WETTED] = (sei_vti_array){.name = names[WETTED], .components = 1, .bytes = s->wetted};
    arrays[WIRE] = (sei_vti_array){.name = names[WIRE], .components = 1, .bytes = s->wire};
    const sei_vti vti = {.nx = s->nx,
                         .ny = s->ny,
                         .nz = s->nz,
                         .spacing = cell,
                         .origin = {-0.5 * cell * (double)s->nx, 0, -0.5 * cell * (double)s->nz},
                         .n_arrays = N_FIELDS,
                         .arrays = arrays};
    SEI_TRY(sei_pf_half_path(run, (size_t)s->half_cycles, "fields.vti", &path));
    SEI_TRY(sei_io_write_vti(path, &vti, true));
done:
    sei_free(path);
    return status;
}

static sei_status write_fields(const sei_pf_run *run, const sei_provenance *provenance) {
    sei_volume volumes[N_FIELDS] = {{0}};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(make_volumes(run, volumes));
    SEI_TRY(sei_pf_half_path(run, (size_t)run->state.half_cycles, "fields.emd", &path));
    SEI_TRY(sei_io_write_volumes(path, N_FIELDS, volumes, provenance, true));
    SEI_TRY(write_vti(run, volumes));
done:
    for (int f = 0; f < N_FIELDS; ++f) sei_volume_free(&volumes[f]);
    sei_free(path);
    return status;
}

/* ParaView's list of the fields over time. */
static sei_status write_series(const sei_pf_run *run, const char *of) {
    char name[32];
    sei_text text = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&text, "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"0.1\">\n<Collection>\n"));
    for (size_t h = 0; h < run->n_rows; ++h)
        SEI_TRY(sei_text_add(&text, "<DataSet timestep=\"%zu\" file=\"half_%02zu/%s.vti\"/>\n", h, h, of));
    SEI_TRY(sei_text_add(&text, "</Collection>\n</VTKFile>\n"));
    snprintf(name, sizeof name, "%s.pvd", of);
    SEI_TRY(sei_pf_path(run, name, &path));
    SEI_TRY(sei_file_write_text(path, true, text.data, text.length));
done:
    sei_text_free(&text);
    sei_free(path);
    return status;
}

static sei_status write_labels(const sei_pf_run *run, const sei_provenance *provenance) {
    sei_labels labels = {0};
    sei_numbers numbers = {0};
    sei_measure_options how;
    char *path = NULL;
    sei_status status = SEI_OK;
    sei_measure_options_default(&how);
    SEI_TRY(sei_phasefield_labels(&run->file->options, &run->state, &run->file->entry->labels, &labels));
    SEI_TRY(sei_pf_half_path(run, (size_t)run->state.half_cycles, "labels.mrc", &path));
    SEI_TRY(sei_io_write_labels(path, &labels, provenance, true));
    sei_free(path);
    path = NULL;
    SEI_TRY(sei_measure(&labels, 0, NULL, &how, &numbers, NULL));
    SEI_TRY(sei_pf_half_path(run, (size_t)run->state.half_cycles, "measures.json", &path));
    SEI_TRY(sei_io_write_numbers(path, &numbers, NULL, true));
done:
    sei_labels_free(&labels);
    sei_numbers_free(&numbers);
    sei_free(path);
    return status;
}

sei_status sei_pf_write_half(const sei_pf_run *run) {
    const sei_pf_output_entry *wanted = &run->file->entry->output;
    sei_provenance provenance = {0};
    char name[32];
    sei_status status = SEI_OK;
    snprintf(name, sizeof name, "half_%02lld", (long long)run->state.half_cycles);
    SEI_TRY(sei_folder_make_below(run->folder, name));
    SEI_TRY(describe(run, &provenance));
    if (wanted->fields) {
        SEI_TRY(write_fields(run, &provenance));
        SEI_TRY(write_series(run, "fields"));
    }
    if (wanted->fields && run->file->entry->mechanics.enabled) {
        SEI_TRY(sei_pf_write_shape(run, &provenance));
        SEI_TRY(write_series(run, "deformation"));
    }
    if (wanted->labels) SEI_TRY(write_labels(run, &provenance));
    if (wanted->pictures) SEI_TRY(sei_pf_half_pictures(run));
done:
    sei_provenance_free(&provenance);
    return status;
}

/* Mechanics along a run of the model: the fields are followed every few per cent of the state of charge; nothing comes back. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"
#include "study/phasefield_run.h"

static const char *backend_of(const sei_pf_run *run) {
    return strcmp(run->options->backend, "ref") == 0 ? "ref" : "cpu"; /* there is no other */
}

static int64_t cells_of(const sei_mechanics_options *o) {
    return o->nx * o->ny * o->nz;
}

/* A field on the mechanics' grid: the mean over those of its cell's cells that lie in the wire. */
static void coarsen(const sei_pf_run *run, const double *field, double otherwise, double *out) {
    const sei_phasefield_state *s = &run->state;
    const sei_mechanics_options *o = &run->file->mechanics;
    const int64_t n = s->nx / o->nx, along = s->ny / o->ny;
    for (int64_t at = 0; at < cells_of(o); ++at) {
        const int64_t x = at % o->nx * n, y = at / o->nx % o->ny * along, z = at / o->nx / o->ny * n;
        double sum = 0;
        int64_t count = 0;
        for (int64_t k = z; k < z + n; ++k)
            for (int64_t j = y; j < y + along; ++j)
                for (int64_t i = x; i < x + n; ++i) {
                    const int64_t from = (k * s->ny + j) * s->nx + i;
                    if (!s->wire[from]) continue;
                    sum += field[from];
                    ++count;
                }
        out[at] = count > 0 ? sum / (double)count : otherwise;
    }
}

sei_status sei_pf_mechanics_begin(sei_pf_run *run) {
    return run->file->entry->mechanics.enabled ? sei_mechanics_begin(&run->file->mechanics, &run->shape) : SEI_OK;
}

/* Every cycle begins undeformed; doing so twice changes nothing. */
sei_status sei_pf_mechanics_cycle(sei_pf_run *run) {
    double *c_v = NULL;
    sei_status status = SEI_OK;
    if (!run->file->entry->mechanics.enabled) return SEI_OK;
    SEI_TRY(SEI_NEW(c_v, cells_of(&run->file->mechanics), 1, 1));
    coarsen(run, run->state.c_v, run->file->options.c_min, c_v);
    SEI_TRY(sei_mechanics_begin_cycle(&run->file->mechanics, c_v, &run->shape));
done:
    sei_free(c_v);
    return status;
}

/* Follows the state, unless that has been done already. */
sei_status sei_pf_mechanics_follow(sei_pf_run *run) {
    const int64_t cells = cells_of(&run->file->mechanics);
    double *c_li = NULL, *c_v = NULL;
    sei_status status = SEI_OK;
    if (!run->file->entry->mechanics.enabled || run->shape_at == run->state.evaluations) return SEI_OK;
    SEI_TRY(SEI_NEW(c_li, cells, 1, 1));
    SEI_TRY(SEI_NEW(c_v, cells, 1, 1));
    coarsen(run, run->state.c_li, run->file->options.c_min, c_li);
    coarsen(run, run->state.c_v, run->file->options.c_min, c_v);
    SEI_TRY(sei_mechanics_load(&run->file->mechanics, backend_of(run), c_li, c_v, &run->shape));
    run->shape_at = run->state.evaluations;
    run->shape_soc = sei_phasefield_soc(&run->file->limits, &run->state);
done:
    sei_free(c_li);
    sei_free(c_v);
    return status;
}

/* ---- the deformed wire as files */

enum { MEAN_STRESS, MISES, JACOBIAN, N_SCALARS };

typedef struct shape_fields {
    float *displacement; /* of the corners, x y z together, nm */
    float *stress;       /* of the cells, 3 x 3 */
    float *scalar[N_SCALARS];
    double *sigma[6], *real[N_SCALARS], *centre[2];
} shape_fields;

static void free_fields(shape_fields *f) {
    sei_free(f->displacement);
    sei_free(f->stress);
    for (int n = 0; n < N_SCALARS; ++n) sei_free(f->scalar[n]);
    for (int n = 0; n < N_SCALARS; ++n) sei_free(f->real[n]);
    for (int n = 0; n < 6; ++n) sei_free(f->sigma[n]);
    for (int n = 0; n < 2; ++n) sei_free(f->centre[n]);
}

static void fill_displacement(const sei_pf_run *run, float *out) {
    const sei_mechanics_state *m = &run->shape;
    const double unit = run->file->entry->labels.radius_nm, dx = run->file->mechanics.half_width * 2 / (double)m->nx;
    for (int64_t k = 0; k <= m->nz; ++k)
        for (int64_t j = 0; j <= m->ny; ++j)
            for (int64_t i = 0; i <= m->nx; ++i) {
                const int64_t n = (k * m->ny + j % m->ny) * (m->nx + 1) + i;
                const double y =
                    m->y == NULL ? (double)j * dx * m->stretch : m->y[n] + (j == m->ny ? (double)m->ny * dx * m->stretch : 0);
                float *to = out + 3 * ((k * (m->ny + 1) + j) * (m->nx + 1) + i);
                to[0] = (float)(unit * (m->x[n] - ((double)i - 0.5 * (double)m->nx) * dx));
                to[1] = (float)(unit * (y - (double)j * dx));
                to[2] = (float)(unit * (m->z[n] - ((double)k - 0.5 * (double)m->nz) * dx));
            }
}

static sei_status make_fields(const sei_pf_run *run, shape_fields *f) {
    static const int place[9] = {0, 4, 2, 4, 3, 5, 2, 5, 1}; /* of xx xy xz / yx yy yz / zx zy zz in sigma */
    const sei_mechanics_state *m = &run->shape;
    const int64_t cells = cells_of(&run->file->mechanics);
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(f->displacement, 3 * (m->nx + 1), m->ny + 1, m->nz + 1));
    SEI_TRY(SEI_NEW(f->stress, cells, 9, 1));
    for (int n = 0; n < 6; ++n) SEI_TRY(SEI_NEW(f->sigma[n], cells, 1, 1));
    for (int n = 0; n < N_SCALARS; ++n) SEI_TRY(SEI_NEW(f->real[n], cells, 1, 1));
    for (int n = 0; n < N_SCALARS; ++n) SEI_TRY(SEI_NEW(f->scalar[n], cells, 1, 1));
    for (int n = 0; n < 2; ++n) SEI_TRY(SEI_NEW(f->centre[n], cells, 1, 1));
    sei_mechanics_fields wanted = {.x = f->centre[0],
                                   .z = f->centre[1],
                                   .mean_stress = f->real[MEAN_STRESS],
                                   .mises = f->real[MISES],
                                   .jacobian = f->real[JACOBIAN]};
    memcpy(wanted.sigma, f->sigma, sizeof wanted.sigma);
    SEI_TRY(sei_mechanics_evaluate(&run->file->mechanics, m, &wanted));
    fill_displacement(run, f->displacement);
    for (int64_t at = 0; at < cells; ++at) {
        for (int n = 0; n < N_SCALARS; ++n) f->scalar[n][at] = (float)f->real[n][at];
        for (int n = 0; n < 9; ++n) f->stress[9 * at + n] = (float)f->sigma[place[n]][at];
    }
done:
    return status;
}

static sei_status write_vti(const sei_pf_run *run, const shape_fields *f) {
    const sei_mechanics_state *m = &run->shape;
    const double cell = 2 * run->file->mechanics.half_width / (double)m->nx * run->file->entry->labels.radius_nm;
    const sei_vti_array arrays[] = {{.name = "displacement", .components = 3, .at_points = true, .values = f->displacement},
                                    {.name = "stress", .components = 9, .values = f->stress},
                                    {.name = "mean_stress", .components = 1, .values = f->scalar[MEAN_STRESS]},
                                    {.name = "mises", .components = 1, .values = f->scalar[MISES]},
                                    {.name = "jacobian", .components = 1, .values = f->scalar[JACOBIAN]},
                                    {.name = "wire", .components = 1, .bytes = m->wire},
                                    {.name = "solid", .components = 1, .bytes = m->solid}};
    const sei_vti vti = {.nx = m->nx,
                         .ny = m->ny,
                         .nz = m->nz,
                         .spacing = cell,
                         .origin = {-0.5 * cell * (double)m->nx, 0, -0.5 * cell * (double)m->nz},
                         .n_arrays = sizeof arrays / sizeof arrays[0],
                         .arrays = arrays};
    char *path = NULL;
    sei_status status = sei_pf_half_path(run, (size_t)run->state.half_cycles, "deformation.vti", &path);
    if (status == SEI_OK) status = sei_io_write_vti(path, &vti, true);
    sei_free(path);
    return status;
}

static sei_status write_emd(const sei_pf_run *run, const shape_fields *f, const sei_provenance *provenance) {
    static const char *const names[] = {"displacement_x", "displacement_z", "mean_stress", "mises", "jacobian"};
    enum { N = sizeof names / sizeof names[0] };
    const sei_mechanics_state *m = &run->shape;
    const double unit = run->file->entry->labels.radius_nm, dx = run->file->mechanics.half_width * 2 / (double)m->nx;
    sei_volume volumes[N] = {{0}};
    char *path = NULL;
    sei_status status = SEI_OK;
    for (int v = 0; v < N; ++v) {
        SEI_TRY(sei_volume_alloc(m->nx, m->ny, m->nz, dx * unit, &volumes[v]));
        snprintf(volumes[v].name, sizeof volumes[v].name, "%s", names[v]);
        if (v < 2) snprintf(volumes[v].unit, sizeof volumes[v].unit, "nm");
        for (int64_t n = 0; n < cells_of(&run->file->mechanics); ++n) {
            const int64_t at = v == 0 ? n % m->nx : n / m->nx / m->ny;
            const double rest = ((double)at + 0.5 - 0.5 * (double)m->nx) * dx;
            volumes[v].data[n] = v >= 2 ? f->scalar[v - 2][n] : m->wire[n] ? (float)(unit * (f->centre[v][n] - rest)) : 0;
        }
    }
    SEI_TRY(sei_pf_half_path(run, (size_t)run->state.half_cycles, "deformation.emd", &path));
    SEI_TRY(sei_io_write_volumes(path, N, volumes, provenance, true));
done:
    for (int v = 0; v < N; ++v) sei_volume_free(&volumes[v]);
    sei_free(path);
    return status;
}

sei_status sei_pf_write_shape(const sei_pf_run *run, const sei_provenance *provenance) {
    shape_fields f = {0};
    sei_status status = SEI_OK;
    SEI_TRY(make_fields(run, &f));
    SEI_TRY(write_vti(run, &f));
    SEI_TRY(write_emd(run, &f, provenance));
done:
    free_fields(&f);
    return status;
}

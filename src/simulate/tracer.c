/* Path lengths of a specimen under a view: rays into a band of the lattice, the band into pixels. */
#include "simulate/tracer.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"

static sei_status check_body(const sei_specimen *s, size_t index) {
    const sei_body *body = &s->bodies[index];
    const double *half = body->half_nm, *at = body->centre_nm;
    const bool may_be_endless = body->shape == SEI_SHAPE_CYLINDER;
    if (!(half[0] > 0) || !(half[2] > 0) || (!may_be_endless && !(half[1] > 0)) || isnan(half[1])) {
        return sei_fail(SEI_ERR_INPUT, "specimen: body %zu has half sizes %g, %g, %g nm; they must be above 0", index + 1,
                        half[0], half[1], half[2]);
    }
    if (!isfinite(at[0] + at[1] + at[2] + body->rotation_deg + half[0] + half[1] + half[2])) {
        return sei_fail(SEI_ERR_INPUT,
                        "specimen: body %zu has centre %g, %g, %g nm, half sizes %g, %g, %g nm, rotation %g deg; "
                        "they must be finite",
                        index + 1, at[0], at[1], at[2], half[0], half[1], half[2], body->rotation_deg);
    }
    if (body->material < 1 || (size_t)body->material >= s->n_materials) {
        return sei_fail(SEI_ERR_INPUT, "specimen: body %zu is of material %d, expected 1 to %zu", index + 1, body->material,
                        s->n_materials - 1);
    }
    return SEI_OK;
}

static sei_status check_specimen(const sei_specimen *s) {
    if (s->n_materials < 1 || s->n_materials > SEI_MAX_MATERIALS || s->materials == NULL) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %zu materials, expected 1 (what fills the rest) to %d", s->n_materials,
                        SEI_MAX_MATERIALS);
    }
    if ((s->voxels != NULL) == (s->n_bodies > 0)) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %zu bodies and %s voxels; exactly one of both makes a specimen", s->n_bodies,
                        s->voxels == NULL ? "no" : "also");
    }
    if (s->voxels == NULL) return SEI_OK;
    if (s->nx < 1 || s->ny < 1 || s->nz < 1 || s->nx > 65536 || s->ny > 65536 || s->nz > 65536) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %lld x %lld x %lld voxels; each side must be 1 to 65536", (long long)s->nx,
                        (long long)s->ny, (long long)s->nz);
    }
    if (!(s->voxel_nm > 0) || !isfinite(s->voxel_nm)) {
        return sei_fail(SEI_ERR_INPUT, "specimen: voxel_nm is %g, expected above 0", s->voxel_nm);
    }
    return SEI_OK;
}

static void note_present(sei_tracer *tracer, uint32_t materials) {
    for (int m = 1; m < SEI_MAX_MATERIALS; ++m) {
        if ((materials >> m & 1) == 0) continue;
        tracer->present[tracer->n_present++] = m;
    }
}

static sei_status take_bodies(sei_tracer *tracer) {
    const sei_specimen *s = &tracer->specimen;
    uint32_t present = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(tracer->solids, (int64_t)s->n_bodies, 1, 1));
    for (size_t b = 0; b < s->n_bodies; ++b) {
        SEI_TRY(check_body(s, b));
        tracer->solids[b] = sei_solid_of(&s->bodies[b], s->materials[s->bodies[b].material].is_void);
        present |= 1U << s->bodies[b].material;
    }
    note_present(tracer, present);
done:
    return status;
}

static sei_status take_voxels(sei_tracer *tracer) {
    const sei_status status = sei_voxel_grid_of(&tracer->specimen, &tracer->grid);
    note_present(tracer, tracer->grid.all);
    return status;
}

sei_status sei_tracer_new(const sei_specimen *specimen, sei_tracer **out) {
    sei_tracer *made = NULL;
    sei_status status = check_specimen(specimen);
    if (status != SEI_OK) return status;
    SEI_TRY(SEI_NEW(made, 1, 1, 1));
    made->specimen = *specimen;
    SEI_TRY(specimen->voxels != NULL ? take_voxels(made) : take_bodies(made));
    *out = made;
    made = NULL;
done:
    sei_tracer_free(made);
    return status;
}

void sei_tracer_free(sei_tracer *tracer) {
    if (tracer == NULL) return;
    sei_free(tracer->solids);
    sei_voxel_grid_free(&tracer->grid);
    sei_free(tracer);
}

static sei_status check_weight(const sei_weight_grid *w) {
    if (w == NULL) return SEI_OK;
    if (w->nx < 1 || w->ny < 1 || w->nz < 1 || w->data == NULL) {
        return sei_fail(SEI_ERR_INPUT, "weight grid: %lld x %lld x %lld cells; each must be at least 1", (long long)w->nx,
                        (long long)w->ny, (long long)w->nz);
    }
    if (!(w->spacing_nm > 0) || !isfinite(w->spacing_nm)) {
        return sei_fail(SEI_ERR_INPUT, "weight grid: spacing_nm is %g, expected above 0", w->spacing_nm);
    }
    return SEI_OK;
}

/* One image on its way. Rows of the lattice lie in `band` as [row][column][material]. */
typedef struct passage {
    const sei_tracer *tracer;
    const sei_exposure *exposure;
    sei_lattice lattice;
    int fine;
    float *band;
    double *sums;              /* [worker][n_columns + nx] */
    sei_body_scratch *scratch; /* for bodies */
    sei_voxel_band voxels;     /* for voxels */
    float *paths;
} passage;

/* Rays of lattice rows first .. + n into the band. */
static void trace_band(const passage *p, int64_t first, int64_t n) {
    const int n_threads = sei_threads();
    const int64_t row_size = p->tracer->n_present * p->lattice.n_columns;
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t r = worker; r < n; r += n_threads) {
            float *row = p->band + r * row_size;
            if (p->tracer->specimen.voxels != NULL) {
                sei_voxel_band_row(p->tracer, &p->lattice, &p->voxels, first + r, row);
            } else {
                sei_trace_bodies(p->tracer, &p->lattice, first + r, sei_body_scratch_of(p->scratch, worker), row);
            }
        }
    }
}

/* Numbers of a row that are added up together: they stay in the nearest cache. */
enum { STRETCH = 1024 };

/* sum[i] = the exposure's rows of the band, each times its weight. */
static void add_rows(const passage *p, const float *from, int64_t row_size, const double *weights, int64_t n, double *sum) {
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int b = 0; b < p->exposure->n_rows; ++b) {
        const double w = weights[b];
        if (w == 0) continue;
        for (int64_t i = 0; i < n; ++i) sum[i] += w * (double)from[b * row_size + i];
    }
}

/* Pixel row y from the band that begins at lattice row `first`. */
static void expose_row(const passage *p, int64_t y, int64_t first, double *sums) {
    const sei_exposure *e = p->exposure;
    const sei_view *view = &p->lattice.camera->view;
    const int n = p->tracer->n_present;
    const int64_t row_size = n * p->lattice.n_columns;
    double *row = sums, *pixels = sums + row_size;
    memset(pixels, 0, (size_t)(n * view->nx) * sizeof *pixels);
    for (int k = 0; k < e->n_steps; ++k) {
        for (int64_t at = 0; at < row_size; at += STRETCH) {
            add_rows(p, p->band + (y * p->fine + e->low_row - first) * row_size + at, row_size, e->rows + k * e->n_rows,
                     row_size - at < STRETCH ? row_size - at : STRETCH, row + at);
        }
        for (int64_t x = 0; x < view->nx; ++x) {
            for (int a = 0; a < e->n_columns; ++a) {
                const double w = e->columns[k * e->n_columns + a];
                const double *from = row + (x * p->fine + a) * n;
                for (int i = 0; i < n; ++i) pixels[x * n + i] += w * from[i];
            }
        }
    }
    for (int i = 0; i < n; ++i) {
        float *out = p->paths + ((int64_t)p->tracer->present[i] * view->ny + y) * view->nx;
        for (int64_t x = 0; x < view->nx; ++x) out[x] = (float)pixels[x * n + i];
    }
}

static void expose_band(const passage *p, int64_t y0, int64_t y1, int64_t first) {
    const int n_threads = sei_threads();
    const int64_t room = p->tracer->n_present * (p->lattice.n_columns + p->lattice.camera->view.nx);
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t y = y0 + worker; y < y1; y += n_threads) expose_row(p, y, first, p->sums + worker * room);
    }
}

/* Bodies, and voxels under a turned axis: a band of lattice rows at a time. */
static sei_status paths_by_bands(passage *p, const sei_exposure *e) {
    const sei_view *view = &p->lattice.camera->view;
    const bool of_voxels = p->tracer->specimen.voxels != NULL;
    const bool at_once =
        of_voxels && sei_voxel_band_fits(p->tracer, &p->lattice, e->low_row, (view->ny - 1) * p->fine + e->n_rows);
    const int64_t n = p->tracer->n_present, n_columns = p->lattice.n_columns;
    /* small enough for the processor's caches, but bands of voxels that do not fit at once trace rays for every band */
    const int64_t band_bytes = of_voxels && !at_once ? 128 << 20 : 8 << 20;
    const int n_threads = sei_threads();
    const int64_t fitting = (band_bytes / (n * n_columns * (int64_t)sizeof *p->band) - e->n_rows) / p->fine;
    int64_t height = fitting < 16 ? 16 : fitting;
    sei_status status = SEI_OK;
    if (height > view->ny) height = view->ny;
    SEI_TRY(SEI_NEW(p->band, (height - 1) * p->fine + e->n_rows, n, n_columns));
    SEI_TRY(SEI_NEW(p->sums, n_threads, n, n_columns + view->nx));
    if (!of_voxels) SEI_TRY(sei_body_scratch_new(p->tracer, n_threads, &p->scratch));
    for (int64_t y0 = 0; y0 < view->ny; y0 += height) {
        const int64_t y1 = y0 + height < view->ny ? y0 + height : view->ny, y_end = at_once ? view->ny : y1;
        const int64_t first = y0 * p->fine + e->low_row;
        if (of_voxels && (y0 == 0 || !at_once)) {
            sei_voxel_band_free(&p->voxels);
            SEI_TRY(sei_voxel_band_trace(p->tracer, &p->lattice, first, (y_end - y0 - 1) * p->fine + e->n_rows, &p->voxels));
        }
        trace_band(p, first, (y1 - y0 - 1) * p->fine + e->n_rows);
        expose_band(p, y0, y1, first);
        SEI_TRY(sei_interrupt_check());
    }
done:
    sei_voxel_band_free(&p->voxels);
    sei_body_scratch_free(p->scratch, n_threads);
    sei_free(p->sums);
    sei_free(p->band);
    return status;
}

sei_status sei_tracer_paths(const sei_tracer *tracer, const sei_view *view, const sei_weight_grid *weight, float *paths_nm) {
    sei_camera camera;
    sei_exposure exposure = {0};
    double *across_nm = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(check_weight(weight));
    SEI_TRY(sei_camera_of(view, &camera));
    SEI_TRY(sei_exposure_of(view, &exposure));
    memset(paths_nm, 0, tracer->specimen.n_materials * (size_t)(view->ny * view->nx) * sizeof *paths_nm);
    if (tracer->n_present == 0) goto done;
    if (tracer->specimen.voxels != NULL && camera.cos_axis == 1) {
        status = sei_paths_along_y(tracer, &camera, &exposure, weight, paths_nm);
    } else {
        passage p = {.tracer = tracer, .exposure = &exposure, .fine = view->subsamples, .paths = paths_nm};
        p.lattice = (sei_lattice){.camera = &camera, .weight = weight, .n_columns = (view->nx - 1) * p.fine + exposure.n_columns};
        SEI_TRY(SEI_NEW(across_nm, p.lattice.n_columns, 1, 1));
        for (int64_t i = 0; i < p.lattice.n_columns; ++i) across_nm[i] = sei_camera_u(&camera, exposure.low_column + i);
        p.lattice.across_nm = across_nm;
        status = paths_by_bands(&p, &exposure);
    }
done:
    sei_free(across_nm);
    sei_exposure_free(&exposure);
    return status;
}

sei_status sei_specimen_paths(const sei_specimen *specimen, const sei_view *view, const sei_weight_grid *weight,
                              float *paths_nm) {
    sei_tracer *tracer = NULL;
    sei_status status = sei_tracer_new(specimen, &tracer);
    if (status == SEI_OK) status = sei_tracer_paths(tracer, view, weight, paths_nm);
    sei_tracer_free(tracer);
    return status;
}

/* Images of voxels, by their sinogram: developed as it is when the tilt axis is y, looked up ray by ray when it is turned. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "simulate/tracer.h"

/* Bytes of sinogram that are held at once, unless one row of pixels needs more. */
static const int64_t most_bytes = 128 << 20;
/* Pixel columns that a worker develops together: a cache line of the image. */
enum { TILE = 16 };

/*
 * Voxel rows in a pixel row, tilt axis y: what a voxel holds is constant over its height, so the pixel's box, moved by each
 * step of the smear and blurred, is integrated over it exactly.
 */
typedef struct row_weights {
    int64_t n;       /* voxel rows of a pixel row */
    int64_t *first;  /* [ny] */
    double *weights; /* [n_steps][ny][n] */
} row_weights;

/* Weights of one pixel row for the moves first_move .. + n_moves, their mean divided by `steps`. */
static void weigh_rows(const sei_voxel_grid *g, const sei_view *v, double low_nm, int64_t first, int64_t n, const double *move_px,
                       int n_moves, double blur_px, int steps, double *weights) {
    double sum = 0;
    memset(weights, 0, (size_t)n * sizeof *weights);
    for (int move = 0; move < n_moves; ++move) {
        double below = 0;
        for (int64_t j = 0; j <= n; ++j) {
            const double t = (((double)(first + j) + g->corner_y) * g->voxel_nm - low_nm) / v->pixel_nm;
            const double next = sei_box_below(t + move_px[2 * move + 1], blur_px);
            if (j > 0) weights[j - 1] += fmax(0, next - below);
            if (j > 0) sum += fmax(0, next - below);
            below = next;
        }
    }
    for (int64_t j = 0; j < n; ++j) weights[j] /= sum * steps;
}

static sei_status row_weights_of(const sei_voxel_grid *g, const sei_camera *camera, const sei_exposure *e, row_weights *out) {
    const sei_view *v = &camera->view;
    const double reach = SEI_BLUR_TAIL * e->blur_px + fabs(v->smear_px[1]) / 2;
    row_weights w = {.n = (int64_t)ceil((1 + 2 * reach) * v->pixel_nm / g->voxel_nm) + 2};
    const int joined = e->n_steps == 1 ? e->n_moves : 1;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(w.first, v->ny, 1, 1));
    SEI_TRY(SEI_NEW(w.weights, e->n_steps, v->ny, w.n));
    for (int64_t r = 0; r < v->ny; ++r) {
        const double low_nm = (((double)r - (double)(v->ny - 1) / 2) - v->shift_px[1] - 0.5) * v->pixel_nm;
        w.first[r] = (int64_t)floor((low_nm - reach * v->pixel_nm) / g->voxel_nm - g->corner_y) - 1;
        for (int k = 0; k < e->n_steps; ++k) {
            weigh_rows(g, v, low_nm, w.first[r], w.n, e->move_px + 2 * k, joined, e->blur_px, e->n_steps,
                       w.weights + (k * v->ny + r) * w.n);
        }
    }
    *out = w;
    memset(&w, 0, sizeof w);
done:
    sei_free(w.first);
    sei_free(w.weights);
    return status;
}

/* What the workers that develop a band of rows share. */
typedef struct development {
    const sei_voxel_grid *grid;
    const sei_camera *camera;
    const sei_exposure *exposure;
    const row_weights *rows;
    const sei_sinogram *sinogram;
    int64_t r0, r1;
    float *paths;
} development;

/* Adds step k of pixel column x to sums[material][row]; line holds one double per element of a ray. */
static void develop_column(const development *d, int64_t x, int k, double *line, double *sums) {
    const sei_exposure *e = d->exposure;
    const sei_sinogram *s = d->sinogram;
    const row_weights *w = d->rows;
    const int64_t size = s->n_materials * s->n_y, ny = d->camera->view.ny, height = d->r1 - d->r0;
    memset(line, 0, (size_t)size * sizeof *line);
    for (int a = 0; a < e->n_columns; ++a) {
        const double weight = e->columns[k * e->n_columns + a];
        const float *ray = s->data + (x * d->camera->view.subsamples + a) * size;
        if (weight == 0 || !s->lit[x * d->camera->view.subsamples + a]) continue;
        for (int64_t i = 0; i < size; ++i) line[i] += weight * (double)ray[i];
    }
    for (int64_t r = d->r0; r < d->r1; ++r) {
        const int64_t from = w->first[r] - s->first_y;
        const int64_t j0 = from < 0 ? -from : 0, j1 = from + w->n > s->n_y ? s->n_y - from : w->n;
        const double *weights = w->weights + (k * ny + r) * w->n;
        for (int m = 0; m < s->n_materials; ++m) {
            const double *values = line + m * s->n_y + from;
            double sum = 0;
            for (int64_t j = j0; j < j1; ++j) sum += weights[j] * values[j];
            sums[m * height + r - d->r0] += sum;
        }
    }
}

static void develop_tile(const development *d, int64_t x0, double *line, double *sums) {
    const sei_view *v = &d->camera->view;
    const int64_t height = d->r1 - d->r0, x1 = x0 + TILE < v->nx ? x0 + TILE : v->nx;
    for (int64_t x = x0; x < x1; ++x) {
        memset(sums, 0, (size_t)(d->sinogram->n_materials * height) * sizeof *sums);
        for (int k = 0; k < d->exposure->n_steps; ++k) develop_column(d, x, k, line, sums);
        for (int m = 0; m < d->sinogram->n_materials; ++m) {
            float *to = d->paths + ((int64_t)d->sinogram->material[m] * v->ny + d->r0) * v->nx + x;
            for (int64_t r = 0; r < height; ++r) to[r * v->nx] = (float)sums[m * height + r];
        }
    }
}

static sei_status develop(const development *d) {
    const int n_threads = sei_threads();
    const int64_t n_tiles = (d->camera->view.nx + TILE - 1) / TILE;
    const int64_t room = d->sinogram->n_materials * (d->sinogram->n_y + d->r1 - d->r0);
    double *memory = NULL;
    const sei_status status = SEI_NEW(memory, n_threads, room, 1);
    if (status != SEI_OK) return status;
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        double *line = memory + worker * room;
        double *sums = line + d->sinogram->n_materials * d->sinogram->n_y;
        for (int64_t tile = worker; tile < n_tiles; tile += n_threads) develop_tile(d, tile * TILE, line, sums);
    }
    sei_free(memory);
    return SEI_OK;
}

/* How many pixel rows from r0 on fit in memory; at least one. */
static int64_t fitting_rows(const sei_voxel_grid *g, const row_weights *w, int64_t r0, int64_t ny, int64_t n_rays) {
    int64_t height = ny - r0;
    for (;;) {
        sei_sinogram s;
        int64_t ray_bytes;
        sei_sinogram_shape(g, w->first[r0], w->first[r0 + height - 1] + w->n, &s, &ray_bytes);
        if (height == 1 || ray_bytes * n_rays <= most_bytes) return height;
        height = (height + 1) / 2;
    }
}

sei_status sei_paths_along_y(const sei_tracer *tracer, const sei_camera *camera, const sei_exposure *exposure,
                             const sei_weight_grid *weight, float *paths) {
    const sei_voxel_grid *g = &tracer->grid;
    const sei_view *v = &camera->view;
    const int64_t n_rays = (v->nx - 1) * v->subsamples + exposure->n_columns;
    row_weights rows = {0};
    sei_sinogram s = {0};
    double *u_nm = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(row_weights_of(g, camera, exposure, &rows));
    SEI_TRY(SEI_NEW(u_nm, n_rays, 1, 1));
    for (int64_t i = 0; i < n_rays; ++i) {
        u_nm[i] = sei_camera_u(camera, exposure->low_column + i) - v->axis_offset_px * v->pixel_nm;
    }
    for (int64_t r0 = 0; r0 < v->ny;) {
        const int64_t r1 = r0 + fitting_rows(g, &rows, r0, v->ny, n_rays);
        const development d = {g, camera, exposure, &rows, &s, r0, r1, paths};
        int64_t ray_bytes;
        sei_sinogram_shape(g, rows.first[r0], rows.first[r1 - 1] + rows.n, &s, &ray_bytes);
        s.n_rays = n_rays;
        if (ray_bytes > 0) {
            SEI_TRY(sei_sinogram_trace(g, camera, weight, u_nm, &s));
            SEI_TRY(develop(&d));
        }
        sei_sinogram_free(&s);
        SEI_TRY(sei_interrupt_check());
        r0 = r1;
    }
done:
    sei_sinogram_free(&s);
    sei_free(u_nm);
    sei_free(rows.first);
    sei_free(rows.weights);
    return status;
}

/* ---- a turned axis */

/* Where the rays of lattice rows first_row .. + n_rows run; the number of the first of them, in steps; bytes they need. */
static double shape_band(const sei_tracer *tracer, const sei_lattice *lattice, int64_t first_row, int64_t n_rows,
                         sei_voxel_band *band, int64_t *bytes) {
    const sei_voxel_grid *g = &tracer->grid;
    const sei_camera *c = lattice->camera;
    double low_u = INFINITY, high_u = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    for (int corner = 0; corner < 4; ++corner) {
        const double across = lattice->across_nm[(corner & 1) != 0 ? lattice->n_columns - 1 : 0];
        double u, y;
        sei_camera_turn(c, across, sei_camera_v(c, first_row + ((corner & 2) != 0 ? n_rows - 1 : 0)), &u, &y);
        low_u = fmin(low_u, u), high_u = fmax(high_u, u);
        low_y = fmin(low_y, y), high_y = fmax(high_y, y);
    }
    band->step_nm = c->view.pixel_nm / (2 * c->view.subsamples);
    /* rays stand at whole steps, wherever the band lies */
    const double first_step = floor(low_u / band->step_nm) - 1;
    band->low_u_nm = first_step * band->step_nm;
    sei_sinogram_shape(g, (int64_t)floor(low_y / g->voxel_nm - g->corner_y) - 1,
                       (int64_t)floor(high_y / g->voxel_nm - g->corner_y) + 2, &band->sinogram, bytes);
    band->sinogram.interleaved = true;
    band->sinogram.n_rays = (int64_t)(ceil(high_u / band->step_nm) - first_step) + 2;
    *bytes *= band->sinogram.n_rays;
    return first_step;
}

bool sei_voxel_band_fits(const sei_tracer *tracer, const sei_lattice *lattice, int64_t first_row, int64_t n_rows) {
    sei_voxel_band band;
    int64_t bytes;
    (void)shape_band(tracer, lattice, first_row, n_rows, &band, &bytes);
    return bytes <= most_bytes;
}

sei_status sei_voxel_band_trace(const sei_tracer *tracer, const sei_lattice *lattice, int64_t first_row, int64_t n_rows,
                                sei_voxel_band *out) {
    sei_voxel_band band = {0};
    double *u_nm = NULL;
    int64_t bytes;
    sei_status status = SEI_OK;
    const double first_step = shape_band(tracer, lattice, first_row, n_rows, &band, &bytes);
    SEI_TRY(SEI_NEW(u_nm, band.sinogram.n_rays, 1, 1));
    for (int64_t i = 0; i < band.sinogram.n_rays; ++i) u_nm[i] = (first_step + (double)i) * band.step_nm;
    SEI_TRY(sei_sinogram_trace(&tracer->grid, lattice->camera, lattice->weight, u_nm, &band.sinogram));
    *out = band;
    memset(&band, 0, sizeof band);
done:
    sei_free(u_nm);
    sei_voxel_band_free(&band);
    return status;
}

void sei_voxel_band_free(sei_voxel_band *band) {
    sei_sinogram_free(&band->sinogram);
    memset(band, 0, sizeof *band);
}

void sei_voxel_band_row(const sei_tracer *tracer, const sei_lattice *lattice, const sei_voxel_band *band, int64_t row,
                        float *paths) {
    const sei_voxel_grid *g = &tracer->grid;
    const sei_sinogram *s = &band->sinogram;
    const int n = s->n_materials;
    const double v_nm = sei_camera_v(lattice->camera, row);
    const double bottom = g->corner_y + (double)s->first_y, to_steps = 1 / band->step_nm, to_voxels = 1 / g->voxel_nm;
    memset(paths, 0, (size_t)(n * lattice->n_columns) * sizeof *paths);
    for (int64_t i = 0; i < lattice->n_columns; ++i) {
        double u, y;
        sei_camera_turn(lattice->camera, lattice->across_nm[i], v_nm, &u, &y);
        const double steps = (u - band->low_u_nm) * to_steps, height = y * to_voxels - bottom;
        const int64_t ray = (int64_t)steps;
        if (height < 0 || (!s->lit[ray] && !s->lit[ray + 1])) continue;
        const float part = (float)(steps - (double)ray);
        /* a ray along the wall between two rows belongs to both by halves */
        const int64_t j0 = height > 1e-9 ? (int64_t)(height - 1e-9) : -1, j1 = (int64_t)(height + 1e-9);
        for (int64_t j = j0; j <= j1; ++j) {
            const float *here = s->data + (ray * s->n_y + j) * n, *next = here + s->n_y * n;
            const float share = j0 == j1 ? 1 : 0.5F;
            if (j < 0 || j >= s->n_y) continue;
            for (int m = 0; m < n; ++m) paths[i * n + m] += share * ((1 - part) * here[m] + part * next[m]);
        }
    }
}

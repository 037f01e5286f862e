/* Voxels laid out for rays, and the walk of a ray through them: the exact length in every cell (Siddon 1985, Med. Phys.
 * 12:252; the next wall is found from its number, so errors do not add up). */
#include "simulate/voxel_grid.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

/* What one plane z holds. */
typedef struct plane {
    int64_t x0, x1; /* columns that are not empty: x0 <= x < x1 */
    bool seen[256];
} plane;

static void look_at_plane(const sei_specimen *s, int64_t z, plane *out) {
    out->x0 = s->nx;
    for (int64_t y = 0; y < s->ny; ++y) {
        const uint8_t *row = s->voxels + (z * s->ny + y) * s->nx;
        int64_t x = 0;
        while (x < s->nx && row[x] == 0) ++x;
        if (x == s->nx) continue;
        int64_t end = s->nx;
        while (row[end - 1] == 0) --end;
        if (x < out->x0) out->x0 = x;
        if (end > out->x1) out->x1 = end;
        for (; x < end; ++x) out->seen[row[x]] = true;
    }
}

/* The box of what is not empty, and which materials there are. */
static sei_status look(const sei_specimen *s, int64_t box[4], uint32_t *all) {
    const int n_threads = sei_threads();
    plane *planes = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(planes, s->nz, 1, 1));
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t z = worker; z < s->nz; z += n_threads) look_at_plane(s, z, &planes[z]);
    }
    box[0] = s->nx, box[1] = 0, box[2] = s->nz, box[3] = 0;
    *all = 0;
    for (int64_t z = 0; z < s->nz; ++z) {
        const plane *p = &planes[z];
        if (p->x0 >= p->x1) continue;
        if (p->x0 < box[0]) box[0] = p->x0;
        if (p->x1 > box[1]) box[1] = p->x1;
        if (z < box[2]) box[2] = z;
        box[3] = z + 1;
        for (unsigned m = 1; m < 256; ++m) {
            if (!p->seen[m]) continue;
            if (m >= s->n_materials) {
                status = sei_fail(SEI_ERR_INPUT, "specimen: a voxel in plane z = %lld is of material %u, expected 0 to %zu",
                                  (long long)z, m, s->n_materials - 1);
                goto done;
            }
            *all |= 1U << m;
        }
    }
done:
    sei_free(planes);
    return status;
}

/* One block of rows of the planes' columns, turned so that y runs fastest. */
static void turn_block(const sei_specimen *s, const sei_voxel_grid *g, const int64_t box[4], int64_t k, int64_t block) {
    const int64_t y0 = block * SEI_VOXEL_BLOCK;
    const int64_t rows = s->ny - y0 < SEI_VOXEL_BLOCK ? s->ny - y0 : SEI_VOXEL_BLOCK;
    const uint8_t *from = s->voxels + ((k + box[2]) * s->ny + y0) * s->nx + box[0];
    for (int64_t i = 0; i < g->nx; ++i) {
        const int64_t at = (k * g->nx + i) * g->n_blocks + block;
        uint8_t *to = g->columns + at * SEI_VOXEL_BLOCK;
        uint32_t mask = rows < SEI_VOXEL_BLOCK;
        for (int64_t j = 0; j < rows; ++j) {
            to[j] = from[j * s->nx + i];
            mask |= 1U << to[j];
        }
        g->masks[at] = mask;
        g->column_masks[k * g->nx + i] |= mask & ~1U;
    }
}

sei_status sei_voxel_grid_of(const sei_specimen *s, sei_voxel_grid *out) {
    const int n_threads = sei_threads();
    int64_t box[4];
    sei_voxel_grid g = {.ny = s->ny,
                        .n_blocks = (s->ny + SEI_VOXEL_BLOCK - 1) / SEI_VOXEL_BLOCK,
                        .voxel_nm = s->voxel_nm,
                        .corner_y = -(double)s->ny / 2};
    size_t bytes = 0;
    sei_status status = SEI_OK;
    SEI_TRY(look(s, box, &g.all));
    if (box[1] > box[0]) {
        g.nx = box[1] - box[0];
        g.nz = box[3] - box[2];
        g.corner_x = (double)box[0] - (double)s->nx / 2;
        g.corner_z = (double)box[2] - (double)s->nz / 2;
    }
    SEI_TRY(sei_checked_bytes(g.nz * g.nx, g.n_blocks, SEI_VOXEL_BLOCK, 1, &bytes));
    SEI_TRY(sei_alloc_aligned(bytes + SEI_VOXEL_BLOCK, (void **)&g.columns));
    SEI_TRY(SEI_NEW(g.masks, g.nz, g.nx, g.n_blocks));
    SEI_TRY(SEI_NEW(g.column_masks, g.nz, g.nx, 1));
    memset(g.columns, 0, bytes);
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t k = worker; k < g.nz; k += n_threads) {
            for (int64_t block = 0; block < g.n_blocks; ++block) turn_block(s, &g, box, k, block);
        }
    }
    *out = g;
    memset(&g, 0, sizeof g);
done:
    sei_voxel_grid_free(&g);
    return status;
}

void sei_voxel_grid_free(sei_voxel_grid *grid) {
    sei_free(grid->columns);
    sei_free(grid->masks);
    sei_free(grid->column_masks);
    memset(grid, 0, sizeof *grid);
}

/* ---- the walk of a ray, in voxels from the box's corner */

/* Narrows [enter, leave] to where 0 <= start + s*slope <= n. */
static bool between_walls(double start, double slope, double n, double *enter, double *leave) {
    if (slope == 0) return start >= 0 && start <= n;
    const double a = -start / slope, b = (n - start) / slope;
    *enter = fmax(*enter, fmin(a, b));
    *leave = fmin(*leave, fmax(a, b));
    return *enter < *leave;
}

static int64_t clamp(double at, int64_t n) {
    const int64_t cell = (int64_t)floor(at);
    return cell < 0 ? 0 : cell > n - 1 ? n - 1 : cell;
}

typedef struct path {
    double x0, z0, dx, dz, share;
} path;

static int64_t walk(const sei_voxel_grid *g, const path *p, sei_ray_cell *cells) {
    const double inverse_x = 1 / p->dx, inverse_z = 1 / p->dz;
    double enter = -INFINITY, leave = INFINITY;
    int64_t n = 0;
    if (!between_walls(p->x0, p->dx, (double)g->nx, &enter, &leave)) return 0;
    if (!between_walls(p->z0, p->dz, (double)g->nz, &enter, &leave)) return 0;
    const double inside = enter + fmin(1e-9, (leave - enter) / 2);
    int64_t i = clamp(p->x0 + inside * p->dx, g->nx), k = clamp(p->z0 + inside * p->dz, g->nz);
    const int64_t step_x = p->dx > 0 ? 1 : -1, step_z = p->dz > 0 ? 1 : -1;
    for (double s = enter; s < leave;) {
        const double wall_x = p->dx == 0 ? INFINITY : ((double)(i + (p->dx > 0)) - p->x0) * inverse_x;
        const double wall_z = p->dz == 0 ? INFINITY : ((double)(k + (p->dz > 0)) - p->z0) * inverse_z;
        const double end = fmin(leave, fmin(wall_x, wall_z));
        if (end > s && g->column_masks[k * g->nx + i] != 0) {
            const double middle = (s + end) / 2;
            cells[n++] = (sei_ray_cell){k * g->nx + i, (float)((end - s) * p->share * g->voxel_nm),
                                        (float)((p->x0 + middle * p->dx + g->corner_x) * g->voxel_nm),
                                        (float)((p->z0 + middle * p->dz + g->corner_z) * g->voxel_nm)};
        }
        if (wall_x <= wall_z) i += step_x;
        if (wall_z <= wall_x) k += step_z;
        if (i < 0 || k < 0 || i >= g->nx || k >= g->nz) break;
        s = fmax(s, end);
    }
    return n;
}

/* A ray along a wall between cells belongs to both by halves. */
static bool on_wall(double start, double slope) {
    return slope == 0 && fabs(start - floor(start + 0.5)) < 1e-9;
}

/* Every step crosses a wall of x or of z; rays along a wall are walked twice. */
int64_t sei_ray_cells_most(const sei_voxel_grid *grid) {
    return 2 * (grid->nx + grid->nz + 2);
}

int64_t sei_ray_cells(const sei_voxel_grid *g, double cos_tilt, double sin_tilt, double u_nm, sei_ray_cell *cells) {
    path p = {.x0 = u_nm * cos_tilt / g->voxel_nm - g->corner_x,
              .z0 = -u_nm * sin_tilt / g->voxel_nm - g->corner_z,
              .dx = sin_tilt,
              .dz = cos_tilt,
              .share = 1};
    if (g->nx == 0) return 0;
    if (!on_wall(p.x0, p.dx) && !on_wall(p.z0, p.dz)) return walk(g, &p, cells);
    const double aside_x = p.dx == 0 ? 1e-6 : 0, aside_z = p.dz == 0 ? 1e-6 : 0;
    p.share = 0.5;
    p.x0 -= aside_x;
    p.z0 -= aside_z;
    const int64_t n = walk(g, &p, cells);
    p.x0 += 2 * aside_x;
    p.z0 += 2 * aside_z;
    return n + walk(g, &p, cells + n);
}

/*
 * S = A V, ray by ray. A ray runs along lines of voxels: rows of z for tilts up
 * to 45 degrees, columns of x beyond. On every line it meets at most two voxels
 * (linear) or four (strip).
 *
 * The volume is taken in strips, eight rows after eight rows, in a copy that
 * goes round in a ring: while the rays of some rows are added up, the next rows
 * are copied. In eight rows, a window across the lines is taken for all tilts,
 * so that its voxels stay in the first cache and the bins they fall on in the
 * second. Weights and places are worked out once for some rows and serve all
 * slices. A bin's sum runs over the strips and their rows in a fixed order.
 */
#include "backend/cpu.h"
#include "backend/slices.h"

enum { LINES = 8, WINDOW = 8, WIDTH = 64, MARGIN = 6, COPY_X = WIDTH + 2 * MARGIN, COPY_Z = LINES + 2 * MARGIN };
enum { TILTS = SEI_PROJECT_TILTS, MAX_TAPS = 4, REACH = LINES / 2 + 3, REGIONS = 64, TABLE_BYTES = 5 << 20 };
/* Rows of the ring: a region's and the next eight; the first are there twice,
 * so that taps need not go round. */
enum { RING = 32, RING_ROWS = RING + MAX_TAPS - 1 };
/* What is fetched beforehand: so many voxels and bins ahead. */
enum { AHEAD = 24, SOON = 3 };
_Static_assert(COPY_Z + LINES <= RING && (RING & (RING - 1)) == 0, "the ring is too small");

/* Neighbouring rays of one tilt, which follow in the table: places[LINES], then
 * weights[taps][LINES] for each. */
typedef struct rays {
    int32_t tilt, u, n, taps;
    uint32_t step; /* floats of the copy from tap to tap */
    uint32_t pad[3];
} rays;

/* One part of the work: some tilts of some slices. */
typedef struct project_item {
    const sei_slab *slab;
    const sei_tilt_table *tilts;
    int t0, t1, slices0, slices1;
    size_t stride; /* of the sums, from tilt to tilt */
} project_item;

/* Eight lines of a region, seen by one tilt. */
typedef struct lines {
    const sei_slab *slab;
    int tilt, taps, line;
    bool along_z;
    double slope, step, centre, low, high; /* bins per voxel across, voxels per bin; first taps lie from low to
                                              high */
    double fixed[LINES];                   /* that part of sei_voxel_bin which belongs to the line */
    double hit[LINES];                     /* where the ray of bin 0 crosses the line, minus the
                                              reach, plus 1 */
    double place[LINES], place_step, turn; /* of a line in the copy, from voxel to voxel, and the row where the
                                              ring begins */
} lines;

static bool runs_along_z(const sei_slab *s, int t) {
    return fabs(s->cos_tilt[t]) >= fabs(s->sin_tilt[t]);
}

/* x0 and z0 are the first of the region's copy. */
static void set_lines(const sei_slab *s, const sei_tilt_table *tilts, int t, int line, int x0, int z0, lines *a) {
    const bool along_z = runs_along_z(s, t);
    const double cos_t = s->cos_tilt[t], sin_t = s->sin_tilt[t], axis = s->axis_u[t];
    const double slope = along_z ? cos_t : -sin_t, step = 1 / slope, reach = tilts->radius[t] * fabs(step),
                 taps = ceil(2 * reach);
    const double centre = 0.5 * ((along_z ? s->nx : s->nz) - 1), line_centre = 0.5 * ((along_z ? s->nz : s->nx) - 1);
    a->slab = s;
    a->tilt = t;
    a->line = line;
    a->along_z = along_z;
    a->taps = taps < MAX_TAPS ? (int)taps : MAX_TAPS;
    a->slope = slope;
    a->step = step;
    a->centre = centre;
    a->low = along_z ? x0 : z0;
    a->high = a->low + (along_z ? COPY_X : COPY_Z) - a->taps;
    a->place_step = along_z ? 1 : COPY_X;
    a->turn = z0 - (z0 & (RING - 1));
    for (int k = 0; k < LINES; ++k) {
        const double across = line + k - line_centre;
        a->fixed[k] = across * (along_z ? sin_t : cos_t);
        a->hit[k] = centre - (along_z ? axis - a->fixed[k] : axis + a->fixed[k]) * step - reach + 1;
        a->place[k] = along_z ? ((line + k) & (RING - 1)) * COPY_X - x0 : line + k - x0;
    }
}

typedef struct project_work {
    float copy[RING_ROWS * COPY_X * SEI_SPAN];
    uint8_t inside[RING_ROWS * COPY_X]; /* of the support */
    lines lines[WIDTH / LINES][TILTS];
    char table[TABLE_BYTES];
    const char *begin[REGIONS + 1]; /* of each region in the table */
    int z0[REGIONS];
} project_work;
_Static_assert(sizeof(project_work) <= SEI_WORK_BYTES, "the work space of one thread is too small");

/* Weights of one ray on the lines, and the places of its first voxels. The
 * loops are written so that they become vectors. */
static SEI_INLINE void weigh(const lines *a, const sei_footprint *f, bool along_z, bool linear, int taps, int u, int32_t *place,
                             float *weights) {
    const double axis = a->slab->axis_u[a->tilt], slope = along_z ? a->slope : -a->slope, step = a->step, bin = u;
    const double low = a->low, high = a->high, centre = a->centre, turn = a->turn;
    const double c = f->c, inverse_c2 = f->inverse_c2, fa = f->a, fb = f->b, height = f->height, ramp = f->inverse_ramp;
    double first[LINES];
    for (int k = 0; k < LINES; ++k) {
        const double i = sei_floor(a->hit[k] + bin * step);
        const double not_below = i < low ? low : i;
        first[k] = not_below > high ? high : not_below;
    }
    for (int k = 0; k < LINES; ++k) {
        const double row = first[k] - turn, round = row >= RING ? row - RING : row;
        place[k] = (int32_t)((along_z ? first[k] : round * COPY_X) + a->place[k]);
    }
    for (int j = 0; j < taps; ++j) {
        for (int k = 0; k < LINES; ++k) {
            const double moving = (first[k] + j - centre) * slope, fixed = a->fixed[k];
            const double d = (along_z ? moving - fixed : fixed - moving) + axis - bin; /* sei_voxel_bin, in its order */
            const double value = linear ? sei_triangle(c, inverse_c2, d)
                                        : sei_trapezoid_integral(fa, fb, height, ramp, d + 0.5) -
                                              sei_trapezoid_integral(fa, fb, height, ramp, d - 0.5);
            weights[j * LINES + k] = (float)value;
        }
    }
}

static size_t ray_bytes(int taps) {
    return LINES * (sizeof(int32_t) + (size_t)taps * sizeof(float));
}

/* Writes the table's entry of one ray. Returns whether any of its voxels is
 * within the support. */
static bool write_ray(const lines *a, const sei_footprint *f, const uint8_t *inside, int u, char *to) {
    const bool linear = a->slab->kernel == SEI_KERNEL_LINEAR;
    int32_t *place = (int32_t *)to;
    float *weights = (float *)(to + LINES * sizeof *place);
    if (a->along_z && linear) weigh(a, f, true, true, 2, u, place, weights);
    if (a->along_z && !linear) weigh(a, f, true, false, a->taps, u, place, weights);
    if (!a->along_z && linear) weigh(a, f, false, true, 2, u, place, weights);
    if (!a->along_z && !linear) weigh(a, f, false, false, a->taps, u, place, weights);
    bool any = inside == NULL;
    for (int k = 0; k < LINES && inside != NULL; ++k) {
        for (int j = 0; j < a->taps; ++j) any = any || inside[place[k] + j * (int)a->place_step] != 0;
    }
    return any;
}

/*
 * The first ray that crosses the middle of the lines at or beyond `across`:
 * rays from one window's edge to the next belong to that window, and every ray
 * to one window.
 */
static int first_ray(const lines *a, double across) {
    const sei_slab *s = a->slab;
    const double middle = a->line + 0.5 * (LINES - 1);
    const double bin = sei_voxel_bin(a->along_z ? across : middle, a->along_z ? middle : across, s->nx, s->nz,
                                     s->cos_tilt[a->tilt], s->sin_tilt[a->tilt], s->axis_u[a->tilt]);
    return bin < 0 ? 0 : bin > s->nu ? s->nu : (int)ceil(bin);
}

/* The rays of one tile: from edge to edge + WINDOW, and at the ends of the
 * volume those that meet an outer line only. */
static char *add_tile(const lines *a, const sei_footprint *f, int edge, const uint8_t *inside, char *to) {
    const int n_across = a->along_z ? a->slab->nx : a->slab->nz;
    const double left = edge == 0 ? -REACH : edge - 0.5,
                 right = edge + WINDOW < n_across ? edge + WINDOW - 0.5 : n_across + REACH;
    const int b0 = first_ray(a, left), b1 = first_ray(a, right), u1 = b0 < b1 ? b1 : b0;
    rays *open = NULL;
    for (int u = b0 < b1 ? b0 : b1; u < u1; ++u) {
        char *entry = open == NULL ? to + sizeof *open : to;
        if (!write_ray(a, f, inside, u, entry)) {
            open = NULL;
            continue;
        }
        if (open == NULL) {
            open = (rays *)to;
            *open = (rays){.tilt = a->tilt, .u = u, .taps = a->taps, .step = (uint32_t)a->place_step * SEI_SPAN};
        }
        open->n += 1;
        to = entry + ray_bytes(a->taps);
    }
    return to;
}

/* Which voxels of the copy belong to the support; false: none of them. */
static bool mark_support(const sei_slab *s, int x0, int z0, uint8_t *inside) {
    bool any = false;
    for (int z = z0; z < z0 + COPY_Z; ++z) {
        uint8_t *row = inside + (z & (RING - 1)) * COPY_X;
        for (int i = 0; i < COPY_X; ++i) {
            const int x = x0 + i;
            const bool in = x >= 0 && x < s->nx && z >= 0 && z < s->nz && s->support[(size_t)z * (size_t)s->nx + (size_t)x] != 0;
            row[i] = in;
            any = any || in;
        }
        if ((z & (RING - 1)) < MAX_TAPS - 1) memcpy(row + RING * COPY_X, row, COPY_X);
    }
    return any;
}

/* All rays of a region, eight rows of a strip: window by window, and in each
 * tilt by tilt. */
static char *add_region(const project_item *p, int x0, int z0, project_work *work, char *to) {
    const sei_slab *s = p->slab;
    const uint8_t *inside = s->support == NULL ? NULL : work->inside;
    const int x1 = x0 + WIDTH < s->nx ? x0 + WIDTH : s->nx;
    if (inside != NULL && !mark_support(s, x0 - MARGIN, z0 - MARGIN, work->inside)) return to;
    for (int t = p->t0; t < p->t1; ++t) {
        const bool along_z = runs_along_z(s, t);
        for (int k = 0; k < (along_z ? 1 : WIDTH / LINES); ++k) {
            const int line = along_z ? z0 : x0 + k * LINES;
            set_lines(s, p->tilts, t, line, x0 - MARGIN, z0 - MARGIN, &work->lines[k][t - p->t0]);
        }
    }
    for (int x = x0; x < x1; x += WINDOW) {
        for (int pass = 0; pass < 2; ++pass) {
            for (int t = p->t0; t < p->t1; ++t) {
                const bool along_z = runs_along_z(s, t);
                const lines *a = &work->lines[along_z ? 0 : (x - x0) / LINES][t - p->t0];
                if (along_z == (pass == 0)) to = add_tile(a, &p->tilts->footprint[t], along_z ? x : z0, inside, to);
            }
        }
    }
    return to;
}

/* More than a region's rays can take: a window holds at most WINDOW + 1 rays of
 * a tilt, at the ends 2*REACH more. */
static size_t region_bytes(const project_item *p) {
    const size_t tiles = WIDTH / WINDOW, ends = 2 * (WIDTH / WINDOW + 1);
    const int taps = p->slab->kernel == SEI_KERNEL_LINEAR ? 2 : MAX_TAPS;
    const size_t entries = tiles * (WINDOW + 2) + ends * (REACH + 1);
    return (size_t)(p->t1 - p->t0) * entries * (ray_bytes(taps) + sizeof(rays));
}

/* Copies rows into the ring, some voxels at a time; 0 outside the volume and
 * outside the support. */
typedef struct filler {
    const sei_slab *slab;
    const sei_slices *slices;
    const float *volume;
    float *copy;
    int x0, x, z, z1; /* from voxel (x, z) on, in rows from x0, before row z1 */
} filler;

static inline void fill(filler *f, int count) {
    const sei_slab *s = f->slab;
    for (; count > 0 && f->z < f->z1; --count) {
        const int row = f->z & (RING - 1);
        const size_t voxel = (size_t)(f->z * (int64_t)s->nx + f->x);
        const bool in = f->x >= 0 && f->x < s->nx && f->z >= 0 && f->z < s->nz && (s->support == NULL || s->support[voxel] != 0);
        float *to = f->copy + (size_t)(row * COPY_X + f->x - f->x0) * SEI_SPAN;
        if (in) {
            const float *from = f->volume + f->slices->volume + voxel * f->slices->stride;
            const size_t ahead = (size_t)(f->x + AHEAD < f->x0 + COPY_X ? AHEAD : s->nx - COPY_X + AHEAD); /* wraps rightly */
            for (int i = 0; i < f->slices->n; i += 16) __builtin_prefetch(from + ahead * f->slices->stride + i, 0, 2);
            sei_slices_take(f->slices, from, 1, to);
        } else {
            sei_slices_clear(1, to);
        }
        if (row < MAX_TAPS - 1) memcpy(to + RING * COPY_X * SEI_SPAN, to, SEI_SPAN * sizeof *to);
        if (++f->x == f->x0 + COPY_X) f->x = f->x0, f->z += 1;
    }
}

/* bins += what the lines give to one ray, `vectors` at once. Two sums, for the
 * even and the odd taps, hide the latency. */
static SEI_INLINE void add_ray(int vectors, int taps, const int32_t *place, const float *weights, const float *copy, size_t step,
                               float *bins) {
    sei_vec even[SEI_BLOCK], odd[SEI_BLOCK];
    for (int i = 0; i < vectors; ++i) even[i] = odd[i] = sei_vec_of(0);
    for (int k = 0; k < LINES; ++k) {
        const float *from = copy + (size_t)place[k] * SEI_SPAN;
        for (int j = 0; j < taps; ++j) {
            const sei_vec w = sei_vec_of(weights[j * LINES + k]);
            const float *tap = from + (size_t)j * step;
            for (int i = 0; i < vectors; ++i) {
                const sei_vec v = sei_vec_load(tap + i * SEI_LANES);
                if (j % 2 == 0) even[i] = sei_vec_fma(w, v, even[i]);
                if (j % 2 == 1) odd[i] = sei_vec_fma(w, v, odd[i]);
            }
        }
    }
    for (int i = 0; i < vectors; ++i) {
        float *to = bins + i * SEI_LANES;
        sei_vec_store(to, sei_vec_load(to) + (even[i] + odd[i]));
    }
}

static SEI_INLINE void add_rays_of(int taps, const sei_slices *y, const rays *r, const char *entry, const float *copy,
                                   float *bins) {
    const size_t bytes = ray_bytes(taps);
    for (int u = 0; u < r->n; ++u, entry += bytes, bins += SEI_SPAN) {
        const int32_t *place = (const int32_t *)entry;
        const float *weights = (const float *)(entry + LINES * sizeof *place);
        for (int i = 0; i < SEI_SPAN; i += 16) __builtin_prefetch(bins + SOON * SEI_SPAN + i, 1);
        int first = 0;
        for (; first + SEI_BLOCK * SEI_LANES <= y->n_lanes; first += SEI_BLOCK * SEI_LANES) {
            add_ray(SEI_BLOCK, taps, place, weights, copy + first, r->step, bins + first);
        }
        for (; first < y->n_lanes; first += SEI_LANES) add_ray(1, taps, place, weights, copy + first, r->step, bins + first);
    }
}

/* Adds up a region's rays, and copies the next rows meanwhile. */
static void run_region(const project_item *p, const sei_slices *y, const char *at, const char *end, filler *next, float *sums) {
    const float *copy = next->copy;
    const int64_t bytes = end - at, voxels = (next->z1 - next->z) * COPY_X;
    const char *const begin = at;
    int64_t done = 0;
    while (at < end) {
        const rays *r = (const rays *)at;
        float *bins = sums + ((size_t)(r->tilt - p->t0) * p->stride + (size_t)r->u) * SEI_SPAN;
        at += sizeof *r;
        if (r->taps <= 2) add_rays_of(2, y, r, at, copy, bins);
        if (r->taps == 3) add_rays_of(3, y, r, at, copy, bins);
        if (r->taps >= 4) add_rays_of(4, y, r, at, copy, bins);
        at += (size_t)r->n * ray_bytes(r->taps);
        const int64_t due = voxels * (at - begin) / bytes; /* the copy is complete with the last ray */
        fill(next, (int)(due - done));
        done = due;
    }
}

/* The regions k .. n-1 of a strip, for some slices. */
static void run_strip(const project_item *p, const sei_slices *y, int x0, int n, const float *volume, project_work *work,
                      float *sums) {
    const char *const *begin = work->begin;
    filler f = {.slab = p->slab, .slices = y, .volume = volume, .copy = work->copy, .x0 = x0 - MARGIN, .x = x0 - MARGIN};
    for (int k = 0; k < n; ++k) {
        const bool needed = begin[k]<begin[k + 1], follows = k> 0 && begin[k - 1] < begin[k];
        if (!needed) continue;
        if (!follows) {
            f.z = work->z0[k] - MARGIN;
            f.z1 = f.z + COPY_Z;
            fill(&f, COPY_Z * COPY_X);
        }
        f.z1 = work->z0[k] - MARGIN + COPY_Z + (k + 1 < n && begin[k + 1] < begin[k + 2] ? LINES : 0);
        run_region(p, y, begin[k], begin[k + 1], &f, sums);
    }
}

static void run_item(const project_item *p, const float *volume, float *sinogram, char *memory) {
    const sei_slab *s = p->slab;
    project_work *work = (project_work *)memory;
    float *sums = (float *)(memory + SEI_WORK_BYTES);
    const size_t n_sums = (size_t)(p->t1 - p->t0) * p->stride * SEI_SPAN;
    memset(sums, 0, (size_t)(p->slices1 - p->slices0) * n_sums * sizeof *sums);
    for (int x0 = 0; x0 < s->nx; x0 += WIDTH) {
        for (int z = 0; z < s->nz;) {
            int n = 0;
            char *to = work->table;
            const char *limit = work->table + TABLE_BYTES - region_bytes(p);
            for (; z < s->nz && n < REGIONS && to <= limit; z += LINES, ++n) {
                work->begin[n] = to;
                work->z0[n] = z;
                to = add_region(p, x0, z, work, to);
            }
            work->begin[n] = to;
            for (int i = p->slices0; i < p->slices1; ++i) {
                const sei_slices y = sei_slices_of(s, i);
                if (y.n > 0) run_strip(p, &y, x0, n, volume, work, sums + (size_t)(i - p->slices0) * n_sums);
            }
        }
    }
    for (int i = p->slices0; i < p->slices1; ++i, sums += n_sums) {
        const sei_slices y = sei_slices_of(s, i);
        for (int t = p->t0; t < p->t1; ++t) {
            const float *from = sums + (size_t)(t - p->t0) * p->stride * SEI_SPAN;
            float *to = sinogram + y.sinogram + (size_t)t * (size_t)s->nu * y.stride;
            for (int u = 0; u < s->nu; ++u, from += SEI_SPAN, to += y.stride) memcpy(to, from, (size_t)y.n * sizeof *to);
        }
    }
}

void SEI_KERNEL_NAME(sei_cpu_project)(int threads, const sei_slab *s, const sei_tilt_table *tilts, const float *volume,
                                      float *sinogram, const sei_work *work) {
    /* by slices as far as they go, then by tilts: a bin's sum is the same whoever
     * makes it */
    const int n_slices = sei_slices_count(s), few = (n_slices + SEI_PROJECT_SLICES - 1) / SEI_PROJECT_SLICES;
    const int by_slices = n_slices < threads ? n_slices : few > threads ? few : threads;
    const int wanted = (threads + by_slices - 1) / by_slices, least = (s->n_tilts + TILTS - 1) / TILTS;
    const int by_tilts = wanted > s->n_tilts ? s->n_tilts : wanted > least ? wanted : least, n_items = by_slices * by_tilts;
    int next = 0;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int worker = 0; worker < threads; ++worker) {
        for (int item = sei_work_next(&next); item < n_items; item = sei_work_next(&next)) {
            const int64_t a = item / by_tilts, b = item % by_tilts;
            const project_item p = {.slab = s,
                                    .tilts = tilts,
                                    .t0 = (int)(s->n_tilts * b / by_tilts),
                                    .t1 = (int)(s->n_tilts * (b + 1) / by_tilts),
                                    .slices0 = (int)(n_slices * a / by_slices),
                                    .slices1 = (int)(n_slices * (a + 1) / by_slices),
                                    .stride = sei_project_stride(s->nu)};
            run_item(&p, volume, sinogram, sei_work_of(work, worker));
        }
    }
}

/*
 * V = A' S, voxel by voxel, with the weights of project_kernel.c: the same expression in the same order; then what the
 * caller makes of it, while it is in the registers' reach.
 *
 * The volume is taken in square regions. The bins that a region's voxels fall on are copied together, with zeros beyond
 * the detector, and stay in the second cache; the voxels go in bands of eight rows, so that their bins stay in the first.
 * Weights and places are worked out once for a region and serve all slices.
 */
#include "backend/cpu.h"
#include "backend/slices.h"

enum { BAND = 8, EIGHT = 8, TILTS = 32, MAX_TAPS = 3, AHEAD = 4 };

/* One voxel in up to TILTS tilts. */
typedef struct voxel_part {
    int32_t place[TILTS];            /* bins behind the part's first */
    float weights[TILTS * MAX_TAPS]; /* tap by tap */
} voxel_part;

/* A square of voxels and the tilts that see it. */
typedef struct region {
    const sei_slab *slab;
    int x0, z0, edge, n_tilts, n_parts, taps, n_voxels, n_bins;
    int *tilt;        /* [n_tilts] */
    int *first_bin;   /* [n_tilts] of those copied */
    int *place;       /* [n_tilts + 1] of first_bin in the copy */
    size_t *voxel;    /* [n_voxels] z*nx + x, in the order in which they are taken */
    voxel_part *part; /* [n_voxels][n_parts] */
    float *copy;      /* [n_bins][SEI_SPAN] */
} region;

/* The edge of the regions: their bins must stay in the cache. */
static int edge_of(int n_tilts) {
    return n_tilts <= 32 ? 64 : n_tilts <= 160 ? 32 : n_tilts <= 640 ? 16 : 8;
}
/* What a region takes of a thread's work space. */
#define PADDED(bytes) (((bytes) + 63) / 64 * 64)
#define PARTS(tilts) (((size_t)(tilts) + TILTS - 1) / TILTS)
#define REGION_BYTES(tilts, edge)                                                                         \
    (3 * PADDED(((size_t)(tilts) + 1) * sizeof(int)) + PADDED((size_t)(edge) * (edge) * sizeof(size_t)) + \
     (size_t)(edge) * (edge)*PARTS(tilts) * sizeof(voxel_part) +                                          \
     (size_t)(tilts) * ((edge)*182 / 128 + 6) * SEI_SPAN * sizeof(float))
_Static_assert(REGION_BYTES(32, 64) <= SEI_WORK_BYTES && REGION_BYTES(160, 32) <= SEI_WORK_BYTES &&
                   REGION_BYTES(640, 16) <= SEI_WORK_BYTES && REGION_BYTES(641, 8) <= 641 * SEI_WORK_BYTES_PER_TILT,
               "the work space of one thread is too small");

/* The tilts whose detector the region's shadow meets, and which bins are copied. */
static void choose_tilts(region *r, const sei_tilt_table *tilts) {
    const sei_slab *s = r->slab;
    r->n_tilts = r->n_bins = 0;
    for (int t = 0; t < s->n_tilts; ++t) {
        double low = INFINITY, high = -INFINITY;
        for (int corner = 0; corner < 4; ++corner) {
            const int x = r->x0 + (corner % 2) * (r->edge - 1), z = r->z0 + (corner / 2) * (r->edge - 1);
            const double bin = sei_voxel_bin(x, z, s->nx, s->nz, s->cos_tilt[t], s->sin_tilt[t], s->axis_u[t]);
            low = fmin(low, bin);
            high = fmax(high, bin);
        }
        low -= tilts->radius[t] + 0.5;
        high += tilts->radius[t] + 1.5;
        if (high < 0 || low > s->nu - 1) continue;
        r->tilt[r->n_tilts] = t;
        r->first_bin[r->n_tilts] = (int)floor(low);
        r->place[r->n_tilts] = r->n_bins;
        r->n_bins += (int)ceil(high) - (int)floor(low) + 1;
        r->n_tilts += 1;
    }
    r->place[r->n_tilts] = r->n_bins;
    r->n_parts = (r->n_tilts + TILTS - 1) / TILTS;
}

/* The constants of a part's tilts, side by side, so that the loops over them become vectors. */
typedef struct tilt_part {
    int n;
    double cos_tilt[TILTS], sin_tilt[TILTS], axis_u[TILTS], c[TILTS], inverse_c2[TILTS];
    double a[TILTS], b[TILTS], height[TILTS], ramp[TILTS], radius[TILTS], shift[TILTS];
} tilt_part;

static void gather_tilts(const region *r, const sei_tilt_table *tilts, int part, tilt_part *p) {
    const int first = part * TILTS;
    p->n = r->n_tilts - first < TILTS ? r->n_tilts - first : TILTS;
    for (int k = 0; k < TILTS; ++k) { /* the last again and again where there are no more */
        const int at = first + (k < p->n ? k : p->n - 1), t = r->tilt[at];
        p->cos_tilt[k] = r->slab->cos_tilt[t];
        p->sin_tilt[k] = r->slab->sin_tilt[t];
        p->axis_u[k] = r->slab->axis_u[t];
        p->c[k] = tilts->c[t];
        p->inverse_c2[k] = tilts->inverse_c2[t];
        p->a[k] = tilts->a[t];
        p->b[k] = tilts->b[t];
        p->height[k] = tilts->height[t];
        p->ramp[k] = tilts->inverse_ramp[t];
        p->radius[k] = tilts->radius[t];
        p->shift[k] = r->place[at] - r->place[first] - r->first_bin[at];
    }
}

/* Weights and places of one voxel, eight tilts at a time. The loops are written so that they become vectors. */
static SEI_INLINE void weigh(const sei_slab *s, const tilt_part *p, bool linear, int x, int z, voxel_part *v) {
    const int nx = s->nx, nz = s->nz, taps = linear ? 2 : 3;
    for (int k0 = 0; k0 < p->n; k0 += EIGHT) {
        double bin[EIGHT], first[EIGHT];
        for (int i = 0; i < EIGHT; ++i) {
            const int k = k0 + i;
            bin[i] = sei_voxel_bin(x, z, nx, nz, p->cos_tilt[k], p->sin_tilt[k], p->axis_u[k]);
            first[i] = sei_floor(bin[i] - p->radius[k]) + 1;
        }
        for (int i = 0; i < EIGHT; ++i) v->place[k0 + i] = (int32_t)(first[i] + p->shift[k0 + i]);
        for (int j = 0; j < taps; ++j) {
            for (int i = 0; i < EIGHT; ++i) {
                const int k = k0 + i;
                const double d = bin[i] - (first[i] + j);
                const double value = linear ? sei_triangle(p->c[k], p->inverse_c2[k], d)
                                            : sei_trapezoid_integral(p->a[k], p->b[k], p->height[k], p->ramp[k], d + 0.5) -
                                                  sei_trapezoid_integral(p->a[k], p->b[k], p->height[k], p->ramp[k], d - 0.5);
                v->weights[j * TILTS + k] = (float)value;
            }
        }
    }
}

/* The voxels of the region in bands of rows, column by column, and their entries in the table. */
static void tabulate(region *r, const sei_tilt_table *tilts) {
    const sei_slab *s = r->slab;
    const int x1 = r->x0 + r->edge < s->nx ? r->x0 + r->edge : s->nx, z1 = r->z0 + r->edge < s->nz ? r->z0 + r->edge : s->nz;
    r->n_voxels = 0;
    for (int band = r->z0; band < z1; band += BAND) {
        for (int x = r->x0; x < x1; ++x) {
            for (int z = band; z < band + BAND && z < z1; ++z) {
                const size_t voxel = (size_t)z * (size_t)s->nx + (size_t)x;
                if (s->support == NULL || s->support[voxel] != 0) r->voxel[r->n_voxels++] = voxel;
            }
        }
    }
    for (int part = 0; part < r->n_parts; ++part) {
        tilt_part p;
        gather_tilts(r, tilts, part, &p);
        for (int i = 0; i < r->n_voxels; ++i) {
            voxel_part *v = &r->part[(size_t)i * (size_t)r->n_parts + (size_t)part];
            const int x = (int)(r->voxel[i] % (size_t)s->nx), z = (int)(r->voxel[i] / (size_t)s->nx);
            if (s->kernel == SEI_KERNEL_LINEAR) weigh(s, &p, true, x, z, v);
            if (s->kernel != SEI_KERNEL_LINEAR) weigh(s, &p, false, x, z, v);
        }
    }
}

static void copy_bins(const region *r, const sei_slices *y, const float *sinogram) {
    const sei_slab *s = r->slab;
    for (int k = 0; k < r->n_tilts; ++k) {
        const int n = r->place[k + 1] - r->place[k], u = r->first_bin[k];
        const int left = u < 0 ? -u : 0, right = u + n > s->nu ? s->nu - u : n;
        float *to = r->copy + (size_t)r->place[k] * SEI_SPAN;
        const size_t bin = (size_t)r->tilt[k] * (size_t)s->nu + (size_t)(u + left);
        sei_slices_clear(left, to);
        sei_slices_take(y, sinogram + y->sinogram + bin * y->stride, right - left, to + left * SEI_SPAN);
        sei_slices_clear(n - right, to + right * SEI_SPAN);
    }
}

/* line += what the tilts give to one voxel, `vectors` at once. Two sums, for the even and the odd taps, hide the latency. */
static SEI_INLINE void collect(int vectors, int taps, int n, const voxel_part *v, const float *copy, float *line) {
    sei_vec even[SEI_BLOCK], odd[SEI_BLOCK];
    for (int i = 0; i < vectors; ++i) even[i] = odd[i] = sei_vec_of(0);
    for (int k = 0; k < n; ++k) {
        const float *bins = copy + (size_t)v->place[k] * SEI_SPAN;
        for (int j = 0; j < taps; ++j) {
            const sei_vec w = sei_vec_of(v->weights[j * TILTS + k]);
            for (int i = 0; i < vectors; ++i) {
                const sei_vec b = sei_vec_load(bins + j * SEI_SPAN + i * SEI_LANES);
                if (j % 2 == 0) even[i] = sei_vec_fma(w, b, even[i]);
                if (j % 2 == 1) odd[i] = sei_vec_fma(w, b, odd[i]);
            }
        }
    }
    for (int i = 0; i < vectors; ++i) {
        float *to = line + i * SEI_LANES;
        sei_vec_store(to, sei_vec_load(to) + (even[i] + odd[i]));
    }
}

static SEI_INLINE void collect_all(const region *r, int taps, const sei_slices *y, const voxel_part *parts, float *line) {
    for (int i = 0; i < y->n_lanes; ++i) line[i] = 0;
    for (int part = 0; part < r->n_parts; ++part) {
        const int rest = r->n_tilts - part * TILTS, n = rest < TILTS ? rest : TILTS;
        const float *copy = r->copy + (size_t)r->place[part * TILTS] * SEI_SPAN;
        int first = 0;
        for (; first + SEI_BLOCK * SEI_LANES <= y->n_lanes; first += SEI_BLOCK * SEI_LANES) {
            collect(SEI_BLOCK, taps, n, parts + part, copy + first, line + first);
        }
        for (; first < y->n_lanes; first += SEI_LANES) collect(1, taps, n, parts + part, copy + first, line + first);
    }
}

/* What the update makes of one voxel's slices; the float expressions are the same for every instruction set. */
static inline void update_line(const sei_update *r, int n, const float *line, const float *inverse, float one, float *v) {
    if (r->kind == SEI_UPDATE_REPLACE) {
        for (int y = 0; y < n; ++y) v[y] = line[y];
    } else if (r->kind == SEI_UPDATE_MULTIPLY) {
        for (int y = 0; y < n; ++y) {
            const float factor = inverse == NULL ? one : inverse[y], next = v[y] * (line[y] * factor);
            v[y] = factor == 0 ? v[y] : next;
        }
    } else {
        for (int y = 0; y < n; ++y) {
            const float next = v[y] + r->relaxation * ((inverse == NULL ? one : inverse[y]) * line[y]);
            v[y] = r->positive && next < 0 ? 0 : next;
        }
    }
}

static void update_voxel(const sei_update *r, const sei_slices *y, size_t voxel, const float *line, float *volume) {
    const size_t at = y->volume + voxel * y->stride;
    const float *inverse = r->per_slice && r->inverse != NULL ? r->inverse + at : NULL;
    const float one = r->per_slice || r->inverse == NULL ? 0 : r->inverse[voxel];
    if (y->n == SEI_SPAN) {
        update_line(r, SEI_SPAN, line, inverse, one, volume + at);
    } else {
        update_line(r, y->n, line, inverse, one, volume + at);
    }
}

static void run_region(const region *r, const sei_slices *y, const sei_update *update, float *volume) {
    _Alignas(64) float line[SEI_SPAN] = {0};
    for (int i = 0; i < r->n_voxels; ++i) {
        const voxel_part *parts = r->part + (size_t)i * (size_t)r->n_parts;
        const size_t next = r->voxel[i + AHEAD * BAND < r->n_voxels ? i + AHEAD * BAND : i];
        const float *soon = volume + y->volume + next * y->stride;
        for (int k = 0; k < y->n; k += 16) __builtin_prefetch(soon + k, 1);
        if (r->taps == 2) collect_all(r, 2, y, parts, line);
        if (r->taps == 3) collect_all(r, 3, y, parts, line);
        update_voxel(update, y, r->voxel[i], line, volume);
    }
}

/* backproject makes what is outside the support 0; updates leave it alone. */
static void clear_outside(const region *r, const sei_slices *y, float *volume) {
    const sei_slab *s = r->slab;
    for (int z = r->z0; z < r->z0 + r->edge && z < s->nz; ++z) {
        for (int x = r->x0; x < r->x0 + r->edge && x < s->nx; ++x) {
            const size_t voxel = (size_t)z * (size_t)s->nx + (size_t)x;
            if (s->support[voxel] == 0) memset(volume + y->volume + voxel * y->stride, 0, (size_t)y->n * sizeof *volume);
        }
    }
}

static region new_region(const sei_slab *s, int x0, int z0, char *memory) {
    region r = {.slab = s, .x0 = x0, .z0 = z0, .edge = edge_of(s->n_tilts), .taps = s->kernel == SEI_KERNEL_LINEAR ? 2 : 3};
    const size_t n = (size_t)s->n_tilts, voxels = (size_t)r.edge * (size_t)r.edge;
    r.tilt = (int *)memory;
    memory += PADDED((n + 1) * sizeof(int));
    r.first_bin = (int *)memory;
    memory += PADDED((n + 1) * sizeof(int));
    r.place = (int *)memory;
    memory += PADDED((n + 1) * sizeof(int));
    r.voxel = (size_t *)memory;
    memory += PADDED(voxels * sizeof(size_t));
    r.part = (voxel_part *)memory;
    memory += voxels * PARTS(n) * sizeof(voxel_part);
    r.copy = (float *)memory;
    return r;
}

void SEI_KERNEL_NAME(sei_cpu_backproject)(int threads, const sei_slab *s, const sei_tilt_table *tilts, const float *sinogram,
                                          const sei_update *update, float *volume, const sei_work *work) {
    const int edge = edge_of(s->n_tilts), n_x = (s->nx + edge - 1) / edge, n_z = (s->nz + edge - 1) / edge;
    const int n_slices = sei_slices_count(s), wanted = (4 * threads - 1) / (n_x * n_z) + 1;
    const int by_slices = wanted < n_slices ? wanted : n_slices, n_items = n_x * n_z * by_slices;
    int next = 0;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int worker = 0; worker < threads; ++worker) {
        for (int item = sei_work_next(&next); item < n_items; item = sei_work_next(&next)) {
            const int at = item / by_slices, part = item % by_slices;
            const int slices0 = (int)((int64_t)n_slices * part / by_slices),
                      slices1 = (int)((int64_t)n_slices * (part + 1) / by_slices);
            region r = new_region(s, at / n_z * edge, at % n_z * edge, sei_work_of(work, worker));
            choose_tilts(&r, tilts);
            tabulate(&r, tilts);
            for (int i = slices0; i < slices1; ++i) {
                const sei_slices y = sei_slices_of(s, i);
                if (y.n == 0) continue;
                if (s->support != NULL && update->kind == SEI_UPDATE_REPLACE) clear_outside(&r, &y, volume);
                if (r.n_voxels == 0) continue;
                copy_bins(&r, &y, sinogram);
                run_region(&r, &y, update, volume);
            }
        }
    }
}

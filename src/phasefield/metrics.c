/* What a half-cycle left behind, in numbers. */
#include <math.h>

#include "core/alloc.h"
#include "phasefield/model.h"
#include "seitomo/morphology.h"

enum { SECTORS = 72 };

/* One connected piece: its cells and the sums of their places in the section. */
typedef struct piece {
    int64_t cells;
    double x, z;
} piece;

static uint32_t root_of(const uint32_t *parent, uint32_t n) {
    while (parent[n] != n) n = parent[n];
    return n;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b) {
    const uint32_t p = root_of(parent, a), q = root_of(parent, b);
    if (p < q) parent[q] = p;
    if (q < p) parent[p] = q;
}

/* Joins what meets across the periodic axis; diagonal steps count where corners connect. */
static void join_ends(const sei_phasefield_state *s, const uint32_t *labels, int64_t diagonal, uint32_t *parent) {
    if (s->ny < 2) return;
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t i = 0; i < s->nx; ++i) {
            const uint32_t here = labels[(k * s->ny + s->ny - 1) * s->nx + i];
            if (here == 0) continue;
            for (int64_t c = -diagonal; c <= diagonal; ++c)
                for (int64_t a = -diagonal; a <= diagonal; ++a) {
                    if (i + a < 0 || i + a >= s->nx || k + c < 0 || k + c >= s->nz) continue;
                    const uint32_t there = labels[(k + c) * s->ny * s->nx + i + a];
                    if (there != 0) join(parent, here, there);
                }
        }
}

/* The pieces of mask != 0 in pieces[*count], largest numbers of a root only. *pieces belongs to the caller. */
static sei_status find_pieces(const sei_phasefield_state *s, const uint8_t *mask, int connectivity, piece **pieces,
                              int64_t *count) {
    const int64_t cells = s->nx * s->ny * s->nz;
    uint32_t *labels = NULL, *parent = NULL, n = 0;
    piece *list = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(labels, cells, 1, 1));
    SEI_TRY(sei_components(mask, s->nx, s->ny, s->nz, connectivity, labels, &n));
    SEI_TRY(SEI_NEW(parent, (int64_t)n + 1, 1, 1));
    SEI_TRY(SEI_NEW(list, (int64_t)n + 1, 1, 1));
    for (uint32_t m = 0; m <= n; ++m) parent[m] = m;
    join_ends(s, labels, connectivity == 26 ? 1 : 0, parent);
    for (int64_t at = 0; at < cells; ++at) {
        if (labels[at] == 0) continue;
        piece *p = &list[root_of(parent, labels[at])];
        p->cells += 1;
        p->x += (double)(at % s->nx);
        p->z += (double)(at / s->nx / s->ny);
    }
    int64_t kept = 0;
    for (uint32_t m = 1; m <= n; ++m)
        if (list[m].cells > 0) list[kept++] = list[m];
    *pieces = list;
    *count = kept;
    list = NULL;
done:
    sei_free(labels);
    sei_free(parent);
    sei_free(list);
    return status;
}

/* Mean void size beyond r = 0.6 over that within. */
static double size_gradient(const sei_phasefield_options *o, const piece *pieces, int64_t count) {
    double cells[2] = {0, 0}, number[2] = {0, 0};
    for (int64_t n = 0; n < count; ++n) {
        const double size = (double)pieces[n].cells, scale = 2 * o->half_width / (double)o->nx;
        const double x = (pieces[n].x / size - 0.5 * (double)(o->nx - 1)) * scale;
        const double z = (pieces[n].z / size - 0.5 * (double)(o->nz - 1)) * scale;
        const int outer = x * x + z * z > 0.36;
        cells[outer] += size;
        number[outer] += 1;
    }
    return (cells[1] / number[1]) / (cells[0] / number[0]); /* NaN where a side has none */
}

/* Mean and largest depth of the deepest wetted cell of each sector of each cross-section. */
static void depths(const sei_phasefield_options *o, const sei_phasefield_state *s, double *mean, double *largest) {
    double sum = 0, most = 0;
    for (int64_t j = 0; j < s->ny; ++j) {
        double deepest[SECTORS] = {0};
        for (int64_t k = 0; k < s->nz; ++k)
            for (int64_t i = 0; i < s->nx; ++i) {
                if (!s->wetted[(k * s->ny + j) * s->nx + i]) continue;
                const double x = 2 * (double)i + 1 - (double)s->nx, z = 2 * (double)k + 1 - (double)s->nz;
                const double turn = atan2(z, x) / (2 * 3.14159265358979323846) + 0.5;
                const int sector = (int)fmin(floor(turn * SECTORS), SECTORS - 1);
                deepest[sector] = fmax(deepest[sector], 1 - sqrt(sei_pf_radius2(o, i, k)));
            }
        for (int n = 0; n < SECTORS; ++n) {
            sum += deepest[n];
            most = fmax(most, deepest[n]);
        }
    }
    *mean = sum / (double)(SECTORS * s->ny);
    *largest = most;
}

/* Counts of cells. */
typedef struct tally {
    int64_t wire, empty, enclosed, wetted;
    double c_li;
} tally;

static tally count_cells(const sei_phasefield_options *o, const sei_phasefield_state *s, uint8_t *voids, uint8_t *solid) {
    tally t = {0};
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
        voids[n] = s->wire[n] && s->c_v[n] > o->void_threshold;
        solid[n] = s->wire[n] && !voids[n];
        t.wire += s->wire[n] != 0;
        t.empty += voids[n];
        t.enclosed += voids[n] && !s->wetted[n];
        t.wetted += s->wetted[n] != 0;
        if (s->wire[n]) t.c_li += s->c_li[n];
    }
    return t;
}

static int64_t largest_piece(const piece *pieces, int64_t count) {
    int64_t most = 0;
    for (int64_t n = 0; n < count; ++n) most = pieces[n].cells > most ? pieces[n].cells : most;
    return most;
}

sei_status sei_phasefield_metrics(const sei_phasefield_options *o, const sei_phasefield_state *s, sei_numbers *numbers) {
    const int64_t cells = s->nx * s->ny * s->nz;
    sei_phasefield_limits limits;
    sei_numbers list = {0};
    uint8_t *voids = NULL, *solid = NULL;
    piece *empty = NULL, *pieces = NULL;
    int64_t n_empty = 0, n_pieces = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(o, &limits));
    SEI_TRY(sei_pf_state_check(o, s));
    if (o->geometry != SEI_PHASEFIELD_WIRE) {
        status = sei_fail(SEI_ERR_USAGE, "phase field: these numbers are a wire's, not a box's");
        goto done;
    }
    SEI_TRY(SEI_NEW(voids, cells, 1, 1));
    SEI_TRY(SEI_NEW(solid, cells, 1, 1));
    const tally t = count_cells(o, s, voids, solid);
    SEI_TRY(find_pieces(s, voids, 6, &empty, &n_empty));
    SEI_TRY(find_pieces(s, solid, 26, &pieces, &n_pieces));
    double depth = 0, deepest = 0;
    depths(o, s, &depth, &deepest);
    const double wire = (double)t.wire, before = (double)s->wetted_before;
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"half_cycle", "", (double)s->half_cycles},
        {"cycle", "", (double)((s->half_cycles + 1) / 2)},
        {"time", "s", s->time + s->half_time},
        {"duration", "s", s->last_time},
        {"c_li_mean", "", t.c_li / wire},
        {"soc", "", sei_phasefield_soc(&limits, s)},
        {"void_fraction", "", (double)t.empty / wire},
        {"void_count", "", (double)n_empty},
        {"enclosed_void_fraction", "", (double)t.enclosed / wire},
        {"wetted_fraction", "", (double)t.wetted / wire},
        {"wetted_still_void", "", s->wetted_before > 0 ? (double)s->wetted_still / before : NAN},
        {"wetted_growth", "", s->wetted_before > 0 ? (double)t.wetted / before : NAN},
        {"wetted_depth", "l0", depth},
        {"wetted_depth_max", "l0", deepest},
        {"void_size_gradient", "", size_gradient(o, empty, n_empty)},
        {"si_component_count", "", (double)n_pieces},
        {"si_largest_component_fraction", "", (double)largest_piece(pieces, n_pieces) / (double)(t.wire - t.empty)},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; ++n)
        SEI_TRY(sei_numbers_set(&list, rows[n].name, rows[n].value, rows[n].unit, NAN));
    *numbers = list;
    list = (sei_numbers){0};
done:
    sei_numbers_free(&list);
    sei_free(voids);
    sei_free(solid);
    sei_free(empty);
    sei_free(pieces);
    return status;
}

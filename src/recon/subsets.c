/*
 * The tilts as parts: all of them, or the ordered subsets of OSEM. Subset k of n holds every n-th tilt in the order of the
 * angles, from the k-th on, so that each looks from everywhere; they are taken in the order in which the next lies farthest
 * from the last (Herman & Meyer 1993 for neighbouring subsets), as what one subset has just explained its neighbour hardly
 * adds to.
 */
#include <stdlib.h>

#include "core/alloc.h"
#include "recon/solver.h"

typedef struct angle {
    double tilt_deg;
    int number;
} angle;

static int by_angle(const void *a, const void *b) {
    const angle *first = a, *second = b;
    if (first->tilt_deg != second->tilt_deg) return first->tilt_deg < second->tilt_deg ? -1 : 1;
    return first->number - second->number;
}

static int circular(int a, int b, int n) {
    const int apart = abs(a - b);
    return apart < n - apart ? apart : n - apart;
}

/* order[n]: the next is the subset farthest from the last, among equals the one farthest from the one before it. */
static void visiting_order(int n, int *order) {
    for (int i = 0; i < n; ++i) {
        int best = 0, best_apart = -1;
        for (int k = 0; k < n; ++k) {
            bool used = false;
            for (int j = 0; j < i; ++j) used = used || order[j] == k;
            if (used) continue;
            const int last = i > 0 ? circular(k, order[i - 1], n) : 0, before = i > 1 ? circular(k, order[i - 2], n) : 0;
            if (last * n + before > best_apart) {
                best_apart = last * n + before;
                best = k;
            }
        }
        order[i] = best;
    }
}

sei_status sei_parts_make(const sei_series *series, const sei_recon_options *o, int nz, const uint8_t *support, int *n,
                          sei_part **out) {
    sei_status status = SEI_OK;
    const int n_tilts = (int)series->n_tilts, n_parts = o->method == SEI_METHOD_OSEM ? o->subsets : 1;
    angle *angles = NULL;
    int *order = NULL;
    sei_part *parts = NULL;
    SEI_TRY(SEI_NEW(angles, n_tilts, 1, 1));
    SEI_TRY(SEI_NEW(order, n_parts, 1, 1));
    SEI_TRY(SEI_NEW(parts, n_parts, 1, 1));
    for (int t = 0; t < n_tilts; ++t) angles[t] = (angle){n_parts > 1 ? series->tilts[t].tilt_deg : 0, t};
    qsort(angles, (size_t)n_tilts, sizeof *angles, by_angle);
    visiting_order(n_parts, order);
    for (int i = 0; i < n_parts; ++i) {
        sei_part *p = &parts[i];
        const int count = (n_tilts - order[i] + n_parts - 1) / n_parts;
        SEI_TRY(SEI_NEW(p->tilts, count, 1, 1));
        for (int t = 0; t < count; ++t) p->tilts[t] = angles[order[i] + t * n_parts].number;
        SEI_TRY(sei_tilts_make(series, count, p->tilts, &p->geometry));
        p->slab = (sei_slab){.nx = (int)series->nx,
                             .nz = nz,
                             .nu = (int)series->nx,
                             .n_tilts = count,
                             .cos_tilt = p->geometry.cos_tilt,
                             .sin_tilt = p->geometry.sin_tilt,
                             .axis_u = p->geometry.axis_u,
                             .kernel = o->kernel,
                             .support = support};
    }
    *out = parts;
    *n = n_parts;
    parts = NULL;
done:
    sei_parts_free(n_parts, parts);
    sei_free(angles);
    sei_free(order);
    return status;
}

void sei_parts_free(int n, sei_part *parts) {
    for (int k = 0; parts != NULL && k < n; ++k) {
        sei_free(parts[k].tilts);
        sei_tilts_free(&parts[k].geometry);
    }
    sei_free(parts);
}

/* Which cells carry stress: not voids, no slivers, nothing detached from the main body. */
#include <string.h>

#include "core/alloc.h"
#include "phasefield/mechanics.h"

/* The cell beside n along an axis (x, z, y), or -1 beyond the grid; the wire's axis is periodic. */
static int64_t beside(const sei_mechanics_state *s, int64_t n, int axis, int64_t step) {
    const int64_t i = n % s->nx, j = n / s->nx % s->ny, k = n / s->nx / s->ny;
    if (axis == 0) return i + step < 0 || i + step >= s->nx ? -1 : n + step;
    if (axis == 1) return k + step < 0 || k + step >= s->nz ? -1 : n + step * s->nx * s->ny;
    return (k * s->ny + (j + step + s->ny) % s->ny) * s->nx + i;
}

static bool is_sliver(const sei_mechanics_state *s, const uint8_t *solid, int64_t n) {
    for (int axis = 0; axis < (s->ny > 1 ? 3 : 2); ++axis) {
        const int64_t before = beside(s, n, axis, -1), after = beside(s, n, axis, 1);
        if ((before < 0 || !solid[before]) && (after < 0 || !solid[after])) return true;
    }
    return false;
}

static void remove_slivers(const sei_mechanics_state *s, const uint8_t *from, uint8_t *to) {
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) to[n] = from[n] && !is_sliver(s, from, n);
}

/* Marks what hangs together with cell n through faces; gives its size. */
static int64_t mark_body(const sei_mechanics_state *s, const uint8_t *solid, int64_t n, int32_t name, int32_t *body,
                         int64_t *queue) {
    int64_t head = 0, tail = 0;
    queue[tail++] = n;
    body[n] = name;
    while (head < tail) {
        const int64_t at = queue[head++];
        for (int axis = 0; axis < (s->ny > 1 ? 3 : 2); ++axis)
            for (int64_t step = -1; step <= 1; step += 2) {
                const int64_t to = beside(s, at, axis, step);
                if (to < 0 || !solid[to] || body[to] != 0) continue;
                body[to] = name;
                queue[tail++] = to;
            }
    }
    return tail;
}

static sei_status keep_main_body(const sei_mechanics_state *s, uint8_t *solid) {
    const int64_t cells = s->nx * s->ny * s->nz;
    int32_t *body = NULL, name = 0, main_body = 0;
    int64_t *queue = NULL, largest = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(body, cells, 1, 1));
    SEI_TRY(SEI_NEW(queue, cells, 1, 1));
    for (int64_t n = 0; n < cells; ++n) {
        if (!solid[n] || body[n] != 0) continue;
        const int64_t size = mark_body(s, solid, n, ++name, body, queue);
        if (size > largest) main_body = name;
        if (size > largest) largest = size;
    }
    for (int64_t n = 0; n < cells; ++n) solid[n] = solid[n] && body[n] == main_body;
done:
    sei_free(body);
    sei_free(queue);
    return status;
}

static double determinant(double f[3][3]) {
    return f[0][0] * (f[1][1] * f[2][2] - f[1][2] * f[2][1]) - f[0][1] * (f[1][0] * f[2][2] - f[1][2] * f[2][0]) +
           f[0][2] * (f[1][0] * f[2][1] - f[1][1] * f[2][0]);
}

/* C_p^{-1} = theta^2 F^{-1} F^{-T}: free of stress as it stands. False where the cell is too crushed to carry any. */
static bool give_birth(const sei_mechanics_options *o, const sei_mech_work *w, int64_t n, sei_mechanics_state *s) {
    double f[3][3], inverse[3][3];
    sei_mech_cell_gradient(w, n % s->nx, n / s->nx % s->ny, n / s->nx / s->ny, f);
    const double det = determinant(f), theta = 1 + o->beta * sei_mech_fraction(o, s->c_li[n]);
    if (!(det > 0.05)) return false;
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
            const int p = (b + 1) % 3, q = (b + 2) % 3, r = (a + 1) % 3, t = (a + 2) % 3;
            inverse[a][b] = (f[p][r] * f[q][t] - f[p][t] * f[q][r]) / det;
        }
    const int place[6][2] = {{0, 0}, {1, 1}, {0, 1}, {2, 2}, {0, 2}, {1, 2}};
    for (int m = 0; m < (s->ny > 1 ? 6 : 4); ++m) {
        const double *a = inverse[place[m][0]], *b = inverse[place[m][1]];
        s->plastic[m * w->cells + n] = theta * theta * (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
    }
    return true;
}

sei_status sei_mech_find_solid(const sei_mechanics_options *o, const sei_mech_work *w, sei_mechanics_state *s) {
    uint8_t *solid = NULL, *thinned = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(solid, w->cells, 1, 1));
    SEI_TRY(SEI_NEW(thinned, w->cells, 1, 1));
    for (int64_t n = 0; n < w->cells; ++n) solid[n] = s->wire[n] && sei_mech_emptiness(s->c_v[n]) < 0.5;
    remove_slivers(s, solid, thinned);
    remove_slivers(s, thinned, solid);
    SEI_TRY(keep_main_body(s, solid));
    for (int64_t n = 0; n < w->cells; ++n) {
        if (solid[n] && !s->solid[n]) solid[n] = give_birth(o, w, n, s);
        s->solid[n] = solid[n];
    }
done:
    sei_free(solid);
    sei_free(thinned);
    return status;
}

/* What feeds the fields: the spots where voids nucleate (g) and the lithium source at the wetted rim (S). */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/random.h"
#include "phasefield/gradient.h"
#include "phasefield/model.h"

enum { SPOT_STREAM = 0x70660001 }; /* this purpose's Philox stream */

typedef struct spot {
    double x, y, z, amplitude;
} spot;

/* Centre uniform in the unit circle (by rejection: no trigonometry, so the same bits everywhere) and along the axis. */
static spot draw_spot(uint64_t seed, uint32_t cycle, uint32_t number, double length) {
    const sei_random random = {.seed = seed, .stream = SPOT_STREAM};
    const uint64_t index = (uint64_t)cycle << 32 | number;
    spot s = {.amplitude = 0.5 + sei_random_uniform(&random, index, 0), .y = length * sei_random_uniform(&random, index, 1)};
    for (uint32_t draw = 2;; draw += 2) {
        s.x = 2 * sei_random_uniform(&random, index, draw) - 1;
        s.z = 2 * sei_random_uniform(&random, index, draw + 1) - 1;
        if (s.x * s.x + s.z * s.z < 1) return s;
    }
}

/* Adds a spot to g, out to six standard deviations; the axis is periodic. */
static void add_spot(const sei_phasefield_options *o, double dx, double sigma, const spot *s, double *g) {
    const double reach = 6 * sigma, centre = 0.5 * (double)o->nx;
    const int64_t radius = (int64_t)ceil(reach / dx);
    const int64_t i0 = (int64_t)floor(s->x / dx + centre), k0 = (int64_t)floor(s->z / dx + centre);
    const int64_t j0 = (int64_t)floor(s->y / dx), along = o->ny > 1 ? radius : 0;
    for (int64_t k = k0 - radius; k <= k0 + radius; ++k)
        for (int64_t j = j0 - along; j <= j0 + along; ++j)
            for (int64_t i = i0 - radius; i <= i0 + radius; ++i) {
                if (i < 0 || i >= o->nx || k < 0 || k >= o->nz) continue;
                const double x = ((double)i + 0.5 - centre) * dx - s->x, z = ((double)k + 0.5 - centre) * dx - s->z;
                const double y = o->ny > 1 ? ((double)j + 0.5) * dx - s->y : 0;
                const double distance2 = x * x + y * y + z * z;
                if (distance2 > reach * reach) continue;
                const int64_t row = o->ny > 1 ? (j % o->ny + o->ny) % o->ny : 0;
                g[(k * o->ny + row) * o->nx + i] += s->amplitude * sei_fixed_exp(-0.5 * distance2 / (sigma * sigma));
            }
}

static sei_status normalise(const sei_phasefield_options *o, uint32_t cycle, double *g) {
    uint8_t *wire = NULL;
    double sum = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(wire, o->nx, o->ny, o->nz));
    sei_pf_wire_mask(o, wire);
    const int64_t cells = o->nx * o->ny * o->nz;
    for (int64_t n = 0; n < cells; ++n) {
        if (!wire[n]) g[n] = 0;
        sum += g[n];
    }
    if (!(sum > 0)) {
        status = sei_fail(SEI_ERR_INPUT, "phase field: no nucleation spot of cycle %u lies in the wire; raise spot_density %g",
                          (unsigned)cycle, o->spot_density);
        goto done;
    }
    const double scale = (double)sei_pf_count(wire, cells) / sum;
    for (int64_t n = 0; n < cells; ++n) g[n] *= scale;
done:
    sei_free(wire);
    return status;
}

sei_status sei_phasefield_noise(const sei_phasefield_options *o, uint32_t cycle, double *g) {
    sei_phasefield_limits limits;
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(o, &limits));
    if (o->geometry != SEI_PHASEFIELD_WIRE) return sei_fail(SEI_ERR_USAGE, "phase field: a box has no nucleation spots");
    const double length = (double)o->ny * limits.dx, per_area = o->spot_density / (o->spot_length * o->spot_length);
    const double count = o->ny > 1 ? per_area * length / o->spot_length : per_area;
    memset(g, 0, (size_t)(o->nx * o->ny * o->nz) * sizeof *g);
    for (uint32_t n = 0; n < (uint32_t)floor(count + 0.5); ++n) {
        const spot s = draw_spot(o->seed, cycle, n, length);
        add_spot(o, limits.dx, o->spot_length / 1.5, &s, g);
    }
    SEI_TRY(normalise(o, cycle, g));
done:
    return status;
}

/* Marks the cells within two cells of a wetted one. */
static void mark_rim(const sei_phasefield_state *s, uint8_t *rim) {
    const int64_t along = s->ny > 1 ? 2 : 0;
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            for (int64_t i = 0; i < s->nx; ++i) {
                if (!s->wetted[(k * s->ny + j) * s->nx + i]) continue;
                for (int64_t c = -2; c <= 2; ++c)
                    for (int64_t b = -along; b <= along; ++b)
                        for (int64_t a = -2; a <= 2; ++a) {
                            const int64_t x = i + a, z = k + c, y = (j + b + s->ny) % s->ny;
                            const bool inside = x >= 0 && x < s->nx && z >= 0 && z < s->nz;
                            if (inside && a * a + b * b + c * c <= 4) rim[(z * s->ny + y) * s->nx + x] = 1;
                        }
            }
}

/* |grad c_v| by central differences; across the wire's surface and the field's there is no difference. */
static double slope_of(const sei_phasefield_state *s, double dx, int64_t i, int64_t j, int64_t k) {
    const int64_t n = (k * s->ny + j) * s->nx + i, plane = s->nx * s->ny;
    const int64_t back = (k * s->ny + (j + s->ny - 1) % s->ny) * s->nx + i, front = (k * s->ny + (j + 1) % s->ny) * s->nx + i;
    const int64_t pairs[3][2] = {
        {i > 0 ? n - 1 : n, i < s->nx - 1 ? n + 1 : n}, {k > 0 ? n - plane : n, k < s->nz - 1 ? n + plane : n}, {back, front}};
    double difference[3] = {0};
    for (int axis = 0; axis < 3; ++axis) {
        const int64_t low = pairs[axis][0], high = pairs[axis][1];
        difference[axis] = s->c_v[s->wire[high] ? high : n] - s->c_v[s->wire[low] ? low : n];
    }
    return sei_pf_gradient(difference, dx);
}

void sei_pf_mark_acting(const sei_phasefield_state *s, uint8_t *acts) {
    const bool lithiation = sei_pf_direction(s->half_cycles) > 0;
    mark_rim(s, acts);
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) acts[n] = s->wire[n] && acts[n] && !(lithiation && s->wetted[n]);
}

sei_status sei_pf_refresh_source(const sei_phasefield_options *o, const sei_phasefield_limits *limits, sei_phasefield_state *s) {
    uint8_t *rim = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(rim, s->nx, s->ny, s->nz));
    sei_pf_mark_acting(s, rim);
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            for (int64_t i = 0; i < s->nx; ++i) {
                const int64_t n = (k * s->ny + j) * s->nx + i;
                s->source[n] = rim[n] ? o->k_s * slope_of(s, limits->dx, i, j, k) : 0;
            }
done:
    sei_free(rim);
    return status;
}

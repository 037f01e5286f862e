/* Channels: the ways they wind from the wire's outer surface into its core. */
#include <math.h>

#include "core/alloc.h"
#include "simulate/grow_cavity.h"

/* A channel's width at its inner end, of that at its mouth. */
static const double narrowest = 0.6;

/* A channel's head while it is being led inwards. */
typedef struct head {
    double at[3], direction[3];
} head;

/* Depth of a point below the core's surface (negative outside it), and the inward direction there. */
static double depth_of(const grow_wire *wire, const double p[3], double inward[3]) {
    int64_t row = (int64_t)floor(p[1] / wire->voxel_nm + 0.5 * (double)wire->ny);
    row = row < 0 ? 0 : row >= wire->ny ? wire->ny - 1 : row;
    const double u = p[0] - wire->centre_x[row];
    const double v = p[2] - wire->centre_z[row];
    const double r = sqrt(u * u + v * v);
    inward[0] = r > 0 ? -u / r : 1;
    inward[1] = 0;
    inward[2] = r > 0 ? -v / r : 0;
    return grow_radius(wire, wire->core, row, grow_turn(u, v)) - r;
}

/* Turns the head by chance, and back towards the axis, so that channels neither run along the surface nor leave. */
static void turn_head(const sei_random *random, uint64_t index, uint32_t step, double strength, const double inward[3], head *h) {
    double square = 0;
    for (uint32_t i = 0; i < 3; ++i) {
        h->direction[i] += strength * sei_random_normal(random, index, 16 + 3 * step + i) + 0.25 * inward[i];
        square += h->direction[i] * h->direction[i];
    }
    for (int i = 0; i < 3; ++i) h->direction[i] = square > 0 ? h->direction[i] / sqrt(square) : inward[i];
}

/* Leads one channel in; counts its segments, writes them when `out` is not NULL. */
static int64_t lead(const sei_grow *d, const sei_random *random, const grow_wire *wire, int64_t channel, grow_segment *out) {
    const sei_grow_channels *c = &d->channels;
    const uint64_t index = (uint64_t)channel;
    const double turn = sei_random_uniform(random, index, 0);
    const double half_y = 0.5 * (double)wire->ny * wire->voxel_nm;
    const double relative = c->depth_sd_nm / c->depth_nm * sei_random_normal(random, index, 1);
    const double target = c->depth_nm * fmin(1.5, fmax(0.5, 1 + relative));
    const double step_nm = fmax(0.5 * c->width_nm, wire->voxel_nm);
    const double strength = 0.7 * c->tortuosity * sqrt(step_nm / (3 * c->width_nm));
    /* the round end reaches as far as asked for */
    const double goal = fmax(0, target - 0.5 * narrowest * c->width_nm);
    /* windings make the way longer than the depth; beyond that it goes straight on */
    const int64_t most = (int64_t)(4 * (target + wire->outer_max) / step_nm) + 4;
    int64_t row = (int64_t)(sei_random_uniform(random, index, 1) * (double)wire->ny);
    if (row >= wire->ny) row = wire->ny - 1;
    const double start = grow_radius(wire, wire->outer, row, turn) + c->width_nm;
    double outward[2];
    grow_unit(turn, &outward[0], &outward[1]);
    head h = {.at = {wire->centre_x[row] + start * outward[0], ((double)row + 0.5) * wire->voxel_nm - half_y,
                     wire->centre_z[row] + start * outward[1]}};
    double depth = depth_of(wire, h.at, h.direction);
    int64_t n = 0;
    while (depth < goal && n < 3 * most) {
        grow_segment s = {.filled = (double)channel + 0.5 < c->filled * (double)c->count};
        /* the last steps are short, so as not to go past the goal */
        const double length = depth > 0 ? fmax(0.25 * step_nm, fmin(step_nm, goal - depth)) : step_nm;
        double inward[3];
        depth_of(wire, h.at, inward);
        for (int i = 0; i < 3; ++i) {
            if (n > most) h.direction[i] = inward[i];
            s.from[i] = h.at[i];
            h.at[i] += length * h.direction[i];
            s.to[i] = h.at[i];
        }
        s.radius_from = 0.5 * c->width_nm * (1 - (1 - narrowest) * fmax(0, depth) / target);
        depth = depth_of(wire, h.at, inward);
        s.radius_to = 0.5 * c->width_nm * (1 - (1 - narrowest) * fmin(1, fmax(0, depth) / target));
        if (depth > 0) turn_head(random, index, (uint32_t)n, strength, inward, &h);
        if (out != NULL) out[n] = s;
        ++n;
    }
    return n;
}

sei_status grow_draw_channels(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_segment **segments, int64_t *n) {
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_CHANNELS};
    int64_t count = 0;
    for (int64_t c = 0; c < d->channels.count; ++c) count += lead(d, &random, wire, c, NULL);
    const sei_status status = SEI_NEW(*segments, count, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t c = 0; c < d->channels.count; ++c) *n += lead(d, &random, wire, c, *segments + *n);
    return SEI_OK;
}

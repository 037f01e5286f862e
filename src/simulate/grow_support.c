/* What stands beside the wire: carbon film, plain or lacey; isolated spheres; resolution bars. */
#include <math.h>

#include "core/threads.h"
#include "simulate/grow_plan.h"

enum { SPHERE_DRAWS = 20000 };

static double centre_of(int64_t i, int64_t n, double voxel_nm) {
    return ((double)i - 0.5 * (double)(n - 1)) * voxel_nm;
}

/* Distance of (x, y) to the border between the two nearest seeds of a jittered square grid, nm. */
static double strand_distance(const sei_random *random, double x, double y, double pitch) {
    const int64_t cx = (int64_t)floor(x / pitch), cy = (int64_t)floor(y / pitch);
    double near[2] = {INFINITY, INFINITY};
    for (int64_t j = cy - 2; j <= cy + 2; ++j) {
        for (int64_t i = cx - 2; i <= cx + 2; ++i) {
            const uint64_t index = (uint64_t)(i + (1 << 30)) << 32 | (uint64_t)(j + (1 << 30));
            const double dx = ((double)i + sei_random_uniform(random, index, 0)) * pitch - x;
            const double dy = ((double)j + sei_random_uniform(random, index, 1)) * pitch - y;
            const double d = sqrt(dx * dx + dy * dy);
            if (d < near[0]) {
                near[1] = near[0];
                near[0] = d;
            } else if (d < near[1]) {
                near[1] = d;
            }
        }
    }
    return 0.5 * (near[1] - near[0]);
}

/* Half of the film's thickness at (x, y): all of it, or a strand's round section. */
static double half_film(const sei_grow_support *s, const sei_random *random, double x, double y) {
    if (s->width_nm > 0 && fabs(x) > 0.5 * s->width_nm) return 0;
    if (!(s->hole_nm > 0)) return 0.5 * s->thickness_nm;
    const double t = strand_distance(random, x, y, s->hole_nm) / (0.5 * s->strand_nm);
    return t < 1 ? 0.5 * s->thickness_nm * sqrt(1 - t * t) : 0;
}

/* Where the beam, which runs to +z, leaves the wire last. */
static double farthest_of(const grow_wire *wire) {
    double farthest = -INFINITY;
    for (int64_t j = 0; j < wire->ny; ++j) {
        for (int64_t m = 0; m < wire->n_turn; ++m) {
            double c = 0, s = 0;
            grow_unit((double)m / (double)wire->n_turn, &c, &s);
            farthest = fmax(farthest, wire->centre_z[j] + (double)wire->outer[j * wire->n_turn + m] * s);
        }
    }
    return wire->ny > 0 ? farthest : 0;
}

sei_status grow_support(const sei_grow *d, uint64_t seed, const grow_wire *wire, sei_grown *grown) {
    const sei_grow_support *s = &d->support;
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_LACEY};
    if (!(s->thickness_nm > 0)) return SEI_OK;
    const int64_t nx = grown->nx, ny = grown->ny, nz = grown->nz;
    const double middle = farthest_of(wire) + s->gap_nm + 0.5 * s->thickness_nm;
    const double end = 0.5 * (double)nz * grown->voxel_nm;
    if (fabs(middle) + 0.5 * s->thickness_nm > end) {
        return sei_fail(
            SEI_ERR_INPUT,
            "specimen.support: the film lies from %.4g to %.4g nm along z, the volume ends at %.4g nm: take a larger image.nz, "
            "a thinner film or a smaller gap_nm",
            middle - 0.5 * s->thickness_nm, middle + 0.5 * s->thickness_nm, end);
    }
    const uint8_t material = (uint8_t)d->material[SEI_GROW_SUPPORT];
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) {
        for (int64_t i = 0; i < nx; ++i) {
            const double half = half_film(s, &random, centre_of(i, nx, grown->voxel_nm), centre_of(j, ny, grown->voxel_nm));
            if (!(half > 0)) continue;
            for (int64_t k = 0; k < nz; ++k) {
                if (fabs(centre_of(k, nz, grown->voxel_nm) - middle) <= half) grown->voxels[(k * ny + j) * nx + i] = material;
            }
        }
    }
    return SEI_OK;
}

/* The voxels [low, high) whose centres lie from centre - reach up to centre + reach along one direction. */
static void reached(double centre, double reach, int64_t n, double voxel_nm, int64_t *low, int64_t *high) {
    const double middle = 0.5 * (double)(n - 1);
    *low = (int64_t)fmax(0, ceil((centre - reach) / voxel_nm + middle));
    *high = (int64_t)fmin((double)n, ceil((centre + reach) / voxel_nm + middle));
}

/* A box (half[1] > 0) or a ball (radius half[0]). */
typedef struct object {
    double centre[3], half[3];
    bool ball;
    uint8_t material;
} object;

/* Fills the object, or with `fill` false tells whether anything stands there; *n: voxels. */
static bool object_voxels(sei_grown *grown, const object *o, bool fill, int64_t *n) {
    int64_t low[3], high[3];
    const int64_t size[3] = {grown->nx, grown->ny, grown->nz};
    for (int a = 0; a < 3; ++a) reached(o->centre[a], o->half[a], size[a], grown->voxel_nm, &low[a], &high[a]);
    *n = 0;
    for (int64_t k = low[2]; k < high[2]; ++k) {
        for (int64_t j = low[1]; j < high[1]; ++j) {
            for (int64_t i = low[0]; i < high[0]; ++i) {
                const double x = centre_of(i, size[0], grown->voxel_nm) - o->centre[0];
                const double y = centre_of(j, size[1], grown->voxel_nm) - o->centre[1];
                const double z = centre_of(k, size[2], grown->voxel_nm) - o->centre[2];
                if (o->ball && x * x + y * y + z * z > o->half[0] * o->half[0]) continue;
                uint8_t *voxel = &grown->voxels[(k * size[1] + j) * size[0] + i];
                if (!fill && *voxel != 0) return false;
                if (fill) *voxel = o->material;
                *n += 1;
            }
        }
    }
    return true;
}

static sei_status place_object(sei_grown *grown, const object *o, double gap_nm, const char *what, size_t which) {
    const int64_t size[3] = {grown->nx, grown->ny, grown->nz};
    int64_t n = 0;
    object wider = *o;
    for (int a = 0; a < 3; ++a) {
        const double end = 0.5 * (double)size[a] * grown->voxel_nm;
        wider.half[a] += gap_nm;
        if (fabs(o->centre[a]) + o->half[a] <= end) continue;
        return sei_fail(SEI_ERR_INPUT,
                        "specimen.%s.%zu reaches %.4g nm from the volume's centre along %c, the volume ends at %.4g nm", what,
                        which, fabs(o->centre[a]) + o->half[a], "xyz"[a], end);
    }
    if (!object_voxels(grown, &wider, false, &n)) {
        return sei_fail(SEI_ERR_INPUT, "specimen.%s.%zu at (%.4g, %.4g, %.4g) nm overlaps what stands there already: move it",
                        what, which, o->centre[0], o->centre[1], o->centre[2]);
    }
    object_voxels(grown, o, true, &n);
    if (n > 0) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "specimen.%s.%zu is too small for voxels of %.3g nm: no voxel's centre lies in it", what,
                    which, grown->voxel_nm);
}

/* Draws a free place within the cylinder about the tilt axis that the field shows at every tilt. */
static sei_status draw_sphere(sei_grown *grown, const sei_random *random, double gap, size_t which, object *o) {
    const double field = 0.5 * (double)(grown->nx < grown->nz ? grown->nx : grown->nz) * grown->voxel_nm - o->half[0];
    const double length = 0.5 * (double)grown->ny * grown->voxel_nm - o->half[0] - gap;
    object wider = *o;
    int64_t n = 0;
    for (int a = 0; a < 3; ++a) wider.half[a] = o->half[a] + gap;
    for (uint32_t draw = 0; draw < SPHERE_DRAWS && field > 0 && length > 0; ++draw) {
        const double place[3] = {(2 * sei_random_uniform(random, which, 3 * draw) - 1) * field,
                                 (2 * sei_random_uniform(random, which, 3 * draw + 1) - 1) * length,
                                 (2 * sei_random_uniform(random, which, 3 * draw + 2) - 1) * field};
        const double r = sqrt(place[0] * place[0] + place[2] * place[2]);
        if (r > field) continue;
        for (int a = 0; a < 3; ++a) o->centre[a] = wider.centre[a] = place[a];
        if (object_voxels(grown, &wider, false, &n)) return SEI_OK;
    }
    return sei_fail(
        SEI_ERR_INPUT,
        "specimen.spheres: no free place for sphere %zu of radius %g nm with %g nm of vacuum around it, within %.4g nm of the "
        "tilt axis: take fewer or smaller ones, or a larger image",
        which, o->half[0], gap, field);
}

static sei_status place_spheres(const sei_grow *d, uint64_t seed, sei_grown *grown) {
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_SPHERES};
    size_t which = 0;
    for (size_t s = 0; s < d->n_spheres; ++s) {
        const sei_grow_spheres *asked = &d->spheres[s];
        const double r = asked->radius_nm;
        for (int64_t i = 0; i < asked->count; ++i) {
            object o = {.half = {r, r, r}, .ball = true, .material = (uint8_t)asked->material};
            sei_status status = SEI_OK;
            for (int a = 0; a < 3; ++a) o.centre[a] = asked->centre_nm[a];
            if (!asked->placed) status = draw_sphere(grown, &random, asked->gap_nm, which, &o);
            if (status == SEI_OK) status = place_object(grown, &o, asked->gap_nm, "spheres", s);
            if (status != SEI_OK) return status;
            ++which;
        }
    }
    return SEI_OK;
}

static sei_status place_bars(const sei_grow *d, sei_grown *grown) {
    const sei_grow_bars *bars = &d->bars;
    const int axis = bars->along == 'z' ? 2 : 0;
    const double whole = (double)bars->n_spacings * 1.5 * bars->length_nm - 0.5 * bars->length_nm;
    for (size_t g = 0; g < bars->n_spacings; ++g) {
        const double spacing = bars->spacing_nm[g];
        for (int64_t b = 0; b < bars->bars; ++b) {
            object o = {.half = {0.5 * bars->length_nm, 0.5 * bars->length_nm, 0.5 * bars->length_nm},
                        .material = (uint8_t)bars->material};
            for (int a = 0; a < 3; ++a) o.centre[a] = bars->centre_nm[a];
            o.half[axis] = 0.25 * spacing;
            o.centre[axis] += ((double)b - 0.5 * (double)(bars->bars - 1)) * spacing;
            o.centre[1] += (double)g * 1.5 * bars->length_nm + 0.5 * bars->length_nm - 0.5 * whole;
            const sei_status status = place_object(grown, &o, 0, "bars", g);
            if (status != SEI_OK) return status;
        }
    }
    return SEI_OK;
}

sei_status grow_test_objects(const sei_grow *d, uint64_t seed, sei_grown *grown) {
    const sei_status status = place_bars(d, grown);
    return status == SEI_OK ? place_spheres(d, seed, grown) : status;
}

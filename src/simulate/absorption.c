/* What of a cell's photons gets out: attenuation maps and exit weights. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/signal.h"
#include "simulate/voxelise.h"

enum { SAMPLES = 4, MOST_CELLS = 1 << 24 };

/* mu of every material at every energy over the spacing, because sei_voxelise multiplies by the edge. */
static sei_status material_values(const sei_specimen *specimen, double spacing_nm, size_t n, const double *energy_kev,
                                  double *value) {
    for (size_t m = 0; m < specimen->n_materials; ++m) {
        for (size_t e = 0; e < n; ++e) {
            double per_nm = 0;
            const sei_status status = sei_material_attenuation(&specimen->materials[m], energy_kev[e], &per_nm);
            if (status != SEI_OK) return status;
            value[m * n + e] = per_nm / spacing_nm;
        }
    }
    return SEI_OK;
}

sei_status sei_attenuation_maps(const sei_specimen *specimen, const double size_nm[3], double spacing_nm, size_t n,
                                const double *energy_kev, sei_volume *maps) {
    int64_t cells[3];
    double all = 1;
    double *value = NULL;
    sei_labels labels = {0};
    sei_volume *made = NULL;
    sei_status status = SEI_OK;
    if (n < 1) return sei_fail(SEI_ERR_USAGE, "attenuation maps of no energy");
    for (int axis = 0; axis < 3; ++axis) {
        const double wanted = ceil(size_nm[axis] / spacing_nm - 1e-9);
        if (!(spacing_nm > 0 && wanted >= 1 && wanted <= MOST_CELLS)) {
            return sei_fail(SEI_ERR_INPUT, "absorption: a grid of %g nm in cells of %g nm; expected 1 to %d cells", size_nm[axis],
                            spacing_nm, MOST_CELLS);
        }
        cells[axis] = (int64_t)wanted;
        all *= wanted;
    }
    if (all > MOST_CELLS) {
        return sei_fail(SEI_ERR_INPUT, "absorption: %.0f cells of %g nm, at most %d; choose a greater spacing", all, spacing_nm,
                        MOST_CELLS);
    }
    SEI_TRY(SEI_NEW(value, (int64_t)specimen->n_materials, (int64_t)n, 1));
    SEI_TRY(SEI_NEW(made, (int64_t)n, 1, 1));
    SEI_TRY(material_values(specimen, spacing_nm, n, energy_kev, value));
    SEI_TRY(sei_labels_alloc(cells[0], cells[1], cells[2], spacing_nm, &labels));
    for (size_t e = 0; e < n; ++e) SEI_TRY(sei_volume_alloc(cells[0], cells[1], cells[2], spacing_nm, &made[e]));
    SEI_TRY(sei_voxelise(specimen, SAMPLES, n, value, &labels, made, NULL));
    for (size_t e = 0; e < n; ++e) {
        maps[e] = made[e];
        made[e] = (sei_volume){0};
    }
done:
    for (size_t e = 0; made != NULL && e < n; ++e) sei_volume_free(&made[e]);
    sei_free(made);
    sei_labels_free(&labels);
    sei_free(value);
    return status;
}

/* Where the rays of one tilt go. */
typedef struct exits {
    const sei_volume *map;
    size_t n;
    double direction[SEI_MAX_DETECTORS][3];
    double share[SEI_MAX_DETECTORS]; /* of the whole solid angle, shadow in it */
} exits;

/* Optical path from a cell's centre to the map's faces across y: exact lengths in cells of constant attenuation (Amanatides and
 * Woo 1987). Beyond its ends along y the last plane goes on, as a wire does. */
static double optical_path(const sei_volume *map, const int64_t from[3], const double direction[3]) {
    const int64_t cells[3] = {map->nx, map->ny, map->nz};
    const int64_t strides[3] = {1, map->nx, map->nx * map->ny};
    int64_t left[3];   /* cells to go before the ray leaves along an axis, with the present one */
    int64_t move[3];   /* in the array */
    double next[3];    /* way to the next face, in cells */
    double between[3]; /* and from face to face */
    int64_t at = 0;
    double way = 0;
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis) {
        const bool up = direction[axis] > 0;
        at += from[axis] * strides[axis];
        left[axis] = up ? cells[axis] - from[axis] : from[axis] + 1;
        move[axis] = up ? strides[axis] : -strides[axis];
        between[axis] = direction[axis] == 0 ? INFINITY : 1 / fabs(direction[axis]);
        next[axis] = between[axis] / 2;
    }
    for (;;) {
        const int first = next[0] < next[1] ? 0 : 1;
        const int axis = next[2] < next[first] ? 2 : first;
        sum += (next[axis] - way) * (double)map->data[at];
        way = next[axis];
        next[axis] += between[axis];
        at += move[axis];
        if (--left[axis] > 0) continue;
        if (axis != 1 || (direction[0] == 0 && direction[2] == 0)) return sum;
        at -= move[1];
        next[1] = INFINITY;
    }
}

/* Whether the cell or one of its neighbours holds matter: elsewhere nothing emits and the weight is never used. */
static bool matters(const sei_volume *map, int64_t x, int64_t y, int64_t z) {
    for (int64_t k = z > 0 ? z - 1 : 0; k <= z + 1 && k < map->nz; ++k) {
        for (int64_t j = y > 0 ? y - 1 : 0; j <= y + 1 && j < map->ny; ++j) {
            for (int64_t i = x > 0 ? x - 1 : 0; i <= x + 1 && i < map->nx; ++i) {
                if (map->data[(k * map->ny + j) * map->nx + i] > 0) return true;
            }
        }
    }
    return false;
}

static void fill_plane(const exits *e, double everything, int64_t z, float *weight) {
    const sei_volume *map = e->map;
    for (int64_t y = 0; y < map->ny; ++y) {
        for (int64_t x = 0; x < map->nx; ++x) {
            const int64_t at[3] = {x, y, z};
            double sum = everything;
            if (matters(map, x, y, z)) {
                sum = 0;
                for (size_t d = 0; d < e->n; ++d) {
                    if (e->share[d] > 0) sum += e->share[d] * exp(-optical_path(map, at, e->direction[d]) * map->voxel_nm);
                }
            }
            weight[(z * map->ny + y) * map->nx + x] = (float)sum;
        }
    }
}

sei_status sei_exit_weights(const sei_volume *map, const sei_microscope *microscope, double tilt_deg, float *weight) {
    exits e = {.map = map, .n = microscope->n_detectors};
    double whole = 0;
    double everything = 0;
    const sei_status status = sei_microscope_check(microscope);
    if (status != SEI_OK) return status;
    for (size_t d = 0; d < e.n; ++d) whole += microscope->detectors[d].solid_angle_sr;
    for (size_t d = 0; d < e.n; ++d) {
        sei_detector_direction(&microscope->detectors[d], tilt_deg, e.direction[d]);
        e.share[d] = microscope->detectors[d].solid_angle_sr / whole * sei_detector_visible(microscope, d, tilt_deg);
        everything += e.share[d];
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 1)
    for (int64_t z = 0; z < map->nz; ++z) fill_plane(&e, everything, z, weight);
    return sei_interrupt_check();
}

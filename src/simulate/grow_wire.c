/* The wire's centre line and surfaces, and its core, oxide and shell in voxels. */
#include <math.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "simulate/grow_plan.h"

static const double pi = 3.14159265358979323846;

double grow_radius(const grow_wire *wire, const float *surface, int64_t row, double turn) {
    const double column = turn * (double)wire->n_turn;
    const int64_t m = (int64_t)column;
    const double f = column - (double)m;
    const float *r = surface + row * wire->n_turn;
    return (1 - f) * (double)r[m % wire->n_turn] + f * (double)r[(m + 1) % wire->n_turn];
}

/* Radius of an ellipse of half axes a, b at `turn` from its long axis. */
static double ellipse(double a, double b, double turn) {
    double c = 0, s = 0;
    grow_unit(turn, &c, &s);
    return 1 / sqrt(c * c / (a * a) + s * s / (b * b));
}

static void add_lumps(const sei_grow *d, uint64_t seed, const grow_wire *wire, double radius_nm, double *thickness) {
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_LUMPS};
    const double length = (double)wire->ny * wire->voxel_nm;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < wire->ny; ++j) {
        const double y = ((double)j - 0.5 * (double)(wire->ny - 1)) * wire->voxel_nm;
        for (int64_t l = 0; l < d->lumps; ++l) {
            const uint64_t index = (uint64_t)l;
            const double lump_turn = sei_random_uniform(&random, index, 0);
            const double dy = y - (sei_random_uniform(&random, index, 1) - 0.5) * length;
            const double height = d->lump_height_nm * (0.5 + 0.5 * sei_random_uniform(&random, index, 2));
            const double width = d->lump_width_nm * (0.5 + 0.5 * sei_random_uniform(&random, index, 3));
            if (fabs(dy) > 5 * width) continue;
            for (int64_t m = 0; m < wire->n_turn; ++m) {
                double around = fabs((double)m / (double)wire->n_turn - lump_turn);
                around = 2 * pi * radius_nm * fmin(around, 1 - around);
                const double square = (dy * dy + around * around) / (width * width);
                if (square < 25) thickness[j * wire->n_turn + m] += height * sei_fixed_exp(-0.5 * square);
            }
        }
    }
}

/* Mean and standard deviation of n values. */
static void moments(const double *value, int64_t n, double *mean, double *sd) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i) sum += value[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; ++i) square += (value[i] - *mean) * (value[i] - *mean);
    *sd = sqrt(square / (double)n);
}

/* Refuses a wire that leaves the volume sideways or has no core left somewhere. */
static sei_status check_extent(const grow_wire *wire, int64_t nx, int64_t nz) {
    double reach[2] = {0, 0};
    double thinnest = INFINITY;
    for (int64_t j = 0; j < wire->ny; ++j) {
        for (int64_t m = 0; m < wire->n_turn; ++m) {
            double c = 0, s = 0;
            grow_unit((double)m / (double)wire->n_turn, &c, &s);
            const double r = (double)wire->outer[j * wire->n_turn + m];
            reach[0] = fmax(reach[0], fabs(wire->centre_x[j] + r * c));
            reach[1] = fmax(reach[1], fabs(wire->centre_z[j] + r * s));
            thinnest = fmin(thinnest, (double)wire->core[j * wire->n_turn + m]);
        }
    }
    if (thinnest < 2 * wire->voxel_nm) {
        return sei_fail(SEI_ERR_INPUT,
                        "specimen: roughness leaves a core radius of %.3g nm somewhere, two voxels (%.3g nm) are needed: take a "
                        "smaller roughness",
                        thinnest, 2 * wire->voxel_nm);
    }
    const int64_t size[2] = {nx, nz};
    for (int axis = 0; axis < 2; ++axis) {
        const double half = 0.5 * (double)size[axis] * wire->voxel_nm;
        if (reach[axis] <= half - wire->voxel_nm) continue;
        return sei_fail(
            SEI_ERR_INPUT,
            "specimen: the wire reaches %.4g nm from the volume's centre along %c, the volume ends at %.4g nm: take a "
            "thinner wire, a larger image.n%c or larger pixels",
            reach[axis], "xz"[axis], half, "xz"[axis]);
    }
    return SEI_OK;
}

static sei_status make_centre_line(const sei_grow *d, uint64_t seed, grow_wire *wire) {
    sei_status status = SEI_OK;
    const sei_random random_x = {.seed = seed, .stream = GROW_STREAM_WOBBLE};
    const sei_random random_z = {.seed = seed, .stream = GROW_STREAM_WOBBLE + 1};
    SEI_TRY(SEI_NEW(wire->centre_x, wire->ny, 1, 1));
    SEI_TRY(SEI_NEW(wire->centre_z, wire->ny, 1, 1));
    for (int64_t j = 0; j < wire->ny; ++j) {
        wire->centre_x[j] = d->centre_nm[0];
        wire->centre_z[j] = d->centre_nm[1];
    }
    SEI_TRY(grow_surface_field(&d->wobble, &random_x, 1, wire->voxel_nm, wire->ny, 1, wire->centre_x));
    SEI_TRY(grow_surface_field(&d->wobble, &random_z, 1, wire->voxel_nm, wire->ny, 1, wire->centre_z));
done:
    return status;
}

sei_status grow_wire_make(const sei_grow *d, uint64_t seed, int64_t nx, int64_t ny, int64_t nz, double voxel_nm, grow_wire *wire,
                          sei_numbers *numbers) {
    sei_status status = SEI_OK;
    double *rough = NULL, *thickness = NULL;
    double mean = 0, sd = 0;
    const double oval = d->oval > 0 ? d->oval : 1;
    const double a = d->radius_nm * sqrt(oval);
    const double b = d->radius_nm / sqrt(oval);
    const double circumference = 2 * pi * d->radius_nm;
    const double outer_circumference = 2 * pi * (d->radius_nm + d->oxide_nm + 0.5 * d->shell_nm);
    /* columns half a voxel apart on the core's surface */
    const int64_t n_turn = (int64_t)fmin(16384, fmax(64, ceil(2 * circumference / voxel_nm)));
    const int64_t cells = ny * n_turn;
    *wire = (grow_wire){.ny = ny, .n_turn = n_turn, .voxel_nm = voxel_nm};
    SEI_TRY(make_centre_line(d, seed, wire));
    SEI_TRY(SEI_NEW(wire->core, ny, n_turn, 1));
    SEI_TRY(SEI_NEW(wire->outer, ny, n_turn, 1));
    SEI_TRY(SEI_NEW(rough, ny, n_turn, 1));
    SEI_TRY(SEI_NEW(thickness, ny, n_turn, 1));
    for (size_t r = 0; r < d->n_roughness; ++r) {
        const sei_random random = {.seed = seed, .stream = GROW_STREAM_ROUGHNESS + (uint32_t)r};
        SEI_TRY(grow_surface_field(&d->roughness[r], &random, circumference, voxel_nm, ny, n_turn, rough));
    }
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_SHELL};
    for (int64_t i = 0; i < cells; ++i) thickness[i] = d->shell_nm;
    SEI_TRY(grow_surface_field(&d->shell, &random, outer_circumference, voxel_nm, ny, n_turn, thickness));
    add_lumps(d, seed, wire, d->radius_nm + d->oxide_nm + d->shell_nm, thickness);
    double radius_sum = 0;
    for (int64_t i = 0; i < cells; ++i) {
        const double turn = (double)(i % n_turn) / (double)n_turn - d->oval_deg / 360;
        const double core = ellipse(a, b, turn) + rough[i];
        thickness[i] = fmax(0, thickness[i]);
        radius_sum += core;
        wire->core[i] = (float)core;
        wire->outer[i] = (float)(core + d->oxide_nm + thickness[i]);
        wire->core_max = fmax(wire->core_max, (double)wire->core[i]);
        wire->outer_max = fmax(wire->outer_max, (double)wire->outer[i]);
    }
    SEI_TRY(check_extent(wire, nx, nz));
    moments(rough, cells, &mean, &sd);
    SEI_TRY(sei_numbers_set(numbers, "grown_core_radius_mean", radius_sum / (double)cells, "nm", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_core_radius_sd", sd, "nm", NAN));
    moments(thickness, cells, &mean, &sd);
    SEI_TRY(sei_numbers_set(numbers, "grown_shell_mean", mean, "nm", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_shell_sd", sd, "nm", NAN));
done:
    sei_free(rough);
    sei_free(thickness);
    return status;
}

void grow_wire_free(grow_wire *wire) {
    sei_free(wire->centre_x);
    sei_free(wire->centre_z);
    sei_free(wire->core);
    sei_free(wire->outer);
    *wire = (grow_wire){0};
}

/* First voxel and number of voxels of one direction's range, widened by margin and cut to the volume. */
static void cut_range(const double *centre, int64_t rows, double reach_nm, double voxel_nm, int64_t margin, int64_t n,
                      int64_t *first, int64_t *count) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t j = 0; j < rows; ++j) {
        low = fmin(low, centre[j] - reach_nm);
        high = fmax(high, centre[j] + reach_nm);
    }
    const double middle = 0.5 * (double)(n - 1);
    const int64_t begin = (int64_t)floor(low / voxel_nm + middle) - margin;
    const int64_t end = (int64_t)ceil(high / voxel_nm + middle) + margin + 1;
    *first = begin > 0 ? begin : 0;
    *count = (end < n ? end : n) - *first;
}

/* Codes of one row; returns how many voxels are core. */
static int64_t code_row(const grow_wire *wire, const grow_box *box, double oxide_nm, int64_t j, int64_t k) {
    uint8_t *code = box->code + (k * box->ny + j) * box->nx;
    const double v = grow_box_z(box, k) - wire->centre_z[j];
    int64_t core_voxels = 0;
    if (fabs(v) > wire->outer_max) return 0;
    for (int64_t i = 0; i < box->nx; ++i) {
        const double u = grow_box_x(box, i) - wire->centre_x[j];
        const double r = sqrt(u * u + v * v);
        if (r > wire->outer_max) continue;
        const double turn = grow_turn(u, v);
        const double core = grow_radius(wire, wire->core, j, turn);
        if (r <= core) {
            code[i] = GROW_CORE;
            ++core_voxels;
        } else if (r <= core + oxide_nm) {
            code[i] = GROW_OXIDE;
        } else if (r <= grow_radius(wire, wire->outer, j, turn)) {
            code[i] = GROW_SHELL;
        }
    }
    return core_voxels;
}

sei_status grow_box_make(const sei_grow *d, const grow_wire *wire, int64_t nx, int64_t nz, grow_box *box) {
    /* the closing that names voids reaches so far, and must find emptiness around */
    const double closing_nm = d->closing_nm > 0 ? d->closing_nm : 10;
    const int64_t margin = (int64_t)ceil(closing_nm / wire->voxel_nm) + 3;
    *box = (grow_box){.ny = wire->ny, .volume_nx = nx, .volume_nz = nz, .voxel_nm = wire->voxel_nm};
    cut_range(wire->centre_x, wire->ny, wire->outer_max, wire->voxel_nm, margin, nx, &box->first_x, &box->nx);
    cut_range(wire->centre_z, wire->ny, wire->outer_max, wire->voxel_nm, margin, nz, &box->first_z, &box->nz);
    const sei_status status = SEI_NEW(box->code, box->nx, box->ny, box->nz);
    if (status != SEI_OK) return status;
    int64_t core_voxels = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 1) reduction(+ : core_voxels)
    for (int64_t k = 0; k < box->nz; ++k) {
        for (int64_t j = 0; j < box->ny; ++j) core_voxels += code_row(wire, box, d->oxide_nm, j, k);
    }
    box->core_voxels = core_voxels;
    return SEI_OK;
}

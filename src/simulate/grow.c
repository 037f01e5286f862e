/* A description -> a voxel specimen: the order of the steps, and the numbers of what came of them. */
#include "seitomo/grow.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/morphology.h"
#include "simulate/grow_plan.h"

/* The null twin: no SEI within the core's surface. */
static void empty_core(grow_box *box) {
    for (int64_t v = 0; v < box->nx * box->ny * box->nz; ++v) {
        if (box->code[v] == GROW_CORE_SEI) box->code[v] = GROW_VOID;
    }
}

/* Share of the wire's silicon in its largest piece; NaN without silicon. */
static sei_status connectivity(const grow_box *box, double *share) {
    sei_status status = SEI_OK;
    uint8_t *mask = NULL;
    uint32_t *components = NULL, n = 0;
    int64_t *sizes = NULL, silicon = 0, largest = 0;
    const int64_t count = box->nx * box->ny * box->nz;
    SEI_TRY(SEI_NEW(mask, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(components, box->nx, box->ny, box->nz));
    for (int64_t v = 0; v < count; ++v) mask[v] = box->code[v] == GROW_CORE;
    SEI_TRY(sei_components(mask, box->nx, box->ny, box->nz, 26, components, &n));
    SEI_TRY(SEI_NEW(sizes, (int64_t)n + 1, 1, 1));
    sei_component_sizes(components, count, n, sizes);
    for (uint32_t c = 1; c <= n; ++c) {
        silicon += sizes[c];
        if (sizes[c] > largest) largest = sizes[c];
    }
    *share = silicon > 0 ? (double)largest / (double)silicon : NAN;
done:
    sei_free(mask);
    sei_free(components);
    sei_free(sizes);
    return status;
}

/* The core's contents, before voids are told apart (a mouth may come to count as outside). */
static sei_status core_numbers(const grow_box *box, sei_numbers *numbers) {
    sei_status status = SEI_OK;
    int64_t n[GROW_CODES] = {0};
    double share = NAN;
    for (int64_t v = 0; v < box->nx * box->ny * box->nz; ++v) n[box->code[v]] += 1;
    const double core = (double)box->core_voxels;
    const double empty = core - (double)n[GROW_CORE] - (double)n[GROW_CORE_SEI];
    SEI_TRY(connectivity(box, &share));
    SEI_TRY(sei_numbers_set(numbers, "grown_si_fraction_in_core", (double)n[GROW_CORE] / core, "1", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_sei_fraction_in_core", (double)n[GROW_CORE_SEI] / core, "1", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_void_fraction_in_core", empty / core, "1", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_si_connectivity", share, "1", NAN));
done:
    return status;
}

/* The box's codes into the volume, over what supports the wire. */
static void lay_down(const sei_grow *d, const grow_box *box, sei_grown *grown) {
    static const int role_of[GROW_CODES] = {-1,           SEI_GROW_SILICON,     SEI_GROW_OXIDE,       SEI_GROW_SEI,
                                            SEI_GROW_SEI, SEI_GROW_CLOSED_VOID, SEI_GROW_CLOSED_VOID, SEI_GROW_OPEN_VOID};
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < box->nz; ++k) {
        for (int64_t j = 0; j < box->ny; ++j) {
            uint8_t *to = grown->voxels + ((box->first_z + k) * grown->ny + j) * grown->nx + box->first_x;
            const uint8_t *code = box->code + (k * box->ny + j) * box->nx;
            for (int64_t i = 0; i < box->nx; ++i) {
                if (code[i] != GROW_OUTSIDE) to[i] = (uint8_t)d->material[role_of[code[i]]];
            }
        }
    }
}

static sei_status grow_into(const sei_grow *d, const sei_material *materials, uint64_t seed, sei_grown *grown) {
    sei_status status = SEI_OK;
    grow_wire wire = {0};
    grow_box box = {0};
    if (d->radius_nm > 0) {
        SEI_TRY(grow_wire_make(d, seed, grown->nx, grown->ny, grown->nz, grown->voxel_nm, &wire, &grown->numbers));
    }
    SEI_TRY(grow_support(d, seed, &wire, grown));
    if (d->radius_nm > 0) {
        SEI_TRY(grow_box_make(d, &wire, grown->nx, grown->nz, &box));
        SEI_TRY(grow_cavities(d, seed, &wire, &box, &grown->numbers));
        SEI_TRY(sei_interrupt_check());
        SEI_TRY(grow_mixture(d, seed, &wire, &box, &grown->numbers));
        if (d->empty_core) empty_core(&box);
        SEI_TRY(core_numbers(&box, &grown->numbers));
        SEI_TRY(grow_name_voids(d, materials, grown, &box));
        lay_down(d, &box, grown);
    }
    SEI_TRY(grow_test_objects(d, seed, grown));
done:
    grow_wire_free(&wire);
    sei_free(box.code);
    return status;
}

sei_status sei_grow_specimen(const sei_grow *d, size_t n_materials, const sei_material *materials, int64_t nx, int64_t ny,
                             int64_t nz, double voxel_nm, uint64_t seed, sei_grown *out) {
    sei_status status = SEI_OK;
    sei_grown grown = {.nx = nx, .ny = ny, .nz = nz, .voxel_nm = voxel_nm};
    SEI_TRY(grow_check(d, n_materials, materials, nx, ny, nz, voxel_nm));
    SEI_TRY(SEI_NEW(grown.voxels, nx, ny, nz));
    SEI_TRY(grow_into(d, materials, seed, &grown));
    *out = grown;
    grown = (sei_grown){0};
done:
    sei_grown_free(&grown);
    return status;
}

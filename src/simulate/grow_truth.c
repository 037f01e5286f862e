/* Voids by the segmentation's own rule; label volumes as specimens. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "seitomo/morphology.h"
#include "simulate/grow_plan.h"

/* As segment has it: materials labelled Si and SEI make the envelope, other classes do not. */
static void find_solid(const sei_grow *d, const sei_material *materials, bool solid[GROW_CODES]) {
    static const int role_of[GROW_CODES] = {-1, SEI_GROW_SILICON, SEI_GROW_OXIDE, SEI_GROW_SEI, SEI_GROW_SEI, -1, -1, -1};
    for (int c = 0; c < GROW_CODES; ++c) {
        const int material = role_of[c] < 0 ? -1 : d->material[role_of[c]];
        const uint8_t label = material < 0 ? SEI_LABEL_OUTSIDE : materials[material].label;
        solid[c] = label == SEI_LABEL_SI || label == SEI_LABEL_SEI;
    }
}

/* Emptiness beside the wire that is narrower than two voxels is the grid's, not the specimen's: it stays outside, as segment
 * has it. What was carved is void however narrow. mask: voids; comes back without them. */
static sei_status leave_slivers(const grow_box *box, uint8_t *mask) {
    sei_status status = SEI_OK;
    uint8_t *shallow = NULL;
    float *distance2 = NULL;
    const int64_t count = box->nx * box->ny * box->nz;
    SEI_TRY(SEI_NEW(shallow, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(distance2, box->nx, box->ny, box->nz));
    SEI_TRY(sei_distance2(mask, box->nx, box->ny, box->nz, false, distance2));
    for (int64_t v = 0; v < count; ++v) shallow[v] = !(distance2[v] > 1);
    SEI_TRY(sei_distance2(shallow, box->nx, box->ny, box->nz, false, distance2));
    for (int64_t v = 0; v < count; ++v) {
        if (distance2[v] > 3 && box->code[v] == GROW_OUTSIDE) mask[v] = 0;
    }
done:
    sei_free(shallow);
    sei_free(distance2);
    return status;
}

sei_status grow_name_voids(const sei_grow *d, const sei_material *materials, const sei_grown *support, grow_box *box) {
    sei_status status = SEI_OK;
    bool solid[GROW_CODES];
    uint8_t *mask = NULL, *envelope = NULL;
    const int64_t count = box->nx * box->ny * box->nz;
    const double closing_nm = d->closing_nm > 0 ? d->closing_nm : 10;
    find_solid(d, materials, solid);
    SEI_TRY(SEI_NEW(mask, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(envelope, box->nx, box->ny, box->nz));
    for (int64_t v = 0; v < count; ++v) mask[v] = solid[box->code[v]];
    SEI_TRY(sei_wire_envelope(mask, box->nx, box->ny, box->nz, closing_nm / box->voxel_nm, envelope));
    for (int64_t k = 0; k < box->nz; ++k) {
        for (int64_t j = 0; j < box->ny; ++j) {
            const uint8_t *film = support->voxels + ((box->first_z + k) * support->ny + j) * support->nx + box->first_x;
            uint8_t *empty = mask + (k * box->ny + j) * box->nx;
            const uint8_t *code = box->code + (k * box->ny + j) * box->nx;
            for (int64_t i = 0; i < box->nx; ++i) {
                empty[i] = code[i] == GROW_VOID || (code[i] == GROW_OUTSIDE && film[i] == 0);
            }
        }
    }
    SEI_TRY(sei_wire_voids(mask, envelope, box->nx, box->ny, box->nz));
    SEI_TRY(leave_slivers(box, mask));
    for (int64_t v = 0; v < count; ++v) {
        if (mask[v] != 0)
            box->code[v] = mask[v] == 1 ? GROW_CLOSED : GROW_OPEN;
        else if (box->code[v] == GROW_VOID)
            box->code[v] = GROW_OUTSIDE; /* a wide mouth that the closing does not bridge */
    }
done:
    sei_free(mask);
    sei_free(envelope);
    return status;
}

sei_status sei_grow_from_labels(const sei_labels *labels, const int material_of[256], size_t n_materials,
                                const sei_material *materials, sei_grown *out) {
    sei_status status = SEI_OK;
    sei_grown grown = {.nx = labels->nx, .ny = labels->ny, .nz = labels->nz, .voxel_nm = labels->voxel_nm};
    const int64_t count = labels->nx * labels->ny * labels->nz;
    int64_t voxels_of[256] = {0};
    uint8_t to[256] = {0};
    (void)materials;
    if (!(labels->voxel_nm > 0) || !isfinite(labels->voxel_nm)) {
        return sei_fail(SEI_ERR_INPUT, "labels as a specimen: their voxel size is not known; give it");
    }
    for (int64_t v = 0; v < count; ++v) voxels_of[labels->data[v]] += 1;
    for (int l = 0; l < 256; ++l) {
        if (material_of[l] >= 0 && (size_t)material_of[l] >= n_materials) {
            return sei_fail(SEI_ERR_INPUT, "labels as a specimen: label %d is to be material %d of %zu", l, material_of[l],
                            n_materials);
        }
        if (voxels_of[l] > 0 && material_of[l] < 0) {
            return sei_fail(SEI_ERR_INPUT, "labels as a specimen: label %d (%lld voxels) has no material: map it to one", l,
                            (long long)voxels_of[l]);
        }
        if (material_of[l] > 0) to[l] = (uint8_t)material_of[l];
    }
    SEI_TRY(SEI_NEW(grown.voxels, grown.nx, grown.ny, grown.nz));
    for (int64_t v = 0; v < count; ++v) grown.voxels[v] = to[labels->data[v]];
    *out = grown;
    grown = (sei_grown){0};
done:
    sei_grown_free(&grown);
    return status;
}

sei_specimen sei_grown_specimen(const sei_grown *grown, size_t n_materials, const sei_material *materials) {
    return (sei_specimen){.n_materials = n_materials,
                          .materials = materials,
                          .nx = grown->nx,
                          .ny = grown->ny,
                          .nz = grown->nz,
                          .voxel_nm = grown->voxel_nm,
                          .voxels = grown->voxels};
}

void sei_grown_free(sei_grown *grown) {
    sei_free(grown->voxels);
    sei_numbers_free(&grown->numbers);
    memset(grown, 0, sizeof *grown);
}

/* Labels and volumes to numbers. */
#include "seitomo/measure.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "measure/connect.h"
#include "measure/profiles.h"
#include "measure/wire.h"

static const double pi = 3.14159265358979323846;
static const double area_sd = 0.03; /* relative, see the header */
static const double envelope_window_nm = 5;

void sei_measure_options_default(sei_measure_options *options) {
    *options = (sei_measure_options){.connectivity = 26, .core_erosion_nm = NAN};
}

/* Everything one measurement works with. */
typedef struct ruler {
    const sei_labels *labels;
    int solid_connectivity, void_connectivity;
    double erosion_px;
    int64_t voxels, counts[256];
    double *area; /* [256][256] nm^2 */
    sei_section *sections;
    sei_scratch scratch;
    sei_numbers numbers;
} ruler;

static void ruler_free(ruler *r) {
    sei_free(r->area);
    sei_free(r->sections);
    sei_free(r->scratch.mask);
    sei_free(r->scratch.components);
    sei_free(r->scratch.distance2);
    sei_numbers_free(&r->numbers);
}

static sei_status check(const sei_labels *labels, size_t n, const sei_volume *volumes, const sei_measure_options *options) {
    if (labels->data == NULL) return sei_fail(SEI_ERR_INPUT, "no labels to measure");
    if (!(labels->voxel_nm > 0) || !isfinite(labels->voxel_nm))
        return sei_fail(SEI_ERR_INPUT, "the labels have no voxel size: give it in nm");
    for (size_t i = 0; i < n; ++i) {
        const sei_volume *v = &volumes[i];
        if (v->nx == labels->nx && v->ny == labels->ny && v->nz == labels->nz && fabs(v->voxel_nm / labels->voxel_nm - 1) < 1e-6)
            continue;
        return sei_fail(
            SEI_ERR_INPUT,
            "the labels have %lld x %lld x %lld voxels of %g nm, volume %s has %lld x %lld x %lld of %g nm: resample to one grid",
            (long long)labels->nx, (long long)labels->ny, (long long)labels->nz, labels->voxel_nm, v->name, (long long)v->nx,
            (long long)v->ny, (long long)v->nz, v->voxel_nm);
    }
    if (options->connectivity != 6 && options->connectivity != 18 && options->connectivity != 26) {
        return sei_fail(SEI_ERR_USAGE, "connectivity %d: voxels connect through 6, 18 or 26 neighbours", options->connectivity);
    }
    if (!(options->profile_bin_nm >= 0) ||
        (options->profile_bin_nm > 0 && options->profile_bin_nm < labels->voxel_nm / 1000)) /* else bins without number */
        return sei_fail(SEI_ERR_USAGE, "profile bins of %g nm: the width is 0 (one voxel), or at least a thousandth of a voxel",
                        options->profile_bin_nm);
    if (options->core_erosion_nm < 0)
        return sei_fail(SEI_ERR_USAGE, "the core cannot be moved inwards by %g nm", options->core_erosion_nm);
    return SEI_OK;
}

static double surface_of(const ruler *r, uint8_t class) {
    double sum = 0;
    for (int b = 0; b < 256; ++b) sum += r->area[class * 256 + b];
    return sum;
}

/* Volume of a class and the sd of half a voxel's place of its boundary. */
static sei_status add_volume(ruler *r, const char *name, uint8_t class) {
    const double voxel = r->labels->voxel_nm, sd = surface_of(r, class) * 0.5 * voxel / sqrt(12);
    return sei_numbers_set(&r->numbers, name, (double)r->counts[class] * voxel * voxel * voxel, "nm3", sd);
}

static sei_status add_count(ruler *r, const char *name, double value) {
    return sei_numbers_set(&r->numbers, name, value, "1", NAN);
}

static sei_status measure_volumes(ruler *r) {
    sei_status status = SEI_OK;
    SEI_TRY(add_volume(r, "si_volume", SEI_LABEL_SI));
    SEI_TRY(add_volume(r, "sei_volume", SEI_LABEL_SEI));
    SEI_TRY(add_volume(r, "closed_void_volume", SEI_LABEL_CLOSED_VOID));
    SEI_TRY(add_volume(r, "open_void_volume", SEI_LABEL_OPEN_VOID));
    SEI_TRY(add_volume(r, "support_volume", SEI_LABEL_SUPPORT));
    int64_t specimen = 0;
    for (int c = 0; c < 256; ++c) specimen += sei_is_specimen((uint8_t)c) ? r->counts[c] : 0;
    const double voids = (double)(r->counts[SEI_LABEL_CLOSED_VOID] + r->counts[SEI_LABEL_OPEN_VOID]);
    SEI_TRY(add_count(r, "void_fraction", specimen > 0 ? voids / (double)specimen : (double)NAN));
done:
    return status;
}

static sei_status add_percolation(ruler *r, const char *what, const sei_pieces *pieces) {
    for (int axis = 0; axis < 3; ++axis) {
        char name[SEI_NAME_LENGTH];
        snprintf(name, sizeof name, "%s_percolates_%c", what, 'x' + axis);
        const sei_status status = add_count(r, name, pieces->percolates[axis]);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

/* Silicon's pieces; leaves in scratch.mask the silicon of components of at least 8 voxels, or all when none is so large. */
static sei_status measure_silicon(ruler *r) {
    sei_status status = SEI_OK;
    sei_pieces pieces = {0};
    int64_t *sizes = NULL;
    const uint8_t *data = r->labels->data;
    for (int64_t i = 0; i < r->voxels; ++i) r->scratch.mask[i] = data[i] == SEI_LABEL_SI;
    SEI_TRY(sei_find_pieces(r->labels, r->solid_connectivity, &r->scratch, &pieces, &sizes));
    const int64_t least = pieces.largest < 8 ? 1 : 8;
    for (int64_t i = 0; i < r->voxels; ++i)
        r->scratch.mask[i] = data[i] == SEI_LABEL_SI && sizes[r->scratch.components[i]] >= least;
    SEI_TRY(add_count(r, "si_component_count", pieces.count));
    SEI_TRY(add_count(r, "si_largest_component_fraction",
                      pieces.voxels > 0 ? (double)pieces.largest / (double)pieces.voxels : (double)NAN));
    SEI_TRY(add_percolation(r, "si", &pieces));
done:
    sei_free(sizes);
    return status;
}

static sei_status measure_voids(ruler *r) {
    sei_status status = SEI_OK;
    sei_pieces pieces = {0}, closed = {0};
    for (int64_t i = 0; i < r->voxels; ++i) r->scratch.mask[i] = r->labels->data[i] == SEI_LABEL_CLOSED_VOID;
    SEI_TRY(sei_find_pieces(r->labels, r->void_connectivity, &r->scratch, &closed, NULL));
    for (int64_t i = 0; i < r->voxels; ++i) r->scratch.mask[i] = sei_is_void(r->labels->data[i]);
    SEI_TRY(sei_find_pieces(r->labels, r->void_connectivity, &r->scratch, &pieces, NULL));
    SEI_TRY(add_count(r, "void_count", pieces.count));
    SEI_TRY(add_count(r, "closed_void_count", closed.count));
    SEI_TRY(add_percolation(r, "void", &pieces));
done:
    return status;
}

static sei_status measure_surfaces(ruler *r) {
    sei_status status = SEI_OK;
    const double voxel = r->labels->voxel_nm, volume = (double)r->counts[SEI_LABEL_SI] * voxel * voxel * voxel;
    const double surface = volume > 0 ? surface_of(r, SEI_LABEL_SI) / volume : (double)NAN;
    const double mixing = volume > 0 ? r->area[SEI_LABEL_SI * 256 + SEI_LABEL_SEI] / volume : (double)NAN;
    /* both the area and the volume below it are uncertain */
    const double relative = hypot(area_sd, surface * 0.5 * voxel / sqrt(12));
    SEI_TRY(sei_numbers_set(&r->numbers, "specific_surface", surface, "1/nm", surface * relative));
    SEI_TRY(sei_numbers_set(&r->numbers, "mixing_index", mixing, "1/nm", mixing * relative));
done:
    return status;
}

/* Mean and spread of sqrt(area / pi) over cross-sections: of the specimen, or of the envelope. */
static sei_status add_radius(ruler *r, const char *name, bool core) {
    int64_t n = 0;
    double sum = 0, squares = 0;
    for (int64_t j = 0; j < r->labels->ny; ++j) {
        const sei_section *s = &r->sections[j];
        double area = (double)s->specimen;
        if (core ? !s->has_core : s->specimen == 0) continue;
        if (core) { /* of the Fourier series: pi (e0^2 + half the sum of the squares of the others) */
            area = s->envelope[0] * s->envelope[0];
            for (int t = 1; t < SEI_WIRE_TERMS; ++t) area += 0.5 * s->envelope[t] * s->envelope[t];
            area *= pi;
        }
        const double radius = sqrt(area / pi) * r->labels->voxel_nm;
        ++n;
        sum += radius;
        squares += radius * radius;
    }
    const double mean = n > 0 ? sum / (double)n : (double)NAN;
    const double variance = n > 1 ? fmax(0, squares / (double)n - mean * mean) * (double)n / (double)(n - 1) : (double)NAN;
    return sei_numbers_set(&r->numbers, name, mean, "nm", sqrt(variance));
}

/* Voxels of the core by class, for envelopes moved inwards by erosion + 1, erosion, erosion - 1 voxels. */
typedef struct core_counts {
    int64_t all[3], si[3], sei[3], voids[3];
} core_counts;

static void count_core(const ruler *r, int64_t j, core_counts *counts) {
    const sei_labels *labels = r->labels;
    const sei_section *s = &r->sections[j];
    double reach = 0;
    for (int t = 0; t < SEI_WIRE_TERMS; ++t) reach += fabs(s->envelope[t]);
    for (int64_t k = 0; k < labels->nz; ++k) {
        for (int64_t i = 0; i < labels->nx; ++i) {
            const double dx = (double)i - s->x, dz = (double)k - s->z, radius = sqrt(dx * dx + dz * dz);
            if (radius > reach + 1) continue;
            const double envelope = radius > 0 ? sei_wire_radius(s, dx / radius, dz / radius) : reach;
            const double inside = envelope - radius - r->erosion_px;
            const uint8_t label = labels->data[(k * labels->ny + j) * labels->nx + i];
            for (int c = 0; c < 3; ++c) {
                if (!(inside > 1 - c)) continue;
                counts->all[c] += 1;
                counts->si[c] += label == SEI_LABEL_SI;
                counts->sei[c] += label == SEI_LABEL_SEI;
                counts->voids[c] += sei_is_void(label);
            }
        }
    }
}

static sei_status add_fraction(ruler *r, const char *name, const int64_t part[3], const int64_t all[3], double fraction[3]) {
    for (int c = 0; c < 3; ++c) fraction[c] = all[c] > 0 ? (double)part[c] / (double)all[c] : (double)NAN;
    return sei_numbers_set(&r->numbers, name, fraction[1], "1", 0.5 * fabs(fraction[2] - fraction[0]));
}

static sei_status measure_core(ruler *r) {
    sei_status status = SEI_OK;
    const int64_t ny = r->labels->ny;
    core_counts *sections = NULL, total = {{0}, {0}, {0}, {0}};
    double fraction[3] = {NAN, NAN, NAN};
    SEI_TRY(SEI_NEW(sections, ny, 1, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) {
        if (r->sections[j].has_core) count_core(r, j, &sections[j]);
    }
    for (int64_t j = 0; j < ny; ++j) {
        for (int c = 0; c < 3; ++c) {
            total.all[c] += sections[j].all[c];
            total.si[c] += sections[j].si[c];
            total.sei[c] += sections[j].sei[c];
            total.voids[c] += sections[j].voids[c];
        }
    }
    SEI_TRY(add_fraction(r, "si_fraction_in_core", total.si, total.all, fraction));
    SEI_TRY(add_fraction(r, "void_fraction_in_core", total.voids, total.all, fraction));
    SEI_TRY(add_fraction(r, "sei_fraction_in_core", total.sei, total.all, fraction));
    SEI_TRY(add_count(r, "sei_fraction_in_core_narrow", fraction[0]));
    SEI_TRY(add_count(r, "sei_fraction_in_core_wide", fraction[2]));
    SEI_TRY(add_count(r, "sei_fraction_in_core_null", NAN));
done:
    sei_free(sections);
    return status;
}

static sei_status measure_lengths(ruler *r) {
    sei_status status = SEI_OK;
    const double voxel = r->labels->voxel_nm;
    double thickness = NAN, spread = NAN;
    sei_depth depth = {NAN, NAN, NAN};
    SEI_TRY(add_radius(r, "wire_radius_mean", false));
    SEI_TRY(add_radius(r, "core_radius_mean", true));
    if (r->counts[SEI_LABEL_SI] + r->counts[SEI_LABEL_SEI] > 0)
        sei_wire_sei_thickness(r->labels, r->sections, &thickness, &spread);
    SEI_TRY(sei_numbers_set(&r->numbers, "sei_thickness_mean", thickness * voxel, "nm", spread * voxel));
    SEI_TRY(sei_open_depth(r->labels, r->sections, &r->scratch, &depth));
    SEI_TRY(sei_numbers_set(&r->numbers, "open_void_depth_mean", depth.mean * voxel, "nm", depth.spread * voxel));
    SEI_TRY(sei_numbers_set(&r->numbers, "open_void_depth_max", depth.largest * voxel, "nm", NAN));
done:
    return status;
}

/* "Fe-rich grain" and "_volume" make "fe_rich_grain_volume". */
static void class_key(const char *class, const char *ending, char name[SEI_NAME_LENGTH]) {
    size_t n = 0;
    for (; class[n] != 0 && n + strlen(ending) + 1 < SEI_NAME_LENGTH; ++n) {
        const unsigned char c = (unsigned char)class[n];
        name[n] = c < 128 && isalnum(c) ? (char)tolower(c) : '_';
    }
    snprintf(name + n, SEI_NAME_LENGTH - n, "%s", ending);
}

static sei_status measure_free_classes(ruler *r) {
    sei_status status = SEI_OK;
    for (size_t c = 0; c < r->labels->n_classes; ++c) {
        const sei_label_class *class = &r->labels->classes[c];
        sei_pieces pieces = {0};
        char name[SEI_NAME_LENGTH];
        if (class->id < SEI_LABEL_FIRST_FREE) continue;
        class_key(class->name, "_volume", name);
        SEI_TRY(add_volume(r, name, class->id));
        for (int64_t i = 0; i < r->voxels; ++i) r->scratch.mask[i] = r->labels->data[i] == class->id;
        SEI_TRY(sei_find_pieces(r->labels, r->solid_connectivity, &r->scratch, &pieces, NULL));
        class_key(class->name, "_count", name);
        SEI_TRY(add_count(r, name, pieces.count));
    }
done:
    return status;
}

static sei_status ruler_new(const sei_labels *labels, const sei_measure_options *options, ruler *r) {
    sei_status status = SEI_OK;
    *r = (ruler){.labels = labels, .solid_connectivity = options->connectivity, .voxels = labels->nx * labels->ny * labels->nz};
    r->void_connectivity = options->connectivity == 6 ? 26 : 6;
    r->erosion_px = isnan(options->core_erosion_nm) ? 2 : options->core_erosion_nm / labels->voxel_nm;
    SEI_TRY(SEI_NEW(r->area, 256, 256, 1));
    SEI_TRY(SEI_NEW(r->sections, labels->ny, 1, 1));
    SEI_TRY(SEI_NEW(r->scratch.mask, r->voxels, 1, 1));
    SEI_TRY(SEI_NEW(r->scratch.components, r->voxels, 1, 1));
    SEI_TRY(SEI_NEW(r->scratch.distance2, r->voxels, 1, 1));
    for (int64_t i = 0; i < r->voxels; ++i) r->counts[labels->data[i]] += 1;
    SEI_TRY(sei_measure_areas(labels, r->area));
    SEI_TRY(sei_wire_axis(labels, r->sections));
done:
    return status;
}

sei_status sei_measure(const sei_labels *labels, size_t n, const sei_volume *volumes, const sei_measure_options *options,
                       sei_numbers *numbers, sei_table *profiles) {
    sei_status status = SEI_OK;
    ruler r = {0};
    sei_table table = {0};
    SEI_TRY(check(labels, n, volumes, options));
    SEI_TRY(ruler_new(labels, options, &r));
    SEI_TRY(measure_volumes(&r));
    SEI_TRY(measure_silicon(&r));
    SEI_TRY(sei_wire_envelopes(labels, r.scratch.mask, envelope_window_nm / labels->voxel_nm, r.sections));
    SEI_TRY(sei_interrupt_check());
    SEI_TRY(measure_voids(&r));
    SEI_TRY(measure_surfaces(&r));
    SEI_TRY(measure_core(&r));
    SEI_TRY(measure_lengths(&r));
    SEI_TRY(measure_free_classes(&r));
    if (profiles != NULL) {
        const double bin_nm = options->profile_bin_nm > 0 ? options->profile_bin_nm : labels->voxel_nm;
        const sei_number *radius = sei_numbers_find(&r.numbers, "wire_radius_mean");
        SEI_TRY(sei_radial_profiles(labels, r.sections, n, volumes, bin_nm, radius->value, &table));
        *profiles = table;
    }
    *numbers = r.numbers;
    r.numbers = (sei_numbers){0};
done:
    ruler_free(&r);
    return status;
}

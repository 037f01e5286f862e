/* Fractions of the classes and means of the volumes by distance from the wire's axis. */
#include "measure/profiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

enum { FIRST = 8, MAX_COLUMNS = 512 }; /* FIRST: columns before those of free classes */

/* Where the numbers of one bin stand: voxels per class, then sums per volume. */
typedef struct layout {
    int64_t bins;
    size_t n_volumes;
    double bin_px;
} layout;

static double radius_at(const sei_section *section, int64_t i, int64_t k) {
    return hypot((double)i - section->x, (double)k - section->z);
}

/* The specimen's largest distance from the axis, in voxels. */
static double specimen_reach(const sei_labels *labels, const sei_section *sections) {
    double reach = 0;
    for (int64_t k = 0; k < labels->nz; ++k) {
        for (int64_t j = 0; j < labels->ny; ++j) {
            const uint8_t *row = labels->data + (k * labels->ny + j) * labels->nx;
            int64_t a = 0, b = labels->nx - 1;
            while (a < labels->nx && !sei_is_specimen(row[a])) ++a;
            while (b > a && !sei_is_specimen(row[b])) --b;
            if (a < labels->nx) reach = fmax(reach, fmax(radius_at(&sections[j], a, k), radius_at(&sections[j], b, k)));
        }
    }
    return reach;
}

/* One cross-section's share: counts[bin][class], sums[bin][volume]. */
static void add_section(const sei_labels *labels, const sei_section *section, int64_t j, const sei_volume *volumes,
                        const layout *l, int64_t (*counts)[256], double *sums) {
    for (int64_t k = 0; k < labels->nz; ++k) {
        for (int64_t i = 0; i < labels->nx; ++i) {
            const int64_t at = (k * labels->ny + j) * labels->nx + i;
            const int64_t bin = (int64_t)(radius_at(section, i, k) / l->bin_px);
            if (bin >= l->bins) continue;
            counts[bin][labels->data[at]] += 1;
            for (size_t v = 0; v < l->n_volumes; ++v)
                sums[bin * (int64_t)l->n_volumes + (int64_t)v] += (double)volumes[v].data[at];
        }
    }
}

/* "r_nm", ..., "fraction_<class>", "mean_<volume>"; returns how many. */
static size_t name_columns(const sei_labels *labels, size_t n, const sei_volume *volumes, char (*names)[SEI_NAME_LENGTH],
                           uint8_t *ids) {
    static const char *const fixed[FIRST] = {"r_nm",
                                             "r_over_radius",
                                             "voxels",
                                             "fraction_Si",
                                             "fraction_SEI",
                                             "fraction_void",
                                             "fraction_closed_void",
                                             "fraction_open_void"};
    size_t count = FIRST;
    for (size_t c = 0; c < FIRST; ++c) snprintf(names[c], SEI_NAME_LENGTH, "%s", fixed[c]);
    for (size_t c = 0; c < labels->n_classes && count < MAX_COLUMNS; ++c) {
        if (labels->classes[c].id < SEI_LABEL_FIRST_FREE) continue;
        ids[count - FIRST] = labels->classes[c].id;
        snprintf(names[count++], SEI_NAME_LENGTH, "fraction_%.*s", SEI_NAME_LENGTH - 10, labels->classes[c].name);
    }
    for (size_t v = 0; v < n && count < MAX_COLUMNS; ++v)
        snprintf(names[count++], SEI_NAME_LENGTH, "mean_%.*s", SEI_NAME_LENGTH - 6, volumes[v].name);
    return count;
}

static void fill_row(double *row, size_t n_columns, size_t n_volumes, const int64_t counts[256], const double *sums,
                     const uint8_t *ids) {
    int64_t voxels = 0;
    for (int c = 0; c < 256; ++c) voxels += counts[c];
    row[2] = (double)voxels;
    if (voxels == 0) return; /* the other cells stay NaN */
    const double total = (double)voxels;
    row[3] = (double)counts[SEI_LABEL_SI] / total;
    row[4] = (double)counts[SEI_LABEL_SEI] / total;
    row[5] = (double)(counts[SEI_LABEL_CLOSED_VOID] + counts[SEI_LABEL_OPEN_VOID]) / total;
    row[6] = (double)counts[SEI_LABEL_CLOSED_VOID] / total;
    row[7] = (double)counts[SEI_LABEL_OPEN_VOID] / total;
    for (size_t c = FIRST; c < n_columns - n_volumes; ++c) row[c] = (double)counts[ids[c - FIRST]] / total;
    for (size_t v = 0; v < n_volumes; ++v) row[n_columns - n_volumes + v] = sums[v] / total;
}

sei_status sei_radial_profiles(const sei_labels *labels, const sei_section *sections, size_t n, const sei_volume *volumes,
                               double bin_nm, double radius_nm, sei_table *profiles) {
    sei_status status = SEI_OK;
    const int threads = sei_threads();
    sei_table table = {0};
    int64_t(*counts)[256] = NULL;
    double *sums = NULL;
    char(*names)[SEI_NAME_LENGTH] = NULL;
    const char **columns = NULL;
    uint8_t ids[256] = {0};
    const double bin_px = bin_nm / labels->voxel_nm;
    const layout l = {
        .bins = (int64_t)ceil((1.25 * specimen_reach(labels, sections) + 1) / bin_px), .n_volumes = n, .bin_px = bin_px};
    if (n > MAX_COLUMNS - 256 - FIRST)
        return sei_fail(SEI_ERR_USAGE, "profiles of %zu volumes, at most %d", n, MAX_COLUMNS - 256 - FIRST);
    if (l.bins > 1000000)
        return sei_fail(SEI_ERR_USAGE, "profile bins of %g nm are too narrow for voxels of %g nm", bin_nm, labels->voxel_nm);
    SEI_TRY(SEI_NEW(names, MAX_COLUMNS, 1, 1));
    SEI_TRY(SEI_NEW(columns, MAX_COLUMNS, 1, 1));
    SEI_TRY(SEI_NEW(counts, threads, l.bins, 1));
    SEI_TRY(SEI_NEW(sums, labels->ny, l.bins, (int64_t)n));
    const size_t n_columns = name_columns(labels, n, volumes, names, ids);
    for (size_t c = 0; c < n_columns; ++c) columns[c] = names[c];
    SEI_TRY(sei_table_alloc("radial profiles", n_columns, columns, (size_t)l.bins, &table));
    /* whole numbers may be added in any order; the sums of each cross-section stand alone until the end */
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; ++t) {
        for (int64_t j = t; j < labels->ny; j += threads) {
            add_section(labels, &sections[j], j, volumes, &l, counts + t * l.bins, sums + j * l.bins * (int64_t)n);
        }
    }
    for (int64_t bin = 0; bin < l.bins; ++bin) {
        for (int t = 1; t < threads; ++t) {
            for (int c = 0; c < 256; ++c) counts[bin][c] += counts[t * l.bins + bin][c];
        }
        for (int64_t j = 1; j < labels->ny; ++j) {
            for (size_t v = 0; v < n; ++v)
                sums[bin * (int64_t)n + (int64_t)v] += sums[(j * l.bins + bin) * (int64_t)n + (int64_t)v];
        }
        double *row = table.cells + (size_t)bin * n_columns;
        row[0] = ((double)bin + 0.5) * bin_nm;
        row[1] = row[0] / radius_nm;
        fill_row(row, n_columns, n, counts[bin], sums + bin * (int64_t)n, ids);
    }
    *profiles = table;
    table = (sei_table){0};
done:
    sei_table_free(&table);
    sei_free(counts);
    sei_free(sums);
    sei_free(names);
    sei_free(columns);
    return status;
}

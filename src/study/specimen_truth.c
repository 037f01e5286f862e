/* Truth's labels in measure's numbers. */
#include <string.h>

#include "study/specimen_file.h"

enum { MARGIN = 4 }; /* voxels of emptiness that keep every surface and its neighbours */

/* The range of indices that hold anything, and the margin, along x and z. */
static void find_box(const sei_labels *l, int64_t low[2], int64_t high[2]) {
    low[0] = l->nx;
    low[1] = l->nz;
    high[0] = high[1] = 0;
    for (int64_t k = 0; k < l->nz; ++k) {
        for (int64_t j = 0; j < l->ny; ++j) {
            const uint8_t *row = l->data + (k * l->ny + j) * l->nx;
            for (int64_t i = 0; i < l->nx; ++i) {
                if (row[i] == SEI_LABEL_OUTSIDE) continue;
                if (i < low[0]) low[0] = i;
                if (i >= high[0]) high[0] = i + 1;
                if (k < low[1]) low[1] = k;
                if (k >= high[1]) high[1] = k + 1;
            }
        }
    }
    const int64_t size[2] = {l->nx, l->nz};
    for (int a = 0; a < 2; ++a) {
        if (high[a] <= low[a]) low[a] = 0, high[a] = size[a]; /* nothing there: measure it all, and say so in its numbers */
        low[a] = low[a] > MARGIN ? low[a] - MARGIN : 0;
        high[a] = high[a] + MARGIN < size[a] ? high[a] + MARGIN : size[a];
    }
}

sei_status sei_truth_measure(const sei_labels *labels, sei_numbers *numbers, sei_table *profiles) {
    sei_status status = SEI_OK;
    sei_labels cut = {0};
    sei_numbers measured = {0};
    sei_measure_options options;
    int64_t low[2], high[2];
    sei_measure_options_default(&options);
    find_box(labels, low, high);
    SEI_TRY(sei_labels_alloc(high[0] - low[0], labels->ny, high[1] - low[1], labels->voxel_nm, &cut));
    for (size_t c = 0; c < labels->n_classes; ++c) {
        const sei_label_class *class = &labels->classes[c];
        SEI_TRY(sei_labels_define(&cut, class->id, class->name, class->rgb, class->rule));
    }
    for (int64_t k = 0; k < cut.nz; ++k) {
        for (int64_t j = 0; j < cut.ny; ++j) {
            memcpy(cut.data + (k * cut.ny + j) * cut.nx, labels->data + ((k + low[1]) * labels->ny + j) * labels->nx + low[0],
                   (size_t)cut.nx);
        }
    }
    SEI_TRY(sei_measure(&cut, 0, NULL, &options, &measured, profiles));
    for (size_t i = 0; i < measured.count; ++i) {
        const sei_number *n = &measured.items[i];
        SEI_TRY(sei_numbers_set(numbers, n->name, n->value, n->unit, n->sd));
    }
done:
    sei_labels_free(&cut);
    sei_numbers_free(&measured);
    return status;
}

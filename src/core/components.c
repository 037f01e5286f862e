/* Connected components by union-find over runs of voxels along x. */
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/morphology.h"

typedef struct run {
    int32_t begin, end; /* x of the first voxel and one past the last */
} run;

typedef struct run_list {
    int64_t *first; /* [rows + 1]: runs of row r are first[r] .. first[r+1] - 1 */
    run *runs;
    uint32_t *parent; /* union-find; a root is its own parent and the smallest index of its set */
} run_list;

static uint32_t find_root(uint32_t *parent, uint32_t i) {
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The smaller root wins, so a component is known by its first run. */
static void join(uint32_t *parent, uint32_t a, uint32_t b) {
    const uint32_t root_a = find_root(parent, a), root_b = find_root(parent, b);
    if (root_a < root_b) parent[root_b] = root_a;
    if (root_b < root_a) parent[root_a] = root_b;
}

/* Where the run that begins at x ends. */
static int64_t run_end(const uint8_t *row, int64_t nx, int64_t x, bool by_class) {
    int64_t end = x + 1;
    while (end < nx && row[end] != 0 && (!by_class || row[end] == row[x])) ++end;
    return end;
}

static int64_t count_runs(const uint8_t *row, int64_t nx, bool by_class) {
    int64_t count = 0;
    for (int64_t x = 0; x < nx;) {
        if (row[x] == 0) {
            ++x;
            continue;
        }
        ++count;
        x = run_end(row, nx, x, by_class);
    }
    return count;
}

static void store_runs(const uint8_t *row, int64_t nx, bool by_class, run *runs) {
    for (int64_t x = 0; x < nx;) {
        if (row[x] == 0) {
            ++x;
            continue;
        }
        const int64_t end = run_end(row, nx, x, by_class);
        *runs++ = (run){(int32_t)x, (int32_t)end};
        x = end;
    }
}

/* Joins the runs of two rows whose x ranges touch; `reach` is 1 where diagonal steps along x count. */
static void join_rows(const run_list *list, const uint8_t *data, int64_t nx, int64_t row, int64_t other, int32_t reach,
                      bool by_class) {
    int64_t b = list->first[other];
    const int64_t b_end = list->first[other + 1];
    for (int64_t a = list->first[row]; a < list->first[row + 1]; ++a) {
        const run p = list->runs[a];
        while (b < b_end && list->runs[b].end + reach <= p.begin) ++b;
        for (int64_t c = b; c < b_end && list->runs[c].begin < p.end + reach; ++c) {
            const bool alike = !by_class || data[row * nx + p.begin] == data[other * nx + list->runs[c].begin];
            if (alike) join(list->parent, (uint32_t)a, (uint32_t)c);
        }
    }
}

/* Joins every run with those of the rows before it. */
static void join_all(const run_list *list, const uint8_t *data, int64_t nx, int64_t ny, int64_t nz, int connectivity,
                     bool by_class) {
    const int32_t face = connectivity == 6 ? 0 : 1, edge = connectivity == 26 ? 1 : 0;
    for (int64_t k = 0; k < nz; ++k) {
        for (int64_t j = 0; j < ny; ++j) {
            const int64_t row = k * ny + j;
            if (list->first[row] == list->first[row + 1]) continue;
            if (j > 0) join_rows(list, data, nx, row, row - 1, face, by_class);
            if (k > 0) join_rows(list, data, nx, row, row - ny, face, by_class);
            if (k > 0 && j > 0 && connectivity != 6) join_rows(list, data, nx, row, row - ny - 1, edge, by_class);
            if (k > 0 && j + 1 < ny && connectivity != 6) join_rows(list, data, nx, row, row - ny + 1, edge, by_class);
        }
    }
}

static void list_free(run_list *list) {
    sei_free(list->first);
    sei_free(list->runs);
    sei_free(list->parent);
}

static sei_status list_build(const uint8_t *data, int64_t nx, int64_t rows, bool by_class, run_list *list) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(list->first, rows + 1, 1, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < rows; ++r) list->first[r + 1] = count_runs(data + r * nx, nx, by_class);
    for (int64_t r = 0; r < rows; ++r) list->first[r + 1] += list->first[r];
    const int64_t total = list->first[rows];
    if (total >= (int64_t)UINT32_MAX) {
        SEI_TRY(sei_fail(SEI_ERR_INPUT,
                         "the mask has %lld runs of voxels, at most %lld can be labelled: smooth or bin the volume",
                         (long long)total, (long long)UINT32_MAX - 1));
    }
    SEI_TRY(SEI_NEW(list->runs, total, 1, 1));
    SEI_TRY(SEI_NEW(list->parent, total, 1, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < rows; ++r) store_runs(data + r * nx, nx, by_class, list->runs + list->first[r]);
    for (int64_t i = 0; i < total; ++i) list->parent[i] = (uint32_t)i;
done:
    return status;
}

static sei_status label_components(const uint8_t *data, int64_t nx, int64_t ny, int64_t nz, int connectivity, bool by_class,
                                   uint32_t *labels, uint32_t *n) {
    sei_status status = SEI_OK;
    run_list list = {0};
    if (connectivity != 6 && connectivity != 18 && connectivity != 26) {
        return sei_fail(SEI_ERR_USAGE, "connectivity %d: voxels connect through 6, 18 or 26 neighbours", connectivity);
    }
    if (nx < 1 || ny < 1 || nz < 1 || nx > INT32_MAX - 1) {
        return sei_fail(SEI_ERR_INPUT, "components of %lld x %lld x %lld voxels cannot be found", (long long)nx, (long long)ny,
                        (long long)nz);
    }
    const int64_t rows = ny * nz;
    SEI_TRY(list_build(data, nx, rows, by_class, &list));
    join_all(&list, data, nx, ny, nz, connectivity, by_class);
    /* roots come before their members, so one sweep turns parents into final numbers */
    uint32_t found = 0;
    for (int64_t i = 0; i < list.first[rows]; ++i) {
        list.parent[i] = list.parent[i] == (uint32_t)i ? ++found : list.parent[list.parent[i]];
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < rows; ++r) {
        uint32_t *out = labels + r * nx;
        memset(out, 0, (size_t)nx * sizeof *out);
        for (int64_t i = list.first[r]; i < list.first[r + 1]; ++i) {
            for (int32_t x = list.runs[i].begin; x < list.runs[i].end; ++x) out[x] = list.parent[i];
        }
    }
    *n = found;
done:
    list_free(&list);
    return status;
}

sei_status sei_components(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, int connectivity, uint32_t *labels,
                          uint32_t *n) {
    return label_components(mask, nx, ny, nz, connectivity, false, labels, n);
}

sei_status sei_components_of_classes(const uint8_t *classes, int64_t nx, int64_t ny, int64_t nz, int connectivity,
                                     uint32_t *labels, uint32_t *n) {
    return label_components(classes, nx, ny, nz, connectivity, true, labels, n);
}

void sei_component_sizes(const uint32_t *labels, int64_t count, uint32_t n, int64_t *sizes) {
    memset(sizes, 0, ((size_t)n + 1) * sizeof *sizes);
    for (int64_t i = 0; i < count; ++i) sizes[labels[i]] += 1;
}

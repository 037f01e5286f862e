/* The growth's rows as the table that is written and drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "core/alloc.h"

static int by_work(const void *a, const void *b) {
    const sei_bench_row *x = *(const sei_bench_row *const *)a, *y = *(const sei_bench_row *const *)b;
    return (x->gflop > y->gflop) - (x->gflop < y->gflop);
}

/* Times have repeats; the line's points follow them at the same size. */
sei_status sei_cli_bench_growth(size_t n, const sei_bench_row *rows, sei_table *out) {
    static const char *const columns[] = {"nx", "ny", "n_tilts", "giga_multiply_adds", "measured_ms", "least_ms", "line_ms"};
    const sei_bench_row **measured = NULL;
    sei_table table = {0};
    size_t count = 0;
    sei_status status = SEI_NEW(measured, (int64_t)n + 1, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i + 1 < n; ++i) {
        if (strcmp(rows[i].bench_case, "growth") == 0 && rows[i].repeats > 0) measured[count++] = &rows[i];
    }
    qsort(measured, count, sizeof(const sei_bench_row *), by_work);
    SEI_TRY(sei_table_alloc("growth", sizeof columns / sizeof columns[0], columns, count, &table));
    for (size_t r = 0; r < count; ++r) {
        const sei_bench_row *row = measured[r];
        const double cells[] = {(double)row->nx, (double)row->ny, (double)row->n_tilts, row->gflop / 2,
                                row->value,      row->least,      row[1].value};
        memcpy(table.cells + r * table.n_columns, cells, sizeof cells);
    }
    *out = table;
done:
    sei_free(measured);
    return status;
}

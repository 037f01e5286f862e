/* A detector's faults: single wild values, and lines that read nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/random.h"
#include "seitomo/experiment.h"
#include "simulate/streams.h"

enum { KIND_HOT = 1, KIND_ROW = 2, KIND_COLUMN = 3, DRAWS_PER_PIXEL = 16, N_COLUMNS = 5 };

/* The largest value of the type a channel is stored as; a detector stops there. */
static float ceiling_of(sei_dtype type) {
    switch (type) {
        case SEI_DTYPE_U8: return 255;
        case SEI_DTYPE_I8: return 127;
        case SEI_DTYPE_U16: return 65535;
        case SEI_DTYPE_I16: return 32767;
        default: return INFINITY;
    }
}

static void write_row(sei_table *list, size_t row, double channel, double tilt_deg, double x, double y, double kind) {
    const double cells[N_COLUMNS] = {channel, tilt_deg, x, y, kind};
    memcpy(list->cells + row * N_COLUMNS, cells, sizeof cells);
}

static bool among(const int64_t *lines, int64_t n, int64_t line) {
    for (int64_t i = 0; i < n; ++i) {
        if (lines[i] == line) return true;
    }
    return false;
}

/* lines: the dead rows, then the dead columns; a pixel on one of them reads 0, so it is drawn anew. */
static void heat(const sei_faults *faults, const int64_t *lines, sei_series *series, sei_table *list) {
    const sei_random random = {.seed = faults->seed, .stream = SEI_STREAM_HOT};
    const int64_t image = series->nx * series->ny;
    const int64_t n = series->n_tilts * image;
    size_t row = 0;
    for (size_t c = 0; c < series->n_channels; ++c) {
        sei_channel *channel = &series->channels[c];
        float largest = 0;
        for (int64_t i = 0; i < n; ++i) largest = fmaxf(largest, channel->data[i]);
        for (int64_t k = 0; k < faults->hot_pixels; ++k) {
            const uint64_t draw = (uint64_t)k * DRAWS_PER_PIXEL + c;
            int64_t at = 0;
            bool dead = true;
            for (uint32_t attempt = 0; dead && attempt < 1000; ++attempt) {
                at = (int64_t)(sei_random_uniform(&random, draw, attempt) * (double)n);
                if (at >= n) at = n - 1;
                dead = among(lines, faults->dead_rows, at / series->nx % series->ny) ||
                       among(lines + faults->dead_rows, faults->dead_columns, at % series->nx);
            }
            channel->data[at] = fminf(20 * largest, ceiling_of(channel->stored));
            write_row(list, row++, (double)c, series->tilts[at / image].tilt_deg, (double)(at % series->nx),
                      (double)(at / series->nx % series->ny), KIND_HOT);
        }
    }
}

/* Draws `wanted` lines of n, at least three apart and off the border, into at[]. */
static sei_status draw_lines(const sei_faults *faults, int64_t wanted, int64_t n, uint32_t which, const char *what, int64_t *at) {
    const sei_random random = {.seed = faults->seed, .stream = SEI_STREAM_DEAD};
    int64_t found = 0;
    for (uint64_t draw = 0; found < wanted; ++draw) {
        const int64_t line = 1 + (int64_t)(sei_random_uniform(&random, draw, which) * (double)(n - 2));
        bool good = line >= 1 && line < n - 1;
        for (int64_t i = 0; i < found; ++i) good = good && llabs(at[i] - line) >= 3;
        if (good) at[found++] = line;
        if (draw > 1000 * (uint64_t)wanted + 1000) {
            return sei_fail(SEI_ERR_INPUT, "experiment: %lld dead %s do not fit into %lld, three apart; ask for fewer",
                            (long long)wanted, what, (long long)n);
        }
    }
    return SEI_OK;
}

/* The lines read 0 in every image of every channel. */
static void blank(sei_series *series, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns) {
    for (size_t c = 0; c < series->n_channels; ++c) {
        for (int64_t t = 0; t < series->n_tilts; ++t) {
            float *image = series->channels[c].data + t * series->ny * series->nx;
            for (int64_t i = 0; i < n_rows; ++i) memset(image + rows[i] * series->nx, 0, (size_t)series->nx * sizeof *image);
            for (int64_t i = 0; i < n_columns; ++i) {
                for (int64_t y = 0; y < series->ny; ++y) image[y * series->nx + columns[i]] = 0;
            }
        }
    }
}

sei_status sei_faults_apply(const sei_faults *faults, sei_series *series, sei_table *list) {
    static const char *const names[N_COLUMNS] = {"channel", "tilt_deg", "x", "y", "kind"};
    const int64_t n_channels = (int64_t)series->n_channels;
    sei_table table = {0};
    int64_t *lines = NULL;
    if (faults->hot_pixels < 0 || faults->dead_rows < 0 || faults->dead_columns < 0 || n_channels > DRAWS_PER_PIXEL) {
        return sei_fail(SEI_ERR_INPUT, "experiment: %lld hot pixels, %lld dead rows, %lld dead columns; 0 or more are possible",
                        (long long)faults->hot_pixels, (long long)faults->dead_rows, (long long)faults->dead_columns);
    }
    if (faults->dead_rows > series->ny / 3 || faults->dead_columns > series->nx / 3) {
        return sei_fail(SEI_ERR_INPUT, "experiment: %lld dead rows and %lld dead columns in images of %lld x %lld; ask for fewer",
                        (long long)faults->dead_rows, (long long)faults->dead_columns, (long long)series->nx,
                        (long long)series->ny);
    }
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(lines, faults->dead_rows + faults->dead_columns + 1, 1, 1));
    int64_t *columns = lines + faults->dead_rows;
    SEI_TRY(draw_lines(faults, faults->dead_rows, series->ny, 0, "rows", lines));
    SEI_TRY(draw_lines(faults, faults->dead_columns, series->nx, 1, "columns", columns));
    const int64_t n_rows = n_channels * faults->hot_pixels + faults->dead_rows + faults->dead_columns;
    SEI_TRY(sei_table_alloc("faults", N_COLUMNS, names, (size_t)n_rows, &table));
    heat(faults, lines, series, &table);
    blank(series, lines, faults->dead_rows, columns, faults->dead_columns);
    size_t row = (size_t)(n_channels * faults->hot_pixels);
    for (int64_t i = 0; i < faults->dead_rows; ++i) write_row(&table, row++, NAN, NAN, NAN, (double)lines[i], KIND_ROW);
    for (int64_t i = 0; i < faults->dead_columns; ++i) write_row(&table, row++, NAN, NAN, (double)columns[i], NAN, KIND_COLUMN);
    if (list != NULL) {
        *list = table;
        memset(&table, 0, sizeof table);
    }
done:
    sei_table_free(&table);
    sei_free(lines);
    return status;
}

/* See io_series.h. needs: full */
#include "support/io_series.h"

#include "core/file.h"
#include "support/sweep.h"
#include "support/test.h"

void sei_test_make_series(size_t n_channels, bool with_mask, sei_series *out) {
    static const sei_dtype types[] = {SEI_DTYPE_U16, SEI_DTYPE_F32, SEI_DTYPE_I8,  SEI_DTYPE_U8, SEI_DTYPE_I16,
                                      SEI_DTYPE_U32, SEI_DTYPE_I32, SEI_DTYPE_F16, SEI_DTYPE_F64};
    static const char *const names[] = {"HAADF", "Si K", "O/K", "F_Ka", "C", "P", "Fe", "Mg", "Al"};
    const size_t values = 7 * 5 * 4;
    assert_ok(sei_series_alloc(7, 5, 4, n_channels, out));
    out->pixel_nm = 13.0814000000000017;
    out->axis_deg = -1.25;
    out->axis_offset_px = 0.1;
    out->aligned = true;
    for (int64_t i = 0; i < 4; ++i) {
        out->tilts[i].tilt_deg = -60.123456789012 + 41.3 * (double)i;
        out->tilts[i].order = (int32_t)(3 - i);
        out->tilts[i].section = (int32_t)i;
        out->tilts[i].dose_e_per_nm2 = i == 2 ? NAN : 1.0 / 3 + (double)i;
    }
    for (size_t c = 0; c < n_channels; ++c) {
        sei_channel *channel = &out->channels[c];
        snprintf(channel->name, sizeof channel->name, "%s", names[c]);
        snprintf(channel->unit, sizeof channel->unit, "%s", c == 0 ? "grey" : "counts");
        channel->stored = types[c];
        channel->window_low_kev = c == 1 ? 1.66 : NAN;
        channel->window_high_kev = c == 1 ? 1.8199999999999998 : NAN;
        for (size_t i = 0; i < values; ++i) {
            const double u = sei_test_uniform(c + 1, i);
            channel->data[i] = types[c] == SEI_DTYPE_F32 || types[c] == SEI_DTYPE_F64  ? (float)(u - 0.5)
                               : types[c] == SEI_DTYPE_I8 || types[c] == SEI_DTYPE_I16 ? (float)floor(u * 200 - 100)
                                                                                       : (float)floor(u * 200);
        }
    }
    if (with_mask) {
        out->valid = calloc(values, 1);
        for (size_t i = 0; i < values; ++i) out->valid[i] = sei_test_uniform(99, i) < 0.7;
    }
}

static void same_number(double a, double b) {
    if (isnan(a) && isnan(b)) return;
    assert_true(a == b);
}

void sei_test_same_stack(const sei_series *series, size_t index, const sei_stack *stack) {
    const sei_channel *channel = &series->channels[index];
    const size_t values = (size_t)(series->nx * series->ny * series->n_tilts);
    assert_int_equal(stack->nx, series->nx);
    assert_int_equal(stack->ny, series->ny);
    assert_int_equal(stack->nz, series->n_tilts);
    assert_string_equal(stack->name, channel->name);
    assert_string_equal(stack->unit, channel->unit);
    assert_int_equal(stack->stored, channel->stored);
    assert_memory_equal(stack->data, channel->data, values * sizeof *stack->data);
    assert_int_equal(stack->rounded, 0);
    assert_int_equal(stack->n_angles, series->n_tilts);
    assert_non_null(stack->order);
    assert_non_null(stack->dose_e_per_nm2);
    for (size_t i = 0; i < stack->n_angles; ++i) {
        same_number(stack->tilt_deg[i], series->tilts[i].tilt_deg);
        assert_int_equal(stack->order[i], series->tilts[i].order);
        same_number(stack->dose_e_per_nm2[i], series->tilts[i].dose_e_per_nm2);
    }
    same_number(stack->pixel_nm, series->pixel_nm);
    same_number(stack->axis_deg, series->axis_deg);
    same_number(stack->axis_offset_px, series->axis_offset_px);
    same_number(stack->window_low_kev, channel->window_low_kev);
    same_number(stack->window_high_kev, channel->window_high_kev);
    assert_int_equal(stack->aligned, series->aligned);
    assert_false(stack->is_volume);
}

void sei_test_read(const sei_format *format, const char *path, bool headers_only, sei_stacks *out) {
    const sei_format_read options = {.headers_only = headers_only};
    *out = (sei_stacks){0};
    assert_ok(format->read(path, &options, out));
}

void sei_test_shape(const sei_stack *stack, int64_t nx, int64_t ny, int64_t nz, sei_dtype stored) {
    assert_int_equal(stack->nx, nx);
    assert_int_equal(stack->ny, ny);
    assert_int_equal(stack->nz, nz);
    assert_int_equal(stack->stored, stored);
}

void sei_test_read_in(const sei_format *format, const char *folder, const char *name, bool headers_only, sei_stacks *out) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sei_test_read(format, path, headers_only, out);
}

typedef struct io_attempt {
    const sei_format *format;
    const char *path;
    sei_status (*write)(const char *, const sei_series *);
    const sei_series *series;
    bool writing;
    sei_stacks stacks;
} io_attempt;

static sei_status write_or_read(void *context) {
    io_attempt *io = context;
    const sei_format_read all = {.n_wanted = 0};
    return io->writing ? io->write(io->path, io->series) : io->format->read(io->path, &all, &io->stacks);
}

static void nothing_is_left(void *context) {
    const io_attempt *io = context;
    assert_int_equal(io->stacks.count, 0);
    assert_int_equal(sei_file_exists(io->path), !io->writing);
}

void sei_test_memory_of_format(const sei_format *format, const char *path, sei_status (*write)(const char *, const sei_series *),
                               const sei_series *series, long least, bool any_error) {
    io_attempt io = {.format = format, .path = path, .write = write, .series = series};
    const sei_test_attempt attempt = {write_or_read, nothing_is_left, &io, any_error};
    for (int writing = 1; writing >= 0; --writing) {
        io.writing = writing;
        assert_true(sei_test_every_allocation(&attempt) >= least);
    }
    sei_stacks_free(&io.stacks);
}

/*
 * Writing MRC2014 files. A channel of a tilt series keeps its stored type while it is exact in one of MRC's modes (8-bit
 * data above 127 go to mode 6: mode 0 is signed), else mode 2; angles travel in a SerialEM extended header.
 */
#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/log.h"
#include "io/mrc.h"

enum { SERI_TILT_FLAG = 1, SERI_BLOCK = 1024 /* SerialEM pads to whole blocks */, CHUNK = 1 << 18 };

static void store_u16(unsigned char *p, uint16_t v) {
    p[0] = (unsigned char)(v & 255u);
    p[1] = (unsigned char)(v >> 8);
}
static void store_u32(unsigned char *p, uint32_t v) {
    store_u16(p, (uint16_t)(v & 0xffffu));
    store_u16(p + 2, (uint16_t)(v >> 16));
}
static void store_i32(unsigned char *p, int64_t v) {
    store_u32(p, (uint32_t)(int32_t)v);
}
static void store_f32(unsigned char *p, double v) {
    const float value = (float)v;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    store_u32(p, bits);
}

/* What the data part of the file is made of: floats or bytes. */
typedef struct source {
    const float *floats;
    const uint8_t *bytes;
    size_t count;
} source;

typedef struct statistics {
    double low, high, mean, rms;
} statistics;

/* Converts a part of the source to host-order elements of `dtype`. */
static void convert(const source *from, size_t first, size_t count, sei_dtype dtype, float *scratch, void *to) {
    if (from->floats != NULL) {
        sei_from_float(from->floats + first, count, dtype, to);
        return;
    }
    sei_to_float(SEI_DTYPE_U8, from->bytes + first, count, scratch, NULL);
    sei_from_float(scratch, count, dtype, to);
}

/* Over the finite values, in file order, so that they do not depend on threads. */
static statistics measure(const source *from) {
    statistics s = {.low = INFINITY, .high = -INFINITY};
    double sum = 0;
    double squares = 0;
    size_t finite = 0;
    for (size_t i = 0; i < from->count; ++i) {
        const double v = from->floats != NULL ? (double)from->floats[i] : (double)from->bytes[i];
        if (!isfinite(v)) continue;
        s.low = v < s.low ? v : s.low;
        s.high = v > s.high ? v : s.high;
        sum += v;
        ++finite;
    }
    if (finite == 0) return (statistics){0};
    s.mean = sum / (double)finite;
    for (size_t i = 0; i < from->count; ++i) {
        const double v = from->floats != NULL ? (double)from->floats[i] : (double)from->bytes[i];
        if (isfinite(v)) squares += (v - s.mean) * (v - s.mean);
    }
    s.rms = sqrt(squares / (double)finite);
    return s;
}

/* The MRC mode for a type, after sei_storable_type; bytes above 127 and wide integers move up. */
static sei_dtype mrc_type(const source *from, sei_dtype wanted, int32_t *mode) {
    static const struct {
        sei_dtype dtype;
        int32_t mode;
    } modes[] = {{SEI_DTYPE_I8, 0}, {SEI_DTYPE_U16, 6}, {SEI_DTYPE_I16, 1}};
    const bool whole = wanted >= SEI_DTYPE_U8 && wanted <= SEI_DTYPE_I32;
    const bool narrow = wanted == SEI_DTYPE_U8 || wanted == SEI_DTYPE_I8;
    for (size_t i = 0; whole && i < sizeof modes / sizeof modes[0]; ++i) {
        const sei_dtype dtype = modes[i].dtype;
        if (dtype == SEI_DTYPE_I8 && !narrow) continue;
        if (dtype == SEI_DTYPE_U16 && wanted == SEI_DTYPE_I16) continue;
        bool exact = true;
        if (from->floats != NULL) {
            exact = sei_storable_type(from->floats, from->count, dtype) == dtype;
        } else if (dtype == SEI_DTYPE_I8) {
            for (size_t k = 0; k < from->count && exact; ++k) exact = from->bytes[k] < 128;
        }
        if (exact) {
            *mode = modes[i].mode;
            return dtype;
        }
    }
    *mode = 2; /* also for float16: programs that know mode 12 are few, and every half is exact in a float */
    return SEI_DTYPE_F32;
}

static sei_status check_sizes(const char *path, const sei_stack *stack) {
    if (stack->nx > INT32_MAX || stack->ny > INT32_MAX || stack->nz > INT32_MAX) {
        return sei_fail(SEI_ERR_INPUT, "%s: %lld x %lld x %lld is more than an MRC file holds; write .emd", path,
                        (long long)stack->nx, (long long)stack->ny, (long long)stack->nz);
    }
    return SEI_OK;
}

static void fill_header(const sei_stack *stack, int32_t mode, const statistics *s, size_t extended_bytes,
                        unsigned char raw[SEI_MRC_HEADER_BYTES]) {
    char labels[SEI_MRC_LABELS][SEI_MRC_LABEL_LENGTH + 1];
    const double edge_a = isnan(stack->pixel_nm) ? 0 : 10 * stack->pixel_nm;
    const int64_t sizes[3] = {stack->nx, stack->ny, stack->nz};
    memset(raw, 0, SEI_MRC_HEADER_BYTES);
    store_i32(raw + 12, mode);
    for (int i = 0; i < 3; ++i) {
        const int64_t intervals = i < 2 || stack->is_volume ? sizes[i] : 1; /* MRC2014: a stack has mz = 1 */
        store_i32(raw + 4 * i, sizes[i]);
        store_i32(raw + 28 + 4 * i, intervals);
        store_f32(raw + 40 + 4 * i, edge_a * (double)intervals);
        store_f32(raw + 52 + 4 * i, 90);
        store_i32(raw + 64 + 4 * i, i + 1);
    }
    store_f32(raw + 76, s->low);
    store_f32(raw + 80, s->high);
    store_f32(raw + 84, s->mean);
    store_i32(raw + 88, stack->is_volume ? 1 : 0);
    store_i32(raw + 92, (int64_t)extended_bytes);
    if (extended_bytes > 0) {
        memcpy(raw + 104, "SERI", 4);
        store_u16(raw + 128, 2);
        store_u16(raw + 130, SERI_TILT_FLAG);
    }
    store_i32(raw + 108, 20140);
    memcpy(raw + 208, "MAP DD", 6);
    store_f32(raw + 216, s->rms);
    const size_t n_labels = sei_mrc_notes_make(stack, labels);
    store_i32(raw + 220, (int64_t)n_labels);
    for (size_t i = 0; i < n_labels; ++i) memcpy(raw + 224 + SEI_MRC_LABEL_LENGTH * i, labels[i], strlen(labels[i]));
}

/* Tilts in hundredths of a degree, one short per section; nothing when an angle is unknown or beyond a short. */
static sei_status make_seri(const sei_stack *stack, unsigned char **bytes, size_t *count) {
    unsigned char *made = NULL;
    *count = 0;
    if (stack->n_angles != (size_t)stack->nz) return SEI_OK;
    for (size_t i = 0; i < stack->n_angles; ++i) {
        if (!(fabs(stack->tilt_deg[i]) < 327)) return SEI_OK;
    }
    const size_t padded = (stack->n_angles * 2 + SERI_BLOCK - 1) / SERI_BLOCK * SERI_BLOCK;
    const sei_status status = SEI_NEW(made, (int64_t)padded, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < stack->n_angles; ++i) store_u16(made + 2 * i, (uint16_t)(int16_t)lround(100 * stack->tilt_deg[i]));
    *bytes = made;
    *count = padded;
    return SEI_OK;
}

static sei_status write_data(sei_outfile *file, const source *from, sei_dtype dtype) {
    const unsigned one = 1;
    const bool host_big = *(const unsigned char *)&one == 0;
    const size_t size = sei_dtype_size(dtype);
    unsigned char *raw = NULL;
    float *scratch = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(raw, CHUNK, (int64_t)size, 1));
    SEI_TRY(SEI_NEW(scratch, CHUNK, 1, 1));
    for (size_t first = 0; first < from->count; first += CHUNK) {
        const size_t n = from->count - first < CHUNK ? from->count - first : CHUNK;
        SEI_TRY(sei_interrupt_check());
        convert(from, first, n, dtype, scratch, raw);
        for (size_t i = 0; host_big && i < n * size; i += size) {
            for (size_t k = 0; k < size / 2; ++k) {
                const unsigned char other = raw[i + k];
                raw[i + k] = raw[i + size - 1 - k];
                raw[i + size - 1 - k] = other;
            }
        }
        SEI_TRY(sei_outfile_write(file, raw, n * size));
    }
done:
    sei_free(raw);
    sei_free(scratch);
    return status;
}

static sei_status write_stack(const char *path, const sei_stack *stack, const source *from, bool overwrite) {
    unsigned char header[SEI_MRC_HEADER_BYTES];
    unsigned char *extended = NULL;
    size_t extended_bytes = 0;
    int32_t mode = 2;
    sei_outfile file = {.fd = -1};
    sei_status status = SEI_OK;
    SEI_TRY(check_sizes(path, stack));
    SEI_TRY(sei_outfile_open(path, overwrite, &file));
    const sei_dtype dtype = mrc_type(from, stack->stored, &mode);
    const statistics s = measure(from);
    SEI_TRY(make_seri(stack, &extended, &extended_bytes));
    fill_header(stack, mode, &s, extended_bytes, header);
    SEI_TRY(sei_outfile_write(&file, header, sizeof header));
    if (extended_bytes > 0) SEI_TRY(sei_outfile_write(&file, extended, extended_bytes));
    SEI_TRY(write_data(&file, from, dtype));
    SEI_TRY(sei_outfile_commit(&file));
done:
    sei_free(extended);
    sei_outfile_abort(&file);
    return status;
}

/* The parts of a series that its channels share, as a stack without data; tilt_deg belongs to the caller. */
static sei_status frame_of(const sei_series *series, double **tilt_deg, sei_stack *stack) {
    *stack = (sei_stack){.nx = series->nx,
                         .ny = series->ny,
                         .nz = series->n_tilts,
                         .pixel_nm = series->pixel_nm,
                         .spacing_nm = NAN,
                         .window_low_kev = NAN,
                         .window_high_kev = NAN,
                         .axis_deg = series->axis_deg,
                         .axis_offset_px = series->axis_offset_px,
                         .aligned = series->aligned};
    const sei_status status = SEI_NEW(*tilt_deg, series->n_tilts, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < series->n_tilts; ++t) (*tilt_deg)[t] = series->tilts[t].tilt_deg;
    stack->tilt_deg = *tilt_deg;
    stack->n_angles = (size_t)series->n_tilts;
    return SEI_OK;
}

sei_status sei_mrc_write_channel(const char *path, const sei_series *series, size_t channel, bool overwrite) {
    const sei_channel *c = &series->channels[channel];
    sei_stack stack;
    double *tilt_deg = NULL;
    sei_status status = frame_of(series, &tilt_deg, &stack);
    if (status != SEI_OK) return status;
    memcpy(stack.name, c->name, sizeof stack.name);
    memcpy(stack.unit, c->unit, sizeof stack.unit);
    stack.stored = c->stored;
    stack.window_low_kev = c->window_low_kev;
    stack.window_high_kev = c->window_high_kev;
    const source from = {.floats = c->data, .count = (size_t)series->n_tilts * (size_t)series->ny * (size_t)series->nx};
    status = write_stack(path, &stack, &from, overwrite);
    sei_free(tilt_deg);
    return status;
}

sei_status sei_mrc_write_mask(const char *path, const sei_series *series, bool overwrite) {
    sei_stack stack;
    double *tilt_deg = NULL;
    if (series->valid == NULL) return sei_fail(SEI_ERR_USAGE, "%s: the series has no mask of valid pixels", path);
    sei_status status = frame_of(series, &tilt_deg, &stack);
    if (status != SEI_OK) return status;
    snprintf(stack.name, sizeof stack.name, "valid");
    stack.stored = SEI_DTYPE_U8;
    const source from = {.bytes = series->valid, .count = (size_t)series->n_tilts * (size_t)series->ny * (size_t)series->nx};
    status = write_stack(path, &stack, &from, overwrite);
    sei_free(tilt_deg);
    return status;
}

sei_status sei_mrc_write_volume(const char *path, const sei_volume *volume, bool overwrite) {
    sei_stack stack = {.nx = volume->nx,
                       .ny = volume->ny,
                       .nz = volume->nz,
                       .stored = SEI_DTYPE_F32,
                       .pixel_nm = volume->voxel_nm,
                       .spacing_nm = volume->voxel_nm,
                       .window_low_kev = NAN,
                       .window_high_kev = NAN,
                       .is_volume = true};
    memcpy(stack.name, volume->name, sizeof stack.name);
    memcpy(stack.unit, volume->unit, sizeof stack.unit);
    const source from = {.floats = volume->data, .count = (size_t)volume->nz * (size_t)volume->ny * (size_t)volume->nx};
    return write_stack(path, &stack, &from, overwrite);
}

sei_status sei_mrc_write_labels(const char *path, const sei_labels *labels, bool overwrite) {
    sei_stack stack = {.nx = labels->nx,
                       .ny = labels->ny,
                       .nz = labels->nz,
                       .stored = SEI_DTYPE_U8,
                       .pixel_nm = labels->voxel_nm,
                       .spacing_nm = labels->voxel_nm,
                       .window_low_kev = NAN,
                       .window_high_kev = NAN,
                       .is_volume = true};
    snprintf(stack.name, sizeof stack.name, "labels");
    const source from = {.bytes = labels->data, .count = (size_t)labels->nz * (size_t)labels->ny * (size_t)labels->nx};
    return write_stack(path, &stack, &from, overwrite);
}

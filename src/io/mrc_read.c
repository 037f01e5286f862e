/* Reading MRC/CCP4 files: modes 0, 1, 2, 6 and 12 in either byte order. */
#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"
#include "io/angles.h"
#include "io/mrc.h"

static bool recognise(const unsigned char *head, size_t head_bytes, int64_t file_bytes, const char *path) {
    static const char *const extensions[] = {"mrc", "mrcs", "st", "ali", "preali", "rec", "map", "ccp4"};
    (void)file_bytes;
    if (head_bytes >= 212 && memcmp(head + 208, "MAP", 3) == 0) return true;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; ++i) {
        if (sei_path_has_extension(path, extensions[i])) return true;
    }
    return false;
}

/* Where the images begin and how many whole ones are there; a shorter file is refused unless the caller allows it. */
static sei_status measure(const sei_infile *file, const sei_mrc_header *h, bool allow_truncated, int64_t *offset,
                          int64_t *whole) {
    size_t image_bytes = 0;
    size_t data_bytes = 0;
    int64_t expected = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_checked_bytes(h->nx, h->ny, 1, sei_dtype_size(h->dtype), &image_bytes));
    SEI_TRY(sei_checked_bytes((int64_t)image_bytes, h->nz, 1, 1, &data_bytes));
    *offset = SEI_MRC_HEADER_BYTES + h->extended_bytes;
    if (__builtin_add_overflow((int64_t)data_bytes, *offset, &expected)) {
        status =
            sei_fail(SEI_ERR_INPUT, "size too large: %lld x %lld x %lld", (long long)h->nx, (long long)h->ny, (long long)h->nz);
        goto done;
    }
    *whole = h->nz;
    if (file->size < expected) {
        *whole = file->size > *offset ? (file->size - *offset) / (int64_t)image_bytes : 0;
        if (!allow_truncated || *whole < 1) {
            status = sei_fail(
                SEI_ERR_INPUT,
                "%s: truncated: %lld bytes expected (1024 header + %lld extended + %lld images of %zu), %lld found, "
                "%lld whole images; copy the file again%s",
                file->path, (long long)expected, (long long)h->extended_bytes, (long long)h->nz, image_bytes,
                (long long)file->size, (long long)*whole, *whole > 0 ? " or keep the whole images with --allow-truncated" : "");
        }
    }
done:
    if (status != SEI_OK && strstr(sei_last_error(), file->path) == NULL) status = sei_fail_context(status, "%s", file->path);
    return status;
}

/* The edge of a pixel along file axis i (0: columns) in nm; NaN when the header does not give one. */
static double spacing_nm(const sei_mrc_header *h, int i) {
    const int axis = h->axes[i] - 1;
    const double spacing_a = h->cell_a[axis] / h->intervals[axis];
    return h->intervals[axis] > 0 && h->cell_a[axis] > 0 && isfinite(spacing_a) ? spacing_a / 10 : NAN;
}

static sei_status describe(const sei_mrc_header *h, sei_stack *stack) {
    char text[SEI_TEXT_LENGTH];
    char number[32];
    sei_status status = SEI_OK;
    SEI_TRY(sei_facts_set(&stack->facts, "format", "MRC",
                          h->stamp_missing ? "sizes and mode; the stamp 'MAP ' is missing" : "stamp 'MAP '"));
    SEI_TRY(sei_facts_set(&stack->facts, "byte_order", h->big_endian ? "big endian" : "little endian", "MRC header"));
    snprintf(text, sizeof text, "%d (%s)", h->mode, sei_dtype_name(h->dtype));
    SEI_TRY(sei_facts_set(&stack->facts, "mode", text,
                          h->mode != 0 ? "MRC header"
                          : h->imod    ? "MRC header; sign of bytes from IMOD's flag"
                                       : "MRC header; bytes are signed by MRC2014"));
    snprintf(text, sizeof text, "%d (%s)", h->space_group, h->space_group == 0 ? "a stack of images" : "a volume");
    SEI_TRY(sei_facts_set(&stack->facts, "space_group", text, "MRC header"));
    if (h->axes[0] != 1 || h->axes[1] != 2) {
        snprintf(text, sizeof text, "columns, rows, sections along cell axes %d, %d, %d; the stored order is kept", h->axes[0],
                 h->axes[1], h->axes[2]);
        SEI_TRY(sei_facts_set(&stack->facts, "cell_axes", text, "MRC header"));
    }
    stack->pixel_nm = spacing_nm(h, 0);
    stack->spacing_nm = spacing_nm(h, 2);
    if (isnan(stack->pixel_nm)) {
        snprintf(text, sizeof text, "not used: cell %g A over %d intervals", h->cell_a[h->axes[0] - 1],
                 h->intervals[h->axes[0] - 1]);
        SEI_TRY(sei_facts_set(&stack->facts, "pixel_header", text, "MRC header, xlen/mx"));
    } else {
        const bool one = fabs(stack->pixel_nm - 0.1) < 1e-9;
        SEI_TRY(sei_facts_set(
            &stack->facts, "pixel_nm", sei_format_double(stack->pixel_nm, number),
            one ? "MRC header, xlen/mx (1 A, which programs also write when they do not know)" : "MRC header, xlen/mx"));
        const double y_nm = spacing_nm(h, 1);
        if (!isnan(y_nm))
            SEI_TRY(sei_facts_set(&stack->facts, "pixel_y_nm", sei_format_double(y_nm, number), "MRC header, ylen/my"));
    }
done:
    return status;
}

/* IMOD's tilt fields in the main header: start and step in hundredths of a degree. */
static sei_status read_imod_tilts(const sei_mrc_header *h, sei_stack *stack) {
    char text[SEI_TEXT_LENGTH];
    if (!h->imod || h->imod_type != 1 || h->imod_step == 0 || stack->n_angles > 0) return SEI_OK;
    const sei_status status = SEI_NEW(stack->tilt_deg, stack->nz, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t i = 0; i < stack->nz; ++i) stack->tilt_deg[i] = (h->imod_start + (double)i * h->imod_step) / 100.0;
    stack->n_angles = (size_t)stack->nz;
    sei_angles_describe(stack->tilt_deg, stack->n_angles, text, sizeof text);
    return sei_facts_set(&stack->facts, "angles", text, "MRC header, IMOD's start and step");
}

static void swap_bytes(unsigned char *bytes, size_t count, size_t size) {
    for (size_t i = 0; i < count; ++i) {
        unsigned char *p = bytes + i * size;
        for (size_t k = 0; k < size / 2; ++k) {
            const unsigned char other = p[size - 1 - k];
            p[size - 1 - k] = p[k];
            p[k] = other;
        }
    }
}

static sei_status read_data(const sei_infile *file, const sei_mrc_header *h, int64_t offset, sei_stack *stack) {
    enum { CHUNK = 1 << 20 };
    const unsigned one = 1;
    const bool host_big = *(const unsigned char *)&one == 0;
    const size_t size = sei_dtype_size(h->dtype);
    const size_t count = (size_t)stack->nx * (size_t)stack->ny * (size_t)stack->nz; /* the file is that long: no overflow */
    void *raw = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_alloc((count < CHUNK ? count : CHUNK) * size, &raw));
    size_t data_bytes = 0;
    void *data = NULL;
    SEI_TRY(sei_checked_bytes(stack->nx, stack->ny, stack->nz, sizeof *stack->data, &data_bytes));
    SEI_TRY(sei_alloc(data_bytes, &data));
    stack->data = data;
    for (size_t done_count = 0; done_count < count; done_count += CHUNK) {
        const size_t n = count - done_count < CHUNK ? count - done_count : CHUNK;
        SEI_TRY(sei_interrupt_check());
        SEI_TRY(sei_infile_read(file, offset + (int64_t)(done_count * size), raw, n * size));
        if (h->big_endian != host_big) swap_bytes(raw, n, size);
        sei_to_float(h->dtype, raw, n, stack->data + done_count, NULL);
    }
done:
    sei_free(raw);
    return status;
}

static sei_status read_mrc(const char *path, const sei_format_read *options, sei_stacks *out) {
    sei_infile file = {.fd = -1};
    sei_mrc_header h;
    sei_stacks stacks = {0};
    int64_t offset = 0;
    int64_t whole = 0;
    char text[SEI_TEXT_LENGTH];
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_mrc_header_read(&file, &h));
    SEI_TRY(measure(&file, &h, options->allow_truncated, &offset, &whole));
    SEI_TRY(SEI_NEW(stacks.items, 1, 1, 1));
    stacks.count = 1;
    sei_stack *stack = &stacks.items[0];
    *stack = (sei_stack){.nx = h.nx,
                         .ny = h.ny,
                         .nz = h.nz,
                         .stored = h.dtype,
                         .pixel_nm = NAN,
                         .spacing_nm = NAN,
                         .window_low_kev = NAN,
                         .window_high_kev = NAN,
                         .axis_deg = NAN,
                         .axis_offset_px = NAN,
                         .is_volume = h.space_group > 0};
    SEI_TRY(describe(&h, stack));
    const double header_pixel_nm = stack->pixel_nm;
    SEI_TRY(sei_mrc_extended_read(&file, &h, stack));
    SEI_TRY(sei_mrc_notes_read(&h, header_pixel_nm, stack));
    SEI_TRY(read_imod_tilts(&h, stack));
    if (whole < h.nz) {
        stack->nz = whole;
        stack->missing_images = h.nz - whole;
        if (stack->n_angles > (size_t)whole) stack->n_angles = (size_t)whole;
        snprintf(text, sizeof text, "the first %lld of %lld images are kept", (long long)whole, (long long)h.nz);
        SEI_TRY(sei_facts_set(&stack->facts, "truncated", text, "size of the file"));
    }
    const int64_t end = offset + stack->nz * stack->ny * stack->nx * (int64_t)sei_dtype_size(h.dtype);
    if (whole == h.nz && file.size > end) {
        snprintf(text, sizeof text, "%lld bytes after the images are not read", (long long)(file.size - end));
        SEI_TRY(sei_facts_set(&stack->facts, "trailing", text, "size of the file"));
    }
    if (!options->headers_only) SEI_TRY(read_data(&file, &h, offset, stack));
    *out = stacks;
    stacks = (sei_stacks){0};
done:
    sei_stacks_free(&stacks);
    sei_infile_close(&file);
    return status;
}

const sei_format sei_format_mrc = {"MRC", recognise, read_mrc};

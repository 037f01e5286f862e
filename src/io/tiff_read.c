/* TIFF stacks of grey images through libtiff; sizes are compared with the file before anything is allocated. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "io/tiff.h"

enum { MOST_PAGES = 32768 };

static bool is_thumbnail(TIFF *t) {
    uint32_t kind = 0;
    return TIFFGetField(t, TIFFTAG_SUBFILETYPE, &kind) != 0 && (kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0;
}

/* Where the directories of the images are: libtiff finds the n-th only by walking over all before it. */
typedef struct page_list {
    int64_t count;
    bool cut; /* the list broke off */
    uint64_t *offsets;
} page_list;

/* Lists the images, all of the first one's form; thumbnails and masks are passed over. */
static sei_status list_pages(sei_tiff *tiff, const sei_tiff_page *first, page_list *pages) {
    sei_status status = SEI_OK;
    sei_tiff_page form;
    tiff->complaint[0] = 0;
    do {
        void *offsets = pages->offsets;
        if (pages->count > 0 && is_thumbnail(tiff->handle)) continue;
        if (pages->count >= MOST_PAGES)
            return sei_fail(SEI_ERR_INPUT, "%s: more than %d images in it", tiff->in->path, MOST_PAGES);
        SEI_TRY(sei_realloc(&offsets, (size_t)(pages->count + 1) * sizeof *pages->offsets));
        pages->offsets = offsets;
        pages->offsets[pages->count++] = TIFFCurrentDirOffset(tiff->handle);
        SEI_TRY(sei_tiff_page_form(tiff, pages->count, &form));
        if (form.nx != first->nx || form.ny != first->ny || form.dtype != first->dtype) {
            return sei_fail(SEI_ERR_INPUT, "%s: image %lld is %u x %u %s, image 1 is %u x %u %s; a stack has one size and type",
                            tiff->in->path, (long long)pages->count, form.nx, form.ny, sei_dtype_name(form.dtype), first->nx,
                            first->ny, sei_dtype_name(first->dtype));
        }
    } while (TIFFReadDirectory(tiff->handle) != 0);
    pages->cut = tiff->complaint[0] != 0; /* the end of the list is no complaint; an unreadable next entry is */
done:
    return status;
}

static sei_status go_to(sei_tiff *tiff, const page_list *pages, int64_t n) {
    if (TIFFSetSubDirectory(tiff->handle, pages->offsets[n]) != 0) return SEI_OK;
    return sei_tiff_damaged(tiff, n + 1);
}

/* ImageJ's large stacks: one directory, and all images one after another from its only strip on. */
static bool is_one_run(const sei_tiff *tiff, const sei_tiff_page *form, size_t image_bytes, int64_t *offset) {
    const uint32_t strips = form->tiled ? 0 : TIFFNumberOfStrips(tiff->handle);
    const uint64_t first = strips == 0 ? 0 : TIFFGetStrileOffset(tiff->handle, 0);
    uint64_t next = first;
    *offset = (int64_t)first;
    if (strips == 0 || form->compression != COMPRESSION_NONE) return false;
    for (uint32_t i = 0; i < strips; ++i) {
        if (TIFFGetStrileOffset(tiff->handle, i) != next) return false;
        next += TIFFGetStrileByteCount(tiff->handle, i);
    }
    return next - first >= image_bytes;
}

static void swap_bytes(void *values, size_t count, size_t element) {
    if (element == 2) TIFFSwabArrayOfShort(values, (tmsize_t)count);
    if (element == 4) TIFFSwabArrayOfLong(values, (tmsize_t)count);
    if (element == 8) TIFFSwabArrayOfLong8(values, (tmsize_t)count);
}

/* The mask that seitomo hangs below each image, if it is there. */
static sei_status read_masks(sei_tiff *tiff, const page_list *pages, sei_stack *stack) {
    const size_t image = (size_t)(stack->nx * stack->ny);
    uint8_t *masks = NULL;
    sei_status status = SEI_OK;
    int64_t n = 0;
    for (; n < stack->nz; ++n) {
        uint16_t count = 0;
        toff_t *below = NULL;
        uint32_t kind = 0;
        sei_tiff_page found;
        SEI_TRY(go_to(tiff, pages, n));
        if (TIFFGetField(tiff->handle, TIFFTAG_SUBIFD, &count, &below) == 0 || count != 1) break;
        if (TIFFSetSubDirectory(tiff->handle, below[0]) == 0) break;
        if (TIFFGetField(tiff->handle, TIFFTAG_SUBFILETYPE, &kind) == 0 || kind != FILETYPE_MASK) break; /* another program's */
        SEI_TRY(sei_tiff_page_form(tiff, n + 1, &found));
        if (found.nx != stack->nx || found.ny != stack->ny || found.dtype != SEI_DTYPE_U8) break;
        SEI_TRY(sei_tiff_page_bytes(tiff, &found, n + 1, image));
        if (masks == NULL) SEI_TRY(SEI_NEW(masks, stack->nx, stack->ny, stack->nz));
        SEI_TRY(sei_tiff_read_page(tiff, &found, n + 1, (char *)masks + (size_t)n * image));
    }
    if (n == stack->nz) {
        for (size_t i = 0; i < (size_t)n * image; ++i) masks[i] = masks[i] != 0;
        stack->valid = masks;
        masks = NULL;
        SEI_TRY(sei_facts_set(&stack->facts, "valid", "mask of valid pixels", "SubIFDs"));
    }
done:
    sei_free(masks);
    return status;
}

/* How the images lie in the file. */
typedef struct extent {
    page_list pages;
    bool run; /* one directory, images one after another from run_offset on */
    int64_t run_offset;
} extent;

static sei_status read_images(sei_tiff *tiff, const sei_tiff_page *form, const extent *where, sei_stack *stack) {
    const size_t element = sei_dtype_size(form->dtype);
    const size_t values = (size_t)form->nx * form->ny;
    void *image = NULL;
    sei_status status = SEI_OK;
    int64_t rounded = 0;
    SEI_TRY(sei_alloc(values * element, &image));
    SEI_TRY(SEI_NEW(stack->data, stack->nx, stack->ny, stack->nz));
    for (int64_t n = 0; n < stack->nz; ++n) {
        SEI_TRY(sei_interrupt_check());
        if (where->run) {
            SEI_TRY(sei_infile_read(tiff->in, where->run_offset + n * (int64_t)(values * element), image, values * element));
            if (TIFFIsByteSwapped(tiff->handle)) swap_bytes(image, values, element);
        } else {
            sei_tiff_page here;
            SEI_TRY(go_to(tiff, &where->pages, n));
            SEI_TRY(sei_tiff_page_form(tiff, n + 1, &here));
            SEI_TRY(sei_tiff_page_bytes(tiff, &here, n + 1, values * element));
            SEI_TRY(sei_tiff_read_page(tiff, &here, n + 1, image));
        }
        sei_to_float(form->dtype, image, values, stack->data + (size_t)n * values, &rounded);
        stack->rounded += rounded;
    }
done:
    sei_free(image);
    return status;
}

/* How many whole images there are; sets stack->nz and missing_images, or says that the file is truncated. */
static sei_status find_extent(sei_tiff *tiff, const sei_tiff_page *form, bool allow_truncated, size_t image_bytes,
                              sei_stack *stack, extent *where) {
    sei_status status = SEI_OK;
    const int64_t said = sei_tiff_images_said(tiff);
    where->run = is_one_run(tiff, form, image_bytes, &where->run_offset);
    SEI_TRY(list_pages(tiff, form, &where->pages));
    const int64_t pages = where->pages.count;
    where->run = where->run && pages == 1 && said > 1;
    int64_t whole = pages;
    const int64_t declared = said > pages ? said : pages;
    if (where->run) {
        whole = (tiff->in->size - where->run_offset) / (int64_t)image_bytes;
        if (whole > said) whole = said;
    }
    for (int64_t n = 0; n < pages && !where->run; ++n) {
        sei_tiff_page here;
        SEI_TRY(go_to(tiff, &where->pages, n));
        SEI_TRY(sei_tiff_page_form(tiff, n + 1, &here));
        status = sei_tiff_page_bytes(tiff, &here, n + 1, image_bytes);
        if (status == SEI_OK) continue;
        if (!allow_truncated || n == 0) goto done;
        whole = n;
        status = SEI_OK;
        break;
    }
    const bool cut = where->pages.cut;
    if (whole < 1 || ((whole < declared || cut) && !allow_truncated)) {
        status = sei_fail(SEI_ERR_INPUT,
                          "%s: truncated: %lld of %lld images of %zu bytes are whole in %lld bytes%s%.100s; copy it again",
                          tiff->in->path, (long long)whole, (long long)declared, image_bytes, (long long)tiff->in->size,
                          cut ? "; " : "", cut ? tiff->complaint : "");
        goto done;
    }
    stack->nz = whole;
    stack->missing_images = declared - whole;
done:
    return status;
}

static sei_status read_stack(sei_tiff *tiff, const sei_format_read *options, sei_stack *stack) {
    sei_tiff_page form;
    size_t image_bytes = 0;
    size_t bytes = 0;
    extent where = {.run = false};
    sei_status status = SEI_OK;
    SEI_TRY(sei_tiff_page_form(tiff, 1, &form));
    SEI_TRY(sei_checked_bytes(form.nx, form.ny, 1, sei_dtype_size(form.dtype), &image_bytes));
    SEI_TRY(sei_tiff_page_bytes(tiff, &form, 1, image_bytes));
    stack->nx = form.nx;
    stack->ny = form.ny;
    stack->stored = form.dtype;
    SEI_TRY(sei_facts_set(&stack->facts, "format", TIFFIsBigTIFF(tiff->handle) ? "BigTIFF" : "TIFF", "first bytes"));
    SEI_TRY(sei_tiff_learn(tiff, stack));
    SEI_TRY(sei_facts_set(&stack->facts, "stored_type", sei_dtype_name(stack->stored), "BitsPerSample, SampleFormat"));
    SEI_TRY(find_extent(tiff, &form, options->allow_truncated, image_bytes, stack, &where));
    SEI_TRY(sei_tiff_fit_tilts(tiff, stack));
    if (options->headers_only) goto done;
    SEI_TRY(sei_checked_bytes(stack->nx, stack->ny, stack->nz, sizeof(float), &bytes));
    if (bytes > sei_memory_available()) {
        status = sei_fail(SEI_ERR_MEMORY, "%s: needs %.2f GiB, %.2f GiB are free", tiff->in->path, (double)bytes / 1073741824.0,
                          (double)sei_memory_available() / 1073741824.0);
        goto done;
    }
    SEI_TRY(read_images(tiff, &form, &where, stack));
    if (!where.run && stack->missing_images == 0) SEI_TRY(read_masks(tiff, &where.pages, stack));
done:
    sei_free(where.pages.offsets);
    return status;
}

static sei_status read_tiff(const char *path, const sei_format_read *options, sei_stacks *out) {
    sei_infile file = {.fd = -1};
    sei_tiff tiff = {.in = &file};
    sei_stack *stack = NULL;
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(SEI_NEW(stack, 1, 1, 1));
    stack->pixel_nm = stack->spacing_nm = stack->axis_deg = stack->axis_offset_px = NAN;
    stack->window_low_kev = stack->window_high_kev = NAN;
    SEI_TRY(sei_tiff_open(&tiff, "rm")); /* m: no memory mapping */
    SEI_TRY(read_stack(&tiff, options, stack));
    *out = (sei_stacks){1, stack};
    stack = NULL;
done:
    sei_tiff_close(&tiff);
    sei_infile_close(&file);
    if (stack != NULL) sei_stack_free(stack);
    sei_free(stack);
    return status;
}

static bool recognise(const unsigned char *head, size_t head_bytes, int64_t file_bytes, const char *path) {
    (void)file_bytes, (void)path;
    if (head_bytes < 4) return false;
    const bool little = head[0] == 'I' && head[1] == 'I' && (head[2] == 42 || head[2] == 43) && head[3] == 0;
    const bool big = head[0] == 'M' && head[1] == 'M' && head[2] == 0 && (head[3] == 42 || head[3] == 43);
    return little || big;
}

const sei_format sei_format_tiff = {"TIFF", recognise, read_tiff};

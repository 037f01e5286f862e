/* The fixed 1024 bytes of an MRC file. */
#include <ctype.h>
#include <stdio.h>

#include "io/mrc.h"

enum { IMOD_STAMP = 1146047817, IMOD_BYTES_SIGNED = 1 };

/* Modes that exist; those without images of one real number per pixel are refused by name later. */
static bool known_mode(int32_t mode) {
    return (mode >= 0 && mode <= 7) || mode == 12 || mode == 16 || mode == 101;
}

static bool plausible(const unsigned char *raw, bool big) {
    const int32_t limit = 1 << 24; /* no detector and no volume is longer; a swapped small number always is */
    for (int i = 0; i < 3; ++i) {
        const int32_t size = sei_load_i32(raw + 4 * i, big);
        if (size < 1 || size > limit) return false;
    }
    return known_mode(sei_load_i32(raw + 12, big));
}

static sei_status find_byte_order(const sei_infile *file, const unsigned char *raw, sei_mrc_header *h) {
    const bool stamped_big = raw[212] == 0x11;
    h->stamp_missing = memcmp(raw + 208, "MAP", 3) != 0;
    h->big_endian = stamped_big;
    if (!plausible(raw, h->big_endian)) h->big_endian = !stamped_big;
    if (!plausible(raw, h->big_endian)) {
        h->big_endian = stamped_big;
        return sei_fail(SEI_ERR_INPUT,
                        "%s: not a usable MRC header: nx, ny, nz = %d, %d, %d and mode = %d; sizes must be 1 to 16777216 and the "
                        "mode one of 0, 1, 2, 6, 12",
                        file->path, sei_load_i32(raw, stamped_big), sei_load_i32(raw + 4, stamped_big),
                        sei_load_i32(raw + 8, stamped_big), sei_load_i32(raw + 12, stamped_big));
    }
    return SEI_OK;
}

static sei_status find_type(const sei_infile *file, sei_mrc_header *h) {
    const char *refused = "an unknown kind of";
    switch (h->mode) {
        /* MRC2014 says signed; IMOD wrote unsigned bytes unless its flag says otherwise */
        case 0: h->dtype = h->imod && (h->imod_flags & IMOD_BYTES_SIGNED) == 0 ? SEI_DTYPE_U8 : SEI_DTYPE_I8; return SEI_OK;
        case 1: h->dtype = SEI_DTYPE_I16; return SEI_OK;
        case 2: h->dtype = SEI_DTYPE_F32; return SEI_OK;
        case 6: h->dtype = SEI_DTYPE_U16; return SEI_OK;
        case 12: h->dtype = SEI_DTYPE_F16; return SEI_OK;
        case 3: refused = "complex 16-bit"; break;
        case 4: refused = "complex float32 (a Fourier transform)"; break;
        case 7: refused = "32-bit integer"; break;
        case 16: refused = "RGB"; break;
        case 101: refused = "4-bit"; break;
        default: break;
    }
    return sei_fail(SEI_ERR_INPUT, "%s: mode %d, %s data, which is not read; convert it to mode 0, 1, 2, 6 or 12", file->path,
                    h->mode, refused);
}

/* Text of `size` bytes without its padding; bytes that are no printable ASCII become '?'. */
static void copy_label(const unsigned char *from, char to[SEI_MRC_LABEL_LENGTH + 1]) {
    size_t length = 0;
    for (size_t i = 0; i < SEI_MRC_LABEL_LENGTH && from[i] != 0; ++i) {
        to[i] = from[i] >= 32 && from[i] < 127 ? (char)from[i] : '?';
        if (to[i] != ' ') length = i + 1;
    }
    to[length] = 0;
}

sei_status sei_mrc_header_read(const sei_infile *file, sei_mrc_header *out) {
    unsigned char raw[SEI_MRC_HEADER_BYTES];
    sei_mrc_header h = {0};
    sei_status status = sei_infile_read(file, 0, raw, sizeof raw);
    if (status != SEI_OK) return status;
    SEI_TRY(find_byte_order(file, raw, &h));
    const bool big = h.big_endian;
    h.nx = sei_load_i32(raw, big);
    h.ny = sei_load_i32(raw + 4, big);
    h.nz = sei_load_i32(raw + 8, big);
    h.mode = sei_load_i32(raw + 12, big);
    bool axes_given = false;
    for (int i = 0; i < 3; ++i) {
        h.intervals[i] = sei_load_i32(raw + 28 + 4 * i, big);
        h.cell_a[i] = sei_load_f32(raw + 40 + 4 * i, big);
        h.axes[i] = sei_load_i32(raw + 64 + 4 * i, big);
    }
    for (int i = 0; i < 3; ++i) axes_given = h.axes[i] >= 1 && h.axes[i] <= 3 && (i == 0 || axes_given);
    if (!axes_given || h.axes[0] == h.axes[1] || h.axes[0] == h.axes[2] || h.axes[1] == h.axes[2]) {
        for (int i = 0; i < 3; ++i) h.axes[i] = i + 1;
    }
    h.space_group = sei_load_i32(raw + 88, big);
    h.extended_bytes = sei_load_i32(raw + 92, big);
    for (int i = 0; i < 4; ++i) h.extended_type[i] = isprint(raw[104 + i]) ? (char)raw[104 + i] : ' ';
    h.nint = sei_load_i16(raw + 128, big);
    h.nreal = sei_load_i16(raw + 130, big);
    h.imod = sei_load_i32(raw + 152, big) == IMOD_STAMP;
    h.imod_flags = h.imod ? sei_load_u32(raw + 156, big) : 0;
    h.imod_type = sei_load_i16(raw + 160, big);
    h.imod_axis = sei_load_i16(raw + 164, big);
    h.imod_step = sei_load_i16(raw + 168, big);
    h.imod_start = sei_load_i16(raw + 170, big);
    const int32_t labels = sei_load_i32(raw + 220, big);
    h.n_labels = labels < 0 ? 0 : labels > SEI_MRC_LABELS ? SEI_MRC_LABELS : (size_t)labels;
    for (size_t i = 0; i < h.n_labels; ++i) copy_label(raw + 224 + SEI_MRC_LABEL_LENGTH * i, h.labels[i]);
    if (h.extended_bytes < 0) {
        return sei_fail(SEI_ERR_INPUT, "%s: the size of the extended header is %lld bytes (offset 92); it must not be negative",
                        file->path, (long long)h.extended_bytes);
    }
    SEI_TRY(find_type(file, &h));
    *out = h;
done:
    return status;
}

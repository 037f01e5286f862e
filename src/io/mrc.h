/* The MRC/CCP4 header (MRC2014 with IMOD's and the microscopes' additions), shared by the MRC reader's parts. */
#ifndef SEI_IO_MRC_H
#define SEI_IO_MRC_H

#include <string.h>

#include "core/file.h"
#include "io/formats.h"

enum { SEI_MRC_HEADER_BYTES = 1024, SEI_MRC_LABELS = 10, SEI_MRC_LABEL_LENGTH = 80 };

typedef struct sei_mrc_header {
    bool big_endian;
    bool stamp_missing; /* no "MAP " where MRC2014 wants it: the byte order was found by trying */
    int64_t nx, ny, nz;
    int32_t mode;
    sei_dtype dtype;
    int32_t intervals[3]; /* mx, my, mz */
    double cell_a[3];     /* cell edges in Angstrom */
    int32_t axes[3];      /* which cell axis (1..3) columns, rows and sections run along */
    int32_t space_group;
    int64_t extended_bytes;
    char extended_type[5];
    int16_t nint, nreal;
    bool imod; /* IMOD's stamp is there, so its flags and tilt fields count */
    uint32_t imod_flags;
    int16_t imod_type, imod_axis, imod_step, imod_start;
    size_t n_labels;
    char labels[SEI_MRC_LABELS][SEI_MRC_LABEL_LENGTH + 1];
} sei_mrc_header;

/* Reads and checks the header: sizes, mode, byte order. SEI_ERR_INPUT names the field; modes that hold no real images
 * (complex, RGB, 4 bit) are refused by name. */
sei_status sei_mrc_header_read(const sei_infile *file, sei_mrc_header *out) SEI_MUST_CHECK;

/* What the extended header says (angles, pixel size, element, detector, ...) into the stack and its facts. A header that is
 * not understood leaves a fact, not an error. */
sei_status sei_mrc_extended_read(const sei_infile *file, const sei_mrc_header *header, sei_stack *stack) SEI_MUST_CHECK;

/* What seitomo itself wrote into the labels, and SerialEM's tilt axis. `header_pixel_nm`: the size the cell gives. */
sei_status sei_mrc_notes_read(const sei_mrc_header *header, double header_pixel_nm, sei_stack *stack) SEI_MUST_CHECK;

/* The labels seitomo writes: one per line, filled from `stack`'s name, unit, stored type, window, pixel size, axis. */
size_t sei_mrc_notes_make(const sei_stack *stack, char labels[SEI_MRC_LABELS][SEI_MRC_LABEL_LENGTH + 1]);

/* Little- or big-endian numbers at p. */
static inline uint16_t sei_load_u16(const unsigned char *p, bool big) {
    return (uint16_t)(big ? (p[0] << 8 | p[1]) : (p[1] << 8 | p[0]));
}
static inline uint32_t sei_load_u32(const unsigned char *p, bool big) {
    return big ? (uint32_t)sei_load_u16(p, true) << 16 | sei_load_u16(p + 2, true)
               : (uint32_t)sei_load_u16(p + 2, false) << 16 | sei_load_u16(p, false);
}
static inline uint64_t sei_load_u64(const unsigned char *p, bool big) {
    const uint64_t first = sei_load_u32(p, big);
    const uint64_t second = sei_load_u32(p + 4, big);
    return big ? first << 32 | second : second << 32 | first;
}
static inline int16_t sei_load_i16(const unsigned char *p, bool big) {
    return (int16_t)sei_load_u16(p, big);
}
static inline int32_t sei_load_i32(const unsigned char *p, bool big) {
    return (int32_t)sei_load_u32(p, big);
}
static inline double sei_load_f32(const unsigned char *p, bool big) {
    const uint32_t bits = sei_load_u32(p, big);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}
static inline double sei_load_f64(const unsigned char *p, bool big) {
    const uint64_t bits = sei_load_u64(p, big);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif

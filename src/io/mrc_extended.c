/*
 * Extended headers of MRC files: the old FEI/Agard layout, Thermo Fisher's FEI1 and FEI2, SerialEM's, and CCP4 symmetry.
 * Offsets are those of the public format descriptions. Whatever is implausible is named and left alone: the images are
 * usable without it, and series.c refuses a series that then lacks its angles.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "core/text.h"
#include "io/angles.h"
#include "io/mrc.h"

enum {
    AGARD_STRIDE = 128, /* old FEI: 1024 (or 8192) blocks of this size whatever nz is */
    FEI_SMALLEST = 768, /* FEI1's block; FEI2's is 888; block 0 says the true stride */
    FEI_LARGEST = 1 << 20,
    SERI_SHORTS = 6 /* flag bits that have a meaning */
};

typedef struct extended {
    const sei_infile *file;
    const sei_mrc_header *header;
    sei_stack *stack;
    unsigned char *bytes; /* the part that was read */
    size_t stride;        /* bytes per section in it */
    bool big;
} extended;

static sei_status fact_number(extended *e, const char *key, double value, const char *source) {
    char text[32];
    return sei_facts_set(&e->stack->facts, key, sei_format_double(value, text), source);
}

/* Takes the angles when every one is an angle; otherwise says that they are none. */
static sei_status take_angles(extended *e, double *tilt_deg, const char *source) {
    char text[SEI_TEXT_LENGTH];
    const size_t count = (size_t)e->stack->nz;
    bool all_zero = true;
    for (size_t i = 0; i < count; ++i) {
        if (!isfinite(tilt_deg[i]) || fabs(tilt_deg[i]) > 360) {
            snprintf(text, sizeof text, "not used: the tilt of image %zu is %g deg", i + 1, tilt_deg[i]);
            sei_free(tilt_deg);
            return sei_facts_set(&e->stack->facts, "extended_angles", text, source);
        }
        all_zero = all_zero && tilt_deg[i] == 0;
    }
    if (all_zero && count > 1) {
        sei_free(tilt_deg);
        return sei_facts_set(&e->stack->facts, "extended_angles", "not used: every tilt is 0", source);
    }
    e->stack->tilt_deg = tilt_deg;
    e->stack->n_angles = count;
    sei_angles_describe(tilt_deg, count, text, sizeof text);
    return sei_facts_set(&e->stack->facts, "angles", text, source);
}

static sei_status take_pixel(extended *e, double pixel_m, const char *source) {
    if (!(pixel_m > 1e-13 && pixel_m < 1e-3)) return SEI_OK; /* 0.1 pm to 1 mm; an unset field is 0 */
    e->stack->pixel_nm = pixel_m * 1e9;
    return fact_number(e, "pixel_nm", e->stack->pixel_nm, source);
}

static sei_status load(extended *e, size_t stride) {
    size_t bytes = 0;
    void *memory = NULL;
    sei_status status = SEI_OK;
    e->stride = stride;
    SEI_TRY(sei_checked_bytes((int64_t)stride, e->stack->nz, 1, 1, &bytes));
    SEI_TRY(sei_alloc(bytes, &memory));
    e->bytes = memory;
    SEI_TRY(sei_infile_read(e->file, SEI_MRC_HEADER_BYTES, memory, bytes));
done:
    return status;
}

/* Whether `stride` bytes per section fit into the extended header. */
static bool fits(const extended *e, int64_t stride) {
    return stride > 0 && stride <= FEI_LARGEST && e->stack->nz <= e->header->extended_bytes / stride;
}

static sei_status not_understood(extended *e, const char *why) {
    char text[SEI_TEXT_LENGTH];
    snprintf(text, sizeof text, "'%s', %lld bytes: %s", e->header->extended_type, (long long)e->header->extended_bytes, why);
    return sei_facts_set(&e->stack->facts, "extended_header", text, "MRC header");
}

static sei_status read_agard(extended *e) {
    static const char source[] = "Agard (old FEI) extended header";
    double *tilt_deg = NULL;
    sei_status status = SEI_OK;
    const int64_t numbers = (int64_t)e->header->nint + e->header->nreal;
    const bool sized = e->header->nint >= 0 && e->header->nreal >= 12 && fits(e, 4 * numbers);
    const size_t stride = sized ? (size_t)(4 * numbers) : AGARD_STRIDE;
    const size_t first = sized ? 4 * (size_t)e->header->nint : 0;
    if (!fits(e, (int64_t)stride)) return not_understood(e, "too short for a block of 128 bytes per image");
    SEI_TRY(load(e, stride));
    SEI_TRY(SEI_NEW(tilt_deg, e->stack->nz, 1, 1));
    const unsigned char *block = e->bytes + first;
    for (int64_t i = 0; i < e->stack->nz; ++i) tilt_deg[i] = sei_load_f32(block + (size_t)i * stride, e->big);
    SEI_TRY(take_pixel(e, sei_load_f32(block + 44, e->big), source));
    const double axis_deg = sei_load_f32(block + 40, e->big);
    if (isfinite(axis_deg) && axis_deg != 0 && fabs(axis_deg) <= 360) {
        SEI_TRY(fact_number(e, "tilt_axis_fei_deg", axis_deg,
                            "Agard (old FEI) extended header; its zero is not stated: give --axis"));
    }
    SEI_TRY(sei_facts_set(&e->stack->facts, "extended_header", source, "MRC header"));
    status = take_angles(e, tilt_deg, source);
    tilt_deg = NULL;
done:
    sei_free(tilt_deg);
    return status;
}

/* A text field of 16 bytes in a FEI block; "" when it holds anything but printable ASCII. */
static void fei_text(const unsigned char *field, char text[17]) {
    size_t n = 0;
    while (n < 16 && field[n] >= 32 && field[n] < 127) text[n] = (char)field[n], ++n;
    if (n < 16 && field[n] != 0) n = 0;
    while (n > 0 && text[n - 1] == ' ') --n;
    text[n] = 0;
}

/* Element map: its name, its energy window (written in eV; numbers below 100 can only be keV), the detector. */
static sei_status read_fei_map(extended *e, const char *source) {
    const unsigned char *block = e->bytes;
    char text[SEI_TEXT_LENGTH];
    char low_text[32];
    char high_text[32];
    char name[17];
    sei_status status = SEI_OK;
    fei_text(block + 619, name);
    if (name[0] != 0) {
        snprintf(e->stack->name, sizeof e->stack->name, "%s", name);
        SEI_TRY(sei_facts_set(&e->stack->facts, "channel", name, source));
        double low = sei_load_f64(block + 635, e->big);
        double high = sei_load_f64(block + 643, e->big);
        if (isfinite(low) && isfinite(high) && low >= 0 && high > low && high < 1e6) {
            const double to_kev = high > 100 ? 1e-3 : 1;
            e->stack->window_low_kev = low * to_kev;
            e->stack->window_high_kev = high * to_kev;
            snprintf(text, sizeof text, "%s to %s", sei_format_double(low * to_kev, low_text),
                     sei_format_double(high * to_kev, high_text));
            SEI_TRY(sei_facts_set(&e->stack->facts, "energy_window_kev", text, source));
        }
    }
    fei_text(block + 519, name);
    if (name[0] != 0) {
        SEI_TRY(sei_facts_set(&e->stack->facts, "detector", name, source));
        if (e->stack->name[0] == 0) {
            snprintf(e->stack->name, sizeof e->stack->name, "%s", name);
            SEI_TRY(sei_facts_set(&e->stack->facts, "channel", name, source));
        }
    }
done:
    return status;
}

typedef struct stamped {
    double time;
    int32_t section;
} stamped;

static int by_time(const void *a, const void *b) {
    const stamped *p = a;
    const stamped *q = b;
    return p->time < q->time ? -1 : p->time > q->time;
}

/* The order of acquisition from the blocks' time stamps, when they are all different. */
static sei_status read_fei_order(extended *e) {
    const size_t count = (size_t)e->stack->nz;
    stamped *stamps = NULL;
    int32_t *order = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(stamps, e->stack->nz, 1, 1));
    SEI_TRY(SEI_NEW(order, e->stack->nz, 1, 1));
    for (size_t i = 0; i < count; ++i) {
        const double time = sei_load_f64(e->bytes + i * e->stride + 12, e->big);
        if (!isfinite(time) || !(time > 0)) goto done;
        stamps[i] = (stamped){time, (int32_t)i};
    }
    qsort(stamps, count, sizeof *stamps, by_time);
    for (size_t i = 1; i < count; ++i) {
        if (stamps[i].time == stamps[i - 1].time) goto done;
    }
    for (size_t i = 0; i < count; ++i) order[stamps[i].section] = (int32_t)i;
    e->stack->order = order;
    order = NULL;
done:
    sei_free(stamps);
    sei_free(order);
    return status;
}

static sei_status read_fei(extended *e, const char *source) {
    enum { ALPHA_TILT_BIT = 1 << 7 };
    unsigned char start[12];
    double *tilt_deg = NULL;
    sei_status status = SEI_OK;
    if (e->header->extended_bytes < FEI_SMALLEST) return not_understood(e, "shorter than one block of 768 bytes");
    SEI_TRY(sei_infile_read(e->file, SEI_MRC_HEADER_BYTES, start, sizeof start));
    /* these blocks are written by little-endian programs, also inside a file that says otherwise */
    if (sei_load_i32(start, e->big) < FEI_SMALLEST || !fits(e, sei_load_i32(start, e->big))) e->big = !e->big;
    const int32_t stride = sei_load_i32(start, e->big);
    if (stride < FEI_SMALLEST || !fits(e, stride)) return not_understood(e, "the block size in its first bytes does not fit");
    SEI_TRY(load(e, (size_t)stride));
    SEI_TRY(SEI_NEW(tilt_deg, e->stack->nz, 1, 1));
    SEI_TRY(sei_facts_set(&e->stack->facts, "extended_header", source, "MRC header"));
    bool all_tilted = true;
    for (int64_t i = 0; i < e->stack->nz; ++i) {
        const unsigned char *block = e->bytes + (size_t)i * e->stride;
        all_tilted = all_tilted && (sei_load_u32(block + 8, false) & ALPHA_TILT_BIT) != 0;
        tilt_deg[i] = sei_load_f64(block + 100, e->big);
    }
    SEI_TRY(take_pixel(e, sei_load_f64(e->bytes + 156, e->big), source));
    const double pixel_y_nm = sei_load_f64(e->bytes + 164, e->big) * 1e9;
    if (pixel_y_nm > 0 && isfinite(pixel_y_nm)) SEI_TRY(fact_number(e, "pixel_y_nm", pixel_y_nm, source));
    const double tension_v = sei_load_f64(e->bytes + 84, e->big);
    if (tension_v > 0 && isfinite(tension_v)) SEI_TRY(fact_number(e, "high_tension_kv", tension_v * 1e-3, source));
    const double axis_deg = sei_load_f64(e->bytes + 140, e->big);
    if (isfinite(axis_deg) && axis_deg != 0 && fabs(axis_deg) <= 360) {
        SEI_TRY(fact_number(e, "tilt_axis_fei_deg", axis_deg, "FEI extended header; its zero is not stated: give --axis"));
    }
    const double dwell_s = sei_load_f64(e->bytes + 571, e->big);
    if (dwell_s > 0 && dwell_s < 1e3) SEI_TRY(fact_number(e, "dwell_time_us", dwell_s * 1e6, source));
    SEI_TRY(read_fei_map(e, source));
    SEI_TRY(read_fei_order(e));
    if (all_tilted) {
        status = take_angles(e, tilt_deg, source);
        tilt_deg = NULL;
        SEI_TRY(status);
    }
done:
    sei_free(tilt_deg);
    return status;
}

/* Bytes of each SerialEM field, by flag bit: tilt, piece coordinates, stage, magnification, intensity, dose. */
static const int seri_bytes[SERI_SHORTS] = {2, 6, 4, 2, 2, 4};

static int seri_sum(int16_t flags) {
    int sum = 0;
    if (flags <= 0 || flags >= 1 << SERI_SHORTS) return 0;
    for (int bit = 0; bit < SERI_SHORTS; ++bit) sum += (flags >> bit & 1) * seri_bytes[bit];
    return sum;
}

/* SerialEM's way to put a float into two shorts. */
static double seri_float(int16_t first, int16_t second) {
    const int mantissa = abs(first) * 256 + abs(second) % 256;
    const int exponent = (second < 0 ? -1 : 1) * (abs(second) / 256);
    return ldexp((first < 0 ? -1 : 1) * (double)mantissa, exponent);
}

static sei_status read_seri(extended *e) {
    static const char source[] = "SerialEM extended header";
    double *tilt_deg = NULL;
    double *dose = NULL;
    sei_status status = SEI_OK;
    const int flags = e->header->nreal;
    const int sum = seri_sum(e->header->nreal);
    if (sum == 0 || sum > e->header->nint || !fits(e, e->header->nint)) return not_understood(e, "its flags and sizes disagree");
    SEI_TRY(load(e, (size_t)e->header->nint));
    SEI_TRY(sei_facts_set(&e->stack->facts, "extended_header", source, "MRC header"));
    if ((flags & 32) != 0) {
        const int at = sum - seri_bytes[5];
        bool usable = true;
        SEI_TRY(SEI_NEW(dose, e->stack->nz, 1, 1));
        for (int64_t i = 0; i < e->stack->nz; ++i) {
            const unsigned char *section = e->bytes + (size_t)i * e->stride + at;
            dose[i] = 100 * seri_float(sei_load_i16(section, e->big), sei_load_i16(section + 2, e->big)); /* e/A2 -> e/nm2 */
            usable = usable && dose[i] >= 0 && isfinite(dose[i]);
        }
        if (usable) {
            e->stack->dose_e_per_nm2 = dose;
            dose = NULL;
            SEI_TRY(sei_facts_set(&e->stack->facts, "dose", "per image", source));
        }
    }
    if ((flags & 1) != 0) {
        SEI_TRY(SEI_NEW(tilt_deg, e->stack->nz, 1, 1));
        for (int64_t i = 0; i < e->stack->nz; ++i) {
            tilt_deg[i] = sei_load_i16(e->bytes + (size_t)i * e->stride, e->big) / 100.0;
        }
        status = take_angles(e, tilt_deg, source);
        tilt_deg = NULL;
    }
done:
    sei_free(tilt_deg);
    sei_free(dose);
    return status;
}

sei_status sei_mrc_extended_read(const sei_infile *file, const sei_mrc_header *header, sei_stack *stack) {
    extended e = {.file = file, .header = header, .stack = stack, .big = header->big_endian};
    const char *type = header->extended_type;
    const int64_t bytes = header->extended_bytes;
    sei_status status = SEI_OK;
    if (bytes == 0) return SEI_OK;
    if (strcmp(type, "FEI1") == 0 || strcmp(type, "FEI2") == 0) {
        status = read_fei(&e, type[3] == '1' ? "FEI1 extended header" : "FEI2 extended header");
    } else if (strcmp(type, "AGAR") == 0) {
        status = read_agard(&e);
    } else if (strcmp(type, "SERI") == 0 || (header->nint > 0 && seri_sum(header->nreal) == header->nint)) {
        status = read_seri(&e);
    } else if (strcmp(type, "CCP4") == 0 || (header->space_group > 0 && bytes % 80 == 0 && bytes < 80 * 200)) {
        char text[SEI_TEXT_LENGTH];
        snprintf(text, sizeof text, "%lld symmetry operators (space group %d)", (long long)(bytes / 80), header->space_group);
        status = sei_facts_set(&stack->facts, "extended_header", text, "MRC header");
    } else if (strcmp(type, "MRCO") != 0 && strcmp(type, "HDF5") != 0 && bytes % (1024 * AGARD_STRIDE) == 0) {
        status = read_agard(&e);
    } else {
        status = not_understood(&e, "of a kind that is not known");
    }
    sei_free(e.bytes);
    return status;
}

/*
 * The labels of an MRC file: what its header has no field for. seitomo writes its own, one fact per label, each beginning
 * with "seitomo "; SerialEM's tell the tilt axis. A geometry counts only while no other program added a label after it:
 * programs copy labels along when they crop, bin or rotate.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "io/angles.h"
#include "io/mrc.h"

static const char own[] = "seitomo ";

/* Splits the rest of a label at spaces into numbers; how many were numbers. */
static int numbers_of(const char *text, double *values, int most) {
    char copy[SEI_MRC_LABEL_LENGTH + 1];
    char *rest = NULL;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && count < most; word = strtok_r(NULL, " ", &rest)) {
        if (!sei_parse_double(word, &values[count])) return 0;
        ++count;
    }
    return count;
}

static sei_dtype dtype_named(const char *name) {
    for (int d = SEI_DTYPE_U8; d <= SEI_DTYPE_F64; ++d) {
        if (strcmp(sei_dtype_name((sei_dtype)d), name) == 0) return (sei_dtype)d;
    }
    return SEI_DTYPE_UNKNOWN;
}

/* Text with '%', control and non-ASCII bytes as %XX, so that any name survives in an ASCII label; and back. */
static void encode(const char *text, char *out, size_t size) {
    size_t used = 0;
    for (; *text != 0 && used + 4 < size; ++text) {
        const unsigned char c = (unsigned char)*text;
        if (c > 32 && c < 127 && c != '%') {
            out[used++] = (char)c;
        } else {
            used += (size_t)snprintf(out + used, size - used, "%%%02X", c);
        }
    }
    out[used] = 0;
}

static void decode(const char *text, char *out, size_t size) {
    size_t used = 0;
    while (*text != 0 && used + 1 < size) {
        unsigned value = 0;
        if (*text == '%' && sscanf(text + 1, "%2X", &value) == 1 && value != 0 && strlen(text) >= 3) {
            out[used++] = (char)value;
            text += 3;
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = 0;
}

/* The text after "seitomo KEY " when this label is that note, else NULL. */
static const char *note(const char *label, const char *key) {
    const size_t length = strlen(key);
    if (strncmp(label, own, sizeof own - 1) != 0 || strncmp(label + sizeof own - 1, key, length) != 0) return NULL;
    const char *rest = label + sizeof own - 1 + length;
    return *rest == ' ' ? rest + 1 : NULL;
}

/* One of our labels; `current`: no other program touched the file since. */
static sei_status read_own(const char *label, bool current, double header_pixel_nm, sei_stack *stack) {
    sei_status status = SEI_OK;
    double v[3] = {NAN, NAN, NAN};
    char text[SEI_TEXT_LENGTH];
    char number[2][32];
    const char *rest = note(label, "channel");
    if (rest != NULL) {
        decode(rest, stack->name, sizeof stack->name);
        SEI_TRY(sei_facts_set(&stack->facts, "channel", stack->name, "MRC label"));
    } else if ((rest = note(label, "unit")) != NULL) {
        decode(strcmp(rest, "-") == 0 ? "" : rest, stack->unit, sizeof stack->unit);
    } else if ((rest = note(label, "stored")) != NULL) {
        const sei_dtype stored = dtype_named(rest);
        if (current && stored != SEI_DTYPE_UNKNOWN) stack->stored = stored;
    } else if ((rest = note(label, "window_kev")) != NULL) {
        if (numbers_of(rest, v, 2) == 2) {
            stack->window_low_kev = v[0];
            stack->window_high_kev = v[1];
            snprintf(text, sizeof text, "%s to %s", sei_format_double(v[0], number[0]), sei_format_double(v[1], number[1]));
            SEI_TRY(sei_facts_set(&stack->facts, "energy_window_kev", text, "MRC label"));
        }
    } else if ((rest = note(label, "pixel_nm")) != NULL) {
        /* the header's cell is float32: take the exact number while it is the same one */
        if (numbers_of(rest, v, 1) == 1 && fabs(v[0] - header_pixel_nm) <= 1e-6 * fabs(header_pixel_nm)) {
            stack->pixel_nm = v[0];
            SEI_TRY(sei_facts_set(&stack->facts, "pixel_nm", sei_format_double(v[0], number[0]),
                                  "MRC label, as the cell of the MRC header"));
        }
    } else if ((rest = note(label, "axis")) != NULL && current) {
        if (numbers_of(rest, v, 3) == 3) {
            stack->axis_deg = v[0];
            stack->axis_offset_px = v[1];
            stack->aligned = v[2] > 0;
            SEI_TRY(sei_facts_set(&stack->facts, "axis_deg", sei_format_double(v[0], number[0]), "MRC label"));
            SEI_TRY(sei_facts_set(&stack->facts, "axis_offset_px", sei_format_double(v[1], number[1]), "MRC label"));
        }
    }
done:
    return status;
}

/* SerialEM's "Tilt axis angle = ..." in label i: the axis, as long as no later label tells of other work on the images. */
static sei_status read_axis(const sei_mrc_header *header, size_t i, sei_stack *stack) {
    double axis_deg = NAN;
    char value[32];
    if (!sei_axis_in_title(header->labels[i], &axis_deg)) return SEI_OK;
    bool later = false;
    for (size_t k = i + 1; k < header->n_labels; ++k) later = later || header->labels[k][0] != 0;
    if (later) {
        return sei_facts_set(&stack->facts, "tilt_axis_label_deg", sei_format_double(axis_deg, value),
                             "MRC label, not used: later labels tell that the images were processed");
    }
    stack->axis_deg = axis_deg;
    return sei_facts_set(&stack->facts, "axis_deg", sei_format_double(axis_deg, value), "MRC label of the recording program");
}

sei_status sei_mrc_notes_read(const sei_mrc_header *header, double header_pixel_nm, sei_stack *stack) {
    sei_status status = SEI_OK;
    char key[32];
    size_t last_foreign = 0; /* one past the last label that is not ours */
    for (size_t i = 0; i < header->n_labels; ++i) {
        if (header->labels[i][0] != 0 && strncmp(header->labels[i], own, sizeof own - 1) != 0) last_foreign = i + 1;
    }
    for (size_t i = 0; i < header->n_labels; ++i) {
        const char *label = header->labels[i];
        if (label[0] == 0) continue;
        if (strncmp(label, own, sizeof own - 1) == 0) {
            SEI_TRY(read_own(label, i >= last_foreign, header_pixel_nm, stack));
            continue;
        }
        snprintf(key, sizeof key, "label_%zu", i + 1);
        SEI_TRY(sei_facts_set(&stack->facts, key, label, "MRC label"));
        SEI_TRY(read_axis(header, i, stack));
    }
done:
    return status;
}

size_t sei_mrc_notes_make(const sei_stack *stack, char labels[SEI_MRC_LABELS][SEI_MRC_LABEL_LENGTH + 1]) {
    enum { SIZE = SEI_MRC_LABEL_LENGTH + 1 };
    char a[SEI_TEXT_LENGTH];
    char b[32];
    char c[32];
    size_t n = 0;
    snprintf(labels[n++], SIZE, "%s%s, y = stored row", own,
             stack->is_volume ? "volume: z along the beam at 0 deg, y = tilt axis" : "tilt series: u = x cos(t) - z sin(t)");
    if (stack->name[0] != 0) {
        encode(stack->name, a, SIZE - sizeof "seitomo channel ");
        snprintf(labels[n++], SIZE, "%schannel %.64s", own, a);
    }
    encode(stack->unit, a, SIZE - sizeof "seitomo unit ");
    snprintf(labels[n++], SIZE, "%sunit %.67s", own, a[0] == 0 ? "-" : a);
    snprintf(labels[n++], SIZE, "%sstored %s", own, sei_dtype_name(stack->stored));
    if (!isnan(stack->window_low_kev) || !isnan(stack->window_high_kev)) {
        snprintf(labels[n++], SIZE, "%swindow_kev %s %s", own, sei_format_double(stack->window_low_kev, b),
                 sei_format_double(stack->window_high_kev, c));
    }
    if (!isnan(stack->pixel_nm)) snprintf(labels[n++], SIZE, "%spixel_nm %s", own, sei_format_double(stack->pixel_nm, b));
    if (!stack->is_volume) {
        snprintf(labels[n++], SIZE, "%saxis %s %s %d", own, sei_format_double(stack->axis_deg, b),
                 sei_format_double(stack->axis_offset_px, c), stack->aligned ? 1 : 0);
    }
    return n;
}

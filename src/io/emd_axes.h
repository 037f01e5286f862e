/* The axes of an array: what dimN says, and which of them is the angle, y and x. */
#ifndef SEI_IO_EMD_AXES_H
#define SEI_IO_EMD_AXES_H

#include "io/emd.h"

enum { SEI_EMD_MOST_VALUES = 1 << 22 };

typedef enum sei_axis_kind { SEI_AXIS_OTHER = 0, SEI_AXIS_LENGTH, SEI_AXIS_ANGLE } sei_axis_kind;

typedef struct sei_axis {
    char path[SEI_EMD_PATH];
    char name[SEI_NAME_LENGTH];
    char unit[SEI_NAME_LENGTH]; /* without brackets and underscores */
    sei_axis_kind kind;
    double to_base; /* value * to_base: nm or degrees */
    size_t count;   /* values: the axis's length, or 2 for (first, second) */
    double *values;
} sei_axis;

/* Reads dimN (number counts from 0); whatever is missing or odd leaves the axis without values or unit. Free `values`. */
sei_status sei_axis_read(const sei_h5_in *in, const sei_emd_found *found, int number, hsize_t length, sei_axis *a) SEI_MUST_CHECK;
/* The step of evenly spaced lengths in nm; NaN when there is none. Digits that only float32 made are dropped. */
double sei_axis_step_nm(const sei_axis *a, int64_t length);
/* Which stored axis is z (or the angle), y and x; -1: none. Names decide where all are named; else the stored order does. */
void sei_axes_assign(const sei_axis *axes, int rank, int axis_of[SEI_EMD_AXES]);

#endif

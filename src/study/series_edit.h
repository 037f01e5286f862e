/* Small edits of a series that several stages need. */
#ifndef SEI_STUDY_SERIES_EDIT_H
#define SEI_STUDY_SERIES_EDIT_H

#include "seitomo/types.h"

/* Leaves out the tilts within 0.01 deg of the n given angles. SEI_ERR_INPUT: an angle that no tilt has, or none is left. */
sei_status sei_series_drop(sei_series *series, size_t n, const double *tilt_deg) SEI_MUST_CHECK;
/* The least common multiple of two binnings; 4096 at most, which no image of use is divided by. */
int64_t sei_common_bin(int64_t a, int64_t b);

/* The channel alone, cut at the high ends to whole multiples of n pixels; axis_offset_px follows. */
sei_status sei_series_trim(const sei_series *series, size_t channel, int n, sei_series *out) SEI_MUST_CHECK;
/* Room of n pixels without data on the left and on the right; the axis stays where it is. n = 0: a copy. */
sei_status sei_series_pad(const sei_series *series, int64_t n, sei_series *out) SEI_MUST_CHECK;
/* Cuts n columns off the left and the right of a volume. */
sei_status sei_volume_cut_sides(sei_volume *volume, int64_t n) SEI_MUST_CHECK;
/* A table tilt_deg, order, section, dose_e_per_nm2 and the mean of every channel over valid pixels. */
sei_status sei_series_tilt_table(const sei_series *series, sei_table *out) SEI_MUST_CHECK;

#endif

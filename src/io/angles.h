/* Inside io: the parts of reading angles that several files share. */
#ifndef SEI_IO_ANGLES_H
#define SEI_IO_ANGLES_H

#include "io/formats.h"

/* SerialEM's "Tilt axis angle = A" or "Tilt axis rotation angle = A" in a title: degrees from +y, counter-clockwise. */
bool sei_axis_in_title(const char *title, double *axis_deg);

/*
 * Whether angles can be those of n_images images: the right count, finite, within +-360 degrees, none twice, not in
 * radians. `source` begins the message. Any order is legal. SEI_ERR_INPUT.
 */
sei_status sei_angles_check(const double *tilt_deg, size_t count, int64_t n_images, const char *source) SEI_MUST_CHECK;

/* "16 from -40 to 35 deg" */
void sei_angles_describe(const double *tilt_deg, size_t count, char *text, size_t size);

/* The parts of sei_angles_read, one per family of files; text is NUL-terminated and may be changed. */
sei_status sei_angles_parse_mdoc(const char *path, char *text, sei_angle_table *out) SEI_MUST_CHECK;
sei_status sei_angles_parse_columns(const char *path, char *text, sei_angle_table *out) SEI_MUST_CHECK;
sei_status sei_angles_parse_scheme(const char *path, char *text, sei_angle_table *out) SEI_MUST_CHECK;

#endif

/* Radial profiles. Private to measure. */
#ifndef SEI_MEASURE_PROFILES_H
#define SEI_MEASURE_PROFILES_H

#include "measure/wire.h"

/* radius_nm scales r_over_radius (NaN allowed). bin_nm > 0. */
sei_status sei_radial_profiles(const sei_labels *labels, const sei_section *sections, size_t n, const sei_volume *volumes,
                               double bin_nm, double radius_nm, sei_table *profiles) SEI_MUST_CHECK;

#endif

/* Inside simulate: what is refused before any work. */
#ifndef SEI_SIMULATE_CHECK_H
#define SEI_SIMULATE_CHECK_H

#include "seitomo/simulate.h"

sei_status sei_simulation_check(const sei_simulation *simulation) SEI_MUST_CHECK;
sei_status sei_simulation_check_exposures(const sei_simulation *simulation, const sei_tilt_exposure *exposures,
                                          int64_t n) SEI_MUST_CHECK;

#endif

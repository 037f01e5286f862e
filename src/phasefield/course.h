/* The course of a half-cycle, whichever backend takes its steps. */
#ifndef SEI_PHASEFIELD_COURSE_H
#define SEI_PHASEFIELD_COURSE_H

#include "phasefield/model.h"

/* SEI_ERR_INPUT with the first cell of the wire that is not finite or outside [-0.5, 1.5], `steps` after the state. */
sei_status sei_pf_check_fields(const sei_phasefield_state *state, bool single, const void *li, const void *vacancy, int64_t steps,
                               double tau) SEI_MUST_CHECK;
/* Fields of the wire into the state; its counters after `steps` macro steps. */
void sei_pf_take_fields(sei_phasefield_state *state, bool single, const void *li, const void *vacancy);
void sei_pf_count_steps(const sei_phasefield_limits *limits, int64_t steps, sei_phasefield_state *state);

/* Cells that the state of charge is the mean of. */
int64_t sei_pf_count_dry(const sei_phasefield_state *state);
double sei_pf_soc_of_mean(const sei_phasefield_limits *limits, double mean);
/* Whether the half-cycle ends at this state of charge and time. */
bool sei_pf_at_end(const sei_phasefield_options *options, const sei_phasefield_state *state, double soc, double half_time);
sei_status sei_pf_end_half_cycle(const sei_phasefield_options *options, const sei_phasefield_limits *limits,
                                 sei_phasefield_state *state) SEI_MUST_CHECK;

/*
 * Half-cycles of `count` states on a module's device. to_end: up to `most` tests each, or to the half-cycle's end, and
 * ended[count] is filled; else `most` macro steps. After an error every state stands at its last test.
 */
sei_status sei_pf_device_advance(const sei_phasefield_options *options, const char *backend, bool to_end, int64_t most,
                                 int64_t count, sei_phasefield_state *states, bool *ended) SEI_MUST_CHECK;

#endif

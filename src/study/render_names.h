/* The pictures and plots of a run: one list for the stage that makes them and for the page that shows them. */
#ifndef SEI_STUDY_RENDER_NAMES_H
#define SEI_STUDY_RENDER_NAMES_H

#include "study/run.h"

/* Announces every picture and plot of the render stage. */
sei_status sei_render_announce(sei_run_state *run, sei_stage *stage) SEI_MUST_CHECK;

#endif

/*
 * The model on a card: what a module's table offers beside the operators of reconstruction. A run holds the fields of
 * several members, states with the same constants, for some macro steps of one half-cycle; they stay on the card, what
 * comes back between is a sum per row. The host decides: when S is refreshed, who goes on, what is fetched.
 */
#ifndef SEI_PHASEFIELD_DEVICE_H
#define SEI_PHASEFIELD_DEVICE_H

#include "phasefield/model.h"
#include "seitomo/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sei_pf_device_run sei_pf_device_run;

/* A row's sum of c_Li is taken in so many parts, cell i into part i % PARTS, then the parts in order: a warp's own way. */
enum { SEI_PF_SUM_PARTS = 32 };

/* Fields leave and enter in the works' precision. All: SEI_ERR_ENVIRONMENT or SEI_ERR_MEMORY when the card fails. */
typedef struct sei_pf_device {
    /* works[count] agree in all but fields, noise and mask; source[n] (NULL: none) as last refreshed; k_s and dx for S */
    sei_status (*begin)(sei_device *device, int count, const sei_pf_work *const *works, const double *const *source, double k_s,
                        double dx, sei_pf_device_run **out);
    /* Who takes part in what follows: live[count]. */
    sei_status (*select)(sei_pf_device_run *run, const uint8_t *live);
    sei_status (*refresh_source)(sei_pf_device_run *run);
    sei_status (*steps)(sei_pf_device_run *run, int64_t steps);
    /* sums[count][nz*ny] of c_Li over cells that are active and not wetted; bad[count]: cells outside [-0.5, 1.5] or NaN. */
    sei_status (*check)(sei_pf_device_run *run, double *sums, int *bad);
    /* Remembers the fields of those who live as they are. */
    sei_status (*keep)(sei_pf_device_run *run, const uint8_t *live);
    /* A member's fields now, or as kept. */
    sei_status (*fetch)(sei_pf_device_run *run, int member, bool kept, void *c_li, void *c_v, void *source);
    void (*end)(sei_pf_device_run *run); /* NULL: nothing */
} sei_pf_device;

#ifdef __cplusplus
}
#endif
#endif

/* Inside simulate: a trilinear factor on a coarse grid. */
#ifndef SEI_SIMULATE_WEIGHT_H
#define SEI_SIMULATE_WEIGHT_H

#include "seitomo/specimen.h"
#include "simulate/body.h"

/* Cell below a coordinate in units of the grid's centres (n of them), and how far into it; outermost values go on outside. */
int64_t sei_weight_cell(double at, int64_t n, double *part);
/* Weight at a point, and its exact integral along a ray's piece [s0, s1] (nm). */
double sei_weight_at(const sei_weight_grid *weight, double x, double y, double z);
double sei_weight_along(const sei_weight_grid *weight, const sei_ray *ray, double s0, double s1);

#endif

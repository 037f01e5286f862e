/* |grad c| from central differences, one expression for host and card. */
#ifndef SEI_PHASEFIELD_GRADIENT_H
#define SEI_PHASEFIELD_GRADIENT_H

#include <math.h>

#include "core/everywhere.h"

/* difference[axis]: the value behind a cell from the value before it, over two cells. */
static SEI_EVERYWHERE double sei_pf_gradient(const double difference[3], double dx) {
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis) sum += difference[axis] * difference[axis];
    return sqrt(sum) / (2 * dx);
}

#endif

/* The operators in single precision, once per instruction set. */
#define PF_SINGLE 1
#define PF_OPERATORS sei_pf_cpu_single
#include "phasefield/fields_body.h"

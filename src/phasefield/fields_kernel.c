/* The operators in double precision, once per instruction set. */
#define PF_SINGLE 0
#define PF_OPERATORS sei_pf_cpu
#include "phasefield/fields_body.h"

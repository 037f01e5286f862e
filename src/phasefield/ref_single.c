/* The plain reference on fields of float. */
#define REF_REAL float
#define REF_OPERATORS sei_pf_ref_single
#include "phasefield/ref_body.h"

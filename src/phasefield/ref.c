/* The plain reference on fields of double. */
#define REF_REAL double
#define REF_OPERATORS sei_pf_ref
#include "phasefield/ref_body.h"

/* Takes the best instruction set of this machine for the mechanics of the cpu backend. */
#include "core/instruction_sets.h"
#include "phasefield/mechanics.h"

#define X(set) extern const sei_mech_operators sei_mech_cpu_##set;
SEI_ISA_LIST(X)
#undef X

const sei_mech_operators *sei_mech_cpu(const char *isa) {
    static const sei_mech_operators *const sets[] = {
#define X(set) &sei_mech_cpu_##set,
        SEI_ISA_LIST(X)
#undef X
    };
    const int set = sei_isa_find(isa);
    return set < 0 ? NULL : sets[set];
}

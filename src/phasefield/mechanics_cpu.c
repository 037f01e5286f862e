/* Takes the best instruction set of this machine for the mechanics of the cpu backend. */
#include "core/instruction_sets.h"
#include "phasefield/mechanics.h"

#define X(set) extern const sei_mech_operators sei_mech_cpu_##set, sei_mech_cpu_space_##set;
SEI_ISA_LIST(X)
#undef X

const sei_mech_operators *sei_mech_cpu(const char *isa, int dims) {
    static const sei_mech_operators *const sets[][2] = {
#define X(set) {&sei_mech_cpu_##set, &sei_mech_cpu_space_##set},
        SEI_ISA_LIST(X)
#undef X
    };
    const int set = sei_isa_find(isa);
    return set < 0 ? NULL : sets[set][dims == 3];
}

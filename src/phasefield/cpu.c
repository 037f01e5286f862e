/* Takes the best instruction set of this machine for the cpu backend. */
#include "core/instruction_sets.h"
#include "phasefield/model.h"

#define X(set) extern const sei_pf_operators sei_pf_cpu_##set, sei_pf_cpu_single_##set;
SEI_ISA_LIST(X)
#undef X

const sei_pf_operators *sei_pf_cpu(const char *isa, bool single) {
    static const sei_pf_operators *const sets[][2] = {
#define X(set) {&sei_pf_cpu_##set, &sei_pf_cpu_single_##set},
        SEI_ISA_LIST(X)
#undef X
    };
    const int set = sei_isa_find(isa);
    return set < 0 ? NULL : sets[set][single ? 1 : 0];
}

/* Takes the best instruction set of this machine for the cpu backend. */
#include <string.h>

#include "phasefield/model.h"

extern const sei_pf_operators sei_pf_cpu_baseline, sei_pf_cpu_avx2, sei_pf_cpu_avx512;

const sei_pf_operators *sei_pf_cpu(const char *isa) {
    const bool any = isa == NULL || strcmp(isa, "auto") == 0;
#ifdef SEI_HAVE_ISA_avx512
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
    if (avx512 && (any || strcmp(isa, "avx512") == 0)) return &sei_pf_cpu_avx512;
#endif
#ifdef SEI_HAVE_ISA_avx2
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && (any || strcmp(isa, "avx2") == 0)) return &sei_pf_cpu_avx2;
#endif
    return any || strcmp(isa, "baseline") == 0 ? &sei_pf_cpu_baseline : NULL;
}

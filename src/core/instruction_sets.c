#include "core/instruction_sets.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
static bool have_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool have_avx512(void) {
    return have_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#elif defined(__aarch64__)
static bool have_neon(void) {
    return true;
}
#endif
static bool have_baseline(void) {
    return true;
}

int sei_isa_find(const char *isa) {
    static const struct {
        const char *name;
        bool (*here)(void);
    } sets[] = {
#define X(set) {#set, have_##set},
        SEI_ISA_LIST(X)
#undef X
    };
    const bool any = isa == NULL || strcmp(isa, "auto") == 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; ++i) {
        if ((any || strcmp(isa, sets[i].name) == 0) && sets[i].here()) return (int)i;
    }
    return -1;
}

bool sei_isa_known(const char *isa) {
    static const char *const names[] = {SEI_ISA_NAMES};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        if (strcmp(isa, names[i]) == 0) return true;
    }
    return false;
}

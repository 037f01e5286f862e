/* The instruction sets that the files *_kernel.c are compiled for (cmake/Rooms.cmake), and which of them this processor has. */
#ifndef SEI_CORE_INSTRUCTION_SETS_H
#define SEI_CORE_INSTRUCTION_SETS_H

#include <stdbool.h>

/* The names of every machine's sets, and the same in a sentence. */
#define SEI_ISA_NAMES "baseline", "avx2", "avx512", "neon"
#define SEI_ISA_NAMES_TEXT "baseline, avx2, avx512, neon"

/* X(isa) for those of this build, the best first. NEON is part of every 64-bit ARM processor. */
#if defined(__x86_64__)
#define SEI_ISA_LIST(X) X(avx512) X(avx2) X(baseline)
#elif defined(__aarch64__)
#define SEI_ISA_LIST(X) X(neon) X(baseline)
#else
#define SEI_ISA_LIST(X) X(baseline)
#endif

/* The place in SEI_ISA_LIST of the set named (NULL or "auto": the best of this processor); -1: not here. */
int sei_isa_find(const char *isa);
/* Whether any machine has a set of this name ("auto" is none). */
bool sei_isa_known(const char *isa);

#endif

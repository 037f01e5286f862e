/* The cpu backend's kernels of one instruction set, as a table. */
#include "backend/cpu.h"
#include "backend/isa.h"

#define TEXT2(isa) #isa
#define TEXT(isa) TEXT2(isa)

#define X(op, parameters) void SEI_KERNEL_NAME(sei_cpu_##op) parameters;
SEI_CPU_KERNEL_LIST(X)
#undef X

const sei_cpu_kernels SEI_KERNEL_NAME(sei_cpu_kernels) = {.isa = TEXT(SEI_ISA),
#define X(op, parameters) .op = SEI_KERNEL_NAME(sei_cpu_##op),
                                                          SEI_CPU_KERNEL_LIST(X)
#undef X
};

/* What readers fill: releasing it. */
#include "core/alloc.h"
#include "io/formats.h"

void sei_stack_free(sei_stack *stack) {
    sei_free(stack->data);
    sei_free(stack->tilt_deg);
    sei_free(stack->order);
    sei_free(stack->dose_e_per_nm2);
    sei_free(stack->valid);
    sei_facts_free(&stack->facts);
    *stack = (sei_stack){0};
}

void sei_stacks_free(sei_stacks *stacks) {
    for (size_t i = 0; i < stacks->count; ++i) sei_stack_free(&stacks->items[i]);
    sei_free(stacks->items);
    *stacks = (sei_stacks){0};
}

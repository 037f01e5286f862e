/* Checked memory: sizes multiply with overflow checks, every allocation can be made to fail by a test. */
#ifndef SEI_CORE_ALLOC_H
#define SEI_CORE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seitomo/status.h"

/* *out = a*b*c*element_size in bytes. SEI_ERR_INPUT when a factor is negative or the product exceeds PTRDIFF_MAX. */
sei_status sei_checked_bytes(int64_t a, int64_t b, int64_t c, size_t element_size, size_t *out) SEI_MUST_CHECK;

/* Allocates `bytes` (0 counts as 1), not cleared / cleared. *out belongs to the caller: sei_free. SEI_ERR_MEMORY. */
sei_status sei_alloc(size_t bytes, void **out) SEI_MUST_CHECK;
sei_status sei_alloc_zero(size_t bytes, void **out) SEI_MUST_CHECK;
/* Aligned to 64 bytes, not cleared; also released by sei_free. */
sei_status sei_alloc_aligned(size_t bytes, void **out) SEI_MUST_CHECK;
/* Grows *memory (NULL allowed) to `bytes`, keeping its content; *memory stays valid on failure. */
sei_status sei_realloc(void **memory, size_t bytes) SEI_MUST_CHECK;
sei_status sei_strdup(const char *text, char **out) SEI_MUST_CHECK;
void sei_free(void *memory);

/* SEI_NEW(pointer, a, b, c): allocates a*b*c cleared elements of *pointer's type. */
#define SEI_NEW(pointer, a, b, c) sei_alloc_array(sizeof *(pointer), (a), (b), (c), (void **)&(pointer))
sei_status sei_alloc_array(size_t element_size, int64_t a, int64_t b, int64_t c, void **out) SEI_MUST_CHECK;

/* Test hook: after `n` further successful allocations of this process every one fails; -1 turns it off. */
void sei_alloc_fail_after(long n);
/* How many allocations were asked for since the last sei_alloc_fail_after. */
long sei_alloc_count(void);

/* Bytes of physical memory the process may use now (the smaller of what is available and the cgroup's limit). */
size_t sei_memory_available(void);

#endif

#include "core/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long fail_after = -1;
static atomic_long asked = 0;

static bool may_allocate(void) {
    const long index = atomic_fetch_add(&asked, 1);
    const long limit = atomic_load(&fail_after);
    return limit < 0 || index < limit;
}

void sei_alloc_fail_after(long n) {
    atomic_store(&asked, 0);
    atomic_store(&fail_after, n);
}

long sei_alloc_count(void) {
    return atomic_load(&asked);
}

sei_status sei_checked_bytes(int64_t a, int64_t b, int64_t c, size_t element_size, size_t *out) {
    int64_t product = 0;
    if (a < 0 || b < 0 || c < 0 || element_size > (size_t)PTRDIFF_MAX) {
        return sei_fail(SEI_ERR_INPUT, "negative size: %lld x %lld x %lld", (long long)a, (long long)b, (long long)c);
    }
    if (__builtin_mul_overflow(a, b, &product) || __builtin_mul_overflow(product, c, &product) ||
        __builtin_mul_overflow(product, (int64_t)element_size, &product) || product > (int64_t)PTRDIFF_MAX) {
        return sei_fail(SEI_ERR_INPUT, "size too large: %lld x %lld x %lld elements of %zu bytes", (long long)a, (long long)b,
                        (long long)c, element_size);
    }
    *out = (size_t)product;
    return SEI_OK;
}

static sei_status no_memory(size_t bytes) {
    return sei_fail(SEI_ERR_MEMORY,
                    "out of memory: %zu bytes (%.2f GiB) could not be allocated; close other programs, or "
                    "work on fewer channels or a binned series",
                    bytes, (double)bytes / 1073741824.0);
}

sei_status sei_alloc(size_t bytes, void **out) {
    void *memory = may_allocate() ? malloc(bytes > 0 ? bytes : 1) : NULL;
    if (memory == NULL) return no_memory(bytes);
    *out = memory;
    return SEI_OK;
}

sei_status sei_alloc_zero(size_t bytes, void **out) {
    void *memory = may_allocate() ? calloc(1, bytes > 0 ? bytes : 1) : NULL;
    if (memory == NULL) return no_memory(bytes);
    *out = memory;
    return SEI_OK;
}

sei_status sei_alloc_aligned(size_t bytes, void **out) {
    void *memory = NULL;
    if (!may_allocate() || posix_memalign(&memory, 64, bytes > 0 ? bytes : 1) != 0) return no_memory(bytes);
    *out = memory;
    return SEI_OK;
}

sei_status sei_realloc(void **memory, size_t bytes) {
    void *grown = may_allocate() ? realloc(*memory, bytes > 0 ? bytes : 1) : NULL;
    if (grown == NULL) return no_memory(bytes);
    *memory = grown;
    return SEI_OK;
}

sei_status sei_strdup(const char *text, char **out) {
    const size_t bytes = strlen(text) + 1;
    void *copy = NULL;
    const sei_status status = sei_alloc(bytes, &copy);
    if (status != SEI_OK) return status;
    memcpy(copy, text, bytes);
    *out = copy;
    return SEI_OK;
}

sei_status sei_alloc_array(size_t element_size, int64_t a, int64_t b, int64_t c, void **out) {
    size_t bytes = 0;
    const sei_status status = sei_checked_bytes(a, b, c, element_size, &bytes);
    return status != SEI_OK ? status : sei_alloc_zero(bytes, out);
}

void sei_free(void *memory) {
    free(memory);
}

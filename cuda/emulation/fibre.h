/* One stack that runs a function and can stop in the middle: a CUDA thread of a block that has barriers. */
#ifndef SEI_EMULATION_FIBRE_H
#define SEI_EMULATION_FIBRE_H

#include <stddef.h>

#if defined(__x86_64__)
#define SEI_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

namespace emulation {

/* Where a stopped stack goes on. */
#if defined(SEI_OWN_SWITCH)
struct context {
    void *stack_pointer = nullptr;
};
#else
typedef ucontext_t context;
#endif

/* The side that resumes fibres: a host thread inside run(). */
struct fibre_home {
    context here;
    void *asan_fake_stack = nullptr;
    const void *asan_stack = nullptr;
    size_t asan_stack_bytes = 0;
    void *tsan_fibre = nullptr;
};

struct fibre {
    context here;
    char *stack = nullptr; /* mapped, with a guard page below */
    size_t stack_bytes = 0;
    fibre_home *home = nullptr;
    void (*body)(void *) = nullptr;
    void *argument = nullptr;
    void *asan_fake_stack = nullptr;
    void *tsan_fibre = nullptr;
    bool ended = true; /* its last run came to its end */
};

bool fibre_create(fibre *f); /* false: no memory for its stack */
void fibre_destroy(fibre *f);
/* Makes the fibre run body(argument) at its next resume; body must end with fibre_exit. */
void fibre_prepare(fibre *f, fibre_home *home, void (*body)(void *), void *argument);
void fibre_resume(fibre *f); /* from home, until the fibre yields or exits */
void fibre_yield(fibre *f);  /* from the fibre, back to home */
[[noreturn]] void fibre_exit(fibre *f);

/* Happens-before edges for ThreadSanitizer, which would see none between fibres; nothing in other builds. */
void order_release(void *tag);
void order_acquire(void *tag);
/* Marks memory as not to be touched, or as usable again, for AddressSanitizer; nothing in other builds. */
void poison(const void *memory, size_t bytes);
void unpoison(const void *memory, size_t bytes);
constexpr bool has_asan =
#if defined(__SANITIZE_ADDRESS__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

}  // namespace emulation
#endif

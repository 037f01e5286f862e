#include "fibre.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEI_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(SEI_EMULATION_TSAN)
#undef SEI_TSAN
#define SEI_TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEI_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#undef SEI_ASAN
#define SEI_ASAN 1
#endif

#if defined(SEI_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SEI_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace emulation {

void poison(const void *memory, size_t bytes) {
#if defined(SEI_ASAN)
    ASAN_POISON_MEMORY_REGION(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

void unpoison(const void *memory, size_t bytes) {
#if defined(SEI_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

void order_release(void *tag) {
#if defined(SEI_TSAN)
    __tsan_release(tag);
#else
    (void)tag;
#endif
}

void order_acquire(void *tag) {
#if defined(SEI_TSAN)
    __tsan_acquire(tag);
#else
    (void)tag;
#endif
}

bool fibre_create(fibre *f) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes = (size_t)256 << 10;
    void *memory = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    mprotect(memory, page, PROT_NONE); /* the stack grows down: an overflow stops here */
    f->stack = static_cast<char *>(memory) + page;
    f->stack_bytes = bytes;
#if defined(SEI_TSAN)
    f->tsan_fibre = __tsan_create_fiber(0);
#endif
    return true;
}

void fibre_destroy(fibre *f) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (f->stack != nullptr) {
        unpoison(f->stack, f->stack_bytes);
        munmap(f->stack - page, f->stack_bytes + page);
    }
#if defined(SEI_TSAN)
    if (f->tsan_fibre != nullptr) __tsan_destroy_fiber(f->tsan_fibre);
#endif
    *f = fibre();
}

static void fibre_start(fibre *f) {
#if defined(SEI_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &f->home->asan_stack, &f->home->asan_stack_bytes);
#endif
    f->body(f->argument);
    abort(); /* the body ends with fibre_exit */
}

#if defined(SEI_OWN_SWITCH)

/*
 * swapcontext asks the kernel for the signal mask at every switch, and AddressSanitizer clears the whole stack's shadow
 * there: some ten times slower than the registers that a call must preserve.
 */
extern "C" __attribute__((visibility("hidden"))) void sei_emulation_switch(void **save, void *load);
extern "C" __attribute__((visibility("hidden"))) void sei_emulation_entry(void);

asm(R"(
    .text
    .p2align 4
    .hidden sei_emulation_switch
    .globl sei_emulation_switch
    .type sei_emulation_switch, @function
sei_emulation_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size sei_emulation_switch, .-sei_emulation_switch

    .p2align 4
    .hidden sei_emulation_entry
    .globl sei_emulation_entry
    .type sei_emulation_entry, @function
sei_emulation_entry:
    .cfi_startproc
    .cfi_undefined rip
    movq %r12, %rdi
    call *%r13
    ud2
    .cfi_endproc
    .size sei_emulation_entry, .-sei_emulation_entry
)");

static void switch_to(context *from, context *to) {
    sei_emulation_switch(&from->stack_pointer, to->stack_pointer);
}

/* A stack that looks as if it had stopped just before sei_emulation_entry: its six registers, then where to return. */
static void start_at(fibre *f) {
    void **top = reinterpret_cast<void **>(f->stack + f->stack_bytes - 64); /* 16-byte aligned, as before a call */
    top[-1] = reinterpret_cast<void *>(sei_emulation_entry);
    top[-2] = nullptr;                               /* rbp: the end of the chain of frames */
    top[-3] = nullptr;                               /* rbx */
    top[-4] = f;                                     /* r12 */
    top[-5] = reinterpret_cast<void *>(fibre_start); /* r13 */
    top[-6] = top[-7] = nullptr;                     /* r14, r15 */
    f->here.stack_pointer = top - 7;
}

#else

static void switch_to(context *from, context *to) {
    swapcontext(from, to);
}

/* makecontext passes ints only: the pointer travels in two halves. */
static void start_halves(unsigned low, unsigned high) {
    fibre_start(reinterpret_cast<fibre *>(((uintptr_t)high << 32) | (uintptr_t)low));
}

static void start_at(fibre *f) {
    getcontext(&f->here);
    f->here.uc_stack.ss_sp = f->stack;
    f->here.uc_stack.ss_size = f->stack_bytes;
    f->here.uc_link = nullptr;
    const uintptr_t self = reinterpret_cast<uintptr_t>(f);
    makecontext(&f->here, reinterpret_cast<void (*)()>(start_halves), 2, (unsigned)self, (unsigned)((uint64_t)self >> 32));
}

#endif

void fibre_prepare(fibre *f, fibre_home *home, void (*body)(void *), void *argument) {
    if (has_asan && !f->ended) unpoison(f->stack, f->stack_bytes); /* frames that an abandoned run left behind */
    f->home = home;
    f->body = body;
    f->argument = argument;
    f->asan_fake_stack = nullptr;
    f->ended = false;
    start_at(f);
}

void fibre_resume(fibre *f) {
    fibre_home *home = f->home;
#if defined(SEI_TSAN)
    home->tsan_fibre = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan_fibre, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(SEI_ASAN)
    __sanitizer_start_switch_fiber(&home->asan_fake_stack, f->stack, f->stack_bytes);
#endif
    switch_to(&home->here, &f->here);
#if defined(SEI_ASAN)
    __sanitizer_finish_switch_fiber(home->asan_fake_stack, nullptr, nullptr);
#endif
}

void fibre_yield(fibre *f) {
    fibre_home *home = f->home;
#if defined(SEI_TSAN)
    __tsan_switch_to_fiber(home->tsan_fibre, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(SEI_ASAN)
    __sanitizer_start_switch_fiber(&f->asan_fake_stack, home->asan_stack, home->asan_stack_bytes);
#endif
    switch_to(&f->here, &home->here);
#if defined(SEI_ASAN)
    __sanitizer_finish_switch_fiber(f->asan_fake_stack, &home->asan_stack, &home->asan_stack_bytes);
#endif
}

void fibre_exit(fibre *f) {
    fibre_home *home = f->home;
    f->ended = true;
#if defined(SEI_TSAN)
    __tsan_switch_to_fiber(home->tsan_fibre, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(SEI_ASAN)
    __sanitizer_start_switch_fiber(nullptr, home->asan_stack, home->asan_stack_bytes);
#endif
    switch_to(&f->here, &home->here);
    abort();
}

}  // namespace emulation

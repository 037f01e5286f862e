/*
 * Runs a kernel's blocks on host threads. A kernel without barriers is a plain loop over its threads. With barriers
 * every CUDA thread of a block is a fibre, and a small scheduler resumes them round by round: a barrier opens when all
 * threads of the block wait at the same one, a warp's when all its lanes do.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "emulation.h"
#include "fibre.h"

__thread uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

namespace {

enum { static_shared_limit = 48 << 10, largest_shared = 227 << 10, redzone = 64, pool_bytes = 512 << 10, warp = 32 };

enum class state { ready, at_barrier, at_warp, finished };

struct thread_of_block {
    fibre stack;
    state now = state::ready;
    const char *file = nullptr;
    int line = 0;
    uint64_t published[2] = {0, 0};
    unsigned collectives = 0;
    uint3 index = {0, 0, 0};
    std::vector<later_copy> copies; /* under way, in their order from `arrived` on; group: how many were closed before it */
    size_t arrived = 0, groups = 0;
};

struct shared_array {
    const void *key;
    size_t bytes;
    char *memory;
};

/* Everything one host thread needs to run blocks; kept between launches. */
struct worker {
    fibre_home home;
    std::vector<thread_of_block *> threads;
    char *pool = nullptr;
    size_t used = 0, static_bytes = 0;
    std::vector<shared_array> arrays;
    size_t dynamic_bytes = 0;
    char *dynamic = nullptr;
    unsigned current = 0;
    unsigned barriers = 0;
    char start_tag = 0, end_tag = 0;
    char barrier_tags[2] = {0, 0};
    char warp_tags[64][2] = {};
    kernel_body body = nullptr;
    void *closure = nullptr;

    ~worker() {
        for (thread_of_block *t : threads) {
            fibre_destroy(&t->stack);
            delete t;
        }
        if (pool != nullptr) unpoison(pool, pool_bytes);
        free(pool);
    }
};

/* One launch, shared by its workers. */
struct launch_state {
    const char *name;
    bool has_barriers;
    dim3 grid, block;
    size_t shared_bytes;
    kernel_body body;
    void *closure;
    uint64_t blocks;
    std::atomic<uint64_t> next{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    char text[512] = "";

    void fail(const char *format, ...) __attribute__((format(printf, 2, 3))) {
        std::lock_guard<std::mutex> hold(mutex);
        if (failed) return;
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        failed = true;
    }
};

std::atomic<int> wanted_threads{0};
std::atomic<int> wanted_order{ascending};
std::atomic<size_t> wanted_shared{0};
std::mutex workers_mutex;
std::vector<worker *> idle_workers;
thread_local worker *active = nullptr;
thread_local launch_state *active_launch = nullptr;

struct idle_workers_end {
    ~idle_workers_end() {
        for (worker *w : idle_workers) delete w;
        idle_workers.clear();
    }
} delete_workers_at_end;

worker *borrow_worker() {
    std::lock_guard<std::mutex> hold(workers_mutex);
    if (idle_workers.empty()) return new (std::nothrow) worker();
    worker *w = idle_workers.back();
    idle_workers.pop_back();
    return w;
}

void return_worker(worker *w) {
    std::lock_guard<std::mutex> hold(workers_mutex);
    idle_workers.push_back(w);
}

uint3 index_of(unsigned linear, const dim3 &size) {
    return {linear % size.x, linear / size.x % size.y, linear / size.x / size.y};
}

/* Shared memory of a new block: NaN everywhere, out of bounds until an array asks for its part. */
void begin_shared(worker *w, size_t dynamic_bytes) {
    unpoison(w->pool, pool_bytes);
    memset(w->pool, 0xff, w->used == 0 ? (size_t)pool_bytes : w->used);
    w->used = 0;
    w->static_bytes = 0;
    w->arrays.clear();
    poison(w->pool, pool_bytes);
    w->dynamic_bytes = dynamic_bytes;
    w->dynamic = nullptr;
}

char *take_shared(worker *w, size_t bytes) {
    const size_t rounded = (bytes + 15) / 16 * 16;
    if (w->used + rounded + redzone > pool_bytes) return nullptr;
    char *memory = w->pool + w->used;
    w->used += rounded + redzone;
    unpoison(memory, bytes);
    return memory;
}

void thread_body(void *argument) {
    thread_of_block *t = static_cast<thread_of_block *>(argument);
    worker *w = active;
    order_acquire(&w->start_tag);
    w->body(w->closure);
    order_release(&w->end_tag);
    t->now = state::finished;
    fibre_exit(&t->stack);
}

bool prepare_threads(worker *w, unsigned count) {
    if (w->pool == nullptr) {
        void *memory = nullptr;
        if (posix_memalign(&memory, 256, pool_bytes) != 0) return false;
        w->pool = static_cast<char *>(memory);
    }
    while (w->threads.size() < count) {
        thread_of_block *t = new (std::nothrow) thread_of_block();
        if (t == nullptr) return false;
        if (!fibre_create(&t->stack)) {
            delete t;
            return false;
        }
        w->threads.push_back(t);
    }
    return true;
}

/* Lets every thread of the warps whose lanes all wait at one collective go on. */
bool open_warps(worker *w, unsigned count) {
    bool opened = false;
    for (unsigned first = 0; first < count; first += warp) {
        const unsigned end = first + warp < count ? first + warp : count;
        bool all = true;
        for (unsigned i = first; i < end && all; ++i) {
            const thread_of_block *t = w->threads[i], *lead = w->threads[first];
            all = t->now == state::at_warp && t->file == lead->file && t->line == lead->line;
        }
        for (unsigned i = first; i < end && all; ++i) w->threads[i]->now = state::ready;
        opened = opened || all;
    }
    return opened;
}

bool open_barrier(worker *w, unsigned count) {
    const thread_of_block *lead = w->threads[0];
    for (unsigned i = 0; i < count; ++i) {
        const thread_of_block *t = w->threads[i];
        if (t->now != state::at_barrier || t->file != lead->file || t->line != lead->line) return false;
    }
    for (unsigned i = 0; i < count; ++i) w->threads[i]->now = state::ready;
    ++w->barriers;
    return true;
}

void report_divergence(worker *w, launch_state *launch, unsigned count) {
    const thread_of_block *waiting = nullptr, *other = nullptr;
    unsigned n_waiting = 0, n_finished = 0;
    for (unsigned i = 0; i < count; ++i) {
        const thread_of_block *t = w->threads[i];
        if (t->now == state::finished) {
            ++n_finished;
            if (other == nullptr) other = t;
            continue;
        }
        ++n_waiting;
        if (waiting == nullptr) {
            waiting = t;
        } else if ((t->line != waiting->line || t->now != waiting->now) && other == nullptr) {
            other = t;
        }
    }
    const char *what = waiting->now == state::at_barrier ? "__syncthreads" : "a warp collective";
    if (n_finished > 0) {
        launch->fail(
            "kernel %s: divergent barrier in block (%u,%u,%u): %u threads wait at %s (%s:%d), %u have left the kernel, "
            "thread (%u,%u,%u) among them",
            launch->name, blockIdx.x, blockIdx.y, blockIdx.z, n_waiting, what, waiting->file, waiting->line, n_finished,
            other->index.x, other->index.y, other->index.z);
    } else {
        launch->fail(
            "kernel %s: divergent barrier in block (%u,%u,%u): thread (%u,%u,%u) waits at line %d, thread (%u,%u,%u) at "
            "line %d of %s",
            launch->name, blockIdx.x, blockIdx.y, blockIdx.z, waiting->index.x, waiting->index.y, waiting->index.z, waiting->line,
            other == nullptr ? 0 : other->index.x, other == nullptr ? 0 : other->index.y, other == nullptr ? 0 : other->index.z,
            other == nullptr ? 0 : other->line, waiting->file);
    }
}

void acquire_stopped(worker *w) {
    for (char &tag : w->barrier_tags) order_acquire(&tag);
    for (auto &tags : w->warp_tags) {
        for (char &tag : tags) order_acquire(&tag);
    }
}

void run_block_of_fibres(worker *w, launch_state *launch) {
    const unsigned count = launch->block.x * launch->block.y * launch->block.z;
    begin_shared(w, launch->shared_bytes);
    order_release(&w->start_tag);
    w->barriers = 0;
    for (unsigned i = 0; i < count; ++i) {
        thread_of_block *t = w->threads[i];
        t->now = state::ready;
        t->collectives = 0;
        t->copies.clear();
        t->arrived = t->groups = 0;
        t->index = index_of(i, launch->block);
        fibre_prepare(&t->stack, &w->home, thread_body, t);
    }
    const bool backwards = wanted_order == descending;
    for (;;) {
        unsigned alive = 0;
        for (unsigned step = 0; step < count; ++step) {
            const unsigned i = backwards ? count - 1 - step : step;
            thread_of_block *t = w->threads[i];
            if (t->now == state::ready) {
                w->current = i;
                threadIdx = t->index;
                fibre_resume(&t->stack);
            }
            if (t->now != state::finished) ++alive;
        }
        if (alive == 0) break;
        const bool warps = open_warps(w, count);
        if (!warps && !open_barrier(w, count)) {
            report_divergence(w, launch, count);
            break;
        }
        if (launch->failed) break;
    }
    order_acquire(&w->end_tag);
    if (launch->failed) acquire_stopped(w); /* threads left where they wait: what they did lies behind us all the same */
}

void run_blocks(worker *w, launch_state *launch) {
    active = w;
    active_launch = launch;
    w->body = launch->body;
    w->closure = launch->closure;
    blockDim = {launch->block.x, launch->block.y, launch->block.z};
    gridDim = {launch->grid.x, launch->grid.y, launch->grid.z};
    const unsigned count = launch->block.x * launch->block.y * launch->block.z;
    const bool backwards = wanted_order == descending;
    for (;;) {
        const uint64_t taken = launch->next.fetch_add(1);
        if (taken >= launch->blocks || launch->failed) break;
        const uint64_t b = backwards ? launch->blocks - 1 - taken : taken;
        const uint64_t plane = (uint64_t)launch->grid.x * launch->grid.y;
        blockIdx = {(unsigned)(b % launch->grid.x), (unsigned)(b % plane / launch->grid.x), (unsigned)(b / plane)};
        if (launch->has_barriers) {
            run_block_of_fibres(w, launch);
            continue;
        }
        for (unsigned step = 0; step < count && !launch->failed; ++step) {
            threadIdx = index_of(backwards ? count - 1 - step : step, launch->block);
            launch->body(launch->closure);
        }
    }
    active = nullptr;
    active_launch = nullptr;
}

}  // namespace

void set_threads(int count) {
    wanted_threads = count > 0 ? count : 0;
}

int threads() {
    if (wanted_threads > 0) return wanted_threads;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

void set_order(order which) {
    wanted_order = which;
}

void set_shared_limit(size_t bytes) {
    wanted_shared = bytes < largest_shared ? bytes : (size_t)largest_shared;
}

size_t shared_limit() {
    return wanted_shared > 0 ? wanted_shared.load() : (size_t)largest_shared;
}

void run(const char *name, bool has_barriers, dim3 grid, dim3 block, size_t shared_bytes, kernel_body body, void *closure) {
    const uint64_t count = (uint64_t)block.x * block.y * block.z;
    if (count == 0 || count > 1024 || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffU ||
        grid.y > 65535 || grid.z > 65535 || shared_bytes > shared_limit()) {
        set_error(cudaErrorInvalidConfiguration,
                  "kernel %s: a grid of %ux%ux%u blocks of %ux%ux%u threads with %zu bytes cannot run", name, grid.x, grid.y,
                  grid.z, block.x, block.y, block.z, shared_bytes);
        return;
    }
    launch_state launch;
    launch.name = name;
    launch.has_barriers = has_barriers;
    launch.grid = grid;
    launch.block = block;
    launch.shared_bytes = shared_bytes;
    launch.body = body;
    launch.closure = closure;
    launch.blocks = (uint64_t)grid.x * grid.y * grid.z;
    uint64_t n_workers = (uint64_t)threads();
    /* starting a host thread costs about as much as ten thousand cheap kernel threads */
    const uint64_t useful = has_barriers ? launch.blocks : (launch.blocks * count + 16383) / 16384;
    if (n_workers > useful) n_workers = useful;

    std::vector<worker *> workers;
    for (uint64_t i = 0; i < n_workers; ++i) {
        worker *w = borrow_worker();
        if (w == nullptr || (has_barriers && !prepare_threads(w, (unsigned)count))) {
            if (w != nullptr) return_worker(w);
            break;
        }
        workers.push_back(w);
    }
    if (workers.empty()) {
        set_error(cudaErrorMemoryAllocation, "kernel %s: no memory for the stacks of its threads", name);
        return;
    }
    {
        const device_access open;
        std::vector<std::thread> helpers;
        for (size_t i = 1; i < workers.size(); ++i) helpers.emplace_back(run_blocks, workers[i], &launch);
        run_blocks(workers[0], &launch);
        for (std::thread &helper : helpers) helper.join();
    }
    for (worker *w : workers) return_worker(w);
    if (launch.failed) set_error(cudaErrorLaunchFailure, "%s", launch.text);
    if (!check_allocations()) return; /* the error names the allocation */
}

void *shared(const void *key, size_t bytes) {
    worker *w = active;
    for (const shared_array &a : w->arrays) {
        if (a.key == key) return a.memory;
    }
    if (!active_launch->has_barriers) {
        fprintf(stderr, "seitomo cuda-emulated: kernel %s uses shared memory but was launched as plain\n", active_launch->name);
        abort();
    }
    w->static_bytes += bytes;
    char *memory = w->static_bytes > static_shared_limit ? nullptr : take_shared(w, bytes);
    if (memory == nullptr) {
        fprintf(stderr, "seitomo cuda-emulated: kernel %s declares more than %d bytes of shared memory\n", active_launch->name,
                (int)static_shared_limit);
        abort(); /* nvcc refuses such a kernel when it is built */
    }
    w->arrays.push_back({key, bytes, memory});
    return memory;
}

void *shared_dynamic() {
    worker *w = active;
    if (w->dynamic == nullptr) w->dynamic = take_shared(w, w->dynamic_bytes);
    return w->dynamic;
}

static thread_of_block *wait(state why, const char *file, int line, void *tag) {
    worker *w = active;
    if (!active_launch->has_barriers) {
        fprintf(stderr, "seitomo cuda-emulated: kernel %s has a barrier (%s:%d) but was launched as plain\n", active_launch->name,
                file, line);
        abort();
    }
    thread_of_block *t = w->threads[w->current];
    t->now = why;
    t->file = file;
    t->line = line;
    order_release(tag);
    fibre_yield(&t->stack);
    order_acquire(tag);
    return t;
}

/* Two tags in turn: a thread that runs ahead to the next barrier must not lend its later writes to this one. */
void barrier(const char *file, int line) {
    wait(state::at_barrier, file, line, &active->barrier_tags[active->barriers & 1]);
}

void warp_publish(uint64_t value, const char *file, int line) {
    worker *w = active;
    thread_of_block *t = w->threads[w->current];
    const unsigned turn = ++t->collectives & 1;
    t->published[turn] = value;
    wait(state::at_warp, file, line, &w->warp_tags[w->current / warp][turn]);
}

void warp_barrier(const char *file, int line) {
    warp_publish(0, file, line);
}

uint64_t warp_peer(unsigned from, bool *exists) {
    worker *w = active;
    const thread_of_block *t = w->threads[w->current];
    const unsigned first = w->current / warp * warp;
    const unsigned count = blockDim.x * blockDim.y * blockDim.z;
    *exists = from < warp && first + from < count;
    return *exists ? w->threads[first + from]->published[t->collectives & 1] : 0;
}

unsigned lane() {
    return active->current % warp;
}

void copy_later(void *to, const void *from, size_t bytes) {
    thread_of_block *t = active->threads[active->current];
    if ((bytes != 4 && bytes != 8 && bytes != 16) || (uintptr_t)to % bytes != 0 || (uintptr_t)from % bytes != 0) {
        fprintf(stderr, "seitomo cuda-emulated: kernel %s copies %zu bytes that are not aligned to themselves\n",
                active_launch->name, bytes);
        abort(); /* the card stops such a kernel */
    }
    t->copies.push_back({to, from, bytes, t->groups});
}

void close_copies() {
    ++active->threads[active->current]->groups;
}

bool take_copy(size_t allowed, later_copy *out) {
    thread_of_block *t = active->threads[active->current];
    if (t->arrived == t->copies.size() || t->copies[t->arrived].group + allowed >= t->groups) return false;
    *out = t->copies[t->arrived++];
    if (t->arrived == t->copies.size()) {
        t->copies.clear();
        t->arrived = 0;
    }
    return true;
}

}  // namespace emulation

/*
 * Claims: the emulation of CUDA (cuda/emulation) runs every thread of every block once and finds what it is there to find.
 * A missing barrier gives NaN in any build and a report under ThreadSanitizer; an index outside a shared array or an
 * allocation is reported under AddressSanitizer, a write past an allocation in every build; a barrier that not all threads
 * reach, host reads of device memory, copies in the wrong direction, reads of unwritten memory and too much memory are
 * found in every build. Shuffles, ballots and atomics give the right values, for any number of host threads.
 * Checks that need a sanitizer say so where they cannot run.
 */
#include "support/card.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#elif __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define TSAN 1
#endif
#if !defined(ASAN)
#define ASAN 0
#endif
#if !defined(TSAN)
#define TSAN 0
#endif

enum { N = 128 };

/* ---- kernels, right and wrong on purpose */

__global__ void reverse_kernel(const float *in, float *out, bool with_barrier) {
    SEI_SHARED(float, line, [N]);
    const int i = (int)threadIdx.x;
    line[i] = in[i];
    if (with_barrier) __syncthreads();
    out[i] = line[N - 1 - i];
}

__global__ void overrun_kernel(float *out, int index) {
    SEI_SHARED(float, line, [N]);
    SEI_SHARED(float, next, [N]);
    float *p = &line[0];
    next[threadIdx.x] = 1;
    p[threadIdx.x] = 2;
    if (threadIdx.x == 0) p[index] = 3;
    __syncthreads();
    out[threadIdx.x] = line[threadIdx.x] + next[threadIdx.x];
}

__global__ void leave_early_kernel(float *out) {
    if (threadIdx.x == 5) return;
    __syncthreads();
    out[threadIdx.x] = 1;
}

__global__ void two_barriers_kernel(float *out) {
    if (threadIdx.x < 7) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}

__global__ void write_kernel(float *out, int index) {
    if (threadIdx.x == 0) out[index] = 1;
}

__global__ void count_kernel(unsigned *seen) {
    const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    atomicAdd(&seen[block * blockDim.x * blockDim.y * blockDim.z + thread], 1U);
}

__global__ void histogram_kernel(const int *values, int *bins, int n) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) atomicAdd(&bins[values[i]], 1);
}

/* Sum of 32 lanes by shuffles, kept per warp in dynamic shared memory; the ballot of the odd values. */
__global__ void warp_kernel(const int *in, int *sums, unsigned *odd) {
    SEI_SHARED_DYNAMIC(int, per_warp);
    const int i = (int)threadIdx.x;
    int v = in[i];
    const unsigned bits = __ballot_sync(0xffffffffU, v % 2 != 0);
    for (int by = 16; by > 0; by /= 2) v += __shfl_down_sync(0xffffffffU, v, by);
    if (i % 32 == 0) per_warp[i / 32] = v;
    __syncthreads();
    sums[i] = per_warp[i / 32];
    odd[i] = bits;
}

__global__ void scatter_kernel(float *out) {
    out[0] = (float)blockIdx.x + out[0];
}

/* ---- helpers */

/* The fault the last launch left, with its text; fails when there is none. */
static const char *fault() {
    const cudaError_t error = cudaGetLastError();
    if (error != cudaErrorLaunchFailure) fail_msg("the launch left error %d (%s)", (int)error, cudaGetErrorString(error));
    return cudaGetErrorString(error);
}

static void assert_says(const char *text, const char *part) {
    if (strstr(text, part) == nullptr) fail_msg("'%s' lacks '%s'", text, part);
}

/*
 * Runs this program again for one of the faults below and returns what it wrote to standard error; *clean: it came to its
 * end without a complaint. (A fresh program: the sanitizers do not follow a fork of one with threads.)
 */
static const char *in_child(const char *name, bool *clean) {
    static char text[1 << 16];
    int ends[2] = {-1, -1}, status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        execl("/proc/self/exe", "test_emulation", "--fault", name, (char *)nullptr);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    for (;;) {
        char rest[4096];
        const bool room = length < sizeof text - 1;
        const ssize_t n = room ? read(ends[0], text + length, sizeof text - 1 - length) : read(ends[0], rest, sizeof rest);
        if (n <= 0) break;
        if (room) length += (size_t)n;
    }
    text[length] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    *clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return text;
}

static bool needs(bool there, const char *what) {
    if (!there) printf("skipped: only a build with %s can see this (preset %s)\n", what, what[0] == 'A' ? "asan" : "tsan");
    return there;
}

static std::vector<float> ramp() {
    std::vector<float> values(N);
    for (int i = 0; i < N; ++i) values[(size_t)i] = (float)i;
    return values;
}

static std::vector<float> reversed(bool with_barrier) {
    float *in = to_card(ramp()), *out = room_on_card<float>(N);
    SEI_LAUNCH(reverse_kernel, 1, N, 0, in, out, with_barrier);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    const std::vector<float> values = from_card(out, N);
    cudaFree(in);
    cudaFree(out);
    return values;
}

/* ---- faults that end a program: each runs in one of its own */

static volatile float sink;

static void barrier_there() {
    reversed(true);
}
static void barrier_missing() {
    reversed(false);
}
static void blocks_collide() {
    emulation::set_threads(2);
    float *out = to_card(std::vector<float>(1, 0.0F));
    SEI_LAUNCH(scatter_kernel, 8192, 32, 0, out); /* enough for the second host thread to get some of them */
}
static void shared_inside() {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH(overrun_kernel, 1, N, 0, out, N - 1);
}
static void shared_overrun() {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH(overrun_kernel, 1, N, 0, out, N);
}
static void plain_barrier() {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH_PLAIN(leave_early_kernel, 1, N, out);
}
static void host_read() {
    sink = to_card(ramp())[3];
}
static void host_write() {
    to_card(ramp())[3] = 1;
}
static void host_own() {
    sink = ramp()[3];
}
static void past_allocation() {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH_PLAIN(write_kernel, 1, N, out, N);
}

static const struct {
    const char *name;
    void (*run)();
} faults[] = {{"barrier there", barrier_there},
              {"barrier missing", barrier_missing},
              {"blocks collide", blocks_collide},
              {"shared inside", shared_inside},
              {"shared overrun", shared_overrun},
              {"plain barrier", plain_barrier},
              {"host read", host_read},
              {"host write", host_write},
              {"host own", host_own},
              {"past allocation", past_allocation}};

static int run_fault(const char *name) {
    for (const auto &f : faults) {
        if (strcmp(f.name, name) != 0) continue;
        f.run();
        return 0;
    }
    return 127;
}

/* ---- tests */

static void threads_run_once(void **) {
    static const int counts[] = {1, 2, 7};
    for (const int count : counts) {
        emulation::set_threads(count);
        const dim3 grid(3, 5, 2), block(4, 3, 7);
        const size_t n = 3 * 5 * 2 * 4 * 3 * 7;
        for (int barriers = 0; barriers < 2; ++barriers) {
            unsigned *seen = to_card(std::vector<unsigned>(n, 0));
            if (barriers == 1)
                SEI_LAUNCH(count_kernel, grid, block, 0, seen);
            else
                SEI_LAUNCH_PLAIN(count_kernel, grid, block, seen);
            assert_int_equal(cudaGetLastError(), cudaSuccess);
            for (const unsigned times : from_card(seen, n)) assert_int_equal(times, 1);
            cudaFree(seen);
        }
    }
    emulation::set_threads(0);
}

static void a_launch_that_no_card_takes_is_refused(void **) {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH_PLAIN(write_kernel, 1, 1025, out, 0);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    SEI_LAUNCH_PLAIN(write_kernel, dim3(1, 65536), 1, out, 0);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    SEI_LAUNCH(write_kernel, 1, 1, 300 << 10, out, 0);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    cudaFree(out);
}

static void a_barrier_orders_and_a_missing_one_shows(void **) {
    if (!TSAN) { /* there the run without barrier ends in a report: next test */
        for (const emulation::order order : {emulation::ascending, emulation::descending}) {
            emulation::set_order(order);
            const std::vector<float> right = reversed(true), wrong = reversed(false);
            int unwritten = 0;
            for (int i = 0; i < N; ++i) {
                assert_true(right[(size_t)i] == (float)(N - 1 - i));
                if (isnan(wrong[(size_t)i])) ++unwritten;
            }
            assert_int_equal(unwritten, N / 2); /* the half whose partner had not run yet */
        }
        emulation::set_order(emulation::ascending);
    }
}

static void thread_sanitizer_reports_a_missing_barrier(void **) {
    bool clean = false;
    if (!needs(TSAN, "ThreadSanitizer")) return;
    const char *said = in_child("barrier there", &clean);
    if (strstr(said, "data race") != nullptr) fail_msg("a report where there is no race: %s", said);
    said = in_child("barrier missing", &clean);
    assert_says(said, "ThreadSanitizer: data race");
    assert_says(said, "reverse_kernel");
}

static void thread_sanitizer_reports_blocks_that_collide(void **) {
    bool clean = false;
    if (!needs(TSAN, "ThreadSanitizer")) return;
    const char *said = in_child("blocks collide", &clean);
    assert_says(said, "ThreadSanitizer: data race");
    assert_says(said, "scatter_kernel");
}

static void address_sanitizer_reports_indexes_outside_shared_arrays(void **) {
    bool clean = false;
    if (!needs(ASAN, "AddressSanitizer")) return;
    const char *said = in_child("shared inside", &clean);
    if (!clean) fail_msg("a report where every index is inside: %s", said);
    said = in_child("shared overrun", &clean);
    assert_false(clean);
    assert_says(said, "AddressSanitizer");
    assert_says(said, "overrun_kernel");
}

static void divergent_barriers_are_found(void **) {
    float *out = room_on_card<float>(N);
    SEI_LAUNCH(leave_early_kernel, 2, N, 0, out);
    const char *said = fault();
    assert_says(said, "leave_early_kernel: divergent barrier");
    assert_says(said, "1 have left");
    assert_says(said, "thread (5,0,0)");
    SEI_LAUNCH(two_barriers_kernel, 1, N, 0, out);
    said = fault();
    assert_says(said, "two_barriers_kernel: divergent barrier");
    assert_says(said, "thread (7,0,0)");
    /* the machinery is whole afterwards */
    assert_true(reversed(true)[0] == (float)(N - 1));
    cudaFree(out);
}

static void a_barrier_in_a_plain_launch_is_found(void **) {
    bool clean = true;
    const char *said = in_child("plain barrier", &clean);
    assert_false(clean);
    assert_says(said, "leave_early_kernel has a barrier");
}

static void host_reads_of_device_memory_are_found(void **) {
    bool clean = true;
    (void)in_child("host read", &clean);
    assert_false(clean);
    (void)in_child("host write", &clean);
    assert_false(clean);
    (void)in_child("host own", &clean);
    assert_true(clean);
}

static void writes_past_an_allocation_are_found(void **) {
    bool clean = true;
    if (ASAN) {
        const char *said = in_child("past allocation", &clean);
        assert_false(clean);
        assert_says(said, "AddressSanitizer");
        return;
    }
    float *out = room_on_card<float>(N);
    SEI_LAUNCH_PLAIN(write_kernel, 1, N, out, N - 1);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    SEI_LAUNCH_PLAIN(write_kernel, 1, N, out, N);
    assert_says(fault(), "past the end of an allocation of 512 bytes");
    cudaFree(out);
}

static void unwritten_memory_is_nan(void **) {
    float *memory = room_on_card<float>(N);
    for (const float v : from_card(memory, N)) assert_true(isnan(v));
    cudaFree(memory);
}

static void wrong_copies_are_refused(void **) {
    float *memory = room_on_card<float>(N), host[N + 1] = {0};
    assert_int_equal(cudaMemcpy(memory, host, sizeof host, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(host, memory + 1, N * sizeof(float), cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(host, memory, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(memory, memory, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(cudaMemset(memory, 0, (N + 1) * sizeof(float)), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(host), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(memory), cudaSuccess);
}

static void the_cards_memory_ends(void **) {
    size_t available = 0, total = 0;
    void *first = nullptr, *second = nullptr;
    emulation::set_memory_limit(1 << 20);
    assert_int_equal(cudaMalloc(&first, 600 << 10), cudaSuccess);
    assert_int_equal(cudaMalloc(&second, 600 << 10), cudaErrorMemoryAllocation);
    assert_null(second);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    assert_int_equal(cudaMemGetInfo(&available, &total), cudaSuccess);
    assert_int_equal(total, 1 << 20);
    assert_int_equal(available, 424 << 10);
    assert_int_equal(cudaFree(first), cudaSuccess);
    assert_int_equal(cudaMalloc(&second, 1 << 20), cudaSuccess);
    assert_int_equal(cudaFree(second), cudaSuccess);
    emulation::set_memory_limit(0);
}

static void atomics_lose_nothing(void **) {
    static const int counts[] = {1, 3, 7};
    std::vector<int> values(20000), want(11, 0);
    for (size_t i = 0; i < values.size(); ++i) {
        values[i] = (int)(sei_test_uniform(5, i) * 11);
        ++want[(size_t)values[i]];
    }
    for (const int count : counts) {
        emulation::set_threads(count);
        int *in = to_card(values), *bins = to_card(std::vector<int>(11, 0));
        SEI_LAUNCH(histogram_kernel, 200, 100, 0, in, bins, 20000);
        assert_int_equal(cudaGetLastError(), cudaSuccess);
        assert_true(from_card(bins, 11) == want);
        cudaFree(in);
        cudaFree(bins);
    }
    emulation::set_threads(0);
}

static void warps_shuffle_and_vote(void **) {
    std::vector<int> values(N);
    for (int i = 0; i < N; ++i) values[(size_t)i] = i * i % 37;
    int *in = to_card(values), *sums = room_on_card<int>(N);
    unsigned *odd = room_on_card<unsigned>(N);
    for (const emulation::order order : {emulation::ascending, emulation::descending}) {
        emulation::set_order(order);
        SEI_LAUNCH(warp_kernel, 1, N, N / 32 * sizeof(int), in, sums, odd);
        assert_int_equal(cudaGetLastError(), cudaSuccess);
        const std::vector<int> got = from_card(sums, N);
        const std::vector<unsigned> votes = from_card(odd, N);
        for (int i = 0; i < N; ++i) {
            int sum = 0;
            unsigned bits = 0;
            for (int lane = 0; lane < 32; ++lane) {
                const int v = values[(size_t)(i / 32 * 32 + lane)];
                sum += v;
                if (v % 2 != 0) bits |= 1U << lane;
            }
            assert_int_equal(got[(size_t)i], sum);
            assert_int_equal(votes[(size_t)i], bits);
        }
    }
    emulation::set_order(emulation::ascending);
    cudaFree(in);
    cudaFree(sums);
    cudaFree(odd);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--fault") == 0) return run_fault(argv[2]);
    const CMUnitTest tests[] = {
        cmocka_unit_test(threads_run_once),
        cmocka_unit_test(a_launch_that_no_card_takes_is_refused),
        cmocka_unit_test(a_barrier_orders_and_a_missing_one_shows),
        cmocka_unit_test(thread_sanitizer_reports_a_missing_barrier),
        cmocka_unit_test(thread_sanitizer_reports_blocks_that_collide),
        cmocka_unit_test(address_sanitizer_reports_indexes_outside_shared_arrays),
        cmocka_unit_test(divergent_barriers_are_found),
        cmocka_unit_test(a_barrier_in_a_plain_launch_is_found),
        cmocka_unit_test(host_reads_of_device_memory_are_found),
        cmocka_unit_test(writes_past_an_allocation_are_found),
        cmocka_unit_test(unwritten_memory_is_nan),
        cmocka_unit_test(wrong_copies_are_refused),
        cmocka_unit_test(the_cards_memory_ends),
        cmocka_unit_test(atomics_lose_nothing),
        cmocka_unit_test(warps_shuffle_and_vote),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}

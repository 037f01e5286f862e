/*
 * Claims: the emulation's asynchronous copies into shared memory arrive when they are waited for and not before (a missing wait
 * leaves NaN); a graph repeats what was recorded, with the values of the recording, and nothing runs while it is recorded;
 * a recording refuses what a card refuses (waiting, allocating, the default stream); four floats are added at once.
 */
#include "support/card.h"

enum { N = 128 };

/* Copies N numbers in two groups and waits until `allowed` of them may be missing. */
__global__ void copy_later_kernel(const float *in, float *out, int allowed) {
    SEI_SHARED(float, line, [2 * N]);
    const int i = (int)threadIdx.x;
    __pipeline_memcpy_async(&line[i], in + i, sizeof(float));
    __pipeline_commit();
    __pipeline_memcpy_async(&line[N + i], in + N + i, sizeof(float));
    __pipeline_commit();
    __pipeline_wait_prior((size_t)allowed);
    __syncthreads();
    out[i] = line[N - 1 - i];
    out[N + i] = line[2 * N - 1 - i];
}

__global__ void add_kernel(float *to, float value) {
    to[threadIdx.x] += value;
}

__global__ void add_four_kernel(float *to) {
    atomicAdd(reinterpret_cast<float4 *>(to), make_float4(1, 2, 3, 4));
}

static void copies_arrive_when_waited_for(void **) {
    std::vector<float> values(2 * N);
    for (size_t i = 0; i < values.size(); ++i) values[i] = (float)i;
    float *in = to_card(values), *out = room_on_card<float>(2 * N);
    for (int allowed = 0; allowed < 3; ++allowed) {
        SEI_LAUNCH(copy_later_kernel, 1, N, 0, in, out, allowed);
        assert_int_equal(cudaGetLastError(), cudaSuccess);
        const std::vector<float> got = from_card(out, 2 * N);
        for (int i = 0; i < N; ++i) {
            assert_true(allowed < 2 ? got[(size_t)i] == (float)(N - 1 - i) : isnan(got[(size_t)i]));
            assert_true(allowed < 1 ? got[(size_t)(N + i)] == (float)(2 * N - 1 - i) : isnan(got[(size_t)(N + i)]));
        }
    }
    cudaFree(in);
    cudaFree(out);
}

static void graphs_repeat_what_was_recorded(void **) {
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t ready = nullptr;
    float *memory = to_card(std::vector<float>(N, 1)), host[N] = {0}, step = 2;
    assert_int_equal(cudaStreamCreate(&stream), cudaSuccess);
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    SEI_LAUNCH_ON(stream, add_kernel, 1, N, 0, memory, step);
    assert_int_equal(cudaMemcpyAsync(host, memory, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_true(host[0] == 0); /* nothing ran */
    step = 100;                /* the graph keeps the value of the recording */
    assert_int_equal(cudaGraphInstantiateWithFlags(&ready, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    for (int k = 1; k <= 3; ++k) {
        assert_int_equal(cudaGraphLaunch(ready, stream), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
        assert_true(host[N - 1] == 1 + 2 * (float)k);
    }
    assert_int_equal(cudaGraphExecDestroy(ready), cudaSuccess);
    /* waiting, allocating and the default stream spoil a recording */
    for (int fault = 0; fault < 3; ++fault) {
        void *more = nullptr;
        assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
        if (fault == 0) assert_int_equal(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
        if (fault == 1) assert_int_equal(cudaMalloc(&more, 16), cudaErrorStreamCaptureUnsupported);
        if (fault == 2) SEI_LAUNCH(add_kernel, 1, N, 0, memory, step);
        assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
        assert_null(graph);
        assert_int_equal(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
    }
    assert_true(from_card(memory, 1)[0] == 7);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
    cudaFree(memory);
}

static void four_floats_are_added_at_once(void **) {
    float *sums = to_card(std::vector<float>(4, 0));
    emulation::set_threads(3);
    SEI_LAUNCH_PLAIN(add_four_kernel, 300, 100, sums);
    emulation::set_threads(0);
    const std::vector<float> got = from_card(sums, 4);
    for (size_t k = 0; k < 4; ++k) assert_true(got[k] == 30000 * (float)(k + 1));
    cudaFree(sums);
}

int main(void) {
    const CMUnitTest tests[] = {
        cmocka_unit_test(copies_arrive_when_waited_for),
        cmocka_unit_test(graphs_repeat_what_was_recorded),
        cmocka_unit_test(four_floats_are_added_at_once),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}

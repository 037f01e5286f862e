/*
 * Streams, events and graphs. Work is done when it is called: a program that is right in this order and says in its calls
 * what must wait for what cannot be told here from one that does not say it. A capture keeps the work instead of doing it,
 * and what a card refuses meanwhile (allocations, waits, work of other streams) is refused here too and spoils the capture.
 */
#include <stdlib.h>

#include <vector>

#include "emulation.h"

struct sei_emulated_graph {
    std::vector<std::function<void()>> work;
};
struct sei_emulated_stream {
    sei_emulated_graph *capture = nullptr;
    bool spoiled = false;
};
struct sei_emulated_event {
    int nothing;
};

namespace emulation {

static thread_local cudaStream_t captured = nullptr; /* the one stream that a thread captures at a time */

void enqueue(cudaStream_t stream, std::function<void()> work) {
    if (captured != nullptr && captured == stream) {
        captured->capture->work.push_back(std::move(work));
    } else if (stream != nullptr || !refuse_in_capture("work of the default stream")) {
        work();
    }
}

bool refuse_in_capture(const char *what) {
    if (captured == nullptr) return false;
    captured->spoiled = true;
    set_error(cudaErrorStreamCaptureUnsupported, "%s while a stream is captured", what);
    return true;
}

}  // namespace emulation

using namespace emulation;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    *stream = new sei_emulated_stream();
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    return cudaStreamCreateWithFlags(stream, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (captured != nullptr && (stream == captured || stream == nullptr)) {
        refuse_in_capture("cudaStreamSynchronize");
        return cudaErrorStreamCaptureUnsupported;
    }
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) {
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (captured != nullptr || stream == nullptr) return cudaErrorInvalidValue;
    stream->capture = new sei_emulated_graph();
    stream->spoiled = false;
    captured = stream;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    *graph = nullptr;
    if (captured != stream) return cudaErrorInvalidValue;
    captured = nullptr;
    if (stream->spoiled) {
        delete stream->capture;
        stream->capture = nullptr;
        return cudaErrorStreamCaptureInvalidated;
    }
    *graph = stream->capture;
    stream->capture = nullptr;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
    *event = new sei_emulated_event();
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t stream) {
    return stream == nullptr && refuse_in_capture("cudaEventRecord") ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long) {
    *out = new sei_emulated_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
    for (const std::function<void()> &work : graph->work) work();
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    delete graph;
    return cudaSuccess;
}

/* As on a card, what is wrong with a copy that a graph holds shows when it is replayed; here as the last error. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (captured != stream || stream == nullptr) return copy_now(to, from, bytes, kind);
    enqueue(stream, [=] { (void)copy_now(to, from, bytes, kind); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream) {
    if (captured != stream || stream == nullptr) return set_now(memory, value, bytes);
    enqueue(stream, [=] { (void)set_now(memory, value, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **out, size_t bytes) {
    *out = refuse_in_capture("cudaMallocHost") ? nullptr : malloc(bytes);
    return *out == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory) {
    free(memory);
    return cudaSuccess;
}

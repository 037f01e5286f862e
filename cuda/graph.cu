/*
 * Repeated work. What a body launches is recorded as a graph the second time it comes, and replayed from then on: one
 * launch for an iteration. The first time shows what it needs (scratch, geometry, room for its sums), because nothing can
 * be allocated while a graph is recorded. A body that does what no graph holds (a download, a transform) is run as it is.
 */
#include "device.cuh"

#include <stdlib.h>

static void forget(sei_cuda_recording *r) {
    if (r->graph != nullptr) (void)cudaGraphExecDestroy(r->graph);
    if (r->pinned != nullptr) (void)cudaFreeHost(r->pinned);
    free(r->deliveries);
    *r = sei_cuda_recording();
}

void sei_cuda_forget_recordings(sei_cuda_device *device) {
    for (sei_cuda_recording &r : device->recordings) {
        if (&r == device->seeing || &r == device->recording) continue; /* the body at work: it has no graph yet */
        if (r.state != sei_cuda_recording::EMPTY) forget(&r);
    }
}

sei_status sei_cuda_record_delivery(sei_cuda_device *device, const double *from, const sei_cuda_delivery &delivery) {
    sei_cuda_recording *r = device->recording;
    const size_t n = SEI_SUM_COUNT * delivery.width;
    if (r->pinned_used + n > r->pinned_count)
        return device->fail(SEI_ERR_USAGE, "%s: a repeated body asks for more than the first time", SEI_PLATFORM_NAME);
    if (r->n_deliveries == r->deliveries_room) {
        const size_t room = 2 * r->deliveries_room + 8;
        void *more = realloc(r->deliveries, room * sizeof *r->deliveries);
        if (more == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for the sums of an iteration");
        r->deliveries = static_cast<sei_cuda_delivery *>(more);
        r->deliveries_room = room;
    }
    SEI_CUDA_TRY(device,
                 cudaMemcpyAsync(r->pinned + r->pinned_used, from, n * sizeof(double), cudaMemcpyDeviceToHost, device->stream));
    r->deliveries[r->n_deliveries] = delivery;
    r->deliveries[r->n_deliveries++].from = r->pinned_used;
    r->pinned_used += n;
    return SEI_OK;
}

static sei_cuda_recording *recording_of(sei_cuda_device *device, const void *key) {
    for (sei_cuda_recording &r : device->recordings) {
        if (r.state != sei_cuda_recording::EMPTY && r.key == key) return &r;
    }
    sei_cuda_recording *r = &device->recordings[device->next_recording];
    device->next_recording = (device->next_recording + 1) % SEI_CUDA_RECORDINGS;
    forget(r);
    r->key = key;
    return r;
}

/* Turns what body launches into r's graph without running it. */
static sei_status record(sei_cuda_device *device, sei_cuda_recording *r, sei_status (*body)(void *), void *context) {
    cudaGraph_t graph = nullptr;
    void *memory = nullptr;
    if (r->pinned_count > 0) SEI_CUDA_TRY(device, cudaMallocHost(&memory, r->pinned_count * sizeof(double)));
    r->pinned = static_cast<double *>(memory);
    SEI_CUDA_TRY(device, cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal));
    device->recording = r;
    sei_status status = body(context);
    device->recording = nullptr;
    cudaError_t error = cudaStreamEndCapture(device->stream, &graph);
    if (status == SEI_OK && error == cudaSuccess) error = cudaGraphInstantiateWithFlags(&r->graph, graph, 0);
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
    if (status == SEI_OK && error != cudaSuccess) status = sei_cuda_failed(device, error, "cudaGraphInstantiate");
    (void)cudaGetLastError();
    return status;
}

sei_status sei_cuda_repeat(sei_device *face, const void *key, sei_status (*body)(void *context), void *context) {
    sei_cuda_device *device = sei_cuda_of(face);
    sei_cuda_recording *r = recording_of(device, key);
    if (device->seeing != nullptr || device->recording != nullptr || r->state == sei_cuda_recording::REFUSED)
        return body(context); /* one inside another is part of the outer one */
    if (r->state == sei_cuda_recording::EMPTY) {
        r->state = sei_cuda_recording::SEEN;
        device->seeing = r;
        const sei_status status = body(context);
        device->seeing = nullptr;
        if (status != SEI_OK) forget(r);
        return status;
    }
    if (r->state == sei_cuda_recording::SEEN) {
        if (record(device, r, body, context) != SEI_OK) {
            forget(r);
            r->key = key;
            r->state = sei_cuda_recording::REFUSED;
            return body(context);
        }
        r->state = sei_cuda_recording::RECORDED;
    }
    SEI_CUDA_TRY(device, cudaGraphLaunch(r->graph, device->stream));
    if (r->n_deliveries > 0) SEI_CUDA_TRY(device, cudaStreamSynchronize(device->stream));
    for (size_t i = 0; i < r->n_deliveries; ++i) sei_cuda_deliver(r->pinned, r->deliveries[i]);
    return SEI_OK;
}

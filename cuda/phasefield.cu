/*
 * The phase-field model on the card: memory of a run, and its functions for the table. Macro steps are recorded once as a
 * graph of GRAPH_STEPS and played back: a 2-D field's kernels take less time than their launches.
 */
#include "phasefield.cuh"

#include <stdlib.h>

namespace pf_double {
#define PF_SINGLE 0
#include "phasefield_body.cuh"
#undef PF_SINGLE
}  // namespace pf_double

namespace pf_single {
#define PF_SINGLE 1
#include "phasefield_body.cuh"
#undef PF_SINGLE
}  // namespace pf_single

/* Calls the function of the run's precision. */
#define PF_CALL(run, function, ...) \
    ((run)->work.single ? pf_single::function((run), ##__VA_ARGS__) : pf_double::function((run), ##__VA_ARGS__))

static void run_end(sei_pf_device_run *r) {
    if (r == nullptr) return;
    for (cudaGraphExec_t graph : r->graph)
        if (graph != nullptr) (void)cudaGraphExecDestroy(graph);
    if (r->stream != nullptr) (void)cudaStreamDestroy(r->stream);
    for (int n = 0; n < r->n_buffers; ++n) (void)cudaFree(r->buffers[n]);
    free(r);
}

static sei_status new_buffer(sei_pf_device_run *r, size_t count, size_t bytes_each, void **out) {
    void *memory = nullptr;
    SEI_CUDA_TRY(r->device, cudaMalloc(&memory, (count == 0 ? 1 : count) * bytes_each));
    r->buffers[r->n_buffers++] = memory;
    *out = memory;
    return SEI_OK;
}

template <class T>
static sei_status new_array(sei_pf_device_run *r, size_t count, T **out) {
    void *memory = nullptr;
    SEI_RETURN(new_buffer(r, count, sizeof(T), &memory));
    *out = static_cast<T *>(memory);
    return SEI_OK;
}

static sei_status new_fields(sei_pf_device_run *r) {
    const size_t n = r->shape.cells * r->shape.members, rows = (size_t)r->shape.ny * (size_t)r->shape.nz * r->shape.members;
    for (void *&field : r->li) SEI_RETURN(new_buffer(r, n, r->real, &field));
    for (void *&field : r->vacancy) SEI_RETURN(new_buffer(r, n, r->real, &field));
    for (void *&field : r->kept) SEI_RETURN(new_buffer(r, n, r->real, &field));
    SEI_RETURN(new_buffer(r, n, r->real, &r->bracket));
    SEI_RETURN(new_buffer(r, n, r->real, &r->source));
    if (r->work.noise != nullptr) SEI_RETURN(new_buffer(r, n, r->real, &r->noise));
    SEI_RETURN(new_array(r, n, &r->mask));
    SEI_RETURN(new_array(r, r->shape.members, &r->live));
    SEI_RETURN(new_array(r, rows, &r->sums));
    SEI_RETURN(new_array(r, r->shape.members, &r->bad));
    r->shape.live = r->live;
    return SEI_OK;
}

/* The places of the tiles that hold active cells, in rising order. */
static sei_status new_tiles(sei_pf_device_run *r, const uint8_t *mask) {
    pf_shape &s = r->shape;
    const bool deep = s.ny > 1;
    const int side_x = deep ? DEEP_X : FLAT_X, side_y = deep ? DEEP_Y : 1, side_z = deep ? DEEP_Z : FLAT_Z;
    s.tiles_x = (s.nx + side_x - 1) / side_x;
    s.tiles_y = (s.ny + side_y - 1) / side_y;
    const size_t all = (size_t)s.tiles_x * (size_t)s.tiles_y * (size_t)((s.nz + side_z - 1) / side_z);
    if (all > 0x7fffffff) return r->device->fail(SEI_ERR_USAGE, "phase field: %zu tiles are more than a card takes", all);
    uint8_t *used = static_cast<uint8_t *>(calloc(all, 1));
    int *list = static_cast<int *>(calloc(all, sizeof *list));
    int *tiles = nullptr;
    sei_status status = used == nullptr || list == nullptr ? r->device->fail(SEI_ERR_MEMORY, "no memory for the tiles") : SEI_OK;
    if (status == SEI_OK) {
        for (size_t n = 0; n < s.cells; ++n) {
            if ((mask[n] & SEI_PF_ACTIVE) == 0) continue;
            const int x = (int)(n % (size_t)s.nx), y = (int)(n / (size_t)s.nx % (size_t)s.ny);
            const int z = (int)(n / (size_t)s.nx / (size_t)s.ny);
            used[((size_t)(z / side_z) * (size_t)s.tiles_y + (size_t)(y / side_y)) * (size_t)s.tiles_x + (size_t)(x / side_x)] =
                1;
        }
        for (size_t n = 0; n < all; ++n)
            if (used[n] != 0) list[s.n_tiles++] = (int)n;
        status = new_array(r, s.n_tiles, &tiles);
    }
    if (status == SEI_OK) {
        const cudaError_t error = cudaMemcpy(tiles, list, s.n_tiles * sizeof *list, cudaMemcpyHostToDevice);
        if (error != cudaSuccess) status = sei_cuda_failed(r->device, error, "cudaMemcpy");
    }
    s.tiles = tiles;
    free(used);
    free(list);
    return status;
}

static sei_status put(sei_pf_device_run *r, void *field, int member, const void *from) {
    const size_t bytes = r->shape.cells * r->real;
    SEI_CUDA_TRY(r->device, cudaMemcpy(static_cast<char *>(field) + (size_t)member * bytes, from, bytes, cudaMemcpyHostToDevice));
    return SEI_OK;
}

/* The source is double on the host whatever the fields are. */
static sei_status put_source(sei_pf_device_run *r, int member, const double *source) {
    if (!r->work.single) return put(r, r->source, member, source);
    float *reals = static_cast<float *>(calloc(r->shape.cells, sizeof *reals));
    if (reals == nullptr) return r->device->fail(SEI_ERR_MEMORY, "no memory for the source");
    for (size_t n = 0; n < r->shape.cells; ++n) reals[n] = (float)source[n];
    const sei_status status = put(r, r->source, member, reals);
    free(reals);
    return status;
}

static sei_status put_member(sei_pf_device_run *r, int member, const sei_pf_work *work, const double *source) {
    for (void *field : r->li) SEI_RETURN(put(r, field, member, work->li[0]));
    for (void *field : r->vacancy) SEI_RETURN(put(r, field, member, work->vacancy[0]));
    if (r->work.noise != nullptr) SEI_RETURN(put(r, r->noise, member, work->noise));
    if (source != nullptr) SEI_RETURN(put_source(r, member, source));
    SEI_CUDA_TRY(r->device,
                 cudaMemcpy(r->mask + (size_t)member * r->shape.cells, work->mask, r->shape.cells, cudaMemcpyHostToDevice));
    for (size_t n = 0; n < r->shape.cells && !r->fed; ++n) r->fed = (work->mask[n] & SEI_PF_RIM) != 0;
    return SEI_OK;
}

static sei_status fill_run(sei_pf_device_run *r, const sei_pf_work *const *works, const double *const *source) {
    SEI_CUDA_TRY(r->device, cudaStreamCreate(&r->stream));
    SEI_RETURN(new_fields(r));
    SEI_RETURN(new_tiles(r, works[0]->mask));
    SEI_CUDA_TRY(r->device, cudaMemset(r->source, 0, r->shape.cells * r->shape.members * r->real));
    SEI_CUDA_TRY(r->device, cudaMemset(r->live, 1, r->shape.members));
    for (unsigned n = 0; n < r->shape.members; ++n) SEI_RETURN(put_member(r, (int)n, works[n], source[n]));
    return PF_CALL(r, launch_bracket);
}

static sei_status run_begin(sei_device *face, int count, const sei_pf_work *const *works, const double *const *source, double k_s,
                            double dx, sei_pf_device_run **out) {
    sei_cuda_device *device = sei_cuda_of(face);
    const sei_pf_work *first = works[0];
    sei_pf_device_run *r = static_cast<sei_pf_device_run *>(calloc(1, sizeof *r));
    if (r == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for a run");
    r->device = device;
    r->work = *first;
    r->k_s = k_s;
    r->dx = dx;
    r->real = first->single ? sizeof(float) : sizeof(double);
    r->shape.nx = (int)first->nx;
    r->shape.ny = (int)first->ny;
    r->shape.nz = (int)first->nz;
    r->shape.periodic_x = first->periodic_x ? 1 : 0;
    r->shape.periodic_z = first->periodic_z ? 1 : 0;
    r->shape.members = (unsigned)count;
    r->shape.cells = (size_t)first->nx * (size_t)first->ny * (size_t)first->nz;
    const sei_status status = fill_run(r, works, source);
    if (status != SEI_OK) {
        run_end(r);
        return status;
    }
    *out = r;
    return SEI_OK;
}

static sei_status run_select(sei_pf_device_run *r, const uint8_t *live) {
    SEI_CUDA_TRY(r->device, cudaMemcpy(r->live, live, r->shape.members, cudaMemcpyHostToDevice));
    return SEI_OK;
}

static sei_status run_refresh_source(sei_pf_device_run *r) {
    return r->fed ? PF_CALL(r, launch_source) : SEI_OK;
}

/* GRAPH_STEPS macro steps as a graph for the present names of the fields. */
static sei_status record(sei_pf_device_run *r, cudaGraphExec_t *out) {
    cudaGraph_t graph = nullptr;
    SEI_CUDA_TRY(r->device, cudaStreamBeginCapture(r->stream, cudaStreamCaptureModeThreadLocal));
    sei_status status = SEI_OK;
    for (int n = 0; n < GRAPH_STEPS && status == SEI_OK; ++n) status = PF_CALL(r, launch_macro_step);
    const cudaError_t error = cudaStreamEndCapture(r->stream, &graph);
    if (status != SEI_OK) return status;
    if (error != cudaSuccess) return sei_cuda_failed(r->device, error, "cudaStreamEndCapture");
    const cudaError_t made = cudaGraphInstantiateWithFlags(out, graph, 0);
    (void)cudaGraphDestroy(graph);
    return made == cudaSuccess ? SEI_OK : sei_cuda_failed(r->device, made, "cudaGraphInstantiateWithFlags");
}

/* As many of the steps as whole graphs take. */
static sei_status play(sei_pf_device_run *r, int64_t *steps) {
    for (; *steps >= GRAPH_STEPS; *steps -= GRAPH_STEPS) {
        cudaGraphExec_t *graph = &r->graph[r->parity];
        if (*graph == nullptr) SEI_RETURN(record(r, graph));
        SEI_CUDA_TRY(r->device, cudaGraphLaunch(*graph, r->stream));
    }
    return SEI_OK;
}

static sei_status run_steps(sei_pf_device_run *r, int64_t steps) {
    SEI_RETURN(play(r, &steps));
    for (; steps > 0; --steps) SEI_RETURN(PF_CALL(r, launch_macro_step));
    return SEI_OK;
}

static sei_status run_check(sei_pf_device_run *r, double *sums, int *bad) {
    const size_t rows = (size_t)r->shape.ny * (size_t)r->shape.nz * r->shape.members;
    SEI_CUDA_TRY(r->device, cudaMemset(r->bad, 0, r->shape.members * sizeof *bad));
    SEI_RETURN(PF_CALL(r, launch_report));
    SEI_CUDA_TRY(r->device, cudaMemcpy(sums, r->sums, rows * sizeof *sums, cudaMemcpyDeviceToHost));
    SEI_CUDA_TRY(r->device, cudaMemcpy(bad, r->bad, r->shape.members * sizeof *bad, cudaMemcpyDeviceToHost));
    return SEI_OK;
}

/* A member that has ended keeps what it ended with: its fields stand still while their names go round. */
static sei_status run_keep(sei_pf_device_run *r, const uint8_t *live) {
    const size_t bytes = r->shape.cells * r->real;
    const void *const from[2] = {r->li[0], r->vacancy[0]};
    for (unsigned member = 0; member < r->shape.members; ++member) {
        for (int n = 0; n < 2 && live[member] != 0; ++n)
            SEI_CUDA_TRY(r->device,
                         cudaMemcpy(reinterpret_cast<char *>(r->kept[n]) + member * bytes,
                                    static_cast<const char *>(from[n]) + member * bytes, bytes, cudaMemcpyDeviceToDevice));
    }
    return SEI_OK;
}

static sei_status run_fetch(sei_pf_device_run *r, int member, bool kept, void *c_li, void *c_v, void *source) {
    const size_t bytes = r->shape.cells * r->real, offset = (size_t)member * bytes;
    const void *from[3] = {kept ? r->kept[0] : r->li[0], kept ? r->kept[1] : r->vacancy[0], r->source};
    void *const to[3] = {c_li, c_v, source};
    for (int n = 0; n < 3; ++n)
        SEI_CUDA_TRY(r->device, cudaMemcpy(to[n], static_cast<const char *>(from[n]) + offset, bytes, cudaMemcpyDeviceToHost));
    return SEI_OK;
}

const sei_pf_device sei_cuda_phasefield = {run_begin, run_select, run_refresh_source, run_steps,
                                           run_check, run_keep,   run_fetch,          run_end};

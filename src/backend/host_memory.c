/* Buffers of the host backends: plain aligned memory. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/host.h"
#include "core/alloc.h"
#include "core/threads.h"

enum { LARGE = 2 << 20 };

static sei_status check_range(const char *what, const sei_buffer *buffer, size_t offset, size_t count, const void *host) {
    if (buffer == NULL || (host == NULL && count > 0)) return sei_fail(SEI_ERR_USAGE, "%s: no buffer or no memory given", what);
    if (offset > buffer->count || count > buffer->count - offset) {
        return sei_fail(SEI_ERR_USAGE, "%s: elements %zu to %zu of a buffer of %zu", what, offset, offset + count, buffer->count);
    }
    return SEI_OK;
}

static sei_status host_fill(sei_device *device, sei_buffer *buffer, float value) {
    (void)device;
    if (buffer == NULL) return sei_fail(SEI_ERR_USAGE, "fill: no buffer given");
    for (size_t i = 0; i < buffer->count; ++i) buffer->data[i] = value;
    return SEI_OK;
}

void sei_host_large_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (page - (uintptr_t)memory % page) % page;
    if (bytes > skip + LARGE) (void)madvise((char *)memory + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
#endif
}

static sei_status host_alloc(sei_device *device, size_t count, sei_buffer **out) {
    sei_status status = SEI_OK;
    sei_buffer *buffer = NULL;
    size_t bytes = 0;
    if (count > (size_t)INT64_MAX) return sei_fail(SEI_ERR_INPUT, "a buffer of %zu floats is too large", count);
    SEI_TRY(sei_checked_bytes((int64_t)count, 1, 1, sizeof *buffer->data, &bytes));
    SEI_TRY(SEI_NEW(buffer, 1, 1, 1));
    SEI_TRY(sei_alloc_aligned(bytes, (void **)&buffer->data));
    sei_host_large_pages(buffer->data, bytes);
    buffer->count = count;
    if (sei_host(device)->poison) SEI_TRY(host_fill(device, buffer, NAN));
    *out = buffer;
    buffer = NULL;
done:
    sei_free(buffer);
    return status;
}

static sei_status host_upload(sei_device *device, sei_buffer *buffer, size_t offset, size_t count, const float *from) {
    (void)device;
    const sei_status status = check_range("upload", buffer, offset, count, from);
    if (status == SEI_OK && count > 0) memcpy(buffer->data + offset, from, count * sizeof *from);
    return status;
}

static sei_status host_download(sei_device *device, const sei_buffer *buffer, size_t offset, size_t count, float *to) {
    (void)device;
    const sei_status status = check_range("download", buffer, offset, count, to);
    if (status == SEI_OK && count > 0) memcpy(to, buffer->data + offset, count * sizeof *to);
    return status;
}

/* Copies of a host backend are done when they are begun. */
static sei_status host_upload_begin(sei_device *device, sei_buffer *buffer, size_t offset, size_t count, const float *from) {
    return host_upload(device, buffer, offset, count, from);
}

static sei_status host_download_begin(sei_device *device, const sei_buffer *buffer, size_t offset, size_t count, float *to) {
    return host_download(device, buffer, offset, count, to);
}

static sei_status host_finish(sei_device *device) {
    (void)device;
    return SEI_OK;
}

static sei_status host_alloc_host(sei_device *device, size_t count, float **out) {
    sei_status status = SEI_OK;
    size_t bytes = 0;
    (void)device;
    if (count > (size_t)INT64_MAX) return sei_fail(SEI_ERR_INPUT, "a buffer of %zu floats is too large", count);
    SEI_TRY(sei_checked_bytes((int64_t)count, 1, 1, sizeof **out, &bytes));
    SEI_TRY(sei_alloc_aligned(bytes, (void **)out));
done:
    return status;
}

static void host_release_host(sei_device *device, float *memory) {
    (void)device;
    sei_free(memory);
}

static sei_status host_repeat(sei_device *device, const void *key, sei_status (*body)(void *context), void *context) {
    (void)device;
    (void)key;
    return body(context);
}

static void host_release(sei_device *device, sei_buffer *buffer) {
    (void)device;
    if (buffer == NULL) return;
    sei_free(buffer->data);
    sei_free(buffer);
}

static void host_close(sei_device *device) {
    sei_free(device);
}

size_t sei_host_free_bytes(sei_device *device) {
    (void)device;
    return sei_memory_available();
}

sei_status sei_host_device_new(const sei_device_options *options, size_t bytes, sei_host_device **out) {
    sei_host_device *host = NULL;
    const sei_status status = sei_alloc_zero(bytes, (void **)&host);
    if (status != SEI_OK) return status;
    host->threads = options->threads > 0 ? options->threads : sei_threads();
    host->table.description = host->description;
#define X(op, parameters) host->table.op = host_##op;
    SEI_MEMORY_LIST(X)
#undef X
    host->table.release = host_release;
    host->table.release_host = host_release_host;
    host->table.close = host_close;
    host->table.free_bytes = sei_host_free_bytes;
    host->device.backend = &host->table;
    *out = host;
    return SEI_OK;
}

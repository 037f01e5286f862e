/*
 * The emulated card's memory: mapped apart from the host's, filled with NaN, readable only inside kernels, copies and
 * transforms. A host access elsewhere ends the program at that very line with a segmentation fault.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "emulation.h"
#include "fibre.h"

namespace emulation {

namespace {

struct region {
    char *base; /* the mapping: a page that is never readable, the data, another such page */
    size_t mapped;
    size_t bytes; /* what was asked for */
    size_t room;  /* bytes plus the slack up to the page's end, filled with `canary` */
};

enum { canary = 0xa5 };
std::mutex memory_mutex;
std::map<char *, region> regions; /* by address of the data */
size_t allocated = 0;
size_t limit = 0;
int depth = 0;
thread_local cudaError_t last_error = cudaSuccess;
thread_local char last_text[640] = "";
thread_local char told_text[640] = "";

size_t page_bytes() {
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t total_bytes() {
    return limit != 0 ? limit : (size_t)sysconf(_SC_PHYS_PAGES) * page_bytes();
}

size_t free_bytes() {
    if (limit != 0) return limit > allocated ? limit - allocated : 0;
    return (size_t)sysconf(_SC_AVPHYS_PAGES) * page_bytes();
}

void protect(const std::pair<char *const, region> &r, int how) {
    mprotect(r.first, r.second.room, how);
}

/* The region that holds [address, address + bytes), or NULL. */
const std::pair<char *const, region> *find(const void *address, size_t bytes) {
    char *p = static_cast<char *>(const_cast<void *>(address));
    auto after = regions.upper_bound(p);
    if (after == regions.begin()) return nullptr;
    const auto &r = *--after;
    if (p >= r.first + r.second.room) return nullptr;
    return bytes <= r.second.bytes && (size_t)(p - r.first) <= r.second.bytes - bytes ? &r : nullptr;
}

/* Whether the address belongs to the card at all. */
bool on_card(const void *address) {
    char *p = static_cast<char *>(const_cast<void *>(address));
    auto after = regions.upper_bound(p);
    if (after == regions.begin()) return false;
    const auto &r = *--after;
    return p < r.first + r.second.room;
}

}  // namespace

device_access::device_access() {
    std::lock_guard<std::mutex> hold(memory_mutex);
    if (depth++ == 0) {
        for (const auto &r : regions) protect(r, PROT_READ | PROT_WRITE);
    }
}

device_access::~device_access() {
    std::lock_guard<std::mutex> hold(memory_mutex);
    if (--depth == 0) {
        for (const auto &r : regions) protect(r, PROT_NONE);
    }
}

void set_error(cudaError_t error, const char *format, ...) {
    if (last_error != cudaSuccess) return; /* the first fault is the cause of the others */
    va_list args;
    va_start(args, format);
    vsnprintf(last_text, sizeof last_text, format, args);
    va_end(args);
    last_error = error;
}

void set_memory_limit(size_t bytes) {
    std::lock_guard<std::mutex> hold(memory_mutex);
    limit = bytes;
}

void read_environment() {
    const char *order_text = getenv("SEITOMO_EMULATED_ORDER");
    set_order(order_text != nullptr && strcasecmp(order_text, "descending") == 0 ? descending : ascending);
    const char *memory = getenv("SEITOMO_EMULATED_MEMORY_MIB");
    const unsigned long long mib = memory == nullptr ? 0 : strtoull(memory, nullptr, 10);
    set_memory_limit(mib > (SIZE_MAX >> 20) ? 0 : (size_t)mib << 20);
    const char *shared = getenv("SEITOMO_EMULATED_SHARED_KIB");
    set_shared_limit(shared == nullptr ? 0 : (size_t)strtoul(shared, nullptr, 10) << 10);
}

bool check_allocations() {
    if (has_asan) return true; /* the slack is poisoned there: a write is reported where it happens */
    const device_access open;
    std::lock_guard<std::mutex> hold(memory_mutex);
    for (const auto &r : regions) {
        for (size_t i = r.second.bytes; i < r.second.room; ++i) {
            if ((unsigned char)r.first[i] == canary) continue;
            set_error(cudaErrorLaunchFailure, "a kernel wrote %zu bytes past the end of an allocation of %zu bytes",
                      i - r.second.bytes, r.second.bytes);
            memset(r.first + r.second.bytes, canary, r.second.room - r.second.bytes);
            return false;
        }
    }
    return true;
}

}  // namespace emulation

using namespace emulation;

cudaError_t cudaMalloc(void **out, size_t bytes) {
    const size_t page = page_bytes();
    *out = nullptr;
    if (refuse_in_capture("cudaMalloc")) return cudaErrorStreamCaptureUnsupported;
    if (bytes == 0) return cudaSuccess;
    std::lock_guard<std::mutex> hold(memory_mutex);
    if (bytes > free_bytes() || bytes > SIZE_MAX - 4 * page) {
        set_error(cudaErrorMemoryAllocation, "out of memory: %zu bytes asked for, %zu free", bytes, free_bytes());
        return cudaErrorMemoryAllocation;
    }
    region r;
    r.bytes = bytes;
    r.room = (bytes + page - 1) / page * page;
    r.mapped = r.room + 2 * page;
    void *base = mmap(nullptr, r.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        set_error(cudaErrorMemoryAllocation, "out of memory: %zu bytes asked for", bytes);
        return cudaErrorMemoryAllocation;
    }
    r.base = static_cast<char *>(base);
    char *data = r.base + page;
    mprotect(data, r.room, PROT_READ | PROT_WRITE);
    memset(data, 0xff, bytes); /* every float a NaN */
    memset(data + bytes, canary, r.room - bytes);
    poison(data + bytes, r.room - bytes);
    if (depth == 0) mprotect(data, r.room, PROT_NONE);
    regions[data] = r;
    allocated += bytes;
    *out = data;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
    if (memory == nullptr) return cudaSuccess;
    if (refuse_in_capture("cudaFree")) return cudaErrorStreamCaptureUnsupported;
    std::lock_guard<std::mutex> hold(memory_mutex);
    const auto found = regions.find(static_cast<char *>(memory));
    if (found == regions.end()) {
        set_error(cudaErrorInvalidValue, "cudaFree of memory that cudaMalloc did not give");
        return cudaErrorInvalidValue;
    }
    const region r = found->second;
    unpoison(memory, r.room);
    munmap(r.base, r.mapped);
    allocated -= r.bytes;
    regions.erase(found);
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
    if (refuse_in_capture("cudaMemcpy")) return cudaErrorStreamCaptureUnsupported;
    return copy_now(to, from, bytes, kind);
}

cudaError_t emulation::copy_now(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return cudaSuccess;
    const bool to_card = kind != cudaMemcpyDeviceToHost, from_card = kind != cudaMemcpyHostToDevice;
    {
        std::lock_guard<std::mutex> hold(memory_mutex);
        const bool good =
            (to_card ? find(to, bytes) != nullptr : !on_card(to)) && (from_card ? find(from, bytes) != nullptr : !on_card(from));
        if (!good) {
            set_error(cudaErrorInvalidValue, "cudaMemcpy of %zu bytes: outside an allocation, or the wrong direction", bytes);
            return cudaErrorInvalidValue;
        }
    }
    const device_access open;
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemset(void *memory, int value, size_t bytes) {
    if (refuse_in_capture("cudaMemset")) return cudaErrorStreamCaptureUnsupported;
    return set_now(memory, value, bytes);
}

cudaError_t emulation::set_now(void *memory, int value, size_t bytes) {
    {
        std::lock_guard<std::mutex> hold(memory_mutex);
        if (find(memory, bytes) == nullptr) {
            set_error(cudaErrorInvalidValue, "cudaMemset of %zu bytes outside an allocation", bytes);
            return cudaErrorInvalidValue;
        }
    }
    const device_access open;
    memset(memory, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
    if (device != 0) return cudaErrorNoDevice;
    *properties = cudaDeviceProp();
    snprintf(properties->name, sizeof properties->name, "emulated card");
    std::lock_guard<std::mutex> hold(memory_mutex);
    properties->totalGlobalMem = total_bytes();
    properties->sharedMemPerBlockOptin = shared_limit();
    properties->major = 9;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
    *version = 0;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = 0;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
    std::lock_guard<std::mutex> hold(memory_mutex);
    *available = free_bytes();
    *total = total_bytes();
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void) {
    return refuse_in_capture("cudaDeviceSynchronize") ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

cudaError_t cudaGetLastError(void) {
    const cudaError_t error = last_error;
    if (error != cudaSuccess) memcpy(told_text, last_text, sizeof told_text);
    last_error = cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error) {
    if (last_error == error && error != cudaSuccess) return last_text;
    if (error != cudaSuccess && told_text[0] != 0) return told_text;
    return error == cudaSuccess ? "no error" : "error";
}

/* How much memory there is, from the kernel's own tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"

/* The number of a "Key: 123 kB" line in text, in bytes; 0 when absent. */
static size_t kilobytes_of(const char *text, const char *key) {
    const char *line = strstr(text, key);
    return line == NULL ? 0 : (size_t)strtoull(line + strlen(key), NULL, 10) * 1024;
}

static bool small_file(const char *path, char *text, size_t size) {
    sei_infile file = {.fd = -1};
    size_t got = 0;
    if (sei_infile_open(path, &file) != SEI_OK) return false;
    const bool ok = sei_infile_read_some(&file, 0, text, size - 1, &got) == SEI_OK;
    sei_infile_close(&file);
    text[ok ? got : 0] = 0;
    return ok;
}

size_t sei_memory_available(void) {
    char text[4096];
    size_t available = 0;
    if (small_file("/proc/meminfo", text, sizeof text)) available = kilobytes_of(text, "MemAvailable:");
    if (available == 0) available = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    if (small_file("/sys/fs/cgroup/memory.max", text, sizeof text) && strncmp(text, "max", 3) != 0) {
        const size_t limit = (size_t)strtoull(text, NULL, 10);
        size_t used = 0;
        if (small_file("/sys/fs/cgroup/memory.current", text, sizeof text)) used = (size_t)strtoull(text, NULL, 10);
        if (limit > used && limit - used < available) available = limit - used;
    }
    return available;
}

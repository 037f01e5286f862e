/* The fuzzer's bytes as a file that readers can open by name. */
#ifndef SEI_TESTS_FUZZ_BYTES_AS_FILE_H
#define SEI_TESTS_FUZZ_BYTES_AS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its descriptor; `path` gets its name. The caller closes it. */
static inline int bytes_as_file(const uint8_t *bytes, size_t count, char path[64]) {
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || (count > 0 && write(fd, bytes, count) != (ssize_t)count)) abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif

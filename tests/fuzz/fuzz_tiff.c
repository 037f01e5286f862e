/* No TIFF crashes, leaks or takes long: the reader over libtiff, headers and numbers, whole and truncated. */
#include "bytes_as_file.h"
#include "io/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    const int fd = bytes_as_file(bytes, count, path);
    for (int pass = 0; pass < 2; ++pass) {
        const sei_format_read options = {.headers_only = pass == 1, .allow_truncated = pass == 1};
        sei_stacks stacks = {0};
        if (sei_format_tiff.read(path, &options, &stacks) == SEI_OK) sei_stacks_free(&stacks);
    }
    close(fd);
    return 0;
}

/*
 * Our code around HDF5 is clean on any file. The library itself is not (faults in HDF5 1.10 on damaged files are known, and
 * contained by the child process that the program reads in), so this target reads in the fuzzer's process with small limits
 * and every array goes through the same sink as in the program.
 */
#include "bytes_as_file.h"
#include "io/emd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    const sei_format_read options = {.n_wanted = 0};
    sei_emd_collector collector = {.memory_bytes = (size_t)8 << 20};
    const sei_emd_sink sink = sei_emd_collect(&collector);
    const int fd = bytes_as_file(bytes, count, path);
    const sei_emd_job job = {.path = path, .fd = fd, .options = &options, .memory_bytes = (size_t)8 << 20};
    if (sei_emd_read_into(&job, &sink) != SEI_OK) sei_stacks_free(&collector.stacks);
    sei_stacks_free(&collector.stacks);
    close(fd);
    return 0;
}

/*
 * No EMD ends the program, whatever it does to the HDF5 library: by default a file goes through the reader as the program has
 * it, child process and all. With SEITOMO_FUZZ_IN_PROCESS=1 the same work is done in the fuzzer's process, which guides the
 * search through our code and checks that every HDF5 identifier is closed; faults inside HDF5 1.10 on damaged files, which
 * are known, end such a run.
 */
#include "bytes_as_file.h"
#include "io/emd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
const char *__asan_default_options(void);

/* HDF5 itself leaks on damaged files; ours is checked by counting identifiers. */
const char *__asan_default_options(void) {
    return "detect_leaks=0:allocator_may_return_null=1";
}

static hsize_t identifiers(void) {
    static const H5I_type_t types[] = {H5I_FILE, H5I_GROUP, H5I_DATATYPE, H5I_DATASPACE, H5I_DATASET, H5I_ATTR, H5I_GENPROP_LST};
    hsize_t sum = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i) {
        hsize_t count = 0;
        if (H5Inmembers(types[i], &count) >= 0) sum += count;
    }
    return sum;
}

static void in_process(const char *path, int fd, const sei_format_read *options) {
    sei_emd_collector collector = {.memory_bytes = (size_t)8 << 20};
    const sei_emd_sink sink = sei_emd_collect(&collector);
    const sei_emd_job job = {.path = path, .fd = fd, .options = options, .memory_bytes = (size_t)8 << 20};
    const hsize_t before = identifiers();
    if (sei_emd_read_into(&job, &sink) != SEI_OK) sei_stacks_free(&collector.stacks);
    sei_stacks_free(&collector.stacks);
    if (identifiers() != before) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    const sei_format_read options = {.n_wanted = 0};
    const int fd = bytes_as_file(bytes, count, path);
    H5open();
    if (getenv("SEITOMO_FUZZ_IN_PROCESS") != NULL) {
        in_process(path, fd, &options);
    } else {
        sei_stacks stacks = {0};
        if (sei_format_hdf5.read(path, &options, &stacks) == SEI_OK) sei_stacks_free(&stacks);
    }
    close(fd);
    return 0;
}

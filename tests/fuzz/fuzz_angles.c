/* No table of angles crashes, leaks or yields an unset angle: columns, mdoc and tilt scheme are told apart by their text. */
#include <math.h>

#include "bytes_as_file.h"
#include "io/angles.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    char described[128];
    sei_angle_table table = {0};
    const int fd = bytes_as_file(bytes, count, path);
    if (sei_angles_read(path, &table) == SEI_OK) {
        for (size_t i = 0; i < table.count; ++i) {
            if (!isfinite(table.tilt_deg[i])) abort();
            if (table.order != NULL && (table.order[i] < 0 || (size_t)table.order[i] >= table.count)) abort();
        }
        sei_angles_describe(table.tilt_deg, table.count, described, sizeof described);
        const sei_status status = sei_angles_check(table.tilt_deg, table.count, (int64_t)table.count, "fuzz");
        if (status != SEI_OK && status != SEI_ERR_INPUT) abort();
        sei_angle_table_free(&table);
    }
    close(fd);
    return 0;
}

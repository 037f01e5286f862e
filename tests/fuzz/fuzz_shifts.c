/* No CSV crashes or leaks; what is read as shifts has one finite shift per tilt and is the same after a way through the table. */
#include <math.h>

#include "bytes_as_file.h"
#include "seitomo/align.h"
#include "seitomo/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    sei_table table = {0}, again = {0};
    sei_shifts shifts = {0}, same = {0};
    const int fd = bytes_as_file(bytes, count, path);
    if (sei_io_read_table(path, &table) == SEI_OK && sei_shifts_from_table(&table, &shifts) == SEI_OK) {
        if ((size_t)shifts.count != table.n_rows) abort();
        if (sei_shifts_to_table(&shifts, &again) != SEI_OK || sei_shifts_from_table(&again, &same) != SEI_OK) abort();
        if (same.count != shifts.count) abort();
        for (int64_t t = 0; t < shifts.count; ++t) {
            if (!isfinite(shifts.dx_px[t]) || !isfinite(shifts.dy_px[t]) || !isfinite(shifts.tilt_deg[t])) abort();
            if (same.dx_px[t] != shifts.dx_px[t] || same.dy_px[t] != shifts.dy_px[t]) abort();
        }
    }
    sei_shifts_free(&same);
    sei_shifts_free(&shifts);
    sei_table_free(&again);
    sei_table_free(&table);
    close(fd);
    return 0;
}

/* No JSON crashes or leaks, read as the classes of a label volume and as numbers; classes have names that end and ids of their
 * own. */
#include <fcntl.h>
#include <string.h>

#include "bytes_as_file.h"
#include "io/json.h"
#include "seitomo/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* The classes of FOLDER/x.mrc stand in FOLDER/x.json, so that here the file needs a name of its own. */
static char folder[] = "/tmp/fuzz_json_XXXXXX";
static char json[64], volume[64];

static void clean(void) {
    unlink(json);
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    sei_labels labels = {0};
    sei_numbers numbers = {0};
    if (json[0] == 0) {
        if (mkdtemp(folder) == NULL) abort();
        snprintf(json, sizeof json, "%s/x.json", folder);
        snprintf(volume, sizeof volume, "%s/x.mrc", folder);
        atexit(clean);
    }
    const int fd = open(json, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (count > 0 && write(fd, bytes, count) != (ssize_t)count)) abort();
    close(fd);
    if (sei_json_read_classes(volume, &labels) == SEI_OK) {
        for (size_t i = 0; i < labels.n_classes; ++i) {
            if (memchr(labels.classes[i].name, 0, sizeof labels.classes[i].name) == NULL) abort();
            for (size_t k = 0; k < i; ++k) {
                if (labels.classes[k].id == labels.classes[i].id) abort();
            }
        }
    }
    if (sei_io_read_numbers(json, &numbers) == SEI_OK) sei_numbers_free(&numbers);
    sei_labels_free(&labels);
    return 0;
}

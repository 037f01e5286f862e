/* Opens a backend by name. */
#include "seitomo/backend.h"

sei_status sei_device_open(const sei_device_options *options, sei_device **out) {
    (void)out;
    return sei_fail(SEI_ERR_ENVIRONMENT, "backend '%s' is not part of this build", options->name);
}

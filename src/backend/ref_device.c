/* The reference backend: plain C in double precision on one thread. What it does is what an operator means. */
#include <stdio.h>

#include "backend/host.h"

sei_status sei_ref_open(const sei_device_options *options, sei_device **out) {
    sei_host_device *host = NULL;
    const sei_status status = sei_host_device_new(options, sizeof *host, &host);
    if (status != SEI_OK) return status;
    host->poison = true;
    host->table.name = "ref";
    snprintf(host->description, sizeof host->description, "plain C in double precision, 1 thread");
#define X(op, parameters) host->table.op = sei_ref_##op;
    SEI_OPERATOR_LIST(X)
#undef X
    *out = &host->device;
    return SEI_OK;
}

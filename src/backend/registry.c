/* Opens a backend by name; says why one cannot be used. */
#include <stdio.h>
#include <string.h>

#include "backend/host.h"
#include "backend/module.h"
#include "core/log.h"

static const char known[] = "auto, ref, cpu, cuda, cuda-emulated";

static sei_status open_auto(const sei_device_options *options, sei_device **out) {
    sei_device_options wanted = *options;
    wanted.name = "cuda";
    if (sei_module_open(&wanted, out) == SEI_OK) return SEI_OK;
    /* where the module was built a card is expected: why it is not used must not stay unsaid */
    if (sei_module_exists("cuda")) sei_info("no card is used: %s", sei_last_error());
    wanted.name = "cpu";
    return sei_cpu_open(&wanted, out);
}

sei_status sei_device_open(const sei_device_options *options, sei_device **out) {
    const sei_device_options defaults = {0};
    sei_device_options wanted = options == NULL ? defaults : *options;
    if (wanted.name == NULL) wanted.name = "auto";
    if (wanted.isa == NULL) wanted.isa = "auto";
    if (wanted.threads < 0) return sei_fail(SEI_ERR_USAGE, "backend '%s': %d threads", wanted.name, wanted.threads);
    if (strcmp(wanted.name, "auto") == 0) return open_auto(&wanted, out);
    if (strcmp(wanted.name, "ref") == 0) return sei_ref_open(&wanted, out);
    if (strcmp(wanted.name, "cpu") == 0) return sei_cpu_open(&wanted, out);
    if (strcmp(wanted.name, "cuda") == 0 || strcmp(wanted.name, "cuda-emulated") == 0) return sei_module_open(&wanted, out);
    return sei_fail(SEI_ERR_USAGE, "no backend '%s'; there are %s", wanted.name, known);
}

void sei_device_close(sei_device *device) {
    if (device != NULL) device->backend->close(device);
}

void sei_device_record(const sei_device *device, char record[SEI_NAME_LENGTH]) {
    const char *arithmetic = device->backend->arithmetic;
    snprintf(record, SEI_NAME_LENGTH, arithmetic == NULL ? "%.30s" : "%.30s (%.30s)", device->backend->name, arithmetic);
}

const char *sei_backend_absence(const char *name) {
    static _Thread_local char reason[1024];
    sei_device *device = NULL;
    const sei_device_options wanted = {.name = name, .threads = 1};
    if (sei_device_open(&wanted, &device) == SEI_OK) {
        sei_device_close(device);
        return NULL;
    }
    snprintf(reason, sizeof reason, "%s", sei_last_error());
    return reason;
}

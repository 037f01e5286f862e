/* The module's door: the program loads this library and asks for sei_backend_module. */
#include "device.cuh"

extern "C" __attribute__((visibility("default"))) sei_status sei_backend_module(const sei_module_host *host,
                                                                                const sei_device_options *options,
                                                                                sei_device **out);

sei_status sei_backend_module(const sei_module_host *host, const sei_device_options *options, sei_device **out) {
    if (host->interface_version != SEI_MODULE_VERSION) {
        return host->fail(SEI_ERR_ENVIRONMENT, "%s: the module speaks interface %d, the program %d; install both from one build",
                          SEI_PLATFORM_NAME, (int)SEI_MODULE_VERSION, host->interface_version);
    }
    sei_cuda_device *device = nullptr;
    SEI_RETURN(sei_cuda_open(host, options, &device));
    sei_backend *table = &device->table;
    table->name = SEI_PLATFORM_NAME;
    table->description = device->description;
#define X(op, parameters) table->op = sei_cuda_##op;
    SEI_OPERATOR_LIST(X)
    SEI_MEMORY_LIST(X)
#undef X
    table->release = sei_cuda_release;
    table->release_host = sei_cuda_release_host;
    table->arithmetic = device->fast ? "fast" : nullptr;
    table->close = sei_cuda_close;
    table->free_bytes = sei_cuda_free_bytes;
    table->phasefield = &sei_cuda_phasefield;
    device->face.backend = table;
    *out = &device->face;
    return SEI_OK;
}

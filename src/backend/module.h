/* Backends that live in a library of their own, loaded when they are asked for. */
#ifndef SEI_BACKEND_MODULE_H
#define SEI_BACKEND_MODULE_H

#include "seitomo/backend.h"

/*
 * Loads libseitomo_cuda.so (name "cuda") or libseitomo_cuda_emulated.so ("cuda-emulated") from the folders of
 * SEITOMO_MODULE_PATH (separated by ':') or, without it, from beside this library, and opens its device.
 * SEI_ERR_ENVIRONMENT: no module, one of another version, or no card, with the reason. A loaded module stays loaded.
 */
sei_status sei_module_open(const sei_device_options *options, sei_device **out) SEI_MUST_CHECK;
/* Whether there is such a module, of whatever use it may be here. */
bool sei_module_exists(const char *name);

#endif

#include "backend/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LENGTH = 4096 };

/* "FOLDER/libseitomo_NAME.so" into path; false when there is no such file. */
static bool module_in(const char *folder, size_t length, const char *library, char path[PATH_LENGTH]) {
    const int written = snprintf(path, PATH_LENGTH, "%.*s/%s", (int)length, folder, library);
    return length > 0 && written < PATH_LENGTH && access(path, R_OK) == 0;
}

static bool find_module(const char *library, char path[PATH_LENGTH]) {
    const char *folders = getenv("SEITOMO_MODULE_PATH");
    if (folders != NULL && folders[0] != 0) {
        for (const char *start = folders; start != NULL;) {
            const char *end = strchr(start, ':');
            const size_t length = end == NULL ? strlen(start) : (size_t)(end - start);
            if (module_in(start, length, library, path)) return true;
            start = end == NULL ? NULL : end + 1;
        }
        return false;
    }
    Dl_info here;
    if (dladdr((const void *)SEI_BACKEND_MODULE_SYMBOL, &here) == 0 || here.dli_fname == NULL) return false;
    const char *slash = strrchr(here.dli_fname, '/');
    return slash != NULL && module_in(here.dli_fname, (size_t)(slash - here.dli_fname), library, path);
}

static const char *library_of(const char *name) {
    return strcmp(name, "cuda-emulated") == 0 ? "libseitomo_cuda_emulated.so" : "libseitomo_cuda.so";
}

bool sei_module_exists(const char *name) {
    char path[PATH_LENGTH];
    return find_module(library_of(name), path);
}

sei_status sei_module_open(const sei_device_options *options, sei_device **out) {
    static const sei_module_host host = {.interface_version = SEI_MODULE_VERSION, .fail = sei_fail};
    const bool emulated = strcmp(options->name, "cuda-emulated") == 0;
    const char *library = library_of(options->name);
    char path[PATH_LENGTH];
    if (!find_module(library, path)) {
        return sei_fail(SEI_ERR_ENVIRONMENT, "backend '%s': module %s not found beside libseitomo; %s", options->name, library,
                        emulated ? "build with SEITOMO_CUDA_EMULATED=ON, or set SEITOMO_MODULE_PATH"
                                 : "build with nvcc and SEITOMO_CUDA=ON, or set SEITOMO_MODULE_PATH");
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return sei_fail(SEI_ERR_ENVIRONMENT, "backend '%s': %s", options->name, dlerror());
    sei_backend_module_open open_device = NULL;
    void *symbol = dlsym(handle, SEI_BACKEND_MODULE_SYMBOL);
    if (symbol == NULL) {
        return sei_fail(SEI_ERR_ENVIRONMENT, "backend '%s': %s is no module of seitomo: no symbol %s", options->name, path,
                        SEI_BACKEND_MODULE_SYMBOL);
    }
    memcpy(&open_device, &symbol, sizeof open_device); /* ISO C has no cast from data to function pointers */
    return open_device(&host, options, out);
}

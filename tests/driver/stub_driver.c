/*
 * A libcuda.so.1 that is there and does not work: every call returns the code in SEITOMO_STUB_CUINIT, and the driver calls
 * itself one for the CUDA version in SEITOMO_STUB_VERSION (13000 for 13.0). CUDA's own runtime is linked into the module,
 * so this is the whole driver it sees.
 */
#include <stdlib.h>
#include <string.h>

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : atoi(text);
}

int cuInit(unsigned flags);
int cuDriverGetVersion(int *version);
int cuGetProcAddress(const char *symbol, void **out, int version, unsigned long long flags);
int cuGetProcAddress_v2(const char *symbol, void **out, int version, unsigned long long flags, int *status);

int cuInit(unsigned flags) {
    (void)flags;
    return number("SEITOMO_STUB_CUINIT", 100);
}

int cuDriverGetVersion(int *version) {
    *version = number("SEITOMO_STUB_VERSION", 99000);
    return 0;
}

static int any_other(void) {
    return number("SEITOMO_STUB_CUINIT", 100);
}

static void put(void **out, void (*function)(void)) {
    memcpy(out, &function, sizeof function);
}

int cuGetProcAddress_v2(const char *symbol, void **out, int version, unsigned long long flags, int *status) {
    (void)version;
    (void)flags;
    if (strcmp(symbol, "cuInit") == 0)
        put(out, (void (*)(void))cuInit);
    else if (strcmp(symbol, "cuDriverGetVersion") == 0)
        put(out, (void (*)(void))cuDriverGetVersion);
    else if (strcmp(symbol, "cuGetProcAddress") == 0)
        put(out, (void (*)(void))cuGetProcAddress_v2);
    else
        put(out, (void (*)(void))any_other);
    if (status != NULL) *status = 0;
    return 0;
}

int cuGetProcAddress(const char *symbol, void **out, int version, unsigned long long flags) {
    return cuGetProcAddress_v2(symbol, out, version, flags, NULL);
}

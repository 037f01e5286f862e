/* The harness of the operators: every backend against ref, one check per operator of SEI_OPERATOR_LIST. */
#ifndef SEI_TESTS_OPERATORS_H
#define SEI_TESTS_OPERATORS_H

#include "seitomo/backend.h"
#include "support/test.h"

enum { OPS_GUARD = 67, OPS_MAX_TILTS = 172, OPS_RANDOM_TILTS = 72, OPS_MAX_AREA = 64 * 64 };
#define OPS_EPS 5.9604644775390625e-08 /* 2^-24: half a unit in the last place of a float near 1 */

/* One backend under test. */
typedef struct ops_backend {
    char label[64];
    sei_device *device, *ref;
    bool in_double; /* element-wise operators work in double: tighter tolerances hold */
} ops_backend;

/* A random geometry; arrays stay valid with the struct. */
typedef struct ops_case {
    sei_slab slab;
    double cos_tilt[OPS_MAX_TILTS], sin_tilt[OPS_MAX_TILTS], axis_u[OPS_MAX_TILTS];
    uint8_t support[OPS_MAX_AREA]; /* [nz][nx], used when slab.support points here */
    uint64_t seed;
    int value_mode; /* 0: 0..1 with zeros among them, 1: all 0, 2: huge, 3: both signs */
} ops_case;

/*
 * Case number `index`: shapes with 1, primes, odd sizes and just over a vector; -90, 0, 45, 90 degrees; one tilt; slices in
 * blocks of several widths, the last one narrower; a support in one case of three.
 */
void ops_case_make(uint64_t index, ops_case *c);
void ops_case_geometry(ops_case *c, int nx, int nz, int nu, int ny, int n_tilts, double max_tilt_deg);
size_t ops_volume_count(const ops_case *c);
size_t ops_sinogram_count(const ops_case *c);
/* n reproducible values of the case's mode; `signs` allows negative ones in mode 3. sei_free. */
float *ops_values(const ops_case *c, uint64_t stream, size_t n, bool signs);
float *ops_absolute(const float *from, size_t n);
double ops_max(const float *a, size_t n);
double ops_norm(const float *a, size_t n, size_t stride);

/* A buffer of n values followed by guard cells. */
sei_buffer *ops_buffer(sei_device *device, const float *values, size_t n);
/* A buffer for an output: NaN everywhere, guard cells behind. */
sei_buffer *ops_output(sei_device *device, size_t n);
/* Downloads n values, and fails when a guard cell behind them was touched. sei_free. */
float *ops_read(const ops_backend *b, sei_buffer *buffer, size_t n, const char *what);
/* Fails unless the buffer still holds the values. */
void ops_unchanged(const ops_backend *b, sei_buffer *buffer, const float *values, size_t n, const char *what);
void ops_release(sei_device *device, sei_buffer *buffer);

/* Fails, with the case and the place, unless |got - want| <= tolerance of the element. */
void ops_compare(const ops_backend *b, const ops_case *c, const char *op, size_t n, const float *got, const float *want,
                 const double *tolerance);
double *ops_doubles(size_t n, double value);

/* One operator: right results on one case; refusals; a timing. */
typedef struct ops_entry {
    const char *name;
    void (*check)(const ops_backend *backend, const ops_case *c);
    void (*refuse)(const ops_backend *backend, const ops_case *c);
    double (*bench_gigaupdates)(const ops_backend *backend, const ops_case *c, double *seconds);
} ops_entry;
#define X(op, parameters)                                            \
    void check_##op(const ops_backend *backend, const ops_case *c);  \
    void refuse_##op(const ops_backend *backend, const ops_case *c); \
    double bench_##op(const ops_backend *backend, const ops_case *c, double *seconds);
SEI_OPERATOR_LIST(X)
#undef X

double ops_now_s(void);

/* Opens every backend of this machine but ref; prints why others are absent. Returns how many. */
enum { OPS_MAX_BACKENDS = 8 };
int ops_backends(ops_backend backends[OPS_MAX_BACKENDS]);
void ops_backends_close(int n, ops_backend *backends);

#endif

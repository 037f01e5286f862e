/* See body.h. */
#include "support/body.h"

#include "support/test.h"

const sei_test_ellipse sei_test_body[SEI_TEST_ELLIPSES] = {{1.5, -2, 13, 9, 20, 1}, {5, 3, 3, 3, 0, 1.5}};

void sei_test_body_series(sei_series *out) {
    sei_test_ellipse_series(SEI_TEST_ELLIPSES, sei_test_body, SEI_TEST_NX, SEI_TEST_NY, 21, -60, 6, out);
}

void sei_test_noisy_series(double counts, sei_series *out) {
    sei_test_body_series(out);
    sei_test_count(counts, out);
}

sei_device *sei_test_cpu(void) {
    sei_device *device = NULL;
    const sei_device_options wanted = {.name = "cpu", .threads = 1};
    assert_ok(sei_device_open(&wanted, &device));
    return device;
}

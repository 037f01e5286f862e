/*
 * Claims: the emulated cuFFT gives the plain Fourier sum for rows side by side (even and odd lengths) and for images, and
 * comes back to the start times the number of values; plans are refused for the wrong direction and after their end.
 */
#include "support/card.h"

/* X[k] of one row by the plain sum. */
static void plain_transform(const std::vector<float> &in, int k, double *re, double *im) {
    const double n = (double)in.size();
    *re = *im = 0;
    for (size_t j = 0; j < in.size(); ++j) {
        *re += (double)in[j] * cos(2 * M_PI * (double)j * k / n);
        *im -= (double)in[j] * sin(2 * M_PI * (double)j * k / n);
    }
}

/* Tolerance: float transforms of n values below 1 err by less than eps*sqrt(n)*log2(n) of a spectrum of size ~sqrt(n). */
static void rows_transform_there_and_back(void **) {
    static const int lengths[] = {2, 6, 15, 40, 90, 128};
    for (int n : lengths) {
        const int batch = 3;
        int half = n / 2 + 1;
        std::vector<float> values((size_t)(n * batch));
        for (size_t i = 0; i < values.size(); ++i) values[i] = (float)sei_test_uniform((uint64_t)n, i) - 0.25F;
        float *real = to_card(values);
        cufftComplex *spectrum = room_on_card<cufftComplex>((size_t)(half * batch));
        cufftHandle forward = 0, backward = 0;
        assert_int_equal(cufftPlanMany(&forward, 1, &n, &n, batch, 1, &half, batch, 1, CUFFT_R2C, batch), CUFFT_SUCCESS);
        assert_int_equal(cufftPlanMany(&backward, 1, &n, &half, batch, 1, &n, batch, 1, CUFFT_C2R, batch), CUFFT_SUCCESS);
        assert_int_equal(cufftExecR2C(forward, real, spectrum), CUFFT_SUCCESS);
        const std::vector<cufftComplex> got = from_card(spectrum, (size_t)(half * batch));
        for (int b = 0; b < batch; ++b) {
            std::vector<float> row((size_t)n);
            for (int j = 0; j < n; ++j) row[(size_t)j] = values[(size_t)(j * batch + b)];
            for (int k = 0; k < half; ++k) {
                double re = 0, im = 0;
                plain_transform(row, k, &re, &im);
                const double tolerance = 6e-8 * n * (log2(n) + 1);
                assert_close((double)got[(size_t)(k * batch + b)].x, re, tolerance);
                assert_close((double)got[(size_t)(k * batch + b)].y, im, tolerance);
            }
        }
        assert_int_equal(cufftExecC2R(backward, spectrum, real), CUFFT_SUCCESS);
        const std::vector<float> back = from_card(real, values.size());
        for (size_t i = 0; i < values.size(); ++i) assert_close((double)back[i] / n, (double)values[i], 6e-8 * (log2(n) + 2));
        assert_int_equal(cufftExecC2R(forward, spectrum, real), CUFFT_INVALID_PLAN);
        assert_int_equal(cufftDestroy(forward), CUFFT_SUCCESS);
        assert_int_equal(cufftDestroy(backward), CUFFT_SUCCESS);
        assert_int_equal(cufftDestroy(forward), CUFFT_INVALID_PLAN);
        cudaFree(real);
        cudaFree(spectrum);
    }
}

static void images_transform_there_and_back(void **) {
    int size[2] = {10, 12}; /* rows, columns */
    const int half = size[1] / 2 + 1, n = size[0] * size[1];
    std::vector<float> values((size_t)n);
    for (size_t i = 0; i < values.size(); ++i) values[i] = (float)sei_test_uniform(77, i);
    float *real = to_card(values);
    cufftComplex *spectrum = room_on_card<cufftComplex>((size_t)(size[0] * half));
    cufftHandle forward = 0, backward = 0;
    assert_int_equal(cufftPlanMany(&forward, 2, size, nullptr, 1, 0, nullptr, 1, 0, CUFFT_R2C, 1), CUFFT_SUCCESS);
    assert_int_equal(cufftPlanMany(&backward, 2, size, nullptr, 1, 0, nullptr, 1, 0, CUFFT_C2R, 1), CUFFT_SUCCESS);
    assert_int_equal(cufftExecR2C(forward, real, spectrum), CUFFT_SUCCESS);
    const std::vector<cufftComplex> got = from_card(spectrum, (size_t)(size[0] * half));
    for (int ky = 0; ky < size[0]; ++ky) {
        for (int kx = 0; kx < half; ++kx) {
            double re = 0, im = 0;
            for (int y = 0; y < size[0]; ++y) {
                for (int x = 0; x < size[1]; ++x) {
                    const double phase = -2 * M_PI * ((double)kx * x / size[1] + (double)ky * y / size[0]);
                    re += (double)values[(size_t)(y * size[1] + x)] * cos(phase);
                    im += (double)values[(size_t)(y * size[1] + x)] * sin(phase);
                }
            }
            assert_close((double)got[(size_t)(ky * half + kx)].x, re, 6e-8 * n * 8);
            assert_close((double)got[(size_t)(ky * half + kx)].y, im, 6e-8 * n * 8);
        }
    }
    assert_int_equal(cufftExecC2R(backward, spectrum, real), CUFFT_SUCCESS);
    const std::vector<float> back = from_card(real, values.size());
    for (size_t i = 0; i < values.size(); ++i) assert_close((double)back[i] / n, (double)values[i], 6e-7);
    cufftDestroy(forward);
    cufftDestroy(backward);
    cudaFree(real);
    cudaFree(spectrum);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(rows_transform_there_and_back),
        cmocka_unit_test(images_transform_there_and_back),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}

/* For C++ tests of the emulated card: the test framework, the emulation, and vectors there and back. */
#ifndef SEI_TESTS_CARD_H
#define SEI_TESTS_CARD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

extern "C" {
#include "support/test.h"
}

#include "platform.cuh"

template <class T>
T *to_card(const std::vector<T> &values) {
    void *memory = nullptr;
    assert_int_equal(cudaMalloc(&memory, values.size() * sizeof(T)), cudaSuccess);
    assert_int_equal(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
    return static_cast<T *>(memory);
}

template <class T>
std::vector<T> from_card(T *memory, size_t n) {
    std::vector<T> values(n);
    assert_int_equal(cudaMemcpy(values.data(), memory, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
}

template <class T>
T *room_on_card(size_t n) {
    void *memory = nullptr;
    assert_int_equal(cudaMalloc(&memory, n * sizeof(T)), cudaSuccess);
    return static_cast<T *>(memory);
}

#endif

# Compiler settings that every target shares: warnings, sanitizers, hardening.
add_library(seitomo_settings INTERFACE)
target_compile_definitions(seitomo_settings INTERFACE _GNU_SOURCE)
target_compile_options(seitomo_settings INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wpointer-arith -Wvla>
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>
  # results must not depend on what the compiler contracts; kernels say fma where they mean it
  $<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off>
  $<$<COMPILE_LANGUAGE:C,CXX>:-fno-math-errno>
  $<$<COMPILE_LANGUAGE:C,CXX>:-fstack-protector-strong>)
# gcc 12 for 64-bit ARM fails with an internal error where a loop takes the fmax of converted floats. Kernels have no such loop
# and stay vectors (cmake/Rooms.cmake).
include(CheckCSourceCompiles)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(CMAKE_REQUIRED_FLAGS -O3)
  check_c_source_compiles("
    double largest(const float *a, int n) {
        double most = 0;
        for (int i = 0; i < n; ++i) most = __builtin_fmax(most, (double)a[i]);
        return most;
    }
    int main(void) { return 0; }" SEITOMO_FMAX_LOOPS_COMPILE)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT SEITOMO_FMAX_LOOPS_COMPILE)
    target_compile_options(seitomo_settings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-fno-tree-loop-vectorize>)
  endif()
endif()
if(SEITOMO_WERROR)
  target_compile_options(seitomo_settings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>)
endif()
if(SEITOMO_SANITIZE)
  target_compile_options(seitomo_settings INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${SEITOMO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g>)
  target_link_options(seitomo_settings INTERFACE $<$<LINK_LANGUAGE:C,CXX>:-fsanitize=${SEITOMO_SANITIZE}>)
  string(REPLACE "," "_" SEITOMO_SANITIZE_NAME "${SEITOMO_SANITIZE}")
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(seitomo_settings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
target_link_options(seitomo_settings INTERFACE $<$<LINK_LANGUAGE:C,CXX>:-Wl,-z,relro,-z,now>)

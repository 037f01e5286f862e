# 64-bit ARM from another Debian machine: Debian's cross compilers (gcc-aarch64-linux-gnu, g++-aarch64-linux-gnu), programs
# run under qemu-user. SEITOMO_AARCH64_ROOT may name a folder of unpacked arm64 packages (scripts/neon makes one).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SEITOMO_AARCH64_ROOT)
set(CMAKE_FIND_ROOT_PATH ${SEITOMO_AARCH64_ROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${SEITOMO_AARCH64_ROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${SEITOMO_AARCH64_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${SEITOMO_AARCH64_ROOT}/usr/share/pkgconfig")
set(CMAKE_CROSSCOMPILING_EMULATOR
    "qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${SEITOMO_AARCH64_ROOT}/usr/lib/aarch64-linux-gnu")

# The CUDA sources, built twice: by nvcc as the module for cards, and by the host compiler as the emulated module.
# Both are libraries that libseitomo loads at run time; they need nothing of libseitomo.
file(GLOB cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cuda/*.cu)
file(GLOB emulation_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cuda/emulation/*.cpp)

# ---- cards
if(SEITOMO_CUDA AND cuda_sources)
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(STATUS "nvcc not found: no CUDA module, the CPU does the work")
  endif()
endif()
if(SEITOMO_CUDA AND CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_ARCHITECTURES OFF) # flags below; the compiler test takes nvcc's default card
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  find_package(CUDAToolkit REQUIRED)

  # CMake learns of new cards later than nvcc does, so the flags are made here: 90-real, 90-virtual or 90 for both.
  set(cuda_code "")
  set(cuda_cards "")
  foreach(architecture IN LISTS SEITOMO_CUDA_ARCHITECTURES)
    string(REGEX MATCH "^([0-9]+[af]?)(-real|-virtual)?$" parts "${architecture}")
    if(NOT parts)
      message(FATAL_ERROR "SEITOMO_CUDA_ARCHITECTURES: '${architecture}' is not like 90, 90-real or 90-virtual")
    endif()
    set(number ${CMAKE_MATCH_1})
    set(kind "${CMAKE_MATCH_2}")
    if(number MATCHES "^1[0-9][0-9]" AND CUDAToolkit_VERSION VERSION_LESS 12.8)
      message(STATUS "CUDA ${CUDAToolkit_VERSION} does not know sm_${number}: left out (needs 12.8)")
      continue()
    endif()
    if(NOT kind STREQUAL "-virtual")
      list(APPEND cuda_code "SHELL:-gencode arch=compute_${number},code=sm_${number}")
      list(APPEND cuda_cards sm_${number})
    endif()
    if(NOT kind STREQUAL "-real")
      list(APPEND cuda_code "SHELL:-gencode arch=compute_${number},code=compute_${number}")
    endif()
  endforeach()

  # One translation unit: nvcc spends its time on headers and start-up, once per card and file.
  set(cuda_unit ${PROJECT_BINARY_DIR}/cuda/seitomo_cuda.cu)
  set(cuda_unit_text "/* Made by the build. */\n")
  foreach(source IN LISTS cuda_sources)
    string(APPEND cuda_unit_text "#include \"${source}\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${cuda_unit} CONTENT "${cuda_unit_text}" @ONLY)

  add_library(seitomo_cuda MODULE ${cuda_unit})
  target_include_directories(seitomo_cuda PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/cuda)
  target_link_libraries(seitomo_cuda PRIVATE CUDA::cufft)
  target_link_options(seitomo_cuda PRIVATE -Wl,-z,defs -Wl,-z,relro,-z,now)
  target_compile_definitions(seitomo_cuda PRIVATE $<$<CONFIG:Debug>:SEITOMO_DEBUG>)
  # -fmad=false: kernels say fmaf where they mean it, so that card and emulation compute the same bits
  target_compile_options(seitomo_cuda PRIVATE ${cuda_code} -fmad=false --threads 2 "SHELL:-Xptxas -v"
    "SHELL:-Xcompiler -Wall,-Wextra,-ffp-contract=off,-fstack-protector-strong")
  if(SEITOMO_WERROR)
    target_compile_options(seitomo_cuda PRIVATE "SHELL:-Werror all-warnings")
  endif()
  set_target_properties(seitomo_cuda PROPERTIES
    CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden CUDA_ARCHITECTURES OFF LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    # what ptxas says about registers and spills is kept beside the module: a test reads it
    RULE_LAUNCH_COMPILE "${CMAKE_COMMAND} -DLOG=${PROJECT_BINARY_DIR}/ptxas.log -P ${PROJECT_SOURCE_DIR}/cmake/keep_ptxas_log.cmake --")
  install(TARGETS seitomo_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  if(BUILD_TESTING)
    add_test(NAME cuda_no_spills COMMAND ${CMAKE_COMMAND} -DLOG=${PROJECT_BINARY_DIR}/ptxas.log "-DCARDS=${cuda_cards}"
      -P ${PROJECT_SOURCE_DIR}/cmake/check_ptxas_log.cmake)
    set_tests_properties(cuda_no_spills PROPERTIES LABELS cuda)
  endif()
endif()

# ---- the same sources on the processor
if(SEITOMO_CUDA_EMULATED AND cuda_sources)
  # Its own runtime is kept out of ThreadSanitizer's sight: it orders threads by what the kernels' barriers order.
  add_library(seitomo_emulation OBJECT ${emulation_sources})
  target_include_directories(seitomo_emulation PRIVATE ${PROJECT_SOURCE_DIR}/cuda)
  target_link_libraries(seitomo_emulation PUBLIC seitomo_settings Threads::Threads)
  set_target_properties(seitomo_emulation PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(SEITOMO_SANITIZE MATCHES "thread")
    set_source_files_properties(${emulation_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
    target_compile_definitions(seitomo_emulation PRIVATE SEI_EMULATION_TSAN)
  endif()
  if(KISSFFT_FOUND)
    target_link_libraries(seitomo_emulation PUBLIC PkgConfig::KISSFFT)
    target_compile_definitions(seitomo_emulation PRIVATE SEITOMO_HAVE_KISSFFT)
  endif()

  add_library(seitomo_cuda_emulated MODULE)
  foreach(source IN LISTS cuda_sources)
    get_filename_component(name ${source} NAME_WE)
    set(wrapper ${PROJECT_BINARY_DIR}/cuda/emulated_${name}.cpp)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "/* Made by the build. */\n#include \"${source}\"\n" @ONLY)
    target_sources(seitomo_cuda_emulated PRIVATE ${wrapper})
  endforeach()
  target_include_directories(seitomo_cuda_emulated PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/cuda)
  target_link_libraries(seitomo_cuda_emulated PRIVATE seitomo_emulation seitomo_settings)
  if(NOT SEITOMO_SANITIZE)
    target_link_options(seitomo_cuda_emulated PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(seitomo_cuda_emulated PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  install(TARGETS seitomo_cuda_emulated LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

# One libFuzzer program per tests/fuzz/fuzz_*.c; clang only.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE seitomo seitomo_settings PkgConfig::FILES)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()

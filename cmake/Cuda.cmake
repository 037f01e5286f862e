# The CUDA sources, built twice: by nvcc as the module for cards, and by the host compiler as the emulated module.
file(GLOB cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cuda/*.cu)

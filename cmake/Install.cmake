# cmake --install: program, library, headers, pkg-config file, recipes.
install(TARGETS seitomo LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/seitomo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/include/seitomo/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/seitomo)
if(TARGET seitomo_cli)
  install(TARGETS seitomo_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/seitomo)
endif()
# relative to the file itself, so that an installation may be moved
file(RELATIVE_PATH SEITOMO_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" SEITOMO_PC_PREFIX "${SEITOMO_PC_PREFIX}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/seitomo.pc.in ${PROJECT_BINARY_DIR}/seitomo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/seitomo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Headers, libraries, the licence, a CMake package (find_package(vknorm), then vknorm::vknorm or vknorm::runtime) and
# pkg-config files. All of it can be moved elsewhere after it was installed.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/vknorm")

set(targets vknorm)
if(VKNORM_BUILD_RUNTIME)
    list(APPEND targets vknorm_runtime)
endif()
install(TARGETS ${targets} EXPORT vknormTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/vknorm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT vknormTargets NAMESPACE vknorm:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/vknormConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/vknormConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/vknormConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/vknormConfig.cmake" "${PROJECT_BINARY_DIR}/vknormConfigVersion.cmake"
    DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/vknorm")
# Tables that the tuner wrote.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/tables" DESTINATION "${CMAKE_INSTALL_DATADIR}/vknorm")
include(VknormPkgConfig)

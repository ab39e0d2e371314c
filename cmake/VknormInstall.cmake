# Headers, libraries and a CMake package: find_package(vknorm), then vknorm::vknorm or vknorm::runtime.
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

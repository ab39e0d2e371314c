# pkg-config files beside the CMake package, for builds that are not CMake's.

# In the words of a .pc file: below its prefix, unless a packager wants a folder outside of it.
function(vknorm_pc_folder variable folder)
    if(NOT IS_ABSOLUTE "${folder}")
        set(folder "\${prefix}/${folder}")
    endif()
    set(${variable} "${folder}" PARENT_SCOPE)
endfunction()

# vknorm_install_pc(<name> DESCRIPTION <text> LIBS <flags> [REQUIRES <names>] [CFLAGS <flags>])
function(vknorm_install_pc name)
    cmake_parse_arguments(PARSE_ARGV 1 VKNORM_PC "" "DESCRIPTION;LIBS;REQUIRES;CFLAGS" "")
    set(VKNORM_PC_NAME ${name})
    vknorm_pc_folder(VKNORM_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
    vknorm_pc_folder(VKNORM_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH VKNORM_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
    set(file "${PROJECT_BINARY_DIR}/${name}.pc")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/vknorm.pc.in" "${file}" @ONLY)
    install(FILES "${file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

get_target_property(type vknorm TYPE)
set(cflags "")
if(type STREQUAL "SHARED_LIBRARY")
    set(cflags "-DVKNORM_SHARED=1")
endif()
vknorm_install_pc(vknorm DESCRIPTION "${PROJECT_DESCRIPTION}" LIBS "-lvknorm" CFLAGS "${cflags}")
# A packaged volk has no pkg-config file that could be asked for.
if(VKNORM_BUILD_RUNTIME AND NOT VKNORM_VOLK_PACKAGE)
    list(TRANSFORM CMAKE_DL_LIBS PREPEND "-l" OUTPUT_VARIABLE dl)
    vknorm_install_pc(vknorm-runtime DESCRIPTION "vknorm's standalone runtime: device, buffers, submits" REQUIRES vknorm
        LIBS "-lvknorm_runtime ${dl}")
endif()

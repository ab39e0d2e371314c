# volk, for the standalone runtime only. Where it is packaged as a library, that is linked; Debian and Ubuntu ship its
# two source files, which then become part of the runtime. Sets VKNORM_VOLK_OBJECTS and the target vknorm_volk.

add_library(vknorm_volk INTERFACE)
set(VKNORM_VOLK_OBJECTS "")
set(VKNORM_VOLK_PACKAGE OFF)
find_package(volk CONFIG QUIET)
if(TARGET volk::volk)
    set(VKNORM_VOLK_PACKAGE ON)
    target_link_libraries(vknorm_volk INTERFACE volk::volk)
else()
    find_path(VKNORM_VOLK_DIR volk.c HINTS "$ENV{VULKAN_SDK}/include" PATH_SUFFIXES volk Volk)
    if(NOT VKNORM_VOLK_DIR)
        message(FATAL_ERROR "volk not found. Debian and Ubuntu: apt-get install libvulkan-volk-dev; elsewhere: the "
            "Vulkan SDK has it, or set VKNORM_VOLK_DIR; or configure with -D VKNORM_BUILD_RUNTIME=OFF")
    endif()
    add_library(vknorm_volk_objects OBJECT "${VKNORM_VOLK_DIR}/volk.c")
    target_include_directories(vknorm_volk_objects SYSTEM PRIVATE "${VKNORM_VOLK_DIR}" "${VKNORM_VULKAN_HEADERS}")
    set_target_properties(vknorm_volk_objects PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    target_include_directories(vknorm_volk SYSTEM INTERFACE "${VKNORM_VOLK_DIR}")
    set(VKNORM_VOLK_OBJECTS $<TARGET_OBJECTS:vknorm_volk_objects>)
endif()
target_compile_definitions(vknorm_volk INTERFACE VK_NO_PROTOTYPES)

# volk, for the standalone runtime, samples and tests. Where it is packaged as a library, that is linked; Debian and Ubuntu
# ship its two source files, which then become part of the runtime, under names of its own. Sets
#   vknorm_volk                 target: volk.h, without prototypes of the loader
#   VKNORM_VOLK_OBJECTS         volk as it is, for programs that are an engine of their own
#   VKNORM_RUNTIME_VOLK_OBJECTS volk for the runtime
#   VKNORM_RUNTIME_VOLK_OPTIONS how the runtime's own sources see it

add_library(vknorm_volk INTERFACE)
set(VKNORM_VOLK_OBJECTS "")
set(VKNORM_RUNTIME_VOLK_OBJECTS "")
set(VKNORM_RUNTIME_VOLK_OPTIONS "")
set(VKNORM_VOLK_PACKAGE OFF)

# vknorm_add_volk(<target> [<compile option>...])
function(vknorm_add_volk target)
    add_library(${target} OBJECT "${VKNORM_VOLK_DIR}/volk.c")
    target_include_directories(${target} SYSTEM PRIVATE "${VKNORM_VOLK_DIR}" "${VKNORM_VULKAN_HEADERS}")
    target_compile_options(${target} PRIVATE ${ARGN})
    set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
endfunction()

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
    set(names "${PROJECT_BINARY_DIR}/vknorm_volk_names.h")
    execute_process(COMMAND "${CMAKE_COMMAND}" -D "VOLK_DIR=${VKNORM_VOLK_DIR}" -D "OUTPUT=${names}"
        -P "${CMAKE_CURRENT_LIST_DIR}/VolkNames.cmake" COMMAND_ERROR_IS_FATAL ANY)
    if(MSVC)
        set(VKNORM_RUNTIME_VOLK_OPTIONS "/FI${names}")
    else()
        set(VKNORM_RUNTIME_VOLK_OPTIONS "SHELL:-include \"${names}\"")
    endif()
    vknorm_add_volk(vknorm_volk_objects)
    vknorm_add_volk(vknorm_runtime_volk_objects "${VKNORM_RUNTIME_VOLK_OPTIONS}")
    target_include_directories(vknorm_volk SYSTEM INTERFACE "${VKNORM_VOLK_DIR}")
    set(VKNORM_VOLK_OBJECTS $<TARGET_OBJECTS:vknorm_volk_objects>)
    set(VKNORM_RUNTIME_VOLK_OBJECTS $<TARGET_OBJECTS:vknorm_runtime_volk_objects>)
endif()
target_compile_definitions(vknorm_volk INTERFACE VK_NO_PROTOTYPES)

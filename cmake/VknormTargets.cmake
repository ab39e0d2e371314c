# How our libraries are compiled. Functions, because the tests build the same sources again against other kernels.

# vknorm_add_library(<target> [STATIC|SHARED]): the engine library. VKNORM_SOURCES is set in src/CMakeLists.txt.
function(vknorm_add_library target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC;SHARED" "" "")
    set(type "")
    if(arg_STATIC)
        set(type STATIC)
    elseif(arg_SHARED)
        set(type SHARED)
    endif()
    vknorm_add_kernels(kernels)
    get_property(sources GLOBAL PROPERTY VKNORM_SOURCES)
    add_library(${target} ${type} ${sources} $<TARGET_OBJECTS:${kernels}>)
    target_compile_features(${target} PRIVATE cxx_std_20 c_std_99)
    target_include_directories(${target}
        PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
        PRIVATE "${PROJECT_SOURCE_DIR}/src" "${VKNORM_SHADER_DIR}")
    target_include_directories(${target} SYSTEM PUBLIC "$<BUILD_INTERFACE:${VKNORM_VULKAN_HEADERS}>")
    # The host's loader is the only source of Vulkan functions: without prototypes none can be called by mistake.
    target_compile_definitions(${target} PRIVATE VK_NO_PROTOTYPES VKNORM_BUILDING=1)
    vknorm_compile_options(${target})
    # Until 1.0 a minor version may change the ABI.
    set(soversion ${PROJECT_VERSION_MAJOR})
    if(soversion EQUAL 0)
        string(APPEND soversion .${PROJECT_VERSION_MINOR})
    endif()
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${soversion}
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    vknorm_list_once(${target} vknorm)
    vknorm_without_cxx_runtime(${target})
endfunction()

# vknorm_list_once(<target> <the target whose sources these are>): keeps a further copy of the same sources out of
# compile_commands.json, where clang-tidy would check each file once a copy.
function(vknorm_list_once target original)
    if(NOT target STREQUAL original)
        set_target_properties(${target} PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
    endif()
endfunction()

# The library must link into a C program, so nothing in it may need libstdc++; tests/embed checks the symbols.
function(vknorm_without_cxx_runtime target)
    if(NOT VKNORM_GNU_LIKE)
        return()
    endif()
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections
        $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY")
        target_compile_definitions(${target} PUBLIC VKNORM_SHARED=1)
        set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
        if(NOT APPLE AND NOT WIN32 AND NOT VKNORM_SANITIZE)
            target_link_options(${target} PRIVATE -Wl,-z,defs -Wl,--gc-sections)
        endif()
    endif()
endfunction()

# vknorm_add_runtime(<target> <engine library>): the standalone runtime over that engine library.
# VKNORM_RUNTIME_SOURCES is set in src/CMakeLists.txt.
function(vknorm_add_runtime target engine)
    get_property(sources GLOBAL PROPERTY VKNORM_RUNTIME_SOURCES)
    add_library(${target} STATIC ${sources} ${VKNORM_RUNTIME_VOLK_OBJECTS})
    target_compile_features(${target} PUBLIC cxx_std_17)
    target_compile_options(${target} PRIVATE "${VKNORM_RUNTIME_VOLK_OPTIONS}")
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(${target} PUBLIC ${engine} ${CMAKE_DL_LIBS} PRIVATE $<BUILD_INTERFACE:vknorm_volk>)
    if(VKNORM_VOLK_PACKAGE)
        target_link_libraries(${target} PRIVATE volk::volk)
    endif()
    vknorm_compile_options(${target})
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    vknorm_list_once(${target} vknorm_runtime)
endfunction()

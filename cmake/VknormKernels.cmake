# GLSL → SPIR-V → packed → C arrays. The modules are the rows of shaders/variants.cmake; this file is how one is built.

set(VKNORM_SHADER_DIR "${PROJECT_SOURCE_DIR}/shaders")
set(VKNORM_CONTRACTION_SCRIPT "${PROJECT_SOURCE_DIR}/cmake/ForbidContraction.cmake")
set(VKNORM_EMBED_SCRIPT "${PROJECT_SOURCE_DIR}/cmake/EmbedKernels.cmake")

# find_tool(<variable> <Debian package> <name>...)
function(vknorm_find_tool variable package)
    find_program(${variable} NAMES ${ARGN} HINTS "$ENV{VULKAN_SDK}/bin")
    if(NOT ${variable})
        message(FATAL_ERROR "${ARGN} not found. Debian and Ubuntu: apt-get install ${package}; elsewhere: install "
            "the Vulkan SDK or set ${variable}")
    endif()
endfunction()
set(VKNORM_COMPILES_KERNELS OFF)
if(NOT VKNORM_PREBUILT_KERNELS OR VKNORM_BUILD_TESTS) # tests make kernels of their own
    set(VKNORM_COMPILES_KERNELS ON)
endif()
if(VKNORM_COMPILES_KERNELS)
    vknorm_find_tool(VKNORM_GLSLANG glslang-tools glslangValidator glslang)
    vknorm_find_tool(VKNORM_SPIRV_OPT spirv-tools spirv-opt)
    vknorm_find_tool(VKNORM_SPIRV_VAL spirv-tools spirv-val)
    vknorm_find_tool(VKNORM_SPIRV_DIS spirv-tools spirv-dis)
    vknorm_find_tool(VKNORM_SPIRV_AS spirv-tools spirv-as)
endif()

# The program that packs modules runs while the library is built, so a cross build makes it with a compiler of the building
# machine.
set(VKNORM_PACKER_SOURCES "${PROJECT_SOURCE_DIR}/tools/pack_module.cpp" "${PROJECT_SOURCE_DIR}/src/device/packed_module.cpp")
function(vknorm_add_packer)
    if(CMAKE_CROSSCOMPILING)
        find_program(VKNORM_HOST_CXX NAMES c++ g++ clang++)
        if(NOT VKNORM_HOST_CXX)
            message(FATAL_ERROR "No C++ compiler of this machine itself was found, which packs the kernels: set VKNORM_HOST_CXX, "
                "or VKNORM_PREBUILT_KERNELS to the vknorm_kernels.c of another build")
        endif()
        set(packer "${PROJECT_BINARY_DIR}/kernels/pack_module")
        file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/kernels")
        add_custom_command(OUTPUT "${packer}"
            COMMAND "${VKNORM_HOST_CXX}" -std=c++17 -O2 "-I${PROJECT_SOURCE_DIR}/src" ${VKNORM_PACKER_SOURCES} -o "${packer}"
            DEPENDS ${VKNORM_PACKER_SOURCES} "${PROJECT_SOURCE_DIR}/src/device/packed_module.hpp"
            COMMENT "Compiling what packs kernels" VERBATIM)
        add_custom_target(vknorm_pack_module DEPENDS "${packer}")
    else()
        set(packer $<TARGET_FILE:vknorm_pack_module>)
        add_executable(vknorm_pack_module EXCLUDE_FROM_ALL ${VKNORM_PACKER_SOURCES})
        target_compile_features(vknorm_pack_module PRIVATE cxx_std_17)
        target_include_directories(vknorm_pack_module PRIVATE "${PROJECT_SOURCE_DIR}/src")
        vknorm_compile_options(vknorm_pack_module)
        target_compile_options(vknorm_pack_module PRIVATE $<$<BOOL:${VKNORM_GNU_LIKE}>:-O2>)
        set_target_properties(vknorm_pack_module PROPERTIES CXX_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
    endif()
    set(VKNORM_PACKER "${packer}" PARENT_SCOPE)
endfunction()
if(VKNORM_COMPILES_KERNELS)
    vknorm_add_packer()
endif()

# Functions stay functions (no -O, no inlining), so that the embedded modules stay small, and nothing is folded:
# specialisation constants must survive as written. Variables that no code mentions do go: a shared array that one
# variant does not use would otherwise count against the device's shared memory.
set(VKNORM_SPIRV_PASSES --preserve-spec-constants --strip-debug --eliminate-dead-functions --eliminate-dead-variables
    --compact-ids)

# vknorm_kernel(NAME <module> SOURCE <file> FAMILY <family> TARGET_ENV spirv1.0|spirv1.3 [DEFINES <macro=value>...]): a row of
# the table.
function(vknorm_kernel)
    cmake_parse_arguments(PARSE_ARGV 0 row "" "NAME;SOURCE;FAMILY;TARGET_ENV" "DEFINES")
    if(row_UNPARSED_ARGUMENTS OR NOT row_NAME OR NOT row_SOURCE OR NOT row_TARGET_ENV MATCHES "^spirv1\\.[03]$"
            OR NOT row_FAMILY IN_LIST VKNORM_KERNEL_FAMILIES)
        message(FATAL_ERROR "shaders/variants.cmake: bad row: ${ARGN}")
    endif()
    set(families ${row_FAMILY})
    if(row_NAME MATCHES "\\.sg$")
        list(APPEND families subgroups)
    endif()
    set_property(GLOBAL APPEND PROPERTY VKNORM_KERNELS ${row_NAME})
    set_property(GLOBAL PROPERTY VKNORM_KERNEL_${row_NAME} "${row_SOURCE};${row_TARGET_ENV};${row_DEFINES}")
    set_property(GLOBAL PROPERTY VKNORM_FAMILIES_OF_${row_NAME} "${families}")
    # What it is packed with, of the same family: its form without subgroups, or for rows that need not be aligned.
    set(like "")
    if(row_NAME MATCHES "^(.+)\\.sg$")
        set(like ${CMAKE_MATCH_1}.base)
    elseif(row_NAME MATCHES "^(.+)_aligned\\.base$")
        set(like ${CMAKE_MATCH_1}.base)
    endif()
    set_property(GLOBAL PROPERTY VKNORM_LIKE_${row_NAME} "${like}")
endfunction()
set_property(GLOBAL PROPERTY VKNORM_KERNELS "")
include("${VKNORM_SHADER_DIR}/variants.cmake")

# vknorm_kernels_of(<output variable> <family>...): the names of the modules whose families are all among these.
function(vknorm_kernels_of output)
    get_property(names GLOBAL PROPERTY VKNORM_KERNELS)
    set(chosen "")
    foreach(name IN LISTS names)
        get_property(lacking GLOBAL PROPERTY VKNORM_FAMILIES_OF_${name})
        list(REMOVE_ITEM lacking ${ARGN})
        if(NOT lacking)
            list(APPEND chosen ${name})
        endif()
    endforeach()
    set(${output} "${chosen}" PARENT_SCOPE)
endfunction()

# vknorm_add_kernels(<output variable> [FAMILIES <family>...] [DEFINES <macro=value>...]): the modules of these families
# (VKNORM_KERNELS), with those further macros, as an object library whose name the variable becomes. Sets with the same families
# and macros are one; modules lie side by side in the build tree.
function(vknorm_add_kernels output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FAMILIES;DEFINES")
    if(NOT arg_FAMILIES)
        set(arg_FAMILIES ${VKNORM_KERNELS})
    endif()
    set(set plain)
    if(arg_DEFINES)
        string(MAKE_C_IDENTIFIER "${arg_DEFINES}" set)
    endif()
    string(MAKE_C_IDENTIFIER "${set}_${arg_FAMILIES}" id)
    set(target vknorm_kernels_${id})
    set(${output} ${target} PARENT_SCOPE)
    if(TARGET ${target})
        return()
    endif()
    set(dir "${PROJECT_BINARY_DIR}/kernels/${set}")
    set(embedded "${PROJECT_BINARY_DIR}/kernels/${id}/vknorm_kernels.c")
    if(VKNORM_PREBUILT_KERNELS AND NOT arg_DEFINES)
        set(embedded "${VKNORM_PREBUILT_KERNELS}")
    else()
        vknorm_add_modules("${dir}" ${arg_DEFINES})
        vknorm_kernels_of(names ${arg_FAMILIES})
        list(TRANSFORM names REPLACE "(.+)" "${dir}/\\1.packed" OUTPUT_VARIABLE modules)
        set(likes "")
        foreach(name IN LISTS names)
            get_property(like GLOBAL PROPERTY VKNORM_LIKE_${name})
            string(APPEND likes "${name}=${like},")
        endforeach()
        string(REPLACE ";" "," families "${arg_FAMILIES}")
        string(REPLACE ";" "," names "${names}")
        add_custom_command(OUTPUT "${embedded}"
            COMMAND "${CMAKE_COMMAND}" -D "DIR=${dir}" -D "NAMES=${names}" -D "LIKES=${likes}" -D "FAMILIES=${families}"
                -D "OUTPUT=${embedded}" -P "${VKNORM_EMBED_SCRIPT}"
            DEPENDS ${modules} "${VKNORM_EMBED_SCRIPT}"
            COMMENT "Embedding kernels (${set}: ${families})" VERBATIM)
    endif()
    add_library(${target} OBJECT "${embedded}")
    target_include_directories(${target} PRIVATE "${VKNORM_SHADER_DIR}")
    set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    vknorm_compile_options(${target})
endfunction()

# How each module of the table is built in that folder; once for a folder and a directory of the tree, to which such rules belong.
function(vknorm_add_modules dir)
    get_property(known DIRECTORY PROPERTY VKNORM_MODULE_FOLDERS)
    if("${dir}" IN_LIST known)
        return()
    endif()
    set_property(DIRECTORY APPEND PROPERTY VKNORM_MODULE_FOLDERS "${dir}")
    file(MAKE_DIRECTORY "${dir}")
    get_property(names GLOBAL PROPERTY VKNORM_KERNELS)
    foreach(name IN LISTS names)
        get_property(row GLOBAL PROPERTY VKNORM_KERNEL_${name})
        list(POP_FRONT row source env)
        vknorm_add_module("${dir}" ${name} ${source} ${env} ${row} ${ARGN})
    endforeach()
endfunction()

# One module: compile, tidy, forbid contraction (an element must have the same bits in every pipeline), validate, pack. The
# depfile makes an edited include rebuild exactly what includes it.
function(vknorm_add_module dir name source env)
    set(vulkan_spirv1.0 vulkan1.0)
    set(vulkan_spirv1.3 vulkan1.1)
    set(assembler_spirv1.0 spv1.0)
    set(assembler_spirv1.3 spv1.3)
    list(TRANSFORM ARGN PREPEND -D OUTPUT_VARIABLE defines)
    set(spv "${dir}/${name}.spv")
    set(likes "")
    get_property(like GLOBAL PROPERTY VKNORM_LIKE_${name})
    while(like)
        list(APPEND likes "${dir}/${like}.spv")
        get_property(like GLOBAL PROPERTY VKNORM_LIKE_${like})
    endwhile()
    add_custom_command(OUTPUT "${spv}" "${dir}/${name}.packed"
        COMMAND "${VKNORM_GLSLANG}" -V --quiet --target-env ${vulkan_${env}} "-I${VKNORM_SHADER_DIR}/include" ${defines}
            --depfile "${spv}.d" -o "${spv}" "${VKNORM_SHADER_DIR}/${source}"
        COMMAND "${VKNORM_SPIRV_OPT}" --target-env=${vulkan_${env}} ${VKNORM_SPIRV_PASSES} "${spv}" -o "${spv}"
        COMMAND "${CMAKE_COMMAND}" -D "MODULE=${spv}" -D TARGET_ENV=${assembler_${env}} -D "DIS=${VKNORM_SPIRV_DIS}"
            -D "AS=${VKNORM_SPIRV_AS}" -P "${VKNORM_CONTRACTION_SCRIPT}"
        COMMAND "${VKNORM_SPIRV_VAL}" --target-env ${vulkan_${env}} "${spv}"
        COMMAND "${VKNORM_PACKER}" "${dir}/${name}.packed" "${spv}" ${likes}
        DEPENDS "${VKNORM_SHADER_DIR}/${source}" "${VKNORM_CONTRACTION_SCRIPT}" vknorm_pack_module
            ${VKNORM_PACKER_SOURCES} ${likes}
        DEPFILE "${spv}.d"
        COMMENT "Kernel ${name}" VERBATIM)
endfunction()

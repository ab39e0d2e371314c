# GLSL → SPIR-V → C arrays. The modules are the rows of shaders/variants.cmake; this file is how one is built.

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
vknorm_find_tool(VKNORM_GLSLANG glslang-tools glslangValidator glslang)
vknorm_find_tool(VKNORM_SPIRV_OPT spirv-tools spirv-opt)
vknorm_find_tool(VKNORM_SPIRV_VAL spirv-tools spirv-val)
vknorm_find_tool(VKNORM_SPIRV_DIS spirv-tools spirv-dis)
vknorm_find_tool(VKNORM_SPIRV_AS spirv-tools spirv-as)

# Functions stay functions (no -O, no inlining), so that the embedded modules stay small, and nothing is folded:
# specialisation constants must survive as written. Variables that no code mentions do go: a shared array that one
# variant does not use would otherwise count against the device's shared memory.
set(VKNORM_SPIRV_PASSES --preserve-spec-constants --strip-debug --eliminate-dead-functions --eliminate-dead-variables
    --compact-ids)

# vknorm_kernel(NAME <module> SOURCE <file> TARGET_ENV spirv1.0|spirv1.3 [DEFINES <macro=value>...]): a row of the table.
function(vknorm_kernel)
    cmake_parse_arguments(PARSE_ARGV 0 row "" "NAME;SOURCE;TARGET_ENV" "DEFINES")
    if(row_UNPARSED_ARGUMENTS OR NOT row_NAME OR NOT row_SOURCE OR NOT row_TARGET_ENV MATCHES "^spirv1\\.[03]$")
        message(FATAL_ERROR "shaders/variants.cmake: bad row: ${ARGN}")
    endif()
    set_property(GLOBAL APPEND PROPERTY VKNORM_KERNELS ${row_NAME})
    set_property(GLOBAL PROPERTY VKNORM_KERNEL_${row_NAME} "${row_SOURCE};${row_TARGET_ENV};${row_DEFINES}")
endfunction()
set_property(GLOBAL PROPERTY VKNORM_KERNELS "")
include("${VKNORM_SHADER_DIR}/variants.cmake")

# vknorm_add_kernels(<output variable> [<macro=value>...]): every module, with those further macros, as an object
# library whose name the variable becomes. Sets with the same macros are one; they lie side by side in the build tree.
function(vknorm_add_kernels output)
    set(set plain)
    if(ARGN)
        string(MAKE_C_IDENTIFIER "${ARGN}" set)
    endif()
    set(target vknorm_kernels_${set})
    set(${output} ${target} PARENT_SCOPE)
    if(TARGET ${target})
        return()
    endif()
    set(dir "${PROJECT_BINARY_DIR}/kernels/${set}")
    file(MAKE_DIRECTORY "${dir}")
    get_property(names GLOBAL PROPERTY VKNORM_KERNELS)
    set(modules "")
    set(manifest "")
    foreach(name IN LISTS names)
        get_property(row GLOBAL PROPERTY VKNORM_KERNEL_${name})
        list(POP_FRONT row source env)
        vknorm_add_module("${dir}" ${name} ${source} ${env} ${row} ${ARGN})
        list(APPEND modules "${dir}/${name}.spv")
        string(APPEND manifest "${name}\n")
    endforeach()
    file(GENERATE OUTPUT "${dir}/modules.txt" CONTENT "${manifest}")
    add_custom_command(OUTPUT "${dir}/vknorm_kernels.c"
        COMMAND "${CMAKE_COMMAND}" -D "DIR=${dir}" -P "${VKNORM_EMBED_SCRIPT}"
        DEPENDS ${modules} "${dir}/modules.txt" "${VKNORM_EMBED_SCRIPT}"
        COMMENT "Embedding kernels (${set})" VERBATIM)
    add_library(${target} OBJECT "${dir}/vknorm_kernels.c")
    target_include_directories(${target} PRIVATE "${VKNORM_SHADER_DIR}")
    set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    vknorm_compile_options(${target})
endfunction()

# One module: compile, tidy, forbid contraction (an element must have the same bits in every pipeline), validate. The
# depfile makes an edited include rebuild exactly what includes it.
function(vknorm_add_module dir name source env)
    set(vulkan_spirv1.0 vulkan1.0)
    set(vulkan_spirv1.3 vulkan1.1)
    set(assembler_spirv1.0 spv1.0)
    set(assembler_spirv1.3 spv1.3)
    list(TRANSFORM ARGN PREPEND -D OUTPUT_VARIABLE defines)
    set(spv "${dir}/${name}.spv")
    add_custom_command(OUTPUT "${spv}"
        COMMAND "${VKNORM_GLSLANG}" -V --quiet --target-env ${vulkan_${env}} "-I${VKNORM_SHADER_DIR}/include" ${defines}
            --depfile "${spv}.d" -o "${spv}" "${VKNORM_SHADER_DIR}/${source}"
        COMMAND "${VKNORM_SPIRV_OPT}" --target-env=${vulkan_${env}} ${VKNORM_SPIRV_PASSES} "${spv}" -o "${spv}"
        COMMAND "${CMAKE_COMMAND}" -D "MODULE=${spv}" -D TARGET_ENV=${assembler_${env}} -D "DIS=${VKNORM_SPIRV_DIS}"
            -D "AS=${VKNORM_SPIRV_AS}" -P "${VKNORM_CONTRACTION_SCRIPT}"
        COMMAND "${VKNORM_SPIRV_VAL}" --target-env ${vulkan_${env}} "${spv}"
        DEPENDS "${VKNORM_SHADER_DIR}/${source}" "${VKNORM_CONTRACTION_SCRIPT}"
        DEPFILE "${spv}.d"
        COMMENT "Kernel ${name}" VERBATIM)
endfunction()

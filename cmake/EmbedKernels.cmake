# cmake -D DIR=<folder of modules> -D NAMES=<names, by commas> -D LIKES=<name>=<the module it was packed with, or nothing>,...
# -D FAMILIES=<for messages> -D OUTPUT=<C file>
# -P EmbedKernels.cmake: DIR/<name>.spv are the modules, DIR/<name>.packed what tools/pack_module.cpp made of them. A CMake
# script, so that building needs no interpreter besides CMake itself.

string(REPLACE "," ";" names "${NAMES}")
set(arrays "")
set(table "")
set(everything "")
set(count 0)
foreach(name IN LISTS names)
    file(READ "${DIR}/${name}.spv" hex HEX)
    string(APPEND everything "${name}:${hex};")
    file(READ "${DIR}/${name}.packed" hex HEX)
    string(LENGTH "${hex}" length)
    math(EXPR size "${length} / 2")
    string(REGEX REPLACE "(................................)" "\\1\n" body "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," body "${body}")
    string(APPEND arrays "static const uint8_t module${count}[${size}] = {\n${body}};\n")
    set(like 0)
    if("${LIKES}" MATCHES "(^|,)${name}=([^,]+),")
        list(FIND names "${CMAKE_MATCH_2}" index)
        if(index EQUAL -1)
            message(FATAL_ERROR "${name} was packed with ${CMAKE_MATCH_2}, which is not among ${NAMES}")
        endif()
        set(like "&vkn_kernels[${index}]")
    endif()
    string(APPEND table "    {\"${name}\", module${count}, ${size}u, ${like}},\n")
    math(EXPR count "${count} + 1")
endforeach()
string(SHA256 hash "${everything}")
string(SUBSTRING "${hash}" 0 16 hash)
file(WRITE "${OUTPUT}"
"/* Generated from shaders/ by cmake/EmbedKernels.cmake. */
#include \"vknorm_kernels.h\"

${arrays}
const VknKernelModule vkn_kernels[] = {
${table}};
const uint32_t vkn_kernelCount = ${count}u;
const uint64_t vkn_kernelHash = UINT64_C(0x${hash});
const char vkn_kernelFamilies[] = \"${FAMILIES}\";
")

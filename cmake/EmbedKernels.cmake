# cmake -D DIR=<folder of modules> -D NAMES=<names, by commas> -D FAMILIES=<for messages> -D OUTPUT=<C file>
# -P EmbedKernels.cmake: DIR/<name>.spv are the modules. A CMake script, so that building needs no interpreter besides CMake
# itself.

string(REPLACE "," ";" names "${NAMES}")
set(arrays "")
set(table "")
set(everything "")
set(count 0)
foreach(name IN LISTS names)
    file(READ "${DIR}/${name}.spv" hex HEX)
    string(LENGTH "${hex}" length)
    math(EXPR rest "${length} % 8")
    string(SUBSTRING "${hex}" 0 8 magic)
    if(rest OR NOT magic STREQUAL "03022307")
        message(FATAL_ERROR "${DIR}/${name}.spv is not a little-endian SPIR-V module")
    endif()
    math(EXPR words "${length} / 8")
    string(APPEND everything "${name}:${hex};")
    string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," body "${hex}")
    string(REGEX REPLACE "(0x[^x]*x[^x]*x[^x]*x[^x]*x[^x]*x[^x]*x[^x]*x[^,]*,)" "\\1\n" body "${body}")
    string(APPEND arrays "static const uint32_t module${count}[${words}] = {\n${body}};\n")
    string(APPEND table "    {\"${name}\", module${count}, ${words}u},\n")
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

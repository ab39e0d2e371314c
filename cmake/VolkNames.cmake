# cmake -D VOLK_DIR=<folder of volk.h> -D OUTPUT=<header> -P VolkNames.cmake: writes a header of macros that give every global
# name of volk the prefix vknorm_.
#
# volk's functions are global variables with the names of Vulkan's functions. Inside the standalone runtime they would be taken
# for the loader's functions by a program that links that, and would be one with the volk of a program that has its own.
file(STRINGS "${VOLK_DIR}/volk.h" lines REGEX "^extern PFN_vk|volk[A-Z][A-Za-z]*\\(|^struct VolkDeviceTable")
string(REGEX MATCHALL "extern PFN_(vk[A-Za-z0-9]+)|(volk[A-Z][A-Za-z]*)\\(" names "${lines}")
list(TRANSFORM names REPLACE "extern PFN_|\\(" "")
list(REMOVE_DUPLICATES names)
list(LENGTH names count)
if(count LESS 100)
    message(FATAL_ERROR "${VOLK_DIR}/volk.h declares only ${count} functions")
endif()
set(text "/* Generated from volk.h by cmake/VolkNames.cmake. */\n")
foreach(name IN LISTS names)
    string(APPEND text "#define ${name} vknorm_${name}\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")

# The target vknorm_sizes: how large the library is, stripped, with which families of kernels. Each is linked as a shared
# library of the same objects; nothing is compiled twice but the table of kernels.
if(NOT VKNORM_GNU_LIKE OR APPLE OR VKNORM_PREBUILT_KERNELS)
    return()
endif()

set(choices "forward" "forward,subgroups" "forward,training,subgroups" "forward,backward,training"
    "forward,backward,training,subgroups")
set(files "")
set(targets "")
foreach(choice IN LISTS choices)
    string(REPLACE "," ";" families "${choice}")
    vknorm_add_kernels(kernels FAMILIES ${families})
    string(MAKE_C_IDENTIFIER "vknorm_size_${choice}" target)
    add_library(${target} SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:vknorm> $<TARGET_OBJECTS:${kernels}>)
    # Of the kernels' objects alone: they are made for the main library only where that has the same families.
    set_target_properties(${kernels} PROPERTIES EXCLUDE_FROM_ALL ON)
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C
        LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/sizes")
    target_link_options(${target} PRIVATE -Wl,--gc-sections)
    list(APPEND targets ${target})
    list(APPEND files "${choice}=$<TARGET_FILE:${target}>")
endforeach()
string(REPLACE ";" "|" files "${files}")
add_custom_target(vknorm_sizes
    COMMAND "${CMAKE_COMMAND}" -D "STRIP=${CMAKE_STRIP}" -D "FILES=${files}" -P "${PROJECT_SOURCE_DIR}/cmake/PrintSizes.cmake"
    DEPENDS ${targets} VERBATIM)

# Options, and what every target of ours is compiled with. Nothing here reaches a consumer: all of it is PRIVATE.

if(CMAKE_SOURCE_DIR STREQUAL PROJECT_SOURCE_DIR)
    set(VKNORM_TOP_LEVEL ON)
else()
    set(VKNORM_TOP_LEVEL OFF)
endif()

option(VKNORM_BUILD_TESTS "Build the tests" ${VKNORM_TOP_LEVEL})
option(VKNORM_BUILD_SAMPLES "Build the samples" ${VKNORM_TOP_LEVEL})
option(VKNORM_BUILD_RUNTIME "Build the standalone runtime (needs volk); samples and GPU tests use it" ${VKNORM_TOP_LEVEL})
option(VKNORM_INSTALL "Generate the install target" ${VKNORM_TOP_LEVEL})
option(VKNORM_WERROR "Treat warnings in our own targets as errors" OFF)
# Most of the library's size is kernels; the target vknorm_sizes prints how much each family is. Plans that need one which is
# left out fail to be created, by name.
#   forward    every operation and placement; cannot be left out
#   backward   gradients
#   training   the statistics of BatchNorm's training
#   subgroups  the forms with subgroup arithmetic of all of them; without them, shared memory alone
set(VKNORM_KERNEL_FAMILIES forward backward training subgroups)
set(VKNORM_KERNELS "${VKNORM_KERNEL_FAMILIES}" CACHE STRING "Families of kernels in the library")
set(VKNORM_PREBUILT_KERNELS "" CACHE FILEPATH
    "A vknorm_kernels.c that another build made: for cross builds, and machines without shader compilers")
set(VKNORM_SANITIZE "" CACHE STRING "Sanitizers for our own targets: address,undefined or thread")

if((VKNORM_BUILD_SAMPLES OR VKNORM_BUILD_TESTS) AND NOT VKNORM_BUILD_RUNTIME)
    message(FATAL_ERROR "VKNORM_BUILD_SAMPLES and VKNORM_BUILD_TESTS need VKNORM_BUILD_RUNTIME")
endif()

set(unknown ${VKNORM_KERNELS})
list(REMOVE_ITEM unknown ${VKNORM_KERNEL_FAMILIES})
if(unknown OR NOT "forward" IN_LIST VKNORM_KERNELS)
    message(FATAL_ERROR "VKNORM_KERNELS '${VKNORM_KERNELS}': forward, and any of ${VKNORM_KERNEL_FAMILIES}")
endif()
set(left_out ${VKNORM_KERNEL_FAMILIES})
list(REMOVE_ITEM left_out ${VKNORM_KERNELS})
if((VKNORM_BUILD_SAMPLES OR VKNORM_BUILD_TESTS) AND left_out)
    message(FATAL_ERROR "VKNORM_KERNELS without ${left_out}: samples and tests need all families")
endif()

if(VKNORM_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
if(VKNORM_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# Android 15 has devices whose pages are of 16 KiB; a library that is aligned for less is not loaded there.
if(ANDROID)
    add_link_options(-Wl,-z,max-page-size=16384)
endif()

set(VKNORM_GNU_LIKE OFF)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL "MSVC")
    set(VKNORM_GNU_LIKE ON)
endif()

# vknorm_compile_options(<target>): warnings and sanitizers of one of our own targets.
function(vknorm_compile_options target)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /permissive- /utf-8)
        if(VKNORM_WERROR)
            target_compile_options(${target} PRIVATE /WX)
        endif()
    elseif(VKNORM_GNU_LIKE)
        target_compile_options(${target} PRIVATE
            -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion -Wcast-qual
            -Wcast-align -Wformat=2 -Wundef -Wimplicit-fallthrough
            $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
            $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
                -Wextra-semi -Wmissing-declarations>)
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
            target_compile_options(${target} PRIVATE -Wlogical-op -Wduplicated-cond
                $<$<COMPILE_LANGUAGE:CXX>:-Wsuggest-override>)
        endif()
        if(VKNORM_WERROR)
            target_compile_options(${target} PRIVATE -Werror)
        endif()
        if(VKNORM_SANITIZE)
            target_compile_options(${target} PRIVATE -fsanitize=${VKNORM_SANITIZE} -fno-sanitize-recover=all
                -fno-omit-frame-pointer -g1)
            # A static library hands its link flags on, since a program that links it needs the sanitizer's runtime.
            target_link_options(${target} PUBLIC $<BUILD_INTERFACE:-fsanitize=${VKNORM_SANITIZE}>)
        endif()
    endif()
endfunction()

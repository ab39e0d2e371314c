# cmake -D FROM=package|subdirectory|fetchcontent -D SOURCE= -D BUILD= -D CONFIG= -D GENERATOR= -D C_COMPILER= -D CXX_COMPILER=
# -D WORK= [-D OPTIONS=] -P consume.cmake: builds and runs consumer/ in the folder WORK, over the sources or over what BUILD
# installs, which is moved to another place before it is used.

file(REMOVE_RECURSE "${WORK}")
set(installed_config "")
if(GENERATOR MATCHES "Multi-Config|Visual Studio|Xcode")
    set(installed_config --config "${CONFIG}")
elseif(NOT FROM STREQUAL "package") # which compiles the library again: quickly, for once
    set(CONFIG Debug)
endif()
set(configure -G "${GENERATOR}" "-DCMAKE_C_COMPILER=${C_COMPILER}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
    "-DCMAKE_BUILD_TYPE=${CONFIG}" "-DVKNORM_FROM=${FROM}" "-DVKNORM_SAMPLES=${SOURCE}/samples" ${OPTIONS})

# Every kind of file that an install has.
function(check_installed prefix)
    file(GLOB_RECURSE files RELATIVE "${prefix}" "${prefix}/*")
    foreach(wanted "^include/vknorm/vknorm\\.h$" "^include/vknorm/vknorm\\.hpp$" "vknorm\\.(a|so|dylib|lib)$"
            "/cmake/vknorm/vknormConfig\\.cmake$" "/cmake/vknorm/vknormTargets\\.cmake$" "/pkgconfig/vknorm\\.pc$" "/LICENSE$"
            "^share/vknorm/tables/.*\\.txt$")
        set(found ${files})
        list(FILTER found INCLUDE REGEX "${wanted}")
        if(NOT found)
            message(FATAL_ERROR "nothing installed is ${wanted}; there is:\n${files}")
        endif()
    endforeach()
    # Text that names where it was built or installed first would be wrong elsewhere.
    list(FILTER files INCLUDE REGEX "\\.(cmake|pc)$")
    foreach(file IN LISTS files)
        file(STRINGS "${prefix}/${file}" lines REGEX "(${WORK}|${SOURCE}|${BUILD})/")
        if(lines)
            message(FATAL_ERROR "${file} cannot be moved: ${lines}")
        endif()
    endforeach()
endfunction()

# With a C compiler and pkg-config alone.
function(check_pkg_config prefix)
    find_program(pkg_config pkg-config)
    file(GLOB_RECURSE file "${prefix}/*/vknorm.pc")
    if(NOT pkg_config)
        message("SKIPPED: no pkg-config on this machine")
        return()
    endif()
    get_filename_component(folder "${file}" DIRECTORY)
    set(ENV{PKG_CONFIG_PATH} "${folder}")
    execute_process(COMMAND "${pkg_config}" --cflags --libs vknorm OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(flags UNIX_COMMAND "${flags}")
    get_filename_component(libraries "${folder}" DIRECTORY)
    execute_process(COMMAND "${C_COMPILER}" -std=c99 -Wall -Wextra -Wpedantic -Werror "${CMAKE_CURRENT_LIST_DIR}/consumer/main.c"
        -o "${WORK}/pkg_config_program" ${flags} "-Wl,-rpath,${libraries}" COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${WORK}/pkg_config_program" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(FROM STREQUAL "package")
    execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" ${installed_config} --prefix "${WORK}/first"
        COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
    file(RENAME "${WORK}/first" "${WORK}/moved")
    check_installed("${WORK}/moved")
    check_pkg_config("${WORK}/moved")
    list(APPEND configure "-DCMAKE_PREFIX_PATH=${WORK}/moved")
else()
    list(APPEND configure "-DVKNORM_SOURCE=${SOURCE}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${WORK}/build" ${configure}
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" --config "${CONFIG}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" -C "${CONFIG}" --output-on-failure --no-tests=error
    WORKING_DIRECTORY "${WORK}/build" COMMAND_ERROR_IS_FATAL ANY)

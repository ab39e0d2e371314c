# cmake -D MODE=package|subdirectory -D SOURCE= -D BUILD= -D CONFIG= -D GENERATOR= -D C_COMPILER= -D CXX_COMPILER= -D WORK=
# -P consume.cmake: builds and runs consumer/ in the folder WORK, over what BUILD installs or over the sources.

file(REMOVE_RECURSE "${WORK}/installed" "${WORK}/build")
set(options -G "${GENERATOR}" "-DCMAKE_C_COMPILER=${C_COMPILER}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
    "-DCMAKE_BUILD_TYPE=${CONFIG}")
if(MODE STREQUAL "package")
    execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${WORK}/installed"
        COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
    list(APPEND options "-DCMAKE_PREFIX_PATH=${WORK}/installed")
else()
    list(APPEND options "-DVKNORM_SOURCE=${SOURCE}" -DBUILD_SHARED_LIBS=ON)
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${WORK}/build" ${options}
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" --config "${CONFIG}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" -C "${CONFIG}" --output-on-failure --no-tests=error
    WORKING_DIRECTORY "${WORK}/build" COMMAND_ERROR_IS_FATAL ANY)

# cmake -D VIEWER=<samples/vendor_compare/viewer> -D WORK=<folder> -P without_node.cmake: where Node is missing, or npm ci
# fails, the build goes on with a header that says so.
function(vknorm_expect what expected)
    file(REMOVE_RECURSE "${WORK}")
    file(MAKE_DIRECTORY "${WORK}")
    execute_process(COMMAND "${CMAKE_COMMAND}" ${ARGN} -D "SOURCE=${VIEWER}" -D "WORK=${WORK}" -D "HEADER=${WORK}/page.h"
        -P "${VIEWER}/BuildViewer.cmake" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${what}: the build fails: ${output}")
    endif()
    file(READ "${WORK}/page.h" header)
    if(NOT header MATCHES "kViewerMissing\\[\\] = \"${expected}\"")
        message(FATAL_ERROR "${what}: the header does not say '${expected}': ${header}")
    endif()
endfunction()

vknorm_expect("no Node" "CMake found no Node" -D "MISSING=CMake found no Node" -D NODE= -D NPM=)
# cmake takes no command called ci, and so fails as npm does without a network.
vknorm_expect("no packages" "npm ci failed when it was built" -D MISSING= -D "NODE=${CMAKE_COMMAND}" -D "NPM=${CMAKE_COMMAND}")

# The page of reports: bundled by Node from viewer/, and put into a header. Without Node, or where its packages cannot be had,
# the header says so, and vknorm_compare writes all kinds of reports but pages.
set(VKNORM_VIEWER_DIR "${CMAKE_CURRENT_LIST_DIR}")
option(VKNORM_VIEWER "Build the page of vknorm_compare's reports, where Node 18 or later and npm are found" ON)
find_program(VKNORM_NODE NAMES node nodejs DOC "Node, which bundles the page of reports")
find_program(VKNORM_NPM NAMES npm npm.cmd DOC "npm, which fetches what the page of reports is bundled with")

# vknorm_add_viewer(<target> <header>): the header among the sources of a target.
function(vknorm_add_viewer target header)
    set(node "")
    set(missing "")
    if(NOT VKNORM_VIEWER)
        set(missing "it was configured with VKNORM_VIEWER=OFF")
    elseif(NOT VKNORM_NODE)
        set(missing "CMake found no Node")
    elseif(NOT VKNORM_NPM)
        set(missing "CMake found no npm")
    else()
        execute_process(COMMAND "${VKNORM_NODE}" --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE
            ERROR_QUIET)
        string(REGEX REPLACE "^v" "" version "${version}")
        if(version VERSION_LESS 18)
            set(missing "Node is version '${version}', and at least 18 is needed")
        else()
            set(node "${VKNORM_NODE}")
        endif()
    endif()
    if(missing)
        message(STATUS "vendor_compare: no page for reports: ${missing}")
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${VKNORM_VIEWER_DIR}/src/*" "${VKNORM_VIEWER_DIR}/*.json"
        "${VKNORM_VIEWER_DIR}/*.mjs")
    add_custom_command(OUTPUT "${header}"
        COMMAND "${CMAKE_COMMAND}" -D "NODE=${node}" -D "NPM=${VKNORM_NPM}" -D "MISSING=${missing}"
            -D "SOURCE=${VKNORM_VIEWER_DIR}" -D "WORK=${CMAKE_CURRENT_BINARY_DIR}/viewer" -D "HEADER=${header}"
            -P "${VKNORM_VIEWER_DIR}/BuildViewer.cmake"
        DEPENDS ${sources} "${VKNORM_VIEWER_DIR}/BuildViewer.cmake"
        COMMENT "Page of reports" VERBATIM)
    target_sources(${target} PRIVATE "${header}")
endfunction()

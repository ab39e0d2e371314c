# cmake -D NODE=<program or nothing> -D NPM=<program> -D MISSING=<why there is none> -D SOURCE=<viewer/> -D WORK=<folder>
# -D HEADER=<file> -P BuildViewer.cmake: fetches packages as package-lock.json has them, bundles, writes the header. Whatever
# fails is said, and written into the header: it fails no build.
set(missing "${MISSING}")
set(page "${WORK}/report.html")
file(REMOVE "${page}")

# vknorm_try(<what it is> <command>...): `missing` says so where it fails.
function(vknorm_try what)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${WORK}" TIMEOUT 300 RESULT_VARIABLE result
        OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(WARNING "${what} failed (${result}); reports will have no page:\n${output}")
        set(missing "${what} failed when it was built" PARENT_SCOPE)
    endif()
endfunction()

if(NOT missing)
    file(MAKE_DIRECTORY "${WORK}")
    file(SHA256 "${SOURCE}/package-lock.json" lock)
    set(stamp "${WORK}/node_modules/.vknorm-${lock}")
    if(NOT EXISTS "${stamp}")
        configure_file("${SOURCE}/package.json" "${WORK}/package.json" COPYONLY)
        configure_file("${SOURCE}/package-lock.json" "${WORK}/package-lock.json" COPYONLY)
        vknorm_try("npm ci" "${NPM}" ci --ignore-scripts --no-audit --no-fund --fetch-retries 1
            --fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 2000)
        if(NOT missing)
            file(TOUCH "${stamp}")
        endif()
    endif()
endif()
if(NOT missing)
    vknorm_try("node build.mjs" "${NODE}" "${SOURCE}/build.mjs" "${WORK}/node_modules" "${page}")
endif()

set(bytes "")
if(NOT missing)
    file(READ "${page}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
else()
    set(bytes "0")
endif()
file(WRITE "${HEADER}"
"/* Generated from samples/vendor_compare/viewer by BuildViewer.cmake. */
static const char kViewerMissing[] = \"${missing}\"; /* why there is no page; empty where there is one */
static const unsigned char kViewerPage[] = {
${bytes}};
")

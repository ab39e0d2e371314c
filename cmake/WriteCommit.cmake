# cmake -D SOURCE=<folder> -D HEADER=<file> -P WriteCommit.cmake: the commit that a folder is at, as a header; "unknown"
# where it is no git checkout. The file stays as it is where nothing changed.
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    set(commit unknown)
endif()
set(text "#define VKNORM_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS "${HEADER}")
    file(READ "${HEADER}" old)
endif()
if(NOT text STREQUAL old)
    file(WRITE "${HEADER}" "${text}")
endif()

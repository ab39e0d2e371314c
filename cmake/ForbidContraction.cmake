# cmake -D MODULE=<file.spv> -D TARGET_ENV=<env> -D DIS=<spirv-dis> -D AS=<spirv-as> -P ForbidContraction.cmake:
# decorates every floating-point operation of a module NoContraction, which is what `precise` on every expression means.
# glslang follows `precise` through functions in time and memory that grow exponentially, so it is done here instead.

execute_process(COMMAND "${DIS}" --raw-id --no-header --no-indent "${MODULE}" OUTPUT_VARIABLE text
    COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n%[0-9]+ = Op(FAdd|FSub|FMul|FDiv|FRem|FMod|FNegate|VectorTimesScalar|Dot) " results "\n${text}")
set(decorations "")
foreach(result IN LISTS results)
    string(REGEX MATCH "%[0-9]+" id "${result}")
    set(line "OpDecorate ${id} NoContraction\n")
    string(FIND "${text}" "${line}" at)
    if(at EQUAL -1)
        string(APPEND decorations "${line}")
    endif()
endforeach()
string(FIND "${text}" "\nOpDecorate " at)
if(at EQUAL -1)
    message(FATAL_ERROR "${MODULE}: no decorations to add to")
endif()
math(EXPR at "${at} + 1")
string(SUBSTRING "${text}" 0 ${at} head)
string(SUBSTRING "${text}" ${at} -1 tail)
file(WRITE "${MODULE}.asm" "${head}${decorations}${tail}")
execute_process(COMMAND "${AS}" --preserve-numeric-ids --target-env ${TARGET_ENV} "${MODULE}.asm" -o "${MODULE}"
    COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE "${MODULE}.asm")

#!/bin/bash
# check_msl.sh MODULES-FOLDER FAULT-TESTS: every module of the library, and modules as the library specialises them before a driver
# sees them, through spirv-cross to the Metal Shading Language, as MoltenVK does it. Checks what has gone wrong there with others:
#
#   subgroup reductions become simd_... operations, one for one, and modules without subgroups have none
#   no array's length depends on a specialisation constant
#   no two arguments of a kernel are the same buffer
#
# Nothing compiles the result: Apple's compiler is on Apple's systems alone. Exits 77 without spirv-cross.
set -euo pipefail
modules=$1 fault_tests=$2
command -v spirv-cross > /dev/null || { echo "SKIPPED: no spirv-cross here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 reductions=0

fail() { echo "FAILED: $1: $2"; exit 1; }

# What the SPIR-V has, in MSL's words.
expected_simd() {
    spirv-dis "$1" | grep -oE 'OpGroupNonUniform[A-Za-z]+' |
        sed -E 's/OpGroupNonUniform(FAdd|IAdd)$/simd_sum/; s/OpGroupNonUniform[FSU]Max$/simd_max/; s/OpGroupNonUniform[FSU]Min$/simd_min/' |
        sort || true
}

# Arrays whose length is no plain constant.
specialised_lengths() {
    spirv-dis --raw-id "$1" | awk '
        $3 ~ /^OpSpecConstant/ { special[$1] = 1 }
        $3 == "OpTypeArray" && special[$5] { print }'
}

check() { # MODULE
    local name msl=$work/module.metal simd lengths buffers
    name=$(basename "$1")
    spirv-cross --msl --msl-version 20100 "$1" --output "$msl" || fail "$name" "spirv-cross does not translate it"
    simd=$(grep -oE '\bsimd_[a-z_]+ *\(' "$msl" | tr -d ' (' | sort || true)
    [ "$simd" = "$(expected_simd "$1")" ] || fail "$name" "subgroup operations $(expected_simd "$1") became $simd"
    lengths=$(specialised_lengths "$1")
    [ -z "$lengths" ] || fail "$name" "the length of an array depends on a constant: $lengths"
    ! grep -q SPIRV_CROSS_CONSTANT_ID "$msl" || fail "$name" "a constant became a macro, which Metal cannot set"
    buffers=$(grep -E '^kernel void' "$msl" | grep -oE '\[\[buffer\([0-9]+\)\]\]' | sort | uniq -d)
    [ -z "$buffers" ] || fail "$name" "two arguments are $buffers"
    count=$((count + 1)) reductions=$((reductions + $(grep -c . <<< "$simd" || true)))
}

for module in "$modules"/*.spv; do check "$module"; done
[ $count -gt 10 ] || fail "$modules" "only $count modules"
from_table=$count
VKNORM_DUMP_MODULES=$work "$fault_tests" --gtest_filter='*Fault.NothingFails/Pushed' > /dev/null
for module in "$work"/*.spv; do check "$module"; done
[ $count -gt $((from_table + 10)) ] || fail "$fault_tests" "only $((count - from_table)) specialised modules"
[ $reductions -gt 0 ] || fail "$modules" "no subgroup reduction at all"
echo "$from_table modules and $((count - from_table)) specialised ones, $reductions reductions of subgroups"

#!/bin/bash
# check_headers.sh INCLUDE-FOLDER VULKAN-INCLUDE-FOLDER: each public header compiled by itself, in every language version that
# it promises, pedantically, with gcc and with clang. A compiler that is not there is named; one must be.
set -euo pipefail
include=$1 vulkan=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

# check COMPILER LANGUAGE VERSION HEADER: twice, so that its include guard is seen at work
check() {
    printf '#include <vknorm/%s>\n#include <vknorm/%s>\n' "$4" "$4" > "$work/header"
    "$1" -x "$2" "-std=$3" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" -idirafter "$vulkan" "$work/header" ||
        { echo "FAILED: $4 as $3 with $1"; exit 1; }
    count=$((count + 1))
}

for compilers in "gcc g++" "clang clang++"; do
    read -r c cxx <<< "$compilers"
    command -v "$c" "$cxx" > /dev/null || { echo "NOT COVERED: no $c here"; continue; }
    for version in c99 c11; do check "$c" c $version vknorm.h; done
    for version in c++17 c++20; do
        for header in vknorm.h vknorm.hpp runtime.hpp; do check "$cxx" c++ $version "$header"; done
    done
done
[ $count -gt 0 ] || { echo "no compiler found"; exit 1; }
echo "$count combinations of header, language and compiler"

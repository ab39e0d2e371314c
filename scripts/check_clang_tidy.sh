#!/bin/bash
# check_clang_tidy.sh BUILD-FOLDER: clang-tidy 14 over libraries, samples and tests, with the compile commands of that
# build. Exits 77 where that version is not installed: each version warns differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?build folder}
tool=$(command -v clang-tidy-14 || command -v clang-tidy || true)
[[ -n $tool && $("$tool" --version) == *"version 14."* ]] || { echo "SKIPPED: no clang-tidy 14 here"; exit 77; }
[ -s "$build/compile_commands.json" ] || { echo "SKIPPED: $build has no compile_commands.json"; exit 77; }
# Without gcc's precompiled headers, which clang cannot read, and without -O, which would have to be the same for its own.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sed -E 's/ -O[0-3s]//g; s/ -Winvalid-pch//; s/ -include [^ ]*cmake_pch\.hxx//' "$build/compile_commands.json" > "$scratch/compile_commands.json"
# Reading GoogleTest is most of the time that a test takes, so tests have what they all include precompiled;
# check_includes.sh sees that they do include it. Without a clang of clang-tidy's version they go without.
precompiled=()
compiler=$(command -v clang++-14 || command -v clang++ || true)
if [[ -n $compiler && $("$compiler" --version) == *"version 14."* ]]; then
    # The macro is what CMake says of GoogleTest.
    "$compiler" -x c++-header -std=c++20 -DGTEST_HAS_PTHREAD=1 tests/precompiled.hpp -o "$scratch/precompiled.pch"
    precompiled=(--extra-arg-before=-include-pch "--extra-arg-before=$scratch/precompiled.pch")
fi

# check [OPTION...]: each file of the standard input, as many at once as there are processors. The build may be gcc's, with
# warnings that clang does not know. Clang counts what it suppresses in other people's headers; that is left out.
check() {
    xargs -0 -r -n 1 -P "$(nproc)" "$tool" -p "$scratch" --quiet --extra-arg=-Wno-unknown-warning-option "$@" 2>&1 |
        { grep -vE '^[0-9]+ warnings? generated' || true; }
}
tests=(tests/unit tests/gpu tests/fault tests/compare)
find src samples tests tools -name '*.cpp' -not -regex "\(${tests[0]}\|${tests[1]}\|${tests[2]}\|${tests[3]}\)/.*" -print0 | check
find "${tests[@]}" -name '*.cpp' -print0 | check "${precompiled[@]}"

#!/bin/bash
# check_clang_tidy.sh BUILD-FOLDER: clang-tidy 14 over libraries, samples and tests, with the compile commands of that
# build. Exits 77 where that version is not installed: each version warns differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?build folder}
tool=$(command -v clang-tidy-14 || command -v clang-tidy || true)
[[ -n $tool && $("$tool" --version) == *"version 14."* ]] || { echo "SKIPPED: no clang-tidy 14 here"; exit 77; }
[ -s "$build/compile_commands.json" ] || { echo "SKIPPED: $build has no compile_commands.json"; exit 77; }
# Without gcc's precompiled headers, so that each file is also seen to include what it uses.
commands=$(mktemp -d)
trap 'rm -rf "$commands"' EXIT
sed -E 's/ -Winvalid-pch//; s/ -include [^ ]*cmake_pch\.hxx//' "$build/compile_commands.json" > "$commands/compile_commands.json"
# The build may be gcc's, with warnings that clang does not know. Clang counts what it suppresses in other people's
# headers; that is left out.
find src samples tests tools -name '*.cpp' -print0 |
    xargs -0 -r -n 1 -P "$(nproc)" "$tool" -p "$commands" --quiet --extra-arg=-Wno-unknown-warning-option 2>&1 |
    { grep -vE '^[0-9]+ warnings? generated' || true; }

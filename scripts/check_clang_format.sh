#!/bin/bash
# Fails when a C or C++ source is not as clang-format 14 writes it; "check_clang_format.sh fix" rewrites them. Exits 77
# where that version is not installed: each version formats differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tool=$(command -v clang-format-14 || command -v clang-format || true)
[[ -n $tool && $("$tool" --version) == *"version 14."* ]] || { echo "SKIPPED: no clang-format 14 here"; exit 77; }
mode=(--dry-run --Werror)
[ "${1:-}" != fix ] || mode=(-i)
find include src samples tests tools shaders \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) -print0 |
    xargs -0 -r "$tool" "${mode[@]}" || { echo "scripts/check_clang_format.sh fix rewrites them"; exit 1; }

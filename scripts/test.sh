#!/bin/bash
# The whole test suite from a fresh clone: installs what is missing (apt; sudo when not root), fetches the software
# drivers that tests use, builds, and runs everything; ctest's summary comes last. Arguments go to ctest (-R, -L, ...).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

step() { printf '\n== %s (%ds)\n' "$1" "$SECONDS"; }

build() { # PRESET [OPTION...]
    local preset=$1
    shift
    mkdir -p build
    cmake --preset "$preset" "$@" > "build/$preset.log" 2>&1 || { cat "build/$preset.log"; return 1; }
    ! grep -A 3 'CMake Warning' "build/$preset.log" || true
    cmake --build --preset "$preset"
}

need_to_build
need_to_run
need_to_test
need_to_check_style
install_needed
step "drivers"
scripts/fetch_test_drivers.sh
step "build"
build test
step "build with sanitizers"
# With the same kernels, which need not be made again.
kernels=$PWD/build/test/kernels/plain_forward_backward_training_subgroups/vknorm_kernels.c
build asan "-DVKNORM_PREBUILT_KERNELS=$kernels"
build tsan "-DVKNORM_PREBUILT_KERNELS=$kernels"
step "drivers covered"
scripts/run_on_drivers.sh -l
step "tests"
ctest --test-dir build/test -j 2 --output-on-failure --no-tests=error "$@"

#!/bin/bash
# run_preset_tests.sh PRESET: the tests of that preset's build, for example asan. Exits 77 when it has not been built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/${1:?preset}
[ -x "$build/bin/vknorm_gpu_tests" ] || {
    echo "SKIPPED: not built: cmake --preset $1 && cmake --build --preset $1"
    exit 77
}
exec ctest --test-dir "$build" -L '^(unit|report|fault|gpu)$' --output-on-failure --no-tests=error

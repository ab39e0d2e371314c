#!/bin/bash
# test_windows.sh [-k KERNELS] [-r] BUILD-FOLDER: cross-builds libraries and samples for Windows x64 with mingw-w64, warnings being
# errors, and checks what they import. Exits 77 where there is no mingw-w64.
#
#   -k  the vknorm_kernels.c of another build, which saves compiling the shaders again
#   -r  builds unit and fault tests too, and runs them and engine_frame under Wine: needs wine64, and xvfb for Vulkan
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernels='' run=''
while getopts 'k:r' option; do
    case $option in
        k) kernels=$OPTARG ;;
        r) run=1 ;;
        *) sed -n '2,6p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=${1:?build folder}
command -v x86_64-w64-mingw32-g++-posix > /dev/null || { echo "SKIPPED: no mingw-w64 here (g++-mingw-w64-x86-64-posix)"; exit 77; }
wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2> /dev/null || true)
[ -z "$run" ] || [ -n "$wine" ] || { echo "SKIPPED: no Wine here (wine64)"; exit 77; }

samples="hello_norm record_norm engine_frame fused_blocks norm_gradients"
targets="vknorm vknorm_runtime $samples"
[ -z "$run" ] || targets+=" vknorm_unit_tests vknorm_fault_tests"
cmake -S "$here/.." -B "$build" -G Ninja -D CMAKE_BUILD_TYPE=Debug -D VKNORM_WERROR=ON \
    -D "CMAKE_TOOLCHAIN_FILE=$here/../cmake/toolchains/mingw-w64.cmake" -D "VKNORM_PREBUILT_KERNELS=$kernels" \
    -D "VKNORM_BUILD_TESTS=${run:-0}" -D VKNORM_GTEST_SOURCE="${run:+/usr/src/googletest}"
# shellcheck disable=SC2086 # a list of words
cmake --build "$build" --target $targets

# Whatever is imported must be on every Windows; the Vulkan loader is looked for at run time.
for sample in $samples; do
    libraries=$(x86_64-w64-mingw32-objdump -p "$build/bin/$sample.exe" | awk '/DLL Name/ { print $3 }')
    others=$(grep -vixE 'KERNEL32\.dll|msvcrt\.dll|api-ms-win-.*' <<< "$libraries" || true)
    [ -z "$others" ] || { echo "FAILED: $sample.exe imports $others"; exit 1; }
done
echo "Windows x64: libraries and $(wc -w <<< "$samples") samples built"
[ -n "$run" ] || exit 0

export WINEPREFIX=${WINEPREFIX:-$(realpath "$build")/wine} WINEDEBUG=-all
"$wine" "$build/bin/vknorm_unit_tests.exe"
"$wine" "$build/bin/vknorm_fault_tests.exe" --gtest_filter='-*EveryVulkanCall*:*EveryAllocation*' # of which Wine makes minutes
command -v xvfb-run > /dev/null || { echo "NOT COVERED: Vulkan under Wine needs a display (xvfb)"; exit 0; }
xvfb-run -a "$here/with_driver.sh" lavapipe-sg8 none "$wine" "$build/bin/engine_frame.exe" --frames 10

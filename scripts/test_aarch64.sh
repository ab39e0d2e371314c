#!/bin/bash
# test_aarch64.sh [-k KERNELS] BUILD-FOLDER: cross-builds for 64-bit Arm Linux, warnings being errors, and runs the tests labelled
# quick by qemu on that machine's own software driver. Exits 77 where compiler, qemu or driver cannot be had.
#
#   -k  the vknorm_kernels.c of another build, which saves compiling the shaders again
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/drivers.sh
. "$here/lib/drivers.sh"

kernels=''
while getopts 'k:' option; do
    case $option in
        k) kernels=$OPTARG ;;
        *) sed -n '2,5p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=${1:?build folder}
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
command -v aarch64-linux-gnu-g++ > /dev/null || { echo "SKIPPED: no compiler here (g++-aarch64-linux-gnu)"; exit 77; }
[ -n "$qemu" ] || { echo "SKIPPED: no qemu here (qemu-user-static)"; exit 77; }
[ -d /usr/src/googletest ] || { echo "SKIPPED: no sources of GoogleTest here (googletest)"; exit 77; }
"$here/fetch_test_drivers.sh" aarch64
root=$driver_dir/aarch64
[ -s "$root/version" ] || { echo "SKIPPED: no driver for 64-bit Arm"; exit 77; }

cmake -S "$here/.." -B "$build" -G Ninja -D CMAKE_BUILD_TYPE=Release -D VKNORM_WERROR=ON -D VKNORM_BUILD_TESTS=ON \
    -D "CMAKE_TOOLCHAIN_FILE=$here/../cmake/toolchains/aarch64-linux-gnu.cmake" -D "VKNORM_PREBUILT_KERNELS=$kernels" \
    -D VKNORM_GTEST_SOURCE=/usr/src/googletest -D "CMAKE_CROSSCOMPILING_EMULATOR=$qemu;-L;$root"
cmake --build "$build" --target vknorm_unit_tests vknorm_fault_tests record_norm engine_frame norm_gradients

# Its driver aborts on some 16-bit conversions of GLSL's, which the library does not use.
echo "on $(cat "$root/version"), $("$qemu" --version | head -1)"
export VK_DRIVER_FILES=$root/usr/share/vulkan/icd.d/lvp_icd.aarch64.json VK_LOADER_LAYERS_DISABLE='~implicit~'
export VK_ICD_FILENAMES=$VK_DRIVER_FILES LP_NATIVE_VECTOR_WIDTH=128
ctest --test-dir "$build" -L quick --output-on-failure --no-tests=error

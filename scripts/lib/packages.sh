# shellcheck shell=bash
# Making sure that what a script needs is there. Sourced by the scripts beside this folder.

# need WHAT PACKAGE WHY: notes the package down when it is not installed. Where there is no dpkg, WHAT is looked for
# instead: a command, a file, or lib:NAME, a shared library.
missing_packages=() missing_reasons=()
need() {
    if command -v dpkg-query > /dev/null; then
        dpkg-query -W -f '${Status}\n' "$2" 2> /dev/null | grep -q 'install ok installed' && return 0
    else
        present "$1" && return 0
    fi
    missing_packages+=("$2")
    missing_reasons+=("$2: $3")
}

present() {
    case $1 in
        lib:*) ldconfig -p 2> /dev/null | grep -qF "${1#lib:}" ;;
        /*) [ -e "$1" ] ;;
        *) command -v "$1" > /dev/null ;;
    esac
}

# install_needed: installs what need() noted down, through apt where there is apt; elsewhere says what to install.
install_needed() {
    [ ${#missing_packages[@]} != 0 ] || return 0
    local root=()
    if ! command -v apt-get > /dev/null; then
        echo "Not a Debian or Ubuntu system. Going on, but these (by their Debian names) seem to be missing:"
        printf '  %s\n' "${missing_reasons[@]}"
        return 0
    fi
    if [ "$(id -u)" != 0 ]; then
        root=(sudo)
        command -v sudo > /dev/null || { echo "Run as root: apt-get install ${missing_packages[*]}"; return 1; }
    fi
    echo "Installing:"
    printf '  %s\n' "${missing_reasons[@]}"
    "${root[@]}" apt-get -qq update || echo "warning: apt-get update failed; trying with the indexes that are there"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
        "${missing_packages[@]}" > /dev/null
}

need_to_build() {
    need g++ g++ "compiler"
    need cmake cmake "build system"
    need ninja ninja-build "build system"
    need glslangValidator glslang-tools "compiles the shaders"
    need spirv-opt spirv-tools "optimises and validates the shaders"
    need /usr/include/vulkan/vulkan_core.h libvulkan-dev "Vulkan headers"
    need /usr/include/volk.h libvulkan-volk-dev "Vulkan loader of the standalone runtime"
}

need_to_run() {
    need lib:libvulkan.so.1 libvulkan1 "finds Vulkan drivers"
    need /usr/share/vulkan/icd.d mesa-vulkan-drivers "drivers for AMD, Intel and more, and a software driver"
}

need_to_test() {
    need /usr/include/gtest/gtest.h libgtest-dev "test framework"
    need /usr/include/CLI/CLI.hpp libcli11-dev "command lines of samples and tests"
    need /usr/include/nlohmann/json.hpp nlohmann-json3-dev "result files"
    need /usr/include/fmt/core.h libfmt-dev "text output"
    need vulkaninfo vulkan-tools "names the drivers in the summary"
    need /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json vulkan-validationlayers "validation"
    need /usr/include/benchmark/benchmark.h libbenchmark-dev "benchmark of what the library costs the host"
    need nm binutils "checks the library's symbols"
    need clang clang "checks the headers, beside gcc"
    need pkg-config pkg-config "finds the installed library"
    need spirv-cross spirv-cross "translates the shaders for Apple's systems"
    need x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix "cross-builds for Windows"
    need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu "cross-builds for 64-bit Arm"
    need qemu-aarch64-static qemu-user-static "runs what was cross-built"
    need /usr/src/googletest/CMakeLists.txt googletest "test framework, for cross builds"
    need node nodejs "bundles the page of reports"
    # Packages of Node from elsewhere have npm in them.
    command -v npm > /dev/null || need npm npm "fetches what the page of reports is bundled with"
    ! is_debian || need chromium-headless-shell chromium-headless-shell "opens the page of reports"
}

is_debian() { [ "$(. /etc/os-release 2> /dev/null && echo "${ID:-}")" = debian ]; }

# Each version of these tools judges differently, so only systems that have this one are asked to install it.
need_to_check_style() {
    local release
    release=$(. /etc/os-release 2> /dev/null && echo "${ID:-} ${VERSION_ID:-}")
    case $release in
        "debian 12" | "ubuntu 22.04" | "ubuntu 24.04")
            need clang-format-14 clang-format-14 "checks how the sources are formatted"
            need clang-tidy-14 clang-tidy-14 "checks the sources for faults" ;;
    esac
}

#!/bin/bash
# Fetches the drivers and the validation layer that tests use besides the installed ones, into a folder of their own:
#
#   lavapipe/     a newer Mesa's software driver, from this release's backports, with the libraries it needs
#   swiftshader/  SwiftShader, the low-limit device   } both are
#   validation/   a newer Khronos validation layer    } in chromium-common
#   aarch64/      if asked for: loader and software driver of this release for 64-bit Arm, with all that they need, for qemu
#
# Usage: fetch_test_drivers.sh [-f] [PART...], the first three parts if none is named.
#
# Nothing is installed. Run again it fetches only what is missing (-f: everything again). A part that cannot be had is
# reported, and tests on it are then skipped loudly. Debian only: elsewhere all are reported missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/drivers.sh
. "$here/lib/drivers.sh"

say() { echo "fetch_test_drivers: $*"; }

# The Debian mirrors that this machine's apt uses, a line "URI RELEASE" each. Asked in a form that needs neither root
# nor downloaded indexes.
mirrors() {
    apt-get update --print-uris 2>/dev/null |
        sed -nE "s|^'(.*)/dists/($codename(-security)?)/InRelease'.*|\1 \2|p" | sort -u
}

# An apt configuration beside the system's: same mirrors and proxy, backports added, no system file touched.
private_apt() {
    local apt=$1 uri release key=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/none"
    mirrors | while read -r uri release; do
        echo "deb [signed-by=$key] $uri $release main"
        [[ $release == *-security ]] || echo "deb [signed-by=$key] $uri $release-backports main"
    done > "$apt/sources.list"
    [ -s "$apt/sources.list" ] || { say "apt has no Debian mirror configured"; return 1; }
    {
        echo "Dir::Etc::parts \"$apt/none\"; Dir::Etc::sourceparts \"$apt/none\"; Dir::Etc::preferencesparts \"$apt/none\";"
        echo "Dir::Etc::sourcelist \"$apt/sources.list\"; Dir::Etc::preferences \"$apt/none/preferences\";"
        echo "Dir::State \"$apt/state\"; Dir::State::status \"/var/lib/dpkg/status\"; Dir::Cache \"$apt/cache\";"
        echo "Acquire::Languages \"none\"; Acquire::Retries \"3\"; APT::Install-Recommends \"false\";"
        echo "APT::Sandbox::User \"\";"
        apt-config dump | grep -E '^Acquire::https?::' || true
    } > "$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf
    update_indexes "$apt"
}

# A mirror frozen in time serves indexes past their Valid-Until date: that check alone is then given up, signatures
# stay checked. Other failures may concern a source that is not needed, so they only warn.
update_indexes() {
    local apt=$1
    apt-get -qq update > "$apt/log" 2>&1 && return 0
    if grep -qE 'expired|not valid anymore' "$apt/log"; then
        say "the mirror's indexes are past their Valid-Until date; going on without the date check"
        echo 'Acquire::Check-Valid-Until "false";' >> "$apt/apt.conf"
        apt-get -qq update > "$apt/log" 2>&1 && return 0
    fi
    say "warning: apt-get update: $(grep -E '^[EW]:' "$apt/log" | head -1)"
}

# unpack FOLDER DEB...: replaces FOLDER
unpack() {
    local folder=$1 deb; shift
    rm -rf "$folder"; mkdir -p "$folder"
    for deb in "$@"; do dpkg-deb -x "$deb" "$folder"; done
}

icd_json() { # LIBRARY API_VERSION
    printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "%s"}}\n' "$1" "$2"
}

# copy_closure TREE LIBRARY FOLDER: the library and those of its dependencies that the unpacked tree has
copy_closure() {
    local tree=$1 library path file
    library=$(find "$tree" -name "$2" | head -1)
    path=$(find "$tree" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
    LD_LIBRARY_PATH=$path ldd "$library" > "$tree.ldd" || { say "$2 is not in the package"; return 1; }
    ! grep -F 'not found' "$tree.ldd" || { say "$2 lacks the libraries above"; return 1; }
    cp "$library" "$3/"
    awk '$2 == "=>" { print $1, $3 }' "$tree.ldd" | while read -r file path; do
        [[ $path != "$tree"/* ]] || cp -L "$path" "$3/$file"
    done
}

fetch_lavapipe() {
    local work=$1 to=$2 version
    version=$(apt-cache -q=0 madison mesa-vulkan-drivers 2>/dev/null |
        awk -F' *[|] *' -v s=" $codename-backports/" 'index($3, s) { print $2; exit }')
    [ -n "$version" ] || { say "$codename-backports has no mesa-vulkan-drivers"; return 1; }
    # Only what this machine lacks is downloaded: the driver itself and newer libraries, LLVM above all.
    apt-get -qq -y --download-only -t "$codename-backports" --reinstall install mesa-vulkan-drivers \
        > "$work/log" 2>&1 || { say "$(tail -1 "$work/log")"; return 1; }
    unpack "$work/new" "$work"/apt/cache/archives/*.deb
    rm -f "$work"/apt/cache/archives/*.deb
    mkdir -p "$work/out"
    copy_closure "$work/new" libvulkan_lvp.so "$work/out" || return 1
    icd_json "$to/libvulkan_lvp.so" 1.4.0 > "$work/out/icd.json"
    echo "Mesa $version" > "$work/out/version"
}

# chromium-common is downloaded once for both of its parts.
chromium() {
    local work=$1
    [ -d "$work/chromium" ] && return 0
    (cd "$work" && apt-get -qq download chromium-common > "$work/log" 2>&1) ||
        { say "$(tail -1 "$work/log")"; return 1; }
    unpack "$work/chromium" "$work"/chromium-common_*.deb
}

chromium_version() { basename "$1"/chromium-common_*.deb | cut -d_ -f2; }

fetch_swiftshader() {
    local work=$1 to=$2
    chromium "$work" || return 1
    mkdir -p "$work/out"
    cp "$work/chromium/usr/lib/chromium/libvk_swiftshader.so" "$work/out/" || return 1
    icd_json "$to/libvk_swiftshader.so" 1.3.0 > "$work/out/icd.json"
    echo "of Chromium $(chromium_version "$work")" > "$work/out/version"
}

fetch_validation() {
    local work=$1 to=$2
    chromium "$work" || return 1
    mkdir -p "$work/out"
    cp "$work/chromium/usr/lib/chromium/libVkLayer_khronos_validation.so" "$work/out/" || return 1
    sed "s|@LIBRARY@|$to/libVkLayer_khronos_validation.so|" "$here/lib/validation_layer.json.in" \
        > "$work/out/VkLayer_khronos_validation.json"
    echo "of Chromium $(chromium_version "$work")" > "$work/out/version"
}

# The same release for another machine, in which nothing is installed yet: everything is downloaded.
fetch_aarch64() {
    local work=$1 apt=$1/apt-arm64
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/none"
    : > "$apt/status"
    sed "s|$work/apt/|$apt/|g; s|Dir::State::status \"[^\"]*\"|Dir::State::status \"$apt/status\"|; s|\"$work/apt\"|\"$apt\"|" \
        "$work/apt/apt.conf" > "$apt/apt.conf"
    echo 'APT::Architecture "arm64"; APT::Architectures { "arm64"; };' >> "$apt/apt.conf"
    cp "$work/apt/sources.list" "$apt/"
    (
        export APT_CONFIG=$apt/apt.conf
        update_indexes "$apt"
        apt-get -qq -y --download-only install libvulkan1 mesa-vulkan-drivers libstdc++6 > "$work/log" 2>&1
    ) || { say "$(tail -1 "$work/log")"; return 1; }
    unpack "$work/out" "$apt"/cache/archives/*.deb
    [ -e "$work/out/usr/lib/aarch64-linux-gnu/libvulkan_lvp.so" ] || { say "no lavapipe in the packages"; return 1; }
    echo "Mesa $(basename "$apt"/cache/archives/mesa-vulkan-drivers_*.deb | cut -d_ -f2)" > "$work/out/version"
    rm -rf "$apt" "$work"/out/usr/share/{doc,man,locale,zoneinfo}
}

# A part appears in its place only when complete.
fetch() {
    local part=$1 work=$2 to=$driver_dir/$1
    rm -rf "$work/out"
    if "fetch_$part" "$work" "$to" && [ -s "$work/out/version" ]; then
        rm -rf "$to"; mv "$work/out" "$to"
    else
        say "MISSING: $part could not be fetched; tests on it will be skipped"
    fi
}

main() {
    local part parts missing=() work
    [ "${1:-}" != -f ] || { rm -rf "${driver_dir:?}"/{lavapipe,swiftshader,validation,aarch64}; shift; }
    parts=("$@")
    [ $# != 0 ] || parts=(lavapipe swiftshader validation)
    for part in "${parts[@]}"; do
        [ -s "$driver_dir/$part/version" ] || missing+=("$part")
    done
    if [ ${#missing[@]} != 0 ]; then
        codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
        if ! command -v apt-get > /dev/null || ! grep -qE '^ID=debian' /etc/os-release; then
            say "MISSING: ${missing[*]}: fetched on Debian only; tests on them will be skipped"
        else
            mkdir -p "$driver_dir"
            work=$(mktemp -d "$driver_dir/.work.XXXXXX")
            # shellcheck disable=SC2064 # the name is known now
            trap "rm -rf '$work'" EXIT
            if private_apt "$work/apt"; then
                for part in "${missing[@]}"; do fetch "$part" "$work"; done
            fi
        fi
    fi
    for part in "${parts[@]}"; do
        say "$part: $(cat "$driver_dir/$part/version" 2>/dev/null || echo MISSING)"
    done
}
main "$@"

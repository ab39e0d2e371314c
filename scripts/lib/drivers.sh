# shellcheck shell=bash
# Reading a driver list (tests/drivers.txt describes the format) and setting a program's environment for one of its
# lines. Sourced by the scripts beside this folder.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
driver_dir=$(realpath -m "${VKNORM_DRIVER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/vknorm/drivers}")
# shellcheck disable=SC2034 # for the scripts that source this file
driver_list=$repository/tests/drivers.txt

# driver_lines FILE: the list without comments, "id found-by validation environment..."
driver_lines() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# driver_line FILE ID
driver_line() { driver_lines "$1" | awk -v id="$2" '$1 == id' | head -1; }

# installed_manifest KIND NAME: the first NAME*.json in the folders where the loader looks for KIND (icd.d, ...)
installed_manifest() {
    local folder file folders=() data
    IFS=: read -ra data <<< "${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
    for folder in "${XDG_CONFIG_HOME:-$HOME/.config}" /etc/xdg /etc "${XDG_DATA_HOME:-$HOME/.local/share}" "${data[@]}" \
        ${VULKAN_SDK:+"$VULKAN_SDK/etc" "$VULKAN_SDK/share"}; do
        folders+=("$folder/vulkan/$1")
    done
    for folder in "${folders[@]}"; do
        for file in "$folder/$2"*.json; do
            [ -e "$file" ] && { echo "$file"; return 0; }
        done
    done
    return 1
}

# driver_manifest FOUND-BY: prints the driver's manifest; fails when the driver is not there
driver_manifest() {
    case $1 in
        default) ;;
        system:*) installed_manifest icd.d "${1#system:}" ;;
        side:*) [ -e "$driver_dir/${1#side:}/icd.json" ] && echo "$driver_dir/${1#side:}/icd.json" ;;
        *) [ -e "$1" ] && realpath "$1" ;;
    esac
}

# validation_available packaged|new|none
validation_available() {
    case $1 in
        none) ;;
        packaged) installed_manifest explicit_layer.d VkLayer_khronos_validation > /dev/null ;;
        new) [ -e "$driver_dir/validation/VkLayer_khronos_validation.json" ] ;;
        *) echo "validation '$1': must be none, packaged or new" >&2; return 1 ;;
    esac
}

# prepend VARIABLE FOLDER: to a colon-separated path
prepend() { export "$1=$2${!1:+:${!1}}"; }

# use_driver FOUND-BY [NAME=VALUE...]: sets the environment; fails when the driver is missing
use_driver() {
    local manifest found=$1; shift
    manifest=$(driver_manifest "$found") || return 1
    if [ -n "$manifest" ]; then
        # The second name is what loaders before 1.3.207 read.
        export VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
    fi
    # A side driver's own libraries (LLVM, ...) lie beside it.
    [[ $found != side:* ]] || prepend LD_LIBRARY_PATH "$(dirname "$manifest")"
    # Overlays and recorders that somebody has installed are no part of what is tested.
    export VK_LOADER_LAYERS_DISABLE='~implicit~'
    # shellcheck disable=SC2163 # NAME=VALUE words
    [ $# = 0 ] || export "$@"
}

# use_validation none|packaged|new: fails when the layer is missing
use_validation() {
    validation_available "$1" || return 1
    [ "$1" != none ] || return 0
    export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VKNORM_VALIDATION=$1
    export VK_LAYER_SETTINGS_PATH=$repository/tests/validation/$1.txt
    [ "$1" != new ] || export VK_LAYER_PATH=$driver_dir/validation
}

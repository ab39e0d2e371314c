#!/bin/bash
# run_on_android.sh [-s SERIAL] [-o FOLDER] PROGRAM [ARGS...]: runs a program on an Android device through adb. It is pushed into a
# folder of its own, run there, what it writes into the folder results/ is fetched into FOLDER, and everything is removed again,
# whatever happens. The exit status is the program's; 77 where there is no adb or no device.
#
#   -s  which device, where there are several (adb devices)
#   -o  where results go (default: results.android)
#
# Build the program with: cmake --preset android && cmake --build --preset android
set -euo pipefail

usage() { sed -n '2,10p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2; }
serial='' output=results.android
while getopts 's:o:h' option; do
    case $option in
        s) serial=$OPTARG ;;
        o) output=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
program=$1; shift
[ -f "$program" ] || { echo "run_on_android: $program: no such program" >&2; exit 2; }
adb=${ADB:-adb}
command -v "$adb" > /dev/null || { echo "SKIPPED: no adb here"; exit 77; }

device() { "$adb" ${serial:+-s "$serial"} "$@" < /dev/null; }

choose_device() {
    local found
    found=$("$adb" devices | awk 'NR > 1 && $2 == "device" { print $1 }')
    if [ -z "$serial" ]; then
        [ -n "$found" ] || { echo "SKIPPED: adb sees no device"; exit 77; }
        [ "$(wc -l <<< "$found")" = 1 ] || { echo "several devices, choose with -s:"; echo "$found"; exit 2; }
        serial=$found
    fi
    grep -qxF "$serial" <<< "$found" || { echo "device $serial is not there; adb sees: ${found:-none}"; exit 2; }
}

# Words for the device's shell.
quoted() { local word; for word in "$@"; do printf " '%s'" "${word//\'/\'\\\'\'}"; done; }

run() { # PROGRAM ARGS...: the status comes as text, since adb's own is lost on older devices
    local name=$1 status; shift
    # What does not begin with the marker is the program's own.
    status=$(device shell "cd $folder && chmod 755 './$name' && mkdir -p results && './$name'$(quoted "$@"); status=\$?; echo; echo vknorm-status=\$status" |
        tr -d '\r' | tee >(grep -v '^vknorm-status=' >&3) | sed -n 's/^vknorm-status=//p' | tail -1)
    [ -n "$status" ] || { echo "run_on_android: the connection was lost" >&2; return 2; }
    return "$status"
}

main() {
    local status=0 name
    choose_device
    name=$(basename "$program")
    folder=/data/local/tmp/vknorm.$$
    trap 'device shell "rm -rf $folder" > /dev/null 2>&1 || true' EXIT
    trap 'exit 130' INT TERM
    echo "device: $(device shell getprop ro.product.model | tr -d '\r'), Android $(device shell getprop ro.build.version.release | tr -d '\r')"
    device shell "mkdir -p $folder"
    device push "$program" "$folder/$name" > /dev/null || { echo "run_on_android: adb push failed" >&2; exit 2; }
    run "$name" "$@" || status=$?
    mkdir -p "$output"
    device pull "$folder/results/." "$output" > /dev/null || { echo "run_on_android: adb pull failed" >&2; exit 2; }
    exit $status
}
exec 3>&1
main "$@"

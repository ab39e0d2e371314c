#!/bin/bash
# An adb whose device is the folder STAND_IN/device: for the test of scripts/run_on_android.sh. STAND_IN/devices lists the devices,
# STAND_IN/broken names a command that fails; every call is noted in STAND_IN/calls.
set -euo pipefail
echo "$*" >> "$STAND_IN/calls"
if [ "${1:-}" = -s ]; then shift 2; fi
command=$1; shift
[ "$command" != "$(cat "$STAND_IN/broken" 2> /dev/null)" ] || { echo "adb: error: $command" >&2; exit 1; }
root=$STAND_IN/device
case $command in
    devices) echo "List of devices attached"; cat "$STAND_IN/devices" ;;
    push) cp "$1" "$root$2"; chmod 644 "$root$2"; echo "1 file pushed" ;;
    pull) cp -r "$root$1" "$2"; echo "pulled" ;;
    shell)
        case $* in
            "getprop ro.product.model") printf 'Stand-in\r\n' ;;
            "getprop ro.build.version.release") printf '16\r\n' ;;
            # Carriage returns as older devices send them; a status of its own that says nothing, as theirs.
            *) sh -c "${*//\/data\/local\/tmp/$root/data/local/tmp}" | sed 's/$/\r/' || true ;;
        esac ;;
    *) echo "adb: unknown command $command" >&2; exit 1 ;;
esac

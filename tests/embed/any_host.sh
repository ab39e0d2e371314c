#!/bin/bash
# any_host.sh ENGINE_FRAME: the engine's loop on instances of Vulkan 1.0 to 1.3, on devices with nothing enabled, with what the
# library asks for, and with every feature that the device has (16-bit storage and arithmetic, synchronization2, subgroup sizes).
# A line each; fails on a wrong result, or where a validation layer has something to say.
set -euo pipefail
engine=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for version in 1.0 1.1 1.2 1.3; do
    for enable in nothing asked everything; do
        status=right
        "$engine" --frames 3 --vulkan $version --enable $enable > "$log" 2>&1 || status=FAILED
        ! grep -qE 'Validation (Error|Warning|Performance Warning): ' "$log" || status=MESSAGE
        printf '%-4s %-11s %s\n' $version $enable $status
        [ $status = right ] || { failed=1; cut -c 1-500 "$log"; }
    done
done
exit $failed

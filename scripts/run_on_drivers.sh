#!/bin/bash
# Runs any Vulkan program on every driver of a list and prints a line for each: id, validation, exit status, the last
# line that the program printed; then how many were covered, missing and failed.
#
#   run_on_drivers.sh [-f FILE] [-d REGEX] [-v packaged|new|none|list] [-j N] [-o FOLDER] PROGRAM [ARGS...]
#   run_on_drivers.sh [-f FILE] -l     only say which drivers of the list this machine has
#
#   -f  a list of your own drivers, in the form of tests/drivers.txt (the default)
#   -d  only drivers whose id matches
#   -v  the validation layer to run under; list (the default): what the list says, once for each layer
#   -j  how many at once (1)
#   -o  keep each run's whole output there, as ID.VALIDATION.txt
#
# A message of a validation layer counts as a failure. Exits 0 when all that could run did so with status 0 and at
# least one could.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/drivers.sh
. "$here/lib/drivers.sh"

usage() { sed -n '2,15p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2; }

message='Validation (Error|Warning|Performance Warning): \['
pattern=. validation=list jobs=1 output='' list_only=''
while getopts 'f:d:v:j:o:lh' option; do
    case $option in
        f) driver_list=$(realpath "$OPTARG") ;;
        d) pattern=$OPTARG ;;
        v) validation=$OPTARG ;;
        j) jobs=$OPTARG ;;
        o) output=$OPTARG ;;
        l) list_only=1 ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))

# runs: "id validation found-by", a line for each run asked for
runs() {
    local id found layers layer
    driver_lines "$driver_list" | while read -r id found layers _; do
        [[ $id =~ $pattern ]] || continue
        [ "$validation" = list ] || layers=$validation
        for layer in ${layers//,/ }; do echo "$id $layer $found"; done
    done
}

# device_name ID: the first device that the driver shows and the driver's own version, where vulkaninfo is installed
device_name() {
    command -v vulkaninfo > /dev/null || return 0
    "$here/with_driver.sh" -f "$driver_list" "$1" none vulkaninfo --summary 2> /dev/null |
        awk -F ' = ' '/deviceName/ && !name { name = $2 } /driverInfo/ && !info { info = $2 } END { print name (info ? ", " info : "") }'
}

list_drivers() {
    local id layer found manifest
    runs | while read -r id layer found; do
        if ! manifest=$(driver_manifest "$found"); then
            printf '%-16s %-9s MISSING  driver %s\n' "$id" "$layer" "$found"
        elif ! validation_available "$layer"; then
            printf '%-16s %-9s MISSING  validation layer\n' "$id" "$layer"
        else
            printf '%-16s %-9s present  %s\n' "$id" "$layer" "$(device_name "$id" || echo "$manifest")"
        fi
    done
}

# run_one ID VALIDATION PROGRAM ARGS...: one driver, one line
run_one() {
    local id=$1 layer=$2 log status=0 last; shift 2
    log=$output/$id.$layer.txt
    "$here/with_driver.sh" -f "$driver_list" "$id" "$layer" "$@" > "$log" 2>&1 < /dev/null || status=$?
    last=$(grep -v '^[[:space:]]*$' "$log" | tail -n 1 || true)
    # As the layers print them; a program that installs no messenger of its own would otherwise pass.
    if [ $status = 0 ] && grep -qE "$message" "$log"; then
        status=V last=$(grep -m 1 -E "$message" "$log")
    fi
    case $status in
        0) ;;
        77) status=skip ;;
    esac
    printf '%-16s %-9s %4s  %s\n' "$id" "$layer" "$status" "${last:0:200}"
}

main() {
    if [ -n "$list_only" ]; then list_drivers; return; fi
    [ $# -ge 1 ] || usage
    if [ -z "$output" ]; then
        output=$(mktemp -d)
        # shellcheck disable=SC2064 # the name is known now
        trap "rm -rf '$output'" EXIT
    fi
    mkdir -p "$output"; output=$(realpath "$output")
    export -f run_one
    export here output driver_list message
    # xargs hands each run's three words to the shell after the program's own words.
    # shellcheck disable=SC2016 # expanded by that shell
    runs | xargs -r -P "$jobs" -L 1 bash -c '
        count=$1; shift; program=("${@:1:count}"); shift "$count"
        run_one "$1" "$2" "${program[@]}"' _ $# "$@" | tee "$output/summary"
    awk '{ n[$3 == "0" ? "passed" : $3 == "skip" ? "missing" : "failed"]++ }
        END {
            printf "%d runs: %d covered, %d missing, %d failed\n", NR, n["passed"] + n["failed"], n["missing"], n["failed"]
            exit n["failed"] > 0 || n["passed"] == 0
        }' "$output/summary"
}
main "$@"

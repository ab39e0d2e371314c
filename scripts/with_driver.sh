#!/bin/bash
# with_driver.sh [-f FILE] ID none|packaged|new PROGRAM [ARGS...]: becomes PROGRAM, on that driver of the list (default
# tests/drivers.txt) and under that validation layer. Exits 77 where either is not on this machine, which ctest reports
# as skipped.
set -euo pipefail
# shellcheck source=scripts/lib/drivers.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/drivers.sh"

usage() { sed -n '2,4p' "${BASH_SOURCE[0]}" | sed 's/^# //' >&2; exit 2; }

if [ "${1:-}" = -f ]; then driver_list=$2; shift 2; fi
[ $# -ge 3 ] || usage
id=$1 validation=$2; shift 2
line=$(driver_line "$driver_list" "$id")
[ -n "$line" ] || { echo "with_driver: no driver '$id' in $driver_list" >&2; exit 2; }
read -r _ found _ environment <<< "$line"
# shellcheck disable=SC2086 # the environment is a list of words
use_driver "$found" $environment || { echo "SKIPPED: driver $id ($found) is not on this machine"; exit 77; }
use_validation "$validation" || { echo "SKIPPED: the $validation validation layer is not on this machine"; exit 77; }
export VKNORM_DRIVER_ID=$id
exec "$@"

#!/bin/bash
# two_drivers.sh FIRST SECOND PROGRAM [ARGS...]: runs a program that sees both drivers, named as in tests/drivers.txt. Exits 77
# where one of them is not on this machine.
set -euo pipefail
# shellcheck source=scripts/lib/drivers.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/drivers.sh"

manifests=''
for found in "$1" "$2"; do
    manifest=$(driver_manifest "$found") || { echo "SKIPPED: driver $found is not on this machine"; exit 77; }
    manifests+=${manifests:+:}$manifest
    [[ $found != side:* ]] || prepend LD_LIBRARY_PATH "$(dirname "$manifest")"
done
shift 2
export VK_DRIVER_FILES=$manifests VK_ICD_FILENAMES=$manifests VK_LOADER_LAYERS_DISABLE='~implicit~'
exec "$@"

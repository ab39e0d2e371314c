#!/bin/bash
# From a fresh clone to numbers: installs what is missing (apt; sudo when not root), builds the library, the runtime and
# the samples, and runs hello_norm on the best Vulkan device, which may be a software driver. Arguments go to hello_norm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

need_to_build
need_to_run
install_needed
mkdir -p build
cmake --preset release > build/release.log 2>&1 || { cat build/release.log; exit 1; }
cmake --build --preset release
exec build/release/bin/hello_norm "$@"

#!/bin/bash
# Runs a script of this folder with Chromium:
#
#   run.sh WORK-FOLDER report_test.mjs VKNORM_COMPARE              the test of the page
#   run.sh WORK-FOLDER picture.mjs PAGE SECTION WIDTH light|dark PNG   a picture of a section of a report, or of all of it
#
# Fetches playwright-core into the work folder first. Exits 77 where Node 18, npm or Chromium is missing; VKNORM_CHROMIUM names
# another Chromium than those that are looked for.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${1:?work folder} script=${2:?script}
shift 2

skip() { echo "SKIPPED: $*"; exit 77; }
command -v node > /dev/null || skip "no node (Debian and Ubuntu: nodejs)"
command -v npm > /dev/null || skip "no npm"
node -e 'process.exit(process.versions.node.split(".")[0] >= 18 ? 0 : 1)' || skip "node $(node --version): 18 or later is needed"
chromium=${VKNORM_CHROMIUM:-}
for name in chromium-headless-shell chromium google-chrome; do
    [ -n "$chromium" ] || chromium=$(command -v "$name" || true)
done
[ -n "$chromium" ] || skip "no Chromium (Debian: chromium-headless-shell)"

mkdir -p "$work"
work=$(cd "$work" && pwd)
if ! cmp -s "$here/package-lock.json" "$work/installed.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$work/"
    (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1 > npm.log 2>&1) ||
        { cat "$work/npm.log"; skip "npm ci failed"; }
    cp "$here/package-lock.json" "$work/installed.json"
fi
VKNORM_CHROMIUM=$chromium VKNORM_WORK=$work exec node "$here/$script" "$@"

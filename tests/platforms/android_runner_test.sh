#!/bin/bash
# scripts/run_on_android.sh against a stand-in for adb: pushes, runs, fetches, and leaves nothing behind, whatever goes wrong.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runner=$here/../../scripts/run_on_android.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ADB=$here/stand_in_adb.sh
export STAND_IN=$work/adb

cat > "$work/program" <<'PROGRAM'
#!/bin/sh
echo "arguments: $# <$1> <$2>"
echo "measured" > results/numbers.txt
[ "$1" != wait ] || { touch "$STAND_IN/waiting"; sleep 20; }
exit "${3:-0}"
PROGRAM

# A device as it comes.
reset() {
    rm -rf "$STAND_IN" "$work/out"
    mkdir -p "$STAND_IN/device/data/local/tmp"
    printf 'one\tdevice\n' > "$STAND_IN/devices"
    status=0
}
fail() { echo "FAILED: $1"; cat "$work/log"; cat "$STAND_IN/calls"; exit 1; }
expect_status() { [ $status = "$1" ] || fail "$2: status $status instead of $1"; }
expect_text() { grep -qF -- "$1" "$work/log" || fail "no '$1' in the output"; }
expect_clean() { [ -z "$(ls -A "$STAND_IN/device/data/local/tmp")" ] || fail "$1: something is left on the device"; }
run() { "$runner" -o "$work/out" "$@" > "$work/log" 2>&1 || status=$?; }

reset; run "$work/program" "two words" "it's"
expect_status 0 "a run"; expect_clean "a run"
expect_text "device: Stand-in, Android 16"; expect_text "arguments: 2 <two words> <it's>"
! grep -q 'vknorm-status' "$work/log" || fail "the marker is shown"
[ "$(cat "$work/out/numbers.txt")" = measured ] || fail "results were not fetched"

reset; run "$work/program" a b 3
expect_status 3 "a program that fails"; expect_clean "a program that fails"
[ -e "$work/out/numbers.txt" ] || fail "results of a program that fails were not fetched"

for command in push pull; do
    reset; echo $command > "$STAND_IN/broken"; run "$work/program" a b
    expect_status 2 "a $command that fails"; expect_text "adb $command failed"; expect_clean "a $command that fails"
done

reset; : > "$STAND_IN/devices"; run "$work/program" a b
expect_status 77 "no device"; expect_text SKIPPED
reset; printf 'one\tunauthorized\n' > "$STAND_IN/devices"; run "$work/program" a b
expect_status 77 "a device that is not authorised"
reset; printf 'one\tdevice\ntwo\tdevice\n' > "$STAND_IN/devices"; run "$work/program" a b
expect_status 2 "two devices"; expect_text "choose with -s"
reset; printf 'one\tdevice\ntwo\tdevice\n' > "$STAND_IN/devices"; run -s two "$work/program" a b
expect_status 0 "a device that was chosen"; grep -q '^-s two push' "$STAND_IN/calls" || fail "the other device was used"
reset; run -s three "$work/program" a b
expect_status 2 "a device that is not there"

reset; setsid "$runner" -o "$work/out" "$work/program" wait b > "$work/log" 2>&1 & pid=$!
for _ in $(seq 100); do [ ! -e "$STAND_IN/waiting" ] || break; sleep 0.1; done
kill -TERM -- -$pid # as Ctrl-C does: the runner and the adb that it waits for
wait $pid || status=$?
[ $status != 0 ] || fail "an interrupted run says that all is well"; expect_clean "an interrupted run"
echo "all of it"

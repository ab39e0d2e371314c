#!/bin/bash
# check_symbols.sh static ARCHIVE | shared LIBRARY: what the engine library may and may not have in its symbol table.
set -euo pipefail
kind=$1 library=$2
[ -s "$library" ] || { echo "no such library: $library"; exit 1; }

fail() { echo "FAILED: $1:"; printf '%s\n' "$2"; failed=1; }
failed=0

# Undefined in one object and defined in no other: what the library asks of whoever links it.
needed() {
    if [ "$kind" = static ]; then
        comm -23 <(nm -u "$library" | awk 'NF == 2 { print $2 }' | sort -u) \
            <(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u)
    else
        nm -D -u "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u
    fi
}

all=$(needed)
cxx=$(grep -E '^(_Z|__cxa_|__gxx_|_Unwind_|__dynamic_cast)' <<< "$all" | grep -vx __cxa_finalize || true)
[ -z "$cxx" ] || fail "the C++ runtime is needed" "$cxx"
vulkan=$(grep -E '^vk[A-Z]' <<< "$all" || true)
[ -z "$vulkan" ] || fail "Vulkan symbols are linked" "$vulkan"

if [ "$kind" = shared ]; then
    other=$(nm -D -g --defined-only "$library" | awk '{ print $3 }' | grep -vE '^vkn[A-Z]' || true)
    [ -z "$other" ] || fail "exported without the prefix vkn" "$other"
    libraries=$(objdump -p "$library" | awk '$1 == "NEEDED" && $2 !~ /^(libc|libm|ld-linux.*)\.so/ { print $2 }')
    [ -z "$libraries" ] || fail "libraries besides the C library are linked" "$libraries"
    echo "exports $(nm -D -g --defined-only "$library" | wc -l) functions"
else
    # Hidden C++ internals have mangled names; everything with a C name must carry the prefix.
    other=$(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | grep -vE '^(vkn[A-Z]|vkn_|_Z)' || true)
    [ -z "$other" ] || fail "global C names without the prefix vkn" "$other"
fi
echo "needs: $(tr '\n' ' ' <<< "$all")"
exit $failed

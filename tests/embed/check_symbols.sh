#!/bin/bash
# check_symbols.sh static ARCHIVE | shared LIBRARY | runtime ARCHIVE: what the engine library, or the standalone runtime, may and
# may not have in its symbol table.
set -euo pipefail
kind=$1 library=$2
[ -s "$library" ] || { echo "no such library: $library"; exit 1; }

fail() { echo "FAILED: $1:"; printf '%s\n' "$2"; failed=1; }
failed=0

# Undefined in one object and defined in no other: what the library asks of whoever links it.
needed() {
    if [ "$kind" = shared ]; then
        nm -D -u "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u
    else
        comm -23 <(nm -u "$library" | awk 'NF == 2 { print $2 }' | sort -u) \
            <(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u)
    fi
}

# Global definitions of an archive that are not visible in this file alone: "visibility name"
globals() {
    readelf -sW "$library" | awk '($5 == "GLOBAL" || $5 == "WEAK") && $7 != "UND" && $7 ~ /^[0-9]+$|COM|ABS/ { print $6, $8 }' | sort -u
}

all=$(needed)
vulkan=$(grep -E '^vk[A-Z]' <<< "$all" || true)
[ -z "$vulkan" ] || fail "Vulkan symbols are linked" "$vulkan"
if [ "$kind" != runtime ]; then
    cxx=$(grep -E '^(_Z|__cxa_|__gxx_|_Unwind_|__dynamic_cast)' <<< "$all" | grep -vx __cxa_finalize || true)
    [ -z "$cxx" ] || fail "the C++ runtime is needed" "$cxx"
fi

case $kind in
    shared)
        other=$(nm -D -g --defined-only "$library" | awk '{ print $3 }' | grep -vE '^vkn[A-Z]' || true)
        [ -z "$other" ] || fail "exported without the prefix vkn" "$other"
        libraries=$(objdump -p "$library" | awk '$1 == "NEEDED" && $2 !~ /^(libc|libm|ld-linux.*)\.so/ { print $2 }')
        [ -z "$libraries" ] || fail "libraries besides the C library are linked" "$libraries"
        echo "exports $(nm -D -g --defined-only "$library" | wc -l) functions" ;;
    static)
        # Hidden C++ internals have mangled names; everything with a C name must carry the prefix.
        other=$(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | grep -vE '^(vkn[A-Z]|vkn_|_Z)' || true)
        [ -z "$other" ] || fail "global C names without the prefix vkn" "$other"
        # A shared library that is linked from the archive must not export them either.
        visible=$(globals | awk '$1 == "DEFAULT" && $2 !~ /^vkn[A-Z]/ { print $2 }')
        [ -z "$visible" ] || fail "visible, and no function of the interface" "$visible"
        # Of another library's names in the same program, these two namespaces alone could be the same.
        foreign=$(globals | awk '$2 ~ /^_Z/ { print $2 }' | c++filt |
            grep -vE '^(guard variable for |vtable for |typeinfo (name )?for )?((static|void|bool|auto) )?(vkn::|Vkn[A-Z][A-Za-z]*_T::)|(^| )vkn::' || true)
        [ -z "$foreign" ] || fail "C++ names outside of the library's namespace" "$foreign" ;;
    runtime)
        # The volk inside must meet neither a host's volk nor its Vulkan loader.
        other=$(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | grep -E '^(vk|volk)' | grep -vE '^vknorm_' || true)
        [ -z "$other" ] || fail "Vulkan's or volk's names" "$(head -5 <<< "$other")" ;;
esac
echo "needs: $(tr '\n' ' ' <<< "$all" | cut -c 1-400)"
exit $failed

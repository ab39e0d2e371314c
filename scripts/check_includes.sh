#!/bin/bash
# check_includes.sh: tests and the benchmark include what they use of GoogleTest, fmt and the standard library, themselves or by
# a header of ours. Compilers do not see that, since they read these files with precompiled headers, and clang-tidy does so with
# most. It goes by names, so only what is named here is seen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck disable=SC2016 # these are awk's
find include src shaders samples tests -name '*.h' -o -name '*.hpp' -o -name '*.cpp' | sort | xargs awk '
    BEGIN {
        uses["gtest/gtest.h"] = "^ *(TEST(_[FP])?|(EXPECT|ASSERT)_[A-Z]+|GTEST_SKIP)\\("
        uses["algorithm"] = "std::(any_of|all_of|none_of|find_if|count_if|sort|max_element|min_element|max|min|clamp|fill|copy|reverse|shuffle)\\("
        uses["atomic"] = "std::atomic"
        uses["cmath"] = "std::(fabs|sqrt|ldexp|frexp|isnan|isinf|isfinite|floor|ceil|exp|log|pow|nextafter|fmin|fmax)\\("
        uses["cstdint"] = "[^a-z_]u?int(8|16|32|64)_t"
        uses["cstdio"] = "std::(printf|snprintf|fprintf|sscanf)\\("
        uses["cstdlib"] = "std::(getenv|strtoul|malloc|free)\\("
        uses["cstring"] = "std::(mem(cpy|cmp|set)|str(cmp|len|str))\\("
        uses["fmt/format.h"] = "fmt::(format|print)\\("
        uses["functional"] = "std::function<"
        uses["limits"] = "std::numeric_limits"
        uses["map"] = "std::(multi)?map<"
        uses["memory"] = "std::(unique_ptr|make_unique|shared_ptr|make_shared)<"
        uses["mutex"] = "std::(mutex|lock_guard)"
        uses["optional"] = "std::(optional<|nullopt)"
        uses["set"] = "std::set<"
        uses["sstream"] = "std::[io]?stringstream"
        uses["string"] = "std::(string[^_a-z]|to_string)"
        uses["thread"] = "std::thread"
        uses["tuple"] = "std::(tuple<|tie\\()"
        uses["vector"] = "std::vector<"
    }
    FNR == 1 { files[FILENAME] = 1 }
    /^#include/ {
        split($0, part, /[<>"]/)
        direct[FILENAME] = direct[FILENAME] " " part[2]
        next
    }
    FILENAME ~ /^(tests\/(unit|gpu|fault|compare)|samples\/vendor_compare)\/.*\.cpp$/ {
        sub(/\/\/.*/, "")
        for (header in uses)
            if (!((FILENAME, header) in used) && $0 ~ uses[header])
                used[FILENAME, header] = FNR
    }
    # Where one of our files includes another: from beside itself, or from a folder of ours.
    function path(file, name,    folder, i, folders) {
        folder = file
        sub(/[^\/]*$/, "", folder)
        if ((folder name) in files) return folder name
        split("tests/ src/ include/ samples/ shaders/ samples/vendor_compare/", folders, " ")
        for (i in folders)
            if ((folders[i] name) in files) return folders[i] name
        return ""
    }
    function visit(file,    i, count, names, other) {
        count = split(direct[file], names, " ")
        for (i = 1; i <= count; ++i) {
            other = path(file, names[i])
            if (other == "") reached[names[i]] = 1
            else if (!(other in reached)) { reached[other] = 1; visit(other) }
        }
    }
    END {
        for (key in used) {
            split(key, part, SUBSEP)
            split("", reached)
            visit(part[1])
            if (part[2] in reached) continue
            printf "%s:%d: uses <%s> and does not include it\n", part[1], used[key], part[2]
            failed = 1
        }
        exit failed
    }'

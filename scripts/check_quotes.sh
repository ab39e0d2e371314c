#!/bin/bash
# Fails when a code block of README.md or docs/ is not word for word what a source file has, which CI compiles and runs:
#
#   <!-- samples/record_norm/record_norm.cpp [record] -->     names the file and the region between its
#   ```cpp                                                    lines "// [record]" and "// [/record]"
#
# "check_quotes.sh fix" writes the blocks anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The page with every such block taken from its source, without the indentation that its first line has.
rewritten() {
    awk '
        function quote(file, name,    line, indent, inside, found) {
            inside = 0; found = 0
            while ((getline line < file) > 0) {
                if (line ~ "^ *// \\[/" name "\\]$") inside = 0
                if (inside) {
                    if (!found) { match(line, /^ */); indent = RLENGTH }
                    found = 1
                    print substr(line, 1, indent) ~ /^ *$/ ? substr(line, indent + 1) : line
                }
                if (line ~ "^ *// \\[" name "\\]$") inside = 1
            }
            close(file)
            if (!found) { print FILENAME ": " file " has no region [" name "]" > "/dev/stderr"; failed = 1 }
        }
        match($0, /^<!-- [^ ]+ \[[a-z]+\] -->$/) { split($0, words, " "); source = words[2]; region = substr(words[3], 2, length(words[3]) - 2) }
        skipping && /^```/ { skipping = 0 }
        !skipping { print }
        /^```[a-z]/ && source != "" { quote(source, region); source = ""; skipping = 1 }
        END { exit failed }' "$1"
}

failed=0 count=0
for page in README.md docs/*.md; do
    new=$(mktemp)
    rewritten "$page" > "$new" || failed=1
    count=$((count + $(grep -cE "^<!-- [^ ]+ \\[[a-z]+\\] -->\$" "$page" || true)))
    if [ "${1:-}" = fix ]; then
        cat "$new" > "$page"
    elif ! diff -u --label "$page" "$page" --label "$page, from its sources" "$new"; then
        failed=1
    fi
    rm -f "$new"
done
[ "$count" -gt 0 ] || { echo "no quotations found"; failed=1; }
[ $failed = 0 ] || { echo "scripts/check_quotes.sh fix writes them anew"; exit 1; }
echo "$count quotations are as in their sources"

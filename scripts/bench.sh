#!/usr/bin/env bash
# `make bench`: what was measured. Each folder of bench/ holds one program and a README that says how to run it; they
# take minutes to hours and want a quiet machine, so nothing is started from here.
set -euo pipefail
cd "$(dirname "$0")/.."

for readme in bench/*/README.md; do
    [ -e "$readme" ] || continue
    printf '%-28s %s\n' "$(dirname "$readme")" "$(sed -n 's/^# //p;T;q' "$readme")"
done

#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version: `changelog.sh 0.1.0`, without the heading. `changelog.sh --check 0.1.0` looks whether it
# can be released: a date, and a section "What you must do", which may say that there is nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

check=''
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
version=${1:?which version?}
file=${CHANGELOG:-CHANGELOG.md}

text=$(awk -v version="$version" '
    /^## / { inside = index($0, "## " version " (") == 1 || $0 == "## " version; next }
    inside' "$file")
if [ -z "${text//[[:space:]]/}" ]; then
    printf 'error: %s has no section of %s\n' "$file" "$version" >&2
    exit 1
fi
if [ -n "$check" ]; then
    grep -qE "^## ${version//./\\.} \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" "$file" ||
        { printf 'error: the heading of %s in %s has no date: ## %s (YYYY-MM-DD)\n' "$version" "$file" "$version" >&2 && exit 1; }
    must=$(awk '/^### / { inside = $0 == "### What you must do"; next } inside' <<<"$text")
    if [ -z "${must//[[:space:]]/}" ]; then
        printf 'error: %s does not say under "What you must do" what %s asks of who upgrades; "Nothing." is an answer\n' "$file" "$version" >&2
        exit 1
    fi
    exit 0
fi
printf '%s\n' "$text" | sed -e '/./,$!d'

#!/usr/bin/env bash
# Installs what drives a browser, only what is missing: chromium, node and npm from Debian, and the two packages that
# tests/browser/package-lock.json names. Where everything is there it changes nothing and needs no rights.
set -euo pipefail
cd "$(dirname "$0")/.."

needed_node=18

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

missing=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
# The extra packages that a caller names, such as a font for pictures.
for package in "$@"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q '^install ok' || missing+=("$package")
done

scripts/install-packages.sh "${missing[@]}"

found=$(node --version | sed -n 's/^v\([0-9]*\)\..*/\1/p')
[ "${found:-0}" -ge "$needed_node" ] || fail "node $needed_node or newer is needed and \`node\` is $(node --version)"

# Again only when the lock file has changed since.
cd tests/browser
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    touch node_modules/.package-lock.json
fi

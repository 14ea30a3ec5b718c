#!/usr/bin/env bash
# Installs packages of Debian and its kin: `install-packages.sh NAME...`. As root or through sudo; elsewhere it says what is missing.
set -euo pipefail

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

[ "$#" -gt 0 ] || exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing: $*; install them as root"
    as_root=(sudo)
fi
command -v apt-get >/dev/null || fail "these are missing (by their names on Debian): $*; install them"

# One at a time: apt itself waits for nobody who reads its lists.
exec {lock}>"${TMPDIR:-/tmp}/ids-install-packages.$(id -u).lock"
flock "$lock"

printf 'installing %s\n' "$*" >&2
install=(apt-get install --yes --no-install-recommends "$@")
# An old list of packages names files the mirror has no more: renew it, but only when it is needed.
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" >/dev/null 2>&1; then
    "${as_root[@]}" apt-get update --quiet=2 >&2 || fail "\`apt-get update\` failed; is there a network?"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" --quiet=2 >&2 ||
        fail "these packages could not be installed: $*"
fi

#!/usr/bin/env bash
# Checks that Rust is there and new enough, and installs what else a build needs, only what is missing: a C compiler
# and linker (SQLite is compiled in), python3 with pip (fetches the files of assets.lock), certificates, git.
# Where everything is there it changes nothing and needs no rights. `--for-tests`: also what tests run.
set -euo pipefail

needed_minor=95

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

version_of() { # "cargo 1.95.0 (…)" -> "1.95"
    "$1" --version 2>/dev/null | sed -n 's/^[a-z]* \([0-9]*\.[0-9]*\)\..*/\1/p'
}

for tool in rustc cargo; do
    found=$(version_of "$tool" || true)
    if [ -z "$found" ]; then
        fail "Rust 1.$needed_minor or newer is needed and \`$tool\` was not found; install it with rustup (https://rustup.rs)"
    fi
    if [ "${found%%.*}" -eq 1 ] && [ "${found##*.}" -lt "$needed_minor" ]; then
        fail "Rust 1.$needed_minor or newer is needed and \`$tool\` is $found; run \`rustup update stable\`"
    fi
done

missing=()
if ! command -v cc >/dev/null; then
    missing+=(gcc libc6-dev)
elif ! printf '#include <stdio.h>\nint main(void){return 0;}\n' | cc -xc -o /dev/null - 2>/dev/null; then
    missing+=(libc6-dev)
fi
command -v python3 >/dev/null || missing+=(python3)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
command -v git >/dev/null || missing+=(git)
[ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || [ -e /etc/ssl/cert.pem ] ||
    missing+=(ca-certificates)

# Only tests need these: the library reads scans with Tesseract where it is there.
if [ "${1-}" = --for-tests ]; then
    command -v tesseract >/dev/null || missing+=(tesseract-ocr)
    tesseract --list-langs 2>/dev/null | grep -qx por || missing+=(tesseract-ocr-por)
    tesseract --list-langs 2>/dev/null | grep -qx eng || missing+=(tesseract-ocr-eng)
fi

exec "$(dirname "$0")/install-packages.sh" "${missing[@]}"

#!/usr/bin/env bash
# Runs cargo-deb: the one in PATH, else one built once, with its own locked dependencies, into the cache. Arguments are its own.
set -euo pipefail

version=3.8.0
if command -v cargo-deb >/dev/null; then
    program=cargo-deb
else
    folder="${XDG_CACHE_HOME:-$HOME/.cache}/ids-tools/cargo-deb-$version"
    program="$folder/bin/cargo-deb"
    if [ ! -x "$program" ]; then
        printf 'building cargo-deb %s, once\n' "$version" >&2
        # xz by the program of that name, so that no library of it is built.
        CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 cargo install cargo-deb --quiet --locked \
            --version "$version" --no-default-features --debug --root "$folder" --target-dir "$folder/target" >&2
        rm -rf "$folder/target"
    fi
fi
exec "$program" "$@"

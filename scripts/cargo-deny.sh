#!/usr/bin/env bash
# Runs cargo-deny (licenses, bans, sources; deny.toml): the one in PATH, else one built once, with its own locked
# dependencies, into the cache (80 s on two cores). Unoptimized and without its network parts, which we do not use.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if command -v cargo-deny >/dev/null; then
    deny=cargo-deny
else
    folder="${XDG_CACHE_HOME:-$HOME/.cache}/ids-tools/cargo-deny-$version"
    deny="$folder/bin/cargo-deny"
    if [ ! -x "$deny" ]; then
        printf 'building cargo-deny %s, once\n' "$version" >&2
        CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 cargo install cargo-deny --quiet --locked \
            --version "$version" --no-default-features --debug --root "$folder" --target-dir "$folder/target"
        rm -rf "$folder/target"
    fi
fi
"$deny" --log-level error --locked check bans licenses sources

#!/usr/bin/env bash
# How long does a build from nothing take, and how large is the program? In the repository's root; assets must be there.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
begin=$SECONDS
CARGO_TARGET_DIR=$folder cargo build --quiet --release --locked -p ids
echo "release build from nothing, $(nproc) cores: $((SECONDS - begin)) s"
echo "program: $(($(stat -c %s "$folder/release/ids") / 1024 / 1024)) MB, of it the model: $(($(stat -c %s assets/e5-small-enpt-q4.bin) / 1024 / 1024)) MB"
echo "libpdfium.so beside it: $(($(stat -c %s assets/libpdfium.so) / 1024 / 1024)) MB"

#!/bin/sh
# Our engine and ONNX Runtime on the same model and texts, one thread each, one after the other.
# Needs: the model file (`cargo run -p xtask -- assets`), python3 with venv, pip.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
model="$root/assets/e5-small-enpt-q4.bin"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

cargo build --release --manifest-path "$root/Cargo.toml" -p bench --bin bench-embedding
python3 -m venv "$temporary/venv"
"$temporary/venv/bin/python" -m pip install --quiet \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tokenizers==0.23.3

target=${CARGO_TARGET_DIR:-$root/target}
# Twice in turns: on a shared machine other work slows whoever runs at the time, so compare the better of the two.
for turn in 1 2; do
    echo "turn $turn"
    for kernel in avx512-vnni avx2 scalar; do
        "$target/release/bench-embedding" "$model" "$kernel" || true # a kernel this machine lacks says so
    done
    PYTHONDONTWRITEBYTECODE=1 "$temporary/venv/bin/python" "$here/onnx_runtime.py" "$model" "$temporary"
done

"""Makes the fixtures the tests hold the engine to. Run by hand, from anywhere:

    python3 crates/ids-embed/tests/reference/make_reference.py

It builds a virtual environment in a temporary directory, converts the model file (fetched by
`cargo run -p xtask -- assets`) to an f32 ONNX graph and a Hugging Face tokenizer, and writes beside itself:

- `tokens.bin`: for each text of the evaluation sets (order: see `evaluation_texts`) the FNV-1a hash (u64) of its
  token ids as little-endian u32, and their number (u16); little-endian, 10 bytes a text.
- `sentence_tokens.bin`: the same for each text of `sentences.json`, without prefix.
- `vectors.bin`: for each entry of `sentences.json` its f32 vector times 32,767, rounded to i16, little-endian.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
PACKAGES = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.32.0", "tokenizers==0.23.3"]
MODEL = ROOT / "assets" / "e5-small-enpt-q4.bin"
SETS = ["faquad", "squad-pt", "xquad-en"]


def evaluation_texts(shared: Path):
    """Every title, text and accepted answer, set by set, file by file (by name), line by line."""
    for name in SETS:
        for path in sorted((shared / "eval" / name).glob("*.jsonl")):
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                yield from (entry[key] for key in ("title", "text") if key in entry)
                yield from entry.get("answers", [])


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def write_tokens(tokenizer, texts, name: str) -> None:
    with open(HERE / name, "wb") as out:
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            out.write(struct.pack("<QH", fnv1a(struct.pack(f"<{len(ids)}I", *ids)), len(ids)))


def write_vectors(model, tokenizer, sentences: list[dict], directory: str) -> None:
    import numpy as np
    import onnxruntime
    from reference_model import build_onnx

    path = os.path.join(directory, "model.onnx")
    build_onnx(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with open(HERE / "vectors.bin", "wb") as out:
        for sentence in sentences:
            text = sentence["text"]
            if sentence["kind"] == "query" and text.isupper():
                text = text.lower()
            prefixed = f"{sentence['kind']}: {text}"
            ids = tokenizer.encode(prefixed, add_special_tokens=False).ids
            ids = [model.begin] + ids[: model.positions - 2] + [model.end]
            inputs = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
            vector = session.run(None, inputs)[0][0]
            out.write(np.round(vector * 32767).astype("<i2").tobytes())


def main() -> None:
    import model_file
    from reference_model import build_tokenizer

    shared = Path(os.environ.get("TESTDATA_DIR", ROOT.parent / "shared"))
    model = model_file.read(MODEL)
    tokenizer = build_tokenizer(model)
    sentences = json.loads((HERE / "sentences.json").read_text())
    write_tokens(tokenizer, evaluation_texts(shared), "tokens.bin")
    write_tokens(tokenizer, (sentence["text"] for sentence in sentences), "sentence_tokens.bin")
    with tempfile.TemporaryDirectory() as directory:
        write_vectors(model, tokenizer, sentences, directory)


if __name__ == "__main__":
    if "--inside" in sys.argv:
        main()
    else:
        with tempfile.TemporaryDirectory() as venv:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            python = os.path.join(venv, "bin", "python")
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            subprocess.run([python, __file__, "--inside"], check=True, env=environment)

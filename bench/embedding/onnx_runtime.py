"""The same model, texts and timing as main.rs, in ONNX Runtime: dynamic int8, one thread.

    python onnx_runtime.py MODEL_FILE DIRECTORY    (DIRECTORY: where the converted model is kept for the run)

The conversion is that of the tests' reference; quantization is `quantize_dynamic`, per channel, 7-bit weights
(`reduce_range`: without it, machines without VNNI saturate), and the word table as u8 as well.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "crates" / "ids-embed" / "tests" / "reference"))

QUERY = "quem deve assinar o contrato de prestação de serviços?"
LENGTHS = [64, 128, 256, 512]
ROUNDS = 5
ROUND_SECONDS = 1.5


def memory_mb(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) // 1024
    return 0


def convert(model_path: str, directory: str) -> None:
    """In a process of its own, so that its memory is not counted."""
    import model_file
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from reference_model import build_onnx, build_tokenizer

    model = model_file.read(model_path)
    build_onnx(model, f"{directory}/f32.onnx")
    quantize_dynamic(
        f"{directory}/f32.onnx",
        f"{directory}/int8.onnx",
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gather"],
    )
    build_tokenizer(model).save(f"{directory}/tokenizer.json")
    print(f"converted: int8 file {os.path.getsize(f'{directory}/int8.onnx') / 1e6:.0f} MB")


def measure(directory: str) -> None:
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    started = time.perf_counter()
    tokenizer = Tokenizer.from_file(f"{directory}/tokenizer.json")
    before = memory_mb("VmRSS")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{directory}/int8.onnx", options, providers=["CPUExecutionProvider"])
    print(f"engine ONNX Runtime {onnxruntime.__version__} int8")
    print(f"load {(time.perf_counter() - started) * 1e3:.0f} ms, resident {memory_mb('VmRSS') - before} MB"
          " (the session alone; Python, its modules and the tokenizer taken off)")  # fmt: skip

    def embed(text: str) -> int:
        ids = [0] + tokenizer.encode(text, add_special_tokens=False).ids[:510] + [2]
        inputs = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
        session.run(None, inputs)
        return len(ids)

    def text_of(tokens: int) -> str:
        words = (HERE / "passage.txt").read_text().split()
        text = "passage:"
        index = 0
        while True:
            longer = f"{text} {words[index % len(words)]}"
            if len(tokenizer.encode(longer, add_special_tokens=False).ids) > tokens - 2:
                return text
            text = longer
            index += 1

    for length in LENGTHS:
        text = text_of(length)
        tokens = embed(text)
        best = 0.0
        for _ in range(ROUNDS):
            started = time.perf_counter()
            texts = 0
            while time.perf_counter() - started < ROUND_SECONDS:
                embed(text)
                texts += 1
            best = max(best, texts * tokens / (time.perf_counter() - started))
        print(f"tokens {tokens}: {best:.0f} tokens/s")
    times = []
    for _ in range(300):
        started = time.perf_counter()
        embed(f"query: {QUERY}")
        times.append(time.perf_counter() - started)
    print(f"query p50 {sorted(times)[len(times) // 2] * 1e3:.2f} ms")
    print(f"resident {memory_mb('VmRSS') - before} MB, peak {memory_mb('VmHWM') - before} MB (taken off: {before} MB)")


if __name__ == "__main__":
    if sys.argv[1] == "--convert":
        convert(sys.argv[2], sys.argv[3])
    else:
        if not os.path.exists(f"{sys.argv[2]}/int8.onnx"):
            subprocess.run([sys.executable, __file__, "--convert", sys.argv[1], sys.argv[2]], check=True)
        measure(sys.argv[2])

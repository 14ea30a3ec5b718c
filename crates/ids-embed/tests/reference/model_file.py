"""Reads the packed model file (layout: crates/ids-embed/src/file/mod.rs) into numpy arrays."""

import struct
from dataclasses import dataclass

import numpy as np

BLOCK_VALUES = 32
BLOCK_BYTES = 18


@dataclass
class ModelFile:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    begin: int
    end: int
    unknown: int
    pieces: list[str]
    scores: list[float]
    # Code points that become a space, and code points that go, before NFKC.
    spaces: list[int]
    dropped: list[int]
    tensors: dict[str, np.ndarray]


class Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.offset = 0

    def take(self, layout: str):
        values = struct.unpack_from("<" + layout, self.data, self.offset)
        self.offset += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.offset)
        self.offset += values.nbytes
        return values


def dequantize(blocks: np.ndarray) -> np.ndarray:
    """Blocks of an f16 scale and 32 nibbles (low ones first), value = (nibble - 8) * scale."""
    blocks = blocks.reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return ((nibbles.astype(np.float32) - 8) * scales).reshape(-1)


def read(path: str) -> ModelFile:
    with open(path, "rb") as file:
        data = file.read()
    reader = Reader(data)
    magic, version = reader.take("4sI")
    assert magic == b"E5S1" and version == 1, (magic, version)
    hidden, layers, heads, feed_forward, _, positions, _ = reader.take("7i")
    reader.take("fi")

    piece_count, begin, end, _, unknown, text_bytes = reader.take("5iQ")
    offsets = reader.array("<u4", piece_count + 1)
    scores = reader.array("<f4", piece_count)
    text = reader.array("u1", text_bytes).tobytes()
    pieces = [text[offsets[i] : offsets[i + 1]].decode() for i in range(piece_count)]

    spaces, dropped = [], []
    entries, _ = reader.take("iI")
    for _ in range(entries):
        code_point, length = reader.take("IB")
        target = tuple(reader.array("<u4", length))
        if not target:
            dropped.append(code_point)
        elif target == (0x20,) and code_point != 0x20:
            spaces.append(code_point)

    tensors = {}
    (tensor_count,) = reader.take("i")
    for _ in range(tensor_count):
        (name_length,) = reader.take("H")
        name = reader.array("u1", name_length).tobytes().decode()
        kind, count, offset, byte_count = reader.take("BIQQ")
        raw = np.frombuffer(data, np.uint8, byte_count, offset)
        values = raw.view("<f4") if kind == 0 else dequantize(raw)
        assert len(values) == count, name
        columns = feed_forward if name.endswith(".fo.w") else hidden
        is_matrix = kind == 1 or name in ("emb.pos", "emb.type")
        tensors[name] = values.reshape(-1, columns) if is_matrix else values

    return ModelFile(
        hidden, layers, heads, feed_forward, positions, begin, end, unknown,
        pieces, [float(score) for score in scores], spaces, dropped, tensors,
    )  # fmt: skip

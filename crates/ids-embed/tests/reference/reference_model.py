"""The same model for other programs: an f32 ONNX graph, and a Hugging Face tokenizer."""

import json

import numpy as np
import onnx
from model_file import ModelFile
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer


class Graph:
    """Collects nodes and constants; every operation returns the name of its output."""

    def __init__(self):
        self.nodes = []
        self.constants = {}

    def constant(self, name: str, value) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def run(self, operator: str, *inputs: str, output: str | None = None, **attributes) -> str:
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name


def build_onnx(model: ModelFile, path: str) -> None:
    """One text or a batch: `input_ids` and `attention_mask` (batch, length) to `embedding` (batch, hidden)."""
    graph = Graph()
    tensors = model.tensors
    head_size = model.hidden // model.heads

    def linear(x: str, name: str) -> str:
        weight = graph.constant(f"{name}.w", tensors[f"{name}.w"].T)
        return graph.run("Add", graph.run("MatMul", x, weight), graph.constant(f"{name}.b", tensors[f"{name}.b"]))

    def layer_norm(x: str, name: str) -> str:
        weight = graph.constant(f"{name}.w", tensors[f"{name}.w"])
        bias = graph.constant(f"{name}.b", tensors[f"{name}.b"])
        return graph.run("LayerNormalization", x, weight, bias, epsilon=1e-12, axis=-1)

    def heads(x: str, permutation: list[int]) -> str:
        shape = graph.constant("head_shape", np.array([0, 0, model.heads, head_size], np.int64))
        return graph.run("Transpose", graph.run("Reshape", x, shape), perm=permutation)

    def axes(*values: int) -> str:
        return graph.constant(f"axes_{values}", np.array(values, np.int64))

    one = graph.constant("one", np.float32(1))
    length = graph.run("Slice", graph.run("Shape", "input_ids"), axes(1), axes(2), axes(0))
    positions = graph.constant("positions", tensors["emb.pos"] + tensors["emb.type"][0])
    words = graph.run("Gather", graph.constant("words", tensors["emb.word"]), "input_ids")
    x = graph.run("Add", words, graph.run("Slice", positions, axes(0), length, axes(0)))
    x = layer_norm(x, "emb.ln")
    mask = graph.run("Cast", "attention_mask", to=TensorProto.FLOAT)
    masked = graph.run("Unsqueeze", graph.run("Sub", one, mask), axes(1, 2))
    bias = graph.run("Mul", masked, graph.constant("far_away", np.float32(-10000)))

    for layer in range(model.layers):
        name = f"l{layer}"
        query = heads(linear(x, f"{name}.q"), [0, 2, 1, 3])
        key = heads(linear(x, f"{name}.k"), [0, 2, 3, 1])
        value = heads(linear(x, f"{name}.v"), [0, 2, 1, 3])
        scale = graph.constant("scale", np.float32(1 / np.sqrt(head_size)))
        scores = graph.run("Add", graph.run("Mul", graph.run("MatMul", query, key), scale), bias)
        context = graph.run("MatMul", graph.run("Softmax", scores, axis=-1), value)
        context = graph.run("Transpose", context, perm=[0, 2, 1, 3])
        context = graph.run("Reshape", context, graph.constant("shape", np.array([0, 0, model.hidden], np.int64)))
        x = layer_norm(graph.run("Add", x, linear(context, f"{name}.ao")), f"{name}.aln")
        inner = linear(x, f"{name}.fi")
        erf = graph.run("Erf", graph.run("Mul", inner, graph.constant("rsqrt2", np.float32(1 / np.sqrt(2)))))
        half = graph.run("Mul", inner, graph.constant("half", np.float32(0.5)))
        inner = graph.run("Mul", half, graph.run("Add", erf, one))
        x = layer_norm(graph.run("Add", x, linear(inner, f"{name}.fo")), f"{name}.oln")

    tokens = graph.run("Mul", x, graph.run("Unsqueeze", mask, axes(2)))
    total = graph.run("ReduceSum", tokens, axes(1), keepdims=0)
    mean = graph.run("Div", total, graph.run("ReduceSum", mask, axes(1), keepdims=1))
    square = graph.run("ReduceSum", graph.run("Mul", mean, mean), axes(-1), keepdims=1)
    graph.run("Div", mean, graph.run("Sqrt", square), output="embedding")

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", model.hidden])
    built = helper.make_graph(graph.nodes, "e5", inputs, [output], list(graph.constants.values()))
    built = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(built)
    onnx.save(built, path)


def build_tokenizer(model: ModelFile) -> Tokenizer:
    """Without begin and end; the map of single code points becomes two replacements, then NFKC over the text."""

    def replace(code_points: list[int], content: str) -> dict:
        pattern = "[" + "".join(f"\\x{{{code_point:X}}}" for code_point in code_points) + "]"
        return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}

    normalizers = [
        replace(model.spaces, " "),
        replace(model.dropped, ""),
        {"type": "NFKC"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    vocabulary = [[piece, score] for piece, score in zip(model.pieces, model.scores)]
    description = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": metaspace,
        "post_processor": None,
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": model.unknown, "vocab": vocabulary, "byte_fallback": False},
    }
    return Tokenizer.from_str(json.dumps(description))

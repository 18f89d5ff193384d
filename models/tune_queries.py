"""Tune the encoder on queries: each lies near the passage that answers it. Passages are read as before, so no index changes.

Cross-entropy over all passages, whose vectors are fixed (one encoder of two as in Karpukhin et al. 2020, the other frozen), beside
texts that must go on meaning what they meant: general questions where the encoder puts them, English and everyday wordings where it puts the
official Vietnamese ones (Reimers and Gurevych 2020). The lower layers never change. Needs the extra ``kehoach[transformers]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.embedder import OnnxEmbedder, Vectors
from models.reader import Reader
from models.trainable import Descent, Pooled
from models.tuning import Floats

# Passages this near to the one that answers may answer too; they are neither wanted nor unwanted.
_ALIKE = 0.93
# Cosines of the encoder differ by hundredths.
_HOLD_SCALE = 100.0


@dataclass(frozen=True)
class QueryRecipe:
    """How to tune. ``first`` is the lowest layer that is changed, ``rate`` the highest learning rate, ``hold`` the weight of meanings.

    ``share`` of the changes is kept: between the encoder as it was and as it became general questions lose nothing
    (Wortsman et al. 2022, results/search.md).
    """

    first: int = 4
    rank: int = 16
    epochs: int = 3
    rate: float = 1e-3
    batch: int = 64
    temperature: float = 0.02
    hold: float = 1.0
    share: float = 0.6
    decay: float = 0.01
    seed: int = 889


@dataclass(frozen=True)
class Asked:
    """What is learnt from: ``queries`` as (text, number of the passage that answers it), and ``passages`` (passages, dimension).

    ``meanings`` are (text, text with the vector that the first is to have).
    """

    queries: Sequence[tuple[str, int]]
    passages: Vectors
    meanings: Sequence[tuple[str, str]]


def tune_queries(
    asked: Asked, embedder: OnnxEmbedder, recipe: QueryRecipe, tell: Callable[[str], None]
) -> Mapping[str, Floats]:
    """Return the changes, by the names of ``models.tuning``. The same on the same machine for the same data and recipe.

    Raises ValueError where there are no queries.
    """
    if not asked.queries:
        raise ValueError("tuning on queries needs queries")
    tell(f"reading {len(asked.queries)} queries and {len(asked.meanings)} meanings")
    reader = Reader(embedder, recipe.first)
    texts = [*(text for text, _ in asked.queries), *(text for text, _ in asked.meanings)]
    tokens = {text: len(state) for text, state in zip(texts, reader.states(texts), strict=True)}
    meant = torch.from_numpy(embedder.embed_queries([text for _, text in asked.meanings]))
    passages, answer = torch.from_numpy(asked.passages), torch.tensor([number for _, number in asked.queries])
    torch.manual_seed(recipe.seed)
    upper = Pooled(reader.weights, recipe.first, recipe.rank)
    descent = Descent(upper, recipe.rate, recipe.decay, recipe.epochs * math.ceil(len(asked.queries) / recipe.batch))
    random = np.random.default_rng(recipe.seed)
    held = min(recipe.batch // 2, len(asked.meanings))
    upper.train()
    for epoch in range(1, recipe.epochs + 1):
        order, total = random.permutation(len(asked.queries)), 0.0
        for start in range(0, len(order), recipe.batch):
            # Texts of one length go through the layers together.
            chosen = np.array(
                sorted(order[start : start + recipe.batch], key=lambda place: tokens[asked.queries[place][0]])
            )
            kept = random.choice(len(asked.meanings), held, replace=False)
            texts = [asked.queries[place][0] for place in chosen] + [asked.meanings[place][0] for place in kept]
            vectors = upper(reader.states(texts))
            own = answer[torch.from_numpy(chosen)]
            loss = _answered(vectors[: len(chosen)], passages, own, recipe.temperature)
            if held:
                cosine = (vectors[len(chosen) :] * meant[torch.from_numpy(kept)]).sum(1)
                loss = loss + recipe.hold * _HOLD_SCALE * (1 - cosine).mean()
            descent.step(loss)
            total += loss.item() * len(chosen)
        tell(f"epoch {epoch} of {recipe.epochs}, loss {total / len(order):.3f}")
    return {name: recipe.share * array if name.endswith(".b") else array for name, array in upper.arrays().items()}


def _answered(queries: Tensor, passages: Tensor, own: Tensor, temperature: float) -> Tensor:
    """Return the mean over queries of how much the passages ``own`` fall behind in the softmax over all passages."""
    alike = passages[own] @ passages.T > _ALIKE
    alike[torch.arange(len(own)), own] = False
    return functional.cross_entropy((queries @ passages.T / temperature).masked_fill(alike, -1e4), own)

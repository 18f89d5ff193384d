"""Tune the encoder on clauses: those of one obligation lie together, other obligations of their theme apart.

Supervised contrastive loss over the clauses of a few themes at a time (Khosla et al. 2020), so that what is nearest and not the
same is always among them; judged pairs are put in order by CoSENT (Su 2022). The lower layers never change. Needs the extra
``kehoach[transformers]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.labelled import Clause, JudgedPair
from models.embedder import Vectors
from models.reader import Reader
from models.similarity import without_figures
from models.trainable import Descent, Pooled, batches
from models.tuning import Floats

# Themes, families of each and clauses of each of these in a batch; judged pairs beside them.
_THEMES, _FAMILIES, _CLAUSES, _PAIRS = 6, 4, 3, 24
_PAIR_SCALE, _PAIR_WEIGHT = 20.0, 0.125


@dataclass(frozen=True)
class ClauseRecipe:
    """How to tune. ``first`` is the lowest layer that is changed, ``rate`` the highest learning rate."""

    first: int = 4
    rank: int = 16
    epochs: int = 4
    rate: float = 1e-3
    temperature: float = 0.05
    decay: float = 0.01
    seed: int = 889


class TunedClauses:
    """Upper layers tuned on clauses, with the reader they go on from."""

    def __init__(self, reader: Reader, upper: Pooled) -> None:
        self._reader, self._upper = reader, upper

    @property
    def arrays(self) -> Mapping[str, Floats]:
        """The changes, by the names of ``models.tuning``."""
        return self._upper.arrays()

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of texts, which have no figures, (texts, hidden)."""
        states = self._reader.states(texts)
        parts = [self._upper([states[place] for place in batch]) for batch in batches([len(state) for state in states])]
        return torch.cat(parts).numpy()


def tune(
    reader: Reader,
    clauses: Sequence[Clause],
    pairs: Sequence[JudgedPair],
    recipe: ClauseRecipe,
    tell: Callable[[str], None],
) -> TunedClauses:
    """Return layers tuned on ``clauses`` and judged ``pairs``; ``reader`` reads up to the first of them.

    The same on the same machine for the same data and recipe.

    Raises ValueError where no writer has families of two clauses in two themes.
    """
    writers: dict[str, dict[str, dict[str, list[str]]]] = {}
    for clause in clauses:
        themes = writers.setdefault(clause.writer, {})
        themes.setdefault(clause.theme, {}).setdefault(clause.family, []).append(without_figures(clause.text))
    families = [
        [[texts for texts in theme.values() if len(texts) > 1] for theme in themes.values()]
        for themes in writers.values()
    ]
    families = [[theme for theme in themes if theme] for themes in families]
    families = [themes for themes in families if len(themes) > 1]
    share = np.array([len(themes) for themes in families], float)
    if not families:
        raise ValueError("tuning needs families of two clauses in at least 2 themes of a writer")
    torch.manual_seed(recipe.seed)
    upper = Pooled(reader.weights, recipe.first, recipe.rank)
    steps = max(1, len(clauses) // (_THEMES * _FAMILIES * 2))
    descent = Descent(upper, recipe.rate, recipe.decay, recipe.epochs * steps)
    random = np.random.default_rng(recipe.seed)
    upper.train()
    for epoch in range(1, recipe.epochs + 1):
        mean = 0.0
        for _ in range(steps):
            # Clauses of two writers may say the same in families of two names.
            texts, family = _batch(families[random.choice(len(families), p=share / share.sum())], random)
            judged = [pairs[int(k)] for k in random.permutation(len(pairs))[:_PAIRS]]
            sides = [*(pair.a for pair in judged), *(pair.b for pair in judged)]
            vectors = upper(reader.states([*texts, *map(without_figures, sides)]))
            loss = _contrast(vectors[: len(texts)], torch.tensor(family), recipe.temperature)
            if judged:
                loss = loss + _PAIR_WEIGHT * _order(vectors[len(texts) :], [pair.judgement for pair in judged])
            descent.step(loss)
            mean += loss.item() / steps
        tell(f"epoch {epoch} of {recipe.epochs}, loss {mean:.3f}")
    upper.eval()
    return TunedClauses(reader, upper)


def _batch(themes: Sequence[Sequence[Sequence[str]]], random: np.random.Generator) -> tuple[list[str], list[int]]:
    """Return clauses of a few families of a few themes, and the number of each one's family."""
    texts: list[str] = []
    family: list[int] = []
    for theme in random.permutation(len(themes))[:_THEMES]:
        for number in random.permutation(len(themes[theme]))[:_FAMILIES]:
            members = themes[theme][number]
            chosen = [members[int(k)] for k in random.permutation(len(members))[:_CLAUSES]]
            family += [family[-1] + 1 if family else 0] * len(chosen)
            texts += chosen
    return texts, family


def _contrast(vectors: Tensor, family: Tensor, temperature: float) -> Tensor:
    """Return the mean over clauses of how much the others of its family fall behind in the softmax over all others."""
    own = torch.eye(len(vectors), dtype=torch.bool)
    same = (family[:, None] == family[None, :]) & ~own
    likeness = (vectors @ vectors.T / temperature).masked_fill(own, -1e4)
    share = likeness - torch.logsumexp(likeness, 1, keepdim=True)
    loss: Tensor = -((share * same).sum(1) / same.sum(1)).mean()
    return loss


def _order(vectors: Tensor, judgements: Sequence[int]) -> Tensor:
    """Return the loss of pairs, first sides then second, whose cosines are not in the order of their judgements."""
    first, second = vectors.chunk(2)
    cosine = (first * second).sum(1) * _PAIR_SCALE
    grade = torch.tensor(judgements)
    # What a pair judged lower is above one judged higher.
    excess = (cosine[None, :] - cosine[:, None])[grade[:, None] > grade[None, :]]
    return torch.logsumexp(torch.cat([excess.new_zeros(1), excess]), 0)

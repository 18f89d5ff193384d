"""Tell how similar two clauses are and whether they state the same obligation, figures and deadlines aside.

What a clause says of itself is computed once; every feature of a pair is a product of two such descriptions, so that all
pairs of two plans are scored by a few matrix products. Two logistic regressions give the probabilities of "at least the
same theme" and "the same obligation" (ordinal regression by cumulative splits, Frank & Hall 2001).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, overload

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.special import expit

from corpus.provinces import find_provinces
from models import sealed
from models.embedder import Embedder, Vectors
from models.errors import MatcherError
from models.tuned import tuned
from models.tuning import Tuning, read_tuning

FORMAT = 4
# The folder of the tuning in that of the matcher.
TUNING = "tuning"
Matrix = NDArray[np.float64]
# Features of meaning, which come first, and those that every family of classes adds to a pair.
MEANINGS = 2
PER_FAMILY = 4
_BLOCK = 64
# Where one clause has no class of a family, nothing is known of how they agree.
_UNKNOWN = 0.4

_FIGURE = re.compile(r"\d+(?:[.,/-]\d+)*")
# Every plan names its programme, so the name says nothing about what a clause obliges to.
_PROGRAMME = re.compile(
    r"(?:chương trình hành động quốc gia )?(?:về )?sản xuất(?: và|,) tiêu dùng bền vững|\bsxtdbv\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Described:
    """Clauses, a row each: meaning vectors, and 0/1 classes of subject, action, object and topic, a table a family."""

    vectors: Vectors
    classes: tuple[NDArray[np.float64], ...]

    def rows(self, rows: slice) -> Described:
        """Return some of the clauses."""
        return Described(self.vectors[rows], tuple(family[rows] for family in self.classes))


@dataclass(frozen=True)
class Background:
    """What is common in clauses: their mean vector, and a weight for every class, a rare one heavier."""

    mean: Vectors
    weights: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, described: Described) -> Background:
        """Measure it on many clauses; weights are inverse document frequencies (Sparck Jones 1972)."""
        many = len(described.vectors) + 1
        return cls(described.vectors.mean(0), tuple(np.log(many / (family.sum(0) + 1)) for family in described.classes))


@dataclass(frozen=True)
class Match:
    """How similar two clauses are (0 different, 1/3 same theme, 1 same obligation), and the verdict.

    ``probability`` is that of the same obligation, ``grade`` the expected judgement between 0 and 2.
    """

    similarity: float
    same_clause: bool
    probability: float
    grade: float


@cache
def _classes() -> tuple[tuple[re.Pattern[str], ...], ...]:
    families = tomllib.loads(files("models").joinpath("clause_classes.toml").read_text(encoding="utf-8"))
    return tuple(tuple(re.compile(pattern) for pattern in family.values()) for family in families.values())


def without_figures(text: str) -> str:
    """Return ``text`` without numbers, provinces and the programme's name, which tell no two obligations apart."""
    for start, end, _ in reversed(find_provinces(text)):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(_FIGURE.sub(" ", _PROGRAMME.sub(" ", text)).split()) or text


def describe(texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Described:
    """Describe clauses; ``embed`` gives the vectors of texts without figures."""
    bare = [without_figures(text) for text in texts]
    lowered = [text.lower() for text in bare]
    return Described(
        embed(bare),
        tuple(
            np.array([[bool(p.search(text)) for p in family] for text in lowered], np.float64).reshape(len(texts), -1)
            for family in _classes()
        ),
    )


def pair_features(a: Described, b: Described, background: Background) -> NDArray[np.float64]:
    """Return the features of all pairs, shape (clauses of a, clauses of b, 2 + 4 for each family of classes).

    The cosine of their meanings, as it is and with the mean of all clauses taken off. Then for every family the weight of
    the classes they share: over those either has, over those of the clause with less, in itself; and whether both have
    some and share none. Overlaps of words are left out: beside these they add nothing (results/similarity.md).
    """
    columns: list[Matrix] = [_cosine(a.vectors - background.mean, b.vectors - background.mean)]
    columns.append(_cosine(a.vectors, b.vectors))
    for of_a, of_b, weights in zip(a.classes, b.classes, background.weights, strict=True):
        both = (of_a * weights) @ of_b.T
        heavy_a, heavy_b = (of_a @ weights)[:, None], (of_b @ weights)[None, :]
        known = (heavy_a > 0) & (heavy_b > 0)
        either = np.where(known, heavy_a + heavy_b - both, 1)
        columns += [
            np.where(known, both / either, _UNKNOWN),
            np.where(known, both / np.where(known, np.minimum(heavy_a, heavy_b), 1), _UNKNOWN),
            both,
            (known & (both == 0)).astype(np.float64),
        ]
    return np.stack(columns, axis=-1)


def _cosine(a: Vectors, b: Vectors) -> Matrix:
    lengths = [np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in (a, b)]
    product: Matrix = ((a / lengths[0]) @ (b / lengths[1]).T).astype(np.float64)
    return product


class Matcher:
    """A trained matcher. Safe to share between threads.

    ``threshold`` is the similarity of "same clause" for a pair somebody asks about, ``alignment_threshold`` the stricter
    one for a pair found among all pairs of two plans, most of which are unrelated.
    """

    def __init__(
        self,
        identifier: str,
        parts: Mapping[str, Any],
        threshold: float,
        alignment_threshold: float,
        embedder: Embedder,
    ) -> None:
        self.id = identifier
        self.threshold = threshold
        self.alignment_threshold = alignment_threshold
        self._parts = parts
        self._background = Background(parts["mean"], tuple(parts["weights"]))
        self._embedder = embedder

    def describe(self, texts: Sequence[str]) -> Described:
        """Describe clauses for ``matrix``."""
        return describe(texts, self._embedder.embed_queries)

    def matrix(self, a: Described, b: Described) -> Matrix:
        """Return the similarity of all pairs, shape (clauses of a, clauses of b)."""
        return similarity_of(*self._probabilities(a, b))

    def _probabilities(self, a: Described, b: Described) -> tuple[Matrix, Matrix]:
        """Return the probabilities of "at least the same theme" and "the same obligation" of all pairs."""
        shape = (len(a.vectors), len(b.vectors))
        found = np.empty((2, *shape))
        # The features of a block fit the processor's cache and a bounded memory, however long the plans are.
        for start in range(0, shape[0], _BLOCK):
            rows = slice(start, start + _BLOCK)
            features = pair_features(a.rows(rows), b, self._background)
            theme, same = probabilities(self._parts, features.reshape(-1, features.shape[-1]))
            found[0, rows], found[1, rows] = theme.reshape(-1, shape[1]), same.reshape(-1, shape[1])
        return found[0], found[1]

    def match(self, pairs: Sequence[tuple[str, str]]) -> list[Match]:
        """Return the match of each pair of texts; it is the same for (a, b) and (b, a)."""
        if not pairs:
            return []
        a, b = self.describe([pair[0] for pair in pairs]), self.describe([pair[1] for pair in pairs])
        found = []
        for number, (first, second) in enumerate(pairs):
            if not any(c.isalnum() for c in first) or not any(c.isalnum() for c in second):
                found.append(Match(0.0, same_clause=False, probability=0.0, grade=0.0))
                continue
            row = slice(number, number + 1)
            theme, same = (float(side[0, 0]) for side in self._probabilities(a.rows(row), b.rows(row)))
            similarity = similarity_of(theme, same)
            found.append(Match(similarity, similarity >= self.threshold, same, theme + same))
        return found


def probabilities(parts: Mapping[str, Any], features: Matrix) -> tuple[Matrix, Matrix]:
    """Return both cumulative probabilities of pairs given their features; the second is never above the first.

    Each is the mean of two models, one that knows the classes and one that knows the meanings alone: classes help where
    clauses speak of what they were written for, and mislead elsewhere (results/similarity.md).
    """
    theme = (_logistic(parts["theme"], parts, features) + _logistic(parts["theme_meaning"], parts, features)) / 2
    same = (_logistic(parts["same"], parts, features) + _logistic(parts["same_meaning"], parts, features)) / 2
    return theme, np.minimum(theme, same)


def _logistic(model: Any, parts: Mapping[str, Any], features: Matrix) -> Matrix:
    """Return what ``predict_proba`` would for the first scaled features, the scaling moved into the coefficients."""
    columns = model.coef_.shape[1]
    coefficients = model.coef_[0] / parts["scale"][:columns]
    shift = model.intercept_[0] - coefficients @ parts["centre"][:columns]
    found: Matrix = expit(features[..., :columns] @ coefficients + shift)
    return found


@overload
def similarity_of(theme: float, same: float) -> float: ...
@overload
def similarity_of(theme: Matrix, same: Matrix) -> Matrix: ...
def similarity_of(theme: Any, same: Any) -> Any:
    """Return the similarity: the obligation counts twice, so that it decides the order of pairs of one theme."""
    return (theme + 2 * same) / 3


def tuning_of(folder: Path) -> Tuning:
    """Return how the matcher in ``folder`` tunes the encoder. Raises AdapterError where that cannot be used."""
    return read_tuning(folder / TUNING)


def clause_embedder(folder: Path, embedder: Embedder) -> Embedder:
    """Return ``embedder`` tuned as the matcher in ``folder`` needs it. Raises AdapterError where that cannot be used."""
    return tuned(embedder, tuning_of(folder))


def load_matcher(folder: Path, embedder: Embedder) -> Matcher:
    """Load the matcher in ``folder``; ``embedder`` is its ``clause_embedder``, or one that stands for it.

    Raises MatcherError when it is missing, altered or made with other versions.
    """
    expected = {"format": FORMAT, "embedder": embedder.id, "scikit-learn": sklearn.__version__}
    manifest, parts = sealed.read(folder, "matcher", expected, MatcherError, "run `kehoach train --matcher`")
    return Matcher(
        manifest["id"], parts, float(manifest["threshold"]), float(manifest["alignment_threshold"]), embedder
    )

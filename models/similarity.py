"""Tell how similar two clauses are and whether they state the same obligation, figures and deadlines aside.

What a clause says of itself is computed once; every feature of a pair is a product of two such descriptions, so that all
pairs of two plans are scored by a few matrix products. Two logistic regressions give the probabilities of "at least the
same theme" and "the same obligation" (ordinal regression by cumulative splits, Frank & Hall 2001).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from corpus.provinces import find_provinces
from models import sealed
from models.embedder import Embedder, Vectors
from models.errors import MatcherError

FORMAT = 2
Matrix = NDArray[np.float64]

_FIGURE = re.compile(r"\d+(?:[.,/-]\d+)*")
# Every plan names its programme, so the name says nothing about what a clause obliges to.
_PROGRAMME = re.compile(
    r"(?:chương trình hành động quốc gia )?(?:về )?sản xuất(?: và|,) tiêu dùng bền vững|\bsxtdbv\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Described:
    """Clauses, a row each: meaning vectors, and 0/1 classes of their subjects, actions and objects."""

    vectors: Vectors
    classes: tuple[NDArray[np.float64], ...]

    def row(self, number: int) -> Described:
        """Return one clause."""
        one = slice(number, number + 1)
        return Described(self.vectors[one], tuple(family[one] for family in self.classes))


@dataclass(frozen=True)
class Match:
    """How similar two clauses are (0 different, 0.5 same theme, 1 same obligation) and the verdict."""

    similarity: float
    same_clause: bool


@cache
def _classes() -> tuple[tuple[re.Pattern[str], ...], ...]:
    families = tomllib.loads(files("models").joinpath("clause_classes.toml").read_text(encoding="utf-8"))
    return tuple(tuple(re.compile(pattern) for pattern in family.values()) for family in families.values())


def without_figures(text: str) -> str:
    """Return ``text`` without numbers, provinces and the programme's name, which tell no two obligations apart."""
    for start, end, _ in reversed(find_provinces(text)):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(_FIGURE.sub(" ", _PROGRAMME.sub(" ", text)).split()) or text


def describe(texts: Sequence[str], embedder: Embedder) -> Described:
    """Describe clauses."""
    bare = [without_figures(text) for text in texts]
    lowered = [text.lower() for text in bare]
    return Described(
        embedder.embed_queries(bare),
        tuple(
            np.array([[bool(p.search(text)) for p in family] for text in lowered], np.float64).reshape(len(texts), -1)
            for family in _classes()
        ),
    )


def pair_features(a: Described, b: Described) -> NDArray[np.float64]:
    """Return the features of all pairs, shape (clauses of a, clauses of b, 7).

    The cosine of their meanings; then for subjects, actions and objects how many they share of those either has (a half
    where one has none), and whether both have some and share none. Overlaps of words and letters are left out: they add
    nothing to these on unseen themes (results/similarity.md).
    """
    columns: list[Matrix] = [a.vectors.astype(np.float64) @ b.vectors.T.astype(np.float64)]
    for of_a, of_b in zip(a.classes, b.classes, strict=True):
        both = of_a @ of_b.T
        count_a, count_b = of_a.sum(1)[:, None], of_b.sum(1)[None, :]
        known = (count_a > 0) & (count_b > 0)
        shared = both / np.maximum(1, count_a + count_b - both)
        columns += [np.where(known, shared, 0.5), (known & (both == 0)).astype(np.float64)]
    return np.stack(columns, axis=-1)


class Matcher:
    """A trained matcher. Safe to share between threads."""

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
        self._embedder = embedder

    def describe(self, texts: Sequence[str]) -> Described:
        """Describe clauses for ``matrix``."""
        return describe(texts, self._embedder)

    def matrix(self, a: Described, b: Described) -> Matrix:
        """Return the similarity of all pairs, shape (clauses of a, clauses of b)."""
        features = pair_features(a, b)
        flat = features.reshape(-1, features.shape[-1])
        theme = self._parts["theme"].predict_proba(flat)[:, 1]
        same = np.minimum(theme, self._parts["same"].predict_proba(flat)[:, 1])
        similarity: Matrix = ((theme + same) / 2).reshape(features.shape[:2])
        return similarity

    def match(self, pairs: Sequence[tuple[str, str]]) -> list[Match]:
        """Return the match of each pair of texts; it is the same for (a, b) and (b, a)."""
        if not pairs:
            return []
        a, b = self.describe([pair[0] for pair in pairs]), self.describe([pair[1] for pair in pairs])
        found = []
        for number, (first, second) in enumerate(pairs):
            empty = not any(c.isalnum() for c in first) or not any(c.isalnum() for c in second)
            similarity = 0.0 if empty else float(self.matrix(a.row(number), b.row(number))[0, 0])
            found.append(Match(similarity, similarity >= self.threshold))
        return found

    def save(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """Write the model and ``manifest`` into ``folder``."""
        sealed.write(folder, "matcher", self._parts, manifest)


def load_matcher(folder: Path, embedder: Embedder) -> Matcher:
    """Load the matcher in ``folder``. Raises MatcherError when it is missing, altered or made with other versions."""
    expected = {"format": FORMAT, "embedder": embedder.id, "scikit-learn": sklearn.__version__}
    manifest, parts = sealed.read(folder, "matcher", expected, MatcherError, "run `kehoach train --matcher`")
    return Matcher(
        manifest["id"], parts, float(manifest["threshold"]), float(manifest["alignment_threshold"]), embedder
    )

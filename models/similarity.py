"""Tell how similar two clauses are and whether they state the same obligation, figures and deadlines aside.

The meaning of a clause is computed once, by an encoder tuned to tell obligations apart; a pair has two features, the cosine of
both meanings as they are and with what all clauses have in common taken off, so all pairs of two plans are two matrix products.
Two logistic regressions give the probabilities of "at least the same theme" and "the same obligation" (ordinal regression by
cumulative splits, Frank & Hall 2001).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

FORMAT = 5
# The folder of the tuning in that of the matcher.
TUNING = "tuning"
Matrix = NDArray[np.float64]
_BLOCK = 64
_FIGURE = re.compile(r"\d+(?:[.,/-]\d+)*")
# Every plan names its programme, so the name says nothing about what a clause obliges to.
_PROGRAMME = re.compile(
    r"(?:chương trình hành động quốc gia )?(?:về )?sản xuất(?: và|,) tiêu dùng bền vững|\bsxtdbv\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Match:
    """How similar two clauses are (0 different, 1/3 same theme, 1 same obligation), and the verdict.

    ``probability`` is that of the same obligation, ``grade`` the expected judgement between 0 and 2.
    """

    similarity: float
    same_clause: bool
    probability: float
    grade: float


def without_figures(text: str) -> str:
    """Return ``text`` without numbers, provinces and the programme's name, which tell no two obligations apart."""
    for start, end, _ in reversed(find_provinces(text)):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(_FIGURE.sub(" ", _PROGRAMME.sub(" ", text)).split()) or text


def sides(meanings: Vectors, mean: Vectors) -> Vectors:
    """Return what of one clause goes into the features of its pairs, shape (2, clauses, dimension).

    Unit vectors, first with ``mean``, that of many clauses, taken off, then without.
    """
    both = np.stack([meanings - mean, meanings])
    unit: Vectors = both / np.maximum(np.linalg.norm(both, axis=2, keepdims=True), 1e-9)
    return unit


def pair_features(a: Vectors, b: Vectors) -> Matrix:
    """Return both cosines of all pairs of ``sides``, shape (clauses of a, clauses of b, 2).

    Overlaps of words and agreement of subjects and actions that were told by patterns add nothing where another writer's
    clauses are compared (results/similarity.md).
    """
    features: Matrix = np.moveaxis(a @ b.transpose(0, 2, 1), 0, -1).astype(np.float64)
    return features


def describe(texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
    """Return what clauses mean, (texts, dimension); ``embed`` gives the vectors of texts without figures."""
    return embed([without_figures(text) for text in texts])


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
        self._embedder = embedder

    def describe(self, texts: Sequence[str]) -> Vectors:
        """Return what clauses mean for ``matrix``, (texts, dimension)."""
        return describe(texts, self._embedder.embed_queries)

    def matrix(self, a: Vectors, b: Vectors) -> Matrix:
        """Return the similarity of all pairs, shape (clauses of a, clauses of b)."""
        return similarity_of(*self._probabilities(a, b))

    def _probabilities(self, a: Vectors, b: Vectors) -> tuple[Matrix, Matrix]:
        """Return the probabilities of "at least the same theme" and "the same obligation" of all pairs."""
        shape = (len(a), len(b))
        of_a, of_b = sides(a, self._parts["mean"]), sides(b, self._parts["mean"])
        found = np.empty((2, *shape))
        # The features of a block fit the processor's cache and a bounded memory, however long the plans are.
        for start in range(0, shape[0], _BLOCK):
            rows = slice(start, start + _BLOCK)
            found[0, rows], found[1, rows] = probabilities(self._parts, pair_features(of_a[:, rows], of_b))
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
            theme, same = (float(side[0, 0]) for side in self._probabilities(a[row], b[row]))
            similarity = similarity_of(theme, same)
            found.append(Match(similarity, similarity >= self.threshold, same, theme + same))
        return found


def probabilities(parts: Mapping[str, Any], features: Matrix) -> tuple[Matrix, Matrix]:
    """Return both cumulative probabilities of pairs given their features; the second is never above the first."""
    theme, same = (_logistic(parts[name], parts, features) for name in ("theme", "same"))
    return theme, np.minimum(theme, same)


def _logistic(model: Any, parts: Mapping[str, Any], features: Matrix) -> Matrix:
    """Return what ``predict_proba`` would for the scaled features, the scaling moved into the coefficients."""
    coefficients = model.coef_[0] / parts["scale"]
    found: Matrix = expit(features @ coefficients + (model.intercept_[0] - coefficients @ parts["centre"]))
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

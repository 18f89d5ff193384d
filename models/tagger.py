"""Tag paragraphs by task group: score every clause in three views, gather the scores, give calibrated probabilities.

Level one is a logistic regression a view and group over clauses; level two a logistic regression a group over what the
clauses of a paragraph say together (Wolpert 1992, stacking), and over the logits of a task adapter where there is one. Both are persisted with skops and an allow-list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from corpus.taxonomy import TaskGroup
from corpus.types import Tag
from models import sealed
from models.adapted import adapted
from models.adapter import Adapter, read_adapter, shipped_adapter
from models.embedder import Embedder, Vectors
from models.errors import TaggerError
from models.features import VIEWS, Cues, Units, units, views
from models.wording import corrected

FORMAT = 5
# Where a tagger keeps its adapter when that is not the one that comes with the program.
ADAPTER_FOLDER = "adapter"


@dataclass(frozen=True)
class ClauseModels:
    """Level one: two vectorisers, and a classifier for every view and group."""

    words: Any
    letters: Any
    classifiers: Mapping[str, Mapping[str, LogisticRegression]]

    def scores(self, units: Units, matches: NDArray[np.float32], groups: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of every unit, shape (units, groups, views)."""
        features = views(units, self.words, self.letters, matches)
        columns = [
            [self.classifiers[view][group].decision_function(features[view]) for view in VIEWS] for group in groups
        ]
        return np.array(columns).transpose(2, 0, 1)


def gather(scores: NDArray[np.float64], units: Units, counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what level two sees, shape (paragraphs, groups, features).

    For each view the largest and second largest score of a clause and that of the whole; over the views the largest mean;
    the strongest other group; cue counts of the whole; how many clauses there are; with an adapter its logit.
    """
    paragraphs, groups = len(units.whole), scores.shape[1]
    logits = np.empty((paragraphs, groups, 0)) if units.logits is None else units.logits[:, :, None]
    table = np.empty((paragraphs, groups, 3 * len(VIEWS) + 5 + logits.shape[2]))
    order = np.argsort(units.owner, kind="stable")
    bounds = np.searchsorted(units.owner[order], np.arange(paragraphs + 1))
    for number in range(paragraphs):
        rows = order[bounds[number] : bounds[number + 1]]
        whole = units.whole[number]
        clauses = rows[rows != whole] if len(rows) > 1 else rows
        ranked = np.sort(scores[clauses], axis=0)[::-1]
        joint = scores[clauses].mean(axis=2).max(axis=0)
        largest, second = ranked[0], ranked[min(1, len(clauses) - 1)]
        others = np.array([np.max(np.delete(joint, g)) if groups > 1 else 0.0 for g in range(groups)])
        several = np.full(groups, np.log(len(clauses)))
        table[number] = np.column_stack(
            [largest, second, scores[whole], joint, others, counts[whole], several, logits[number]]
        )
    return table


@dataclass(frozen=True)
class Evidence:
    """What level two sees of some paragraphs: a row for each as a whole, and a row for each of their clauses alone."""

    paragraphs: NDArray[np.float64]
    clauses: NDArray[np.float64]
    owner: NDArray[np.int64]


def evidence(scores: NDArray[np.float64], units: Units, counts: NDArray[np.float32]) -> Evidence:
    """Return the evidence of ``units`` for their paragraphs."""
    together = gather(scores, units, counts)
    several = np.bincount(units.owner, minlength=len(units.whole)) > 1
    is_clause = np.ones(len(units.owner), bool)
    is_clause[units.whole[several]] = False
    rows = np.flatnonzero(is_clause)
    each, owner = np.arange(len(rows)), units.owner[rows]
    logits = None if units.logits is None else units.logits[owner]
    alone = Units([units.texts[r] for r in rows], [], units.vectors[owner], each, each, logits)
    return Evidence(together, gather(scores[rows], alone, counts[rows]), owner)


def probabilities_of(models: Mapping[str, Any], keys: Sequence[str], seen: Evidence) -> NDArray[np.float64]:
    """Return the probability of every group, shape (paragraphs, groups).

    It is the mean of what the paragraph as a whole and its strongest clause alone say: the first dilutes a topic among
    others, the second misses what clauses say together.
    """
    together = _predicted(models, keys, seen.paragraphs)
    strongest = np.zeros_like(together)
    np.maximum.at(strongest, seen.owner, _predicted(models, keys, seen.clauses))
    found: NDArray[np.float64] = (together + strongest) / 2
    return found


def _predicted(models: Mapping[str, Any], keys: Sequence[str], table: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([models[key].predict_proba(table[:, g])[:, 1] for g, key in enumerate(keys)])


class Tagger:
    """A trained tagger; ``id`` names its data, labels and thresholds, ``bands`` where it is unsure. Safe to share between threads."""

    def __init__(
        self,
        identifier: str,
        groups: Sequence[TaskGroup],
        thresholds: Mapping[str, float],
        bands: Mapping[str, Sequence[float]],
        clause_models: ClauseModels,
        paragraph_models: Mapping[str, Any],
        embedder: Embedder,
    ) -> None:
        self.id = identifier
        self.groups = tuple(groups)
        self._keys = [group.key for group in groups]
        self.thresholds = dict(thresholds)
        self.bands = {group: (float(low), float(high)) for group, (low, high) in bands.items()}
        self._clause_models = clause_models
        self._paragraph_models = paragraph_models
        self._cues = Cues(groups)
        self._embedder = embedder

    @property
    def embedder(self) -> Embedder:
        """What it embeds texts with."""
        return self._embedder

    def probabilities(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], Vectors]:
        """Return the probability of every group, shape (texts, groups), and the texts' passage vectors."""
        if not texts:
            return np.zeros((0, len(self.groups))), np.zeros((0, self._embedder.dimension), np.float32)
        seen, vectors = self._read(texts)
        found = probabilities_of(self._paragraph_models, self._keys, seen)
        found[[not any(c.isalpha() for c in text) for text in texts]] = 0.0
        return found, vectors

    def by_clause(self, text: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probabilities of one text, (groups,), and what each of its clauses says of it, (clauses, groups).

        Clauses are those of ``models.features.clause_texts``. What the strongest of them says makes up half of the text's probability.
        """
        seen, _ = self._read([text])
        whole = probabilities_of(self._paragraph_models, self._keys, seen)[0]
        clauses = _predicted(self._paragraph_models, self._keys, seen.clauses)
        return (whole, clauses) if any(c.isalpha() for c in text) else (np.zeros_like(whole), np.zeros_like(clauses))

    def _read(self, texts: Sequence[str]) -> tuple[Evidence, Vectors]:
        cut = units(texts, self._embedder)
        matches = self._cues.matches(cut.texts)
        scores = self._clause_models.scores(cut, matches, self._keys)
        return evidence(scores, cut, self._cues.counts(matches)), cut.vectors

    def tag(self, texts: Sequence[str]) -> list[list[Tag]]:
        """Return all groups' tags for every text, its diacritics put right first, in the taxonomy's order."""
        return self.tags(self.probabilities([corrected(text) for text in texts])[0])

    def tags(self, probabilities: NDArray[np.float64]) -> list[list[Tag]]:
        """Return tags for rows of ``probabilities``, assigned at each group's threshold."""
        return [
            [
                Tag(group.key, round(float(p), 4), bool(p >= self.thresholds[group.key]), "model", self.id)
                for group, p in zip(self.groups, row, strict=True)
            ]
            for row in probabilities
        ]

    def doubt(self, group: str, probability: float) -> float:
        """Return how unsure a probability is: 1 at the group's threshold, falling to 0 at the edges of its unsure band."""
        threshold = self.thresholds[group]
        low, high = self.bands[group]
        edge = low if probability < threshold else high
        reach = abs(edge - threshold)
        return max(0.0, 1.0 - abs(probability - threshold) / reach) if reach else 0.0

    def is_unsure(self, tag: Tag) -> bool:
        """Tell whether a tag is a model's and its probability lies inside its group's unsure band."""
        return (
            tag.source == "model" and tag.task_group in self.bands and self.doubt(tag.task_group, tag.probability) > 0
        )

    def save(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """Write the model and ``manifest`` into ``folder``."""
        parts = {
            "words": self._clause_models.words,
            "letters": self._clause_models.letters,
            "clauses": {view: dict(models) for view, models in self._clause_models.classifiers.items()},
            "paragraphs": dict(self._paragraph_models),
        }
        sealed.write(folder, "tagger", parts, manifest)


def load_tagger(folder: Path, groups: Sequence[TaskGroup], embedder: Embedder) -> Tagger:
    """Load the tagger in ``folder``.

    Raises TaggerError when a file is missing, altered, holds unknown types, or was trained with other groups, another
    embedder or another scikit-learn, or when the adapter it was trained with is not there.
    """
    expected = {
        "format": FORMAT,
        "groups": [group.key for group in groups],
        "embedder": embedder.id,
        "scikit-learn": sklearn.__version__,
    }
    manifest, parts = sealed.read(folder, "tagger", expected, TaggerError, "run `kehoach train`")
    if manifest["adapter"]:
        embedder = adapted(embedder, _adapter_of(folder, manifest["adapter"]))
    models = ClauseModels(parts["words"], parts["letters"], parts["clauses"])
    return Tagger(
        manifest["id"], groups, manifest["thresholds"], manifest["unsure"], models, parts["paragraphs"], embedder
    )


def _adapter_of(folder: Path, identifier: str) -> Adapter:
    """Return the adapter in a tagger's folder, else the one that comes with the program."""
    own = folder / ADAPTER_FOLDER
    place = own if own.exists() else shipped_adapter()
    adapter = read_adapter(place)
    if adapter.id != identifier:
        raise TaggerError(f"the tagger in {folder} needs {identifier}, {place} has {adapter.id}; run `kehoach train`")
    return adapter

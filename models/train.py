"""Train the tagger: clause models by multiple-instance learning, paragraph models on held-out scores, thresholds for F1.

Every split is by document. Deterministic for the same data and embedder.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from corpus.labelled import LabelledParagraph
from corpus.taxonomy import TaskGroup
from models.adapted import AdaptedEmbedder
from models.embedder import Embedder
from models.features import VIEWS, Cues, Units, letter_vectorizer, units, views, whole_text, word_vectorizer
from models.tagger import FORMAT, ClauseModels, Evidence, Tagger, evidence, probabilities_of
from nlp.fold import fold

FOLDS = 5
# Penalties by view, chosen on grouped folds (results/tagging.md).
PENALTY = {"words": 8.0, "letters": 8.0, "meaning": 0.3}
_ROUNDS = 1
# Errors left outside the band where a person is asked.
_MISSED, _WRONG = 0.01, 0.03


@dataclass(frozen=True)
class Examples:
    """Labelled paragraphs, cut and described once: ``labels`` is (paragraphs, groups), ``documents`` a number each."""

    units: Units
    matches: NDArray[np.float32]
    counts: NDArray[np.float32]
    labels: NDArray[np.bool_]
    documents: NDArray[np.int64]

    def of(self, paragraphs: NDArray[np.int64]) -> Examples:
        """Return the examples of some paragraphs."""
        rows = np.flatnonzero(np.isin(self.units.owner, paragraphs))
        # Units keep their order, so paragraphs must be in ascending order for the two to agree.
        chosen = np.sort(paragraphs)
        return Examples(
            self.units.of(chosen), self.matches[rows], self.counts[rows], self.labels[chosen], self.documents[chosen]
        )


def composites(rows: Sequence[LabelledParagraph]) -> list[LabelledParagraph]:
    """Return long paragraphs joined from two to five of one document, labelled with the union, a third as many as ``rows``.

    Plans pack several topics into one paragraph more often than anybody writes examples of it. Those of a document depend on
    its own rows alone, so that more documents leave them as they are, and with them what adapters said of them unseen.
    """
    members: dict[str, list[LabelledParagraph]] = {}
    for row in rows:
        if row.genre not in ("heading", "boilerplate"):
            members.setdefault(row.document, []).append(row)
    joined = []
    for document, pool in members.items():
        random = np.random.default_rng(zlib.crc32(document.encode()))
        for number in range(len(pool) // 3):
            chosen = random.choice(len(pool), min(len(pool), int(random.integers(2, 6))), replace=False)
            parts = [pool[int(i)] for i in chosen]
            text = " ".join(part.text if part.text.endswith((".", ";", ":")) else f"{part.text}." for part in parts)
            labels = frozenset[str]().union(*(part.labels for part in parts))
            joined.append(LabelledParagraph(f"composite-{document}-{number}", document, "composite", text, labels))
    return joined


def describe(rows: Sequence[LabelledParagraph], groups: Sequence[TaskGroup], embedder: Embedder) -> Examples:
    """Return ``rows`` as examples for ``groups``."""
    cut = units([row.text for row in rows], embedder)
    if isinstance(embedder, AdaptedEmbedder) and cut.logits is not None:
        # What an adapter says of rows it was trained on says nothing about other texts.
        wholes = [whole_text(row.text) for row in rows]
        cut = replace(cut, logits=embedder.adapter.unseen(wholes, cut.logits))
    cues = Cues(groups)
    matches = cues.matches(cut.texts)
    labels = np.array([[group.key in row.labels for group in groups] for row in rows])
    _, documents = np.unique([row.document for row in rows], return_inverse=True)
    return Examples(cut, matches, cues.counts(matches), labels, documents.astype(np.int64))


def folds(documents: NDArray[np.int64], count: int = FOLDS) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (training, held-out) paragraph numbers; a document is on one side only."""
    splitter = GroupKFold(min(count, len(np.unique(documents))), shuffle=True, random_state=889)
    for training, held_out in splitter.split(documents, groups=documents):
        yield np.sort(training), np.sort(held_out)


def fit_clauses(examples: Examples, keys: Sequence[str]) -> ClauseModels:
    """Fit level one by multiple-instance learning (Andrews et al. 2003, MI-SVM).

    A clause of a labelled paragraph counts as positive unless the model of the round before, having seen it, finds nothing
    in it while another clause carries the label.
    """
    cut = examples.units
    words = word_vectorizer().fit(cut.segmented)
    letters = letter_vectorizer().fit([fold(text) for text in cut.texts])
    features = views(cut, words, letters, examples.matches)
    classifiers: dict[str, dict[str, LogisticRegression]] = {view: {} for view in VIEWS}
    for number, key in enumerate(keys):
        positive = examples.labels[cut.owner, number]
        weight = np.ones(len(positive))
        for last in [*[False] * _ROUNDS, True]:
            for view in VIEWS:
                model = LogisticRegression(C=PENALTY[view], solver="liblinear", class_weight="balanced", random_state=0)
                classifiers[view][key] = model.fit(features[view], positive, sample_weight=weight)
            if not last:
                joint = np.mean([classifiers[view][key].decision_function(features[view]) for view in VIEWS], axis=0)
                positive, weight = _relabel(joint, cut, examples.labels[:, number])
    return ClauseModels(words, letters, classifiers)


def _relabel(
    joint: NDArray[np.float64], cut: Units, labels: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return each unit's label and weight for the next round."""
    best = np.full(len(labels), -np.inf)
    np.maximum.at(best, cut.owner, joint)
    of_positive = labels[cut.owner]
    is_whole = np.zeros(len(joint), bool)
    is_whole[cut.whole] = True
    carries = of_positive & (is_whole | (joint >= np.minimum(best[cut.owner], 0.0)))
    # The rest of a labelled paragraph probably speaks of something else: a weak negative.
    weight = np.where(of_positive & ~carries, 0.3, 1.0)
    return carries, weight


def fit_paragraphs(table: NDArray[np.float64], labels: NDArray[np.bool_], keys: Sequence[str]) -> dict[str, Any]:
    """Fit level two on held-out scores, unweighted so that its probabilities are calibrated."""
    return {
        key: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(table[:, g], labels[:, g])
        for g, key in enumerate(keys)
    }


def held_out_evidence(
    examples: Examples, written: int, count: int, keys: Sequence[str], tell: Callable[[str], None]
) -> list[tuple[NDArray[np.int64], Evidence]]:
    """Return by fold the held-out paragraphs and what clause models that never saw their documents find in them.

    The first ``written`` paragraphs are as written, those to ``count`` composites, and the rest composed, never held out.
    Clause models learn from written and composed ones only, since composites have no new clause.
    """
    found = []
    composed = np.arange(count, len(examples.documents))
    for number, (training, held_out) in enumerate(folds(examples.documents[:count]), 1):
        tell(f"fold {number}")
        unseen = examples.of(held_out)
        models = fit_clauses(examples.of(np.concatenate([training[training < written], composed])), keys)
        scores = models.scores(unseen.units, unseen.matches, keys)
        found.append((held_out, evidence(scores, unseen.units, unseen.counts)))
    return found


def best_threshold(labels: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """Return the threshold with the highest F1, the middle of the best ones."""
    candidates = np.linspace(0.1, 0.9, 81)
    f1 = []
    for threshold in candidates:
        assigned = probabilities >= threshold
        f1.append(2 * (assigned & labels).sum() / max(1, assigned.sum() + labels.sum()))
    # Within half a point of the best all are alike by chance; their middle travels better than the peak.
    good = candidates[np.array(f1) >= max(f1) - 0.005]
    return round(float(np.median(good)), 3)


def unsure_band(labels: NDArray[np.bool_], probabilities: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    """Return (low, high) around ``threshold``: at most 1 % of the paragraphs below low have the label, 3 % above high lack it."""
    steps = np.linspace(0.02, 0.98, 97)
    below = [s for s in steps if s <= threshold and _share(labels[probabilities < s]) <= _MISSED]
    above = [s for s in steps if s >= threshold and _share(~labels[probabilities >= s]) <= _WRONG]
    return round(float(max(below, default=0.02)), 3), round(float(min(above, default=0.98)), 3)


def _share(chosen: NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0


@dataclass(frozen=True)
class Trained:
    """A trained tagger with its manifest, and the labels and held-out probabilities it was chosen by."""

    tagger: Tagger
    manifest: dict[str, Any]
    labels: NDArray[np.bool_]
    held_out: NDArray[np.float64]


def train(
    rows: Sequence[LabelledParagraph],
    groups: Sequence[TaskGroup],
    embedder: Embedder,
    tell: Callable[[str], None] | None = None,
    composed: Sequence[LabelledParagraph] = (),
) -> Trained:
    """Train a tagger on ``rows``, its clause models on ``composed`` rows too, which nothing is chosen or measured by.

    With an ``AdaptedEmbedder`` it uses the adapter's logits. Raises ValueError where a group has labels in fewer than two
    documents of ``rows``.
    """
    say = tell or (lambda what: None)
    keys = [group.key for group in groups]
    lacking = [key for key in keys if len({row.document for row in rows if key in row.labels}) < 2]
    if lacking:
        raise ValueError(f"task groups {lacking} need labelled paragraphs in at least 2 documents")
    learnt = [*rows, *composites(rows)]
    say(f"describing {len(learnt) + len(composed)} paragraphs")
    examples = describe([*learnt, *composed], groups, embedder)
    written, labels = np.arange(len(rows)), examples.labels[: len(learnt)]
    seen = held_out_evidence(examples, len(rows), len(learnt), keys, say)
    table = np.concatenate([part.paragraphs for _, part in seen])[
        np.argsort(np.concatenate([place for place, _ in seen]))
    ]
    held_out = held_out_probabilities(seen, table, labels, keys)[written]
    thresholds = {key: best_threshold(labels[written, g], held_out[:, g]) for g, key in enumerate(keys)}
    bands = {key: unsure_band(labels[written, g], held_out[:, g], thresholds[key]) for g, key in enumerate(keys)}
    say("fitting")
    paragraph_models = fit_paragraphs(table, labels, keys)
    everything = np.concatenate([written, np.arange(len(learnt), len(examples.documents))])
    clause_models = fit_clauses(examples.of(everything), keys)
    manifest = {**_manifest(rows, composed, keys, thresholds, embedder), "unsure": bands}
    tagger = Tagger(manifest["id"], groups, thresholds, bands, clause_models, paragraph_models, embedder)
    return Trained(tagger, manifest, labels[written], held_out)


def _manifest(
    rows: Sequence[LabelledParagraph],
    composed: Sequence[LabelledParagraph],
    keys: Sequence[str],
    thresholds: dict[str, float],
    embedder: Embedder,
) -> dict[str, Any]:
    adapter = embedder.adapter.id if isinstance(embedder, AdaptedEmbedder) else None
    data = json.dumps([[row.id, row.text, sorted(row.labels)] for row in (*rows, *composed)], ensure_ascii=False)
    data_hash = hashlib.sha256(data.encode()).hexdigest()
    name = hashlib.sha256(json.dumps([FORMAT, data_hash, keys, thresholds, embedder.id, adapter]).encode()).hexdigest()
    return {
        "id": f"task-groups-{name[:10]}",
        "format": FORMAT,
        "groups": list(keys),
        "thresholds": thresholds,
        "embedder": embedder.id,
        "adapter": adapter,
        "scikit-learn": sklearn.__version__,
        "data": {
            "sha256": data_hash,
            "paragraphs": len(rows),
            "documents": len({row.document for row in rows}),
            "composed": len(composed),
        },
    }


def held_out_probabilities(
    seen: Sequence[tuple[NDArray[np.int64], Evidence]],
    table: NDArray[np.float64],
    labels: NDArray[np.bool_],
    keys: Sequence[str],
) -> NDArray[np.float64]:
    """Return probabilities of every paragraph by models of both levels that never saw its document."""
    found = np.empty(labels.shape)
    for held_out, part in seen:
        others = np.setdiff1d(np.arange(len(labels)), held_out)
        found[held_out] = probabilities_of(fit_paragraphs(table[others], labels[others], keys), keys, part)
    return found

"""Ways to tag paragraphs that bench/tagging.py compares: what each learns, and what it then says of unseen documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.features import word_vectorizer
from models.tagger import ClauseModels, Evidence, evidence, probabilities_of
from models.train import Examples, fit_clauses, fit_paragraphs, folds

Floats = NDArray[np.float64]
Tell = Callable[[str], None]
# One penalty for all paragraph models; unit vectors are stretched as the shipped recipe stretches them.
PENALTY = 8.0
_STRETCH = 4.0


@dataclass(frozen=True)
class Data:
    """Paragraphs to learn from and to be asked about.

    ``learnt`` holds paragraphs as written, then composites of them; the first ``written`` are as written. ``conditions`` has
    by name the written ones once more, spoilt; ``frozen`` by the same names and "clean" paragraphs of other documents.
    """

    learnt: Examples
    written: int
    conditions: Mapping[str, Examples]
    frozen: Mapping[str, Examples]
    keys: Sequence[str]


@dataclass(frozen=True)
class Answers:
    """Probabilities by condition: ``held_out`` of the written paragraphs by models that saw no paragraph of their document."""

    held_out: dict[str, Floats]
    frozen: dict[str, Floats]


def rules(data: Data) -> Answers:
    """Tag where a clause, or the whole, has more cues than counter-cues of a group; probabilities are 0 or 1."""

    def say(examples: Examples) -> Floats:
        said = np.zeros((len(examples.units.whole), len(data.keys)))
        np.maximum.at(said, examples.units.owner, (examples.counts[:, :, 0] > examples.counts[:, :, 1]).astype(float))
        return said

    held_out = {"clean": say(data.learnt)[: data.written], **{n: say(e) for n, e in data.conditions.items()}}
    return Answers(held_out, {name: say(examples) for name, examples in data.frozen.items()})


Scorer = Callable[[Examples], Floats]


def fit_whole(examples: Examples, keys: Sequence[str], views: Sequence[str]) -> Scorer:
    """Fit a logistic regression a group over whole paragraphs: ``views`` are "words" (TF-IDF), "vectors", or both."""

    def wholes(of: Examples) -> list[str]:
        return [of.units.segmented[row] for row in of.units.whole]

    words = word_vectorizer().fit(wholes(examples)) if "words" in views else None

    def features(of: Examples) -> sp.csr_matrix:
        parts = [words.transform(wholes(of))] if words else []
        if "vectors" in views:
            parts.append(sp.csr_matrix(_STRETCH * of.units.vectors))
        return sp.hstack(parts).tocsr()

    seen = features(examples)
    models = [
        LogisticRegression(C=PENALTY, solver="liblinear", random_state=0).fit(seen, examples.labels[:, g])
        for g in range(len(keys))
    ]
    return lambda of: np.column_stack([model.predict_proba(features(of))[:, 1] for model in models])


def whole_paragraphs(data: Data, views: Sequence[str]) -> Answers:
    """Learn from paragraphs as a whole, composites left out: what plain classifiers do."""
    names = ("clean", *data.conditions)
    held_out = {name: np.empty((data.written, len(data.keys))) for name in names}
    written = np.arange(data.written)
    for training, unseen in _written_folds(data):
        say = fit_whole(data.learnt.of(training), data.keys, views)
        for name in names:
            held_out[name][unseen] = say((data.conditions.get(name) or data.learnt).of(unseen))
    say = fit_whole(data.learnt.of(written), data.keys, views)
    return Answers(held_out, {name: say(examples) for name, examples in data.frozen.items()})


def _written_folds(data: Data) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return [
        (training[training < data.written], unseen[unseen < data.written])
        for training, unseen in folds(data.learnt.documents)
    ]


@dataclass(frozen=True)
class _Found:
    """What clause models find in paragraphs: all of it, and by group the highest mean score of a clause."""

    evidence: Evidence
    strongest: Floats


def _find(models: ClauseModels, of: Examples, keys: Sequence[str]) -> _Found:
    scores = models.scores(of.units, of.matches, keys)
    strongest = np.full((len(of.units.whole), len(keys)), -np.inf)
    is_clause = np.ones(len(of.units.owner), bool)
    is_clause[of.units.whole[np.bincount(of.units.owner) > 1]] = False
    np.maximum.at(strongest, of.units.owner[is_clause], scores[is_clause].mean(2))
    return _Found(evidence(scores, of.units, of.counts), strongest)


def clauses(data: Data, tell: Tell) -> tuple[Answers, Answers]:
    """Learn from clauses; return what the strongest clause says, and what is said with learned aggregation (as shipped).

    Both aggregations learn from clause scores of documents that the clause models did not see, as the shipped one does.
    """
    names = ("clean", *data.conditions)
    found: list[tuple[NDArray[np.int64], _Found, dict[str, tuple[NDArray[np.int64], _Found]]]] = []
    for number, (training, unseen) in enumerate(folds(data.learnt.documents), 1):
        tell(f"fold {number}")
        models = fit_clauses(data.learnt.of(training[training < data.written]), data.keys)
        own = unseen[unseen < data.written]
        spoilt = {name: (own, _find(models, of.of(own), data.keys)) for name, of in data.conditions.items()}
        found.append((unseen, _find(models, data.learnt.of(unseen), data.keys), spoilt))
    everything = np.argsort(np.concatenate([unseen for unseen, _, _ in found]))
    table = np.concatenate([part.evidence.paragraphs for _, part, _ in found])[everything]
    strongest = np.concatenate([part.strongest for _, part, _ in found])[everything]
    labels = data.learnt.labels
    answers = []
    for gathered in (_ByStrongest(strongest), _ByLearning(table)):
        held_out = {
            name: np.empty((len(labels) if name == "clean" else data.written, len(data.keys))) for name in names
        }
        for unseen, clean, spoilt in found:
            others = np.setdiff1d(np.arange(len(labels)), unseen)
            say = gathered.fit(others, labels[others], data.keys)
            for name, (rows, part) in {"clean": (unseen, clean), **spoilt}.items():
                held_out[name][rows] = say(part)
        held_out["clean"] = held_out["clean"][: data.written]
        answers.append((held_out, gathered.fit(np.arange(len(labels)), labels, data.keys)))
    if not data.frozen:
        first, second = (Answers(held, {}) for held, _ in answers)
        return first, second
    tell("all documents")
    models = fit_clauses(data.learnt.of(np.arange(data.written)), data.keys)
    frozen = {name: _find(models, examples, data.keys) for name, examples in data.frozen.items()}
    first, second = (Answers(held, {name: say(part) for name, part in frozen.items()}) for held, say in answers)
    return first, second


@dataclass(frozen=True)
class _ByStrongest:
    """A logistic regression a group over the strongest clause's score."""

    scores: Floats

    def fit(
        self, rows: NDArray[np.int64], labels: NDArray[np.bool_], keys: Sequence[str]
    ) -> Callable[[_Found], Floats]:
        models = [LogisticRegression().fit(self.scores[rows, g, None], labels[:, g]) for g in range(len(keys))]
        return lambda part: np.column_stack(
            [model.predict_proba(part.strongest[:, g, None])[:, 1] for g, model in enumerate(models)]
        )


@dataclass(frozen=True)
class _ByLearning:
    """The shipped aggregation."""

    table: Floats

    def fit(
        self, rows: NDArray[np.int64], labels: NDArray[np.bool_], keys: Sequence[str]
    ) -> Callable[[_Found], Floats]:
        models = fit_paragraphs(self.table[rows], labels, keys)
        return lambda part: probabilities_of(models, keys, part.evidence)


def without_rules(data: Data) -> Data:
    """Return ``data`` with no cue found anywhere."""

    def blind(of: Examples) -> Examples:
        return replace(of, matches=np.zeros_like(of.matches), counts=np.zeros_like(of.counts))

    return replace(
        data,
        learnt=blind(data.learnt),
        conditions={name: blind(of) for name, of in data.conditions.items()},
        frozen={name: blind(of) for name, of in data.frozen.items()},
    )

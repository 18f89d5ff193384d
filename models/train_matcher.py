"""Train the matcher of clauses from obligation families and judged pairs, and measure it on themes it has not seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, cohen_kappa_score
from sklearn.model_selection import GroupKFold

from corpus.labelled import Clause, JudgedPair
from models.embedder import Embedder
from models.similarity import FORMAT, Described, Matcher, describe, pair_features

FOLDS = 6
_UNRELATED_PER_CLAUSE = 12
# The judged pairs are traps by design: alone they would teach that likeness means nothing.
_JUDGED_WEIGHT = 0.5


@dataclass(frozen=True)
class PairData:
    """Judged pairs as features (pairs, features), judgements 0-2, weights, and the group that must not be split."""

    features: NDArray[np.float64]
    judgements: NDArray[np.int64]
    weights: NDArray[np.float64]
    groups: NDArray[np.int64]
    is_judged: NDArray[np.bool_]


def pair_data(clauses: Sequence[Clause], pairs: Sequence[JudgedPair], embedder: Embedder) -> PairData:
    """Return all pairs within a theme, unrelated pairs that look alike, and the judged pairs."""
    described = describe([clause.text for clause in clauses], embedder)
    themes = np.unique([clause.theme for clause in clauses], return_inverse=True)[1]
    families = np.unique([clause.family for clause in clauses], return_inverse=True)[1]
    features = pair_features(described, described)
    first, second = _chosen(themes, features[:, :, 0])
    judgements = np.where(families[first] == families[second], 2, np.where(themes[first] == themes[second], 1, 0))
    # An unrelated pair belongs to the themes of both its clauses; it is trained on with the first and never tested on.
    own = _judged_features(pairs, embedder)
    groups = np.unique([pair.group for pair in pairs], return_inverse=True)[1] if pairs else np.zeros(0, np.int64)
    judged = np.array([pair.judgement for pair in pairs], np.int64)
    return PairData(
        np.vstack([features[first, second], own]) if len(own) else features[first, second],
        np.concatenate([judgements, judged]),
        np.concatenate([_balance(judgements), _JUDGED_WEIGHT * _balance(judged)]),
        np.concatenate([themes[first], themes.max() + 1 + groups]).astype(np.int64),
        np.concatenate([np.zeros(len(first), bool), np.ones(len(pairs), bool)]),
    )


def _balance(judgements: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that make the three judgements equally heavy: how rare each is depends on who draws the pairs."""
    counts = np.bincount(judgements, minlength=3)
    weights: NDArray[np.float64] = (len(judgements) / 3 / np.maximum(1, counts))[judgements]
    return weights


def _chosen(themes: NDArray[np.int64], cosine: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both ends of the pairs to learn from: within themes all, across them the likest and some others."""
    upper = np.triu(np.ones(cosine.shape, bool), 1)
    within = np.argwhere(upper & (themes[:, None] == themes[None, :]))
    random = np.random.default_rng(889)
    across = []
    for number in range(len(themes)):
        others = np.flatnonzero(themes != themes[number])
        likest = others[np.argsort(-cosine[number, others])[: _UNRELATED_PER_CLAUSE // 2]]
        across += [(number, other) for other in (*likest, *random.choice(others, _UNRELATED_PER_CLAUSE // 2))]
    pairs = np.concatenate([within, np.unique(np.sort(across, axis=1), axis=0)])
    return pairs[:, 0], pairs[:, 1]


def _judged_features(pairs: Sequence[JudgedPair], embedder: Embedder) -> NDArray[np.float64]:
    if not pairs:
        return np.zeros((0, 0))
    a: Described = describe([pair.a for pair in pairs], embedder)
    b: Described = describe([pair.b for pair in pairs], embedder)
    return np.stack([pair_features(a.row(i), b.row(i))[0, 0] for i in range(len(pairs))])


def fit_pairs(data: PairData, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Fit both cumulative splits on some rows."""

    def fit(positive: NDArray[np.bool_]) -> Any:
        model = LogisticRegression(C=10.0, max_iter=3000)
        return model.fit(data.features[rows], positive[rows], sample_weight=data.weights[rows])

    return {"theme": fit(data.judgements >= 1), "same": fit(data.judgements == 2)}


def similarity_of(models: dict[str, Any], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the similarity of pairs given their features."""
    theme = models["theme"].predict_proba(features)[:, 1]
    found: NDArray[np.float64] = (theme + np.minimum(theme, models["same"].predict_proba(features)[:, 1])) / 2
    return found


def held_out_similarity(data: PairData) -> NDArray[np.float64]:
    """Return every pair's similarity by models that saw neither its theme nor its group."""
    found = np.empty(len(data.judgements))
    splitter = GroupKFold(FOLDS, shuffle=True, random_state=889)
    for training, held_out in splitter.split(data.features, groups=data.groups):
        found[held_out] = similarity_of(fit_pairs(data, training), data.features[held_out])
    return found


def measure(judgements: NDArray[np.int64], similarity: NDArray[np.float64], threshold: float) -> dict[str, Any]:
    """Return average precision and F1 of "same clause" and weighted kappa to the judgement, the judgements equally heavy."""
    same, weights = judgements == 2, _balance(judgements)
    rounded = np.digitize(similarity, [1 / 3, threshold])
    kappa = cohen_kappa_score(judgements, rounded, weights="quadratic", sample_weight=weights)
    return {
        "pairs": len(judgements),
        "same": int(same.sum()),
        "average_precision": round(float(average_precision_score(same, similarity, sample_weight=weights)), 4),
        "f1": round(_f1(same, similarity >= threshold, weights), 4),
        "weighted_kappa": round(float(kappa), 4),
    }


def best_threshold(
    judgements: NDArray[np.int64], similarity: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return the similarity from which "same clause" has the highest F1, the middle of the best ones."""
    candidates = np.linspace(0.4, 0.95, 56)
    f1 = np.array([_f1(judgements == 2, similarity >= t, weights) for t in candidates])
    return round(float(np.median(candidates[f1 >= f1.max() - 0.005])), 3)


def _f1(labels: NDArray[np.bool_], assigned: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    hits = weights[labels & assigned].sum()
    return float(2 * hits / max(1e-9, weights[labels].sum() + weights[assigned].sum()))


def train_matcher(
    clauses: Sequence[Clause],
    pairs: Sequence[JudgedPair],
    embedder: Embedder,
    tell: Callable[[str], None],
) -> tuple[Matcher, dict[str, Any]]:
    """Return a matcher and its manifest, with figures on unseen themes and groups."""
    tell("describing clauses")
    data = pair_data(clauses, pairs, embedder)
    tell(f"fitting on {len(data.judgements)} pairs")
    similarity = held_out_similarity(data)
    threshold = best_threshold(data.judgements, similarity, data.weights)
    # Between two plans most pairs are unrelated, as among the families: one that is aligned needs more evidence.
    natural = ~data.is_judged
    alignment = best_threshold(data.judgements[natural], similarity[natural], np.ones(int(natural.sum())))
    figures = {
        name: measure(data.judgements[part], similarity[part], threshold)
        for name, part in (("families", natural), ("judged_pairs", data.is_judged))
        if part.any()
    }
    parts = fit_pairs(data, np.arange(len(similarity)))
    content = json.dumps([[c.family, c.theme, c.text] for c in clauses] + [[p.a, p.b, p.judgement] for p in pairs])
    name = hashlib.sha256(f"{FORMAT}{content}{embedder.id}".encode()).hexdigest()
    manifest = {
        "id": f"same-clause-{name[:10]}",
        "format": FORMAT,
        "threshold": threshold,
        "alignment_threshold": alignment,
        "embedder": embedder.id,
        "scikit-learn": sklearn.__version__,
        "data": {"clauses": len(clauses), "judged_pairs": len(pairs)},
        "held_out": figures,
    }
    return Matcher(manifest["id"], parts, threshold, alignment, embedder), manifest

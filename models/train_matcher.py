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

from corpus.labelled import Clause, JudgedPair
from models.embedder import Embedder
from models.similarity import (
    FORMAT,
    PER_FAMILY,
    Background,
    Described,
    Matcher,
    describe,
    pair_features,
    probabilities,
    similarity_of,
)

FOLDS = 6
# The similarity from which two clauses count as of one theme, if not of one obligation.
THEME_THRESHOLD = 0.25
_UNRELATED_PER_CLAUSE = 12
# The judged pairs are traps by design: alone they would teach that likeness means nothing.
_JUDGED_WEIGHT = 0.5
_PENALTY = 0.3
# Themes of the families that touch: whether a pair across two of them is "same theme" is open, so none is learned from.
_NEAR = tuple(
    frozenset(themes.split())
    for themes in (
        "phan-loai thu-gom tai-che to-chuc",
        "bao-bi truong-hoc du-lich",
        "mat-troi nltt-tong khi-sinh-hoc",
        "khi-sinh-hoc giao-thong",
        "nhan-thuc-chung tap-huan truong-hoc",
        "nhan-sinh-thai mua-sam",
        "chuoi thuc-pham",
        "tieu-hao sxsh cong-nghiep",
    )
)


@dataclass(frozen=True)
class PairData:
    """Judged pairs as features (pairs, features), judgements 0-2, weights, and both groups a pair belongs to."""

    features: NDArray[np.float64]
    judgements: NDArray[np.int64]
    weights: NDArray[np.float64]
    groups: NDArray[np.int64]
    is_judged: NDArray[np.bool_]
    background: Background


def pair_data(clauses: Sequence[Clause], pairs: Sequence[JudgedPair], embedder: Embedder) -> PairData:
    """Return all pairs within a theme, unrelated pairs that look alike, some that do not, and the judged pairs."""
    described = describe([clause.text for clause in clauses], embedder)
    background = Background.of(described)
    theme_names, themes = np.unique([clause.theme for clause in clauses], return_inverse=True)
    families = np.unique([clause.family for clause in clauses], return_inverse=True)[1]
    features = pair_features(described, described, background)
    first, second = _chosen(themes, features[:, :, 0], _neighbours(list(theme_names)))
    judgements = np.where(families[first] == families[second], 2, np.where(themes[first] == themes[second], 1, 0))
    own = _judged_features(pairs, embedder, background, features.shape[-1])
    groups = len(theme_names) + np.unique([pair.group for pair in pairs], return_inverse=True)[1].astype(np.int64)
    judged = np.array([pair.judgement for pair in pairs], np.int64)
    return PairData(
        np.vstack([features[first, second], own]),
        np.concatenate([judgements, judged]),
        np.concatenate([_balance(judgements), _JUDGED_WEIGHT * _balance(judged)]),
        np.concatenate([np.stack([themes[first], themes[second]], 1), np.stack([groups, groups], 1)]).astype(np.int64),
        np.concatenate([np.zeros(len(first), bool), np.ones(len(pairs), bool)]),
        background,
    )


def _balance(judgements: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that make the three judgements equally heavy: how rare each is depends on who draws the pairs."""
    counts = np.bincount(judgements, minlength=3)
    weights: NDArray[np.float64] = (len(judgements) / 3 / np.maximum(1, counts))[judgements]
    return weights


def _neighbours(themes: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which themes lie so close that a pair across them may be judged 0 or 1, shape (themes, themes)."""
    return np.array([[a != b and any({a, b} <= near for near in _NEAR) for b in themes] for a in themes])


def _chosen(
    themes: NDArray[np.int64], cosine: NDArray[np.float64], neighbours: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both ends of the pairs to learn from: within themes all, across them the likest and some others."""
    upper = np.triu(np.ones(cosine.shape, bool), 1)
    within = np.argwhere(upper & (themes[:, None] == themes[None, :]))
    random = np.random.default_rng(889)
    across = []
    for number in range(len(themes)):
        others = np.flatnonzero((themes != themes[number]) & ~neighbours[themes[number]][themes])
        likest = others[np.argsort(-cosine[number, others])[: _UNRELATED_PER_CLAUSE // 2]]
        across += [(number, other) for other in (*likest, *random.choice(others, _UNRELATED_PER_CLAUSE // 2))]
    pairs = np.concatenate([within, np.unique(np.sort(across, axis=1), axis=0)])
    return pairs[:, 0], pairs[:, 1]


def _judged_features(
    pairs: Sequence[JudgedPair], embedder: Embedder, background: Background, width: int
) -> NDArray[np.float64]:
    if not pairs:
        return np.zeros((0, width))
    a: Described = describe([pair.a for pair in pairs], embedder)
    b: Described = describe([pair.b for pair in pairs], embedder)
    rows = [slice(number, number + 1) for number in range(len(pairs))]
    return np.stack([pair_features(a.rows(row), b.rows(row), background)[0, 0] for row in rows])


def fit_pairs(data: PairData, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Fit both cumulative splits on some rows."""
    features, judgements, weights = data.features[rows], data.judgements[rows], data.weights[rows]
    centre, scale = features.mean(0), features.std(0) + 1e-9
    scaled = (features - centre) / scale

    def fit(columns: NDArray[np.float64], positive: NDArray[np.bool_]) -> Any:
        return LogisticRegression(C=_PENALTY, max_iter=3000).fit(columns, positive, sample_weight=weights)

    return {
        "theme": fit(scaled, judgements >= 1),
        "same": fit(scaled[:, :-PER_FAMILY], judgements == 2),
        "centre": centre,
        "scale": scale,
        "mean": data.background.mean,
        "weights": list(data.background.weights),
    }


def held_out_similarity(data: PairData) -> NDArray[np.float64]:
    """Return every pair's similarity by models trained on pairs with neither clause of its (first) theme or group."""
    found = np.empty(len(data.judgements))
    fold = np.random.default_rng(889).permutation(data.groups.max() + 1) % FOLDS
    for number in range(FOLDS):
        inside = fold[data.groups] == number
        parts = fit_pairs(data, np.flatnonzero(~inside.any(1)))
        held_out = inside[:, 0]
        found[held_out] = similarity_of(*probabilities(parts, data.features[held_out]))
    return found


def measure(judgements: NDArray[np.int64], similarity: NDArray[np.float64], threshold: float) -> dict[str, Any]:
    """Return average precision and F1 of "same clause" and weighted kappa to the judgement, the judgements equally heavy."""
    same, weights = judgements == 2, _balance(judgements)
    rounded = np.digitize(similarity, [THEME_THRESHOLD, threshold])
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

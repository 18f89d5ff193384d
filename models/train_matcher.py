"""Train the matcher of clauses from obligation families and judged pairs, and measure it on themes it has not seen.

The encoder is tuned without a part of the themes and groups of pairs, and the regressions learn from that part, part by part;
the tuning that is kept has seen all. Needs the extra ``kehoach[transformers]``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, cohen_kappa_score

from corpus.labelled import Clause, JudgedPair
from models import sealed
from models.embedder import Embedder, OnnxEmbedder, Vectors
from models.reader import Reader
from models.similarity import (
    FORMAT,
    TUNING,
    describe,
    pair_features,
    probabilities,
    sides,
    similarity_of,
)
from models.tune import ClauseRecipe, tune
from models.tuned import tuned_id
from models.tuning import Floats, write_tuning

Embed = Callable[[Sequence[str]], Vectors]

FOLDS = 3
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
    """Judged pairs as features (pairs, features), judgements 0-2, weights, and which are of the judged ones by somebody."""

    features: NDArray[np.float64]
    judgements: NDArray[np.int64]
    weights: NDArray[np.float64]
    is_judged: NDArray[np.bool_]


def pair_data(clauses: Sequence[Clause], pairs: Sequence[JudgedPair], embed: Embed, mean: Vectors) -> PairData:
    """Return all pairs within a theme, unrelated pairs that look alike, some that do not, and the judged pairs."""
    meanings = sides(describe([clause.text for clause in clauses], embed), mean)
    theme_names, first_of, themes = np.unique(
        [clause.theme for clause in clauses], return_index=True, return_inverse=True
    )
    writers = [clauses[place].writer for place in first_of]
    families = np.unique([clause.family for clause in clauses], return_inverse=True)[1]
    features = pair_features(meanings, meanings)
    first, second = _chosen(themes, features[:, :, 0], _neighbours(list(theme_names), writers))
    judgements = np.where(families[first] == families[second], 2, np.where(themes[first] == themes[second], 1, 0))
    own = _judged_features(pairs, embed, mean)
    judged = np.array([pair.judgement for pair in pairs], np.int64)
    return PairData(
        np.vstack([features[first, second], own]),
        np.concatenate([judgements, judged]),
        np.concatenate([_balance(judgements), _JUDGED_WEIGHT * _balance(judged)]),
        np.concatenate([np.zeros(len(first), bool), np.ones(len(pairs), bool)]),
    )


def joined(parts: Sequence[PairData]) -> PairData:
    """Return several as one."""
    return PairData(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.judgements for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.is_judged for part in parts]),
    )


def _balance(judgements: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that make the three judgements equally heavy: how rare each is depends on who draws the pairs."""
    counts = np.bincount(judgements, minlength=3)
    weights: NDArray[np.float64] = (len(judgements) / 3 / np.maximum(1, counts))[judgements]
    return weights


def _neighbours(themes: Sequence[str], writers: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which themes lie so close that it is open how a pair across them is judged, shape (themes, themes).

    What the first writer's themes have in common is known (_NEAR). Themes of others may hold obligations of any.
    """
    both = list(zip(themes, writers, strict=True))
    return np.array(
        [[a != b and (bool(v or w) or any({a, b} <= near for near in _NEAR)) for b, w in both] for a, v in both]
    )


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
        if not len(others):
            continue
        likest = others[np.argsort(-cosine[number, others])[: _UNRELATED_PER_CLAUSE // 2]]
        across += [(number, other) for other in (*likest, *random.choice(others, _UNRELATED_PER_CLAUSE // 2))]
    if across:
        within = np.concatenate([within, np.unique(np.sort(across, axis=1), axis=0)])
    pairs = within
    return pairs[:, 0], pairs[:, 1]


def _judged_features(pairs: Sequence[JudgedPair], embed: Embed, mean: Vectors) -> NDArray[np.float64]:
    if not pairs:
        return np.zeros((0, 2))
    a, b = (sides(describe(texts, embed), mean) for texts in ([p.a for p in pairs], [p.b for p in pairs]))
    features: NDArray[np.float64] = (a * b).sum(axis=2).T.astype(np.float64)
    return features


def fit_pairs(data: PairData, mean: Vectors) -> dict[str, Any]:
    """Fit both cumulative splits; ``mean``, that of many clauses, is kept beside them."""
    centre, scale = data.features.mean(0), data.features.std(0) + 1e-9
    scaled = (data.features - centre) / scale

    def fit(positive: NDArray[np.bool_]) -> Any:
        return LogisticRegression(C=_PENALTY, max_iter=3000).fit(scaled, positive, sample_weight=data.weights)

    return {
        "theme": fit(data.judgements >= 1),
        "same": fit(data.judgements == 2),
        "centre": centre,
        "scale": scale,
        "mean": mean,
    }


def held_out_similarity(parts: Sequence[PairData], mean: Vectors) -> NDArray[np.float64]:
    """Return the similarity of the pairs of all ``parts``, each by regressions fitted on the other parts."""
    found = []
    for number, part in enumerate(parts):
        others = joined([other for place, other in enumerate(parts) if place != number])
        found.append(similarity_of(*probabilities(fit_pairs(others, mean), part.features)))
    return np.concatenate(found)


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


@dataclass(frozen=True)
class TrainedMatcher:
    """The parts of a matcher, its manifest but for the id and embedder, and the changes of the encoder."""

    parts: dict[str, Any]
    manifest: dict[str, Any]
    first: int
    arrays: Mapping[str, Floats]

    def save(self, folder: Path, base: Embedder) -> dict[str, Any]:
        """Write the matcher for ``base`` into ``folder`` and return its manifest."""
        tuning = write_tuning(folder / TUNING, self.first, self.arrays, {"embedder": base.id})
        content = f"{FORMAT}{self.manifest['data']['sha256']}{tuning.id}"
        name = hashlib.sha256(content.encode()).hexdigest()
        manifest = {"id": f"same-clause-{name[:10]}", **self.manifest, "embedder": tuned_id(base, tuning)}
        sealed.write(folder, "matcher", self.parts, manifest)
        return manifest


def train_matcher(
    clauses: Sequence[Clause],
    pairs: Sequence[JudgedPair],
    embedder: OnnxEmbedder,
    tell: Callable[[str], None],
    recipe: ClauseRecipe | None = None,
) -> TrainedMatcher:
    """Train a matcher, with figures on unseen themes and groups. Raises ValueError for too few clauses."""
    recipe = recipe or ClauseRecipe()
    reader = Reader(embedder, recipe.first)
    texts = [clause.text for clause in clauses]
    fold = _folds(["theme " + clause.theme for clause in clauses] + ["group " + pair.group for pair in pairs])
    of_clause, of_pair = fold[: len(clauses)], fold[len(clauses) :]
    parts = []
    for number in range(FOLDS):
        seen = tune(
            reader,
            [clause for clause, place in zip(clauses, of_clause, strict=True) if place != number],
            [pair for pair, place in zip(pairs, of_pair, strict=True) if place != number],
            recipe,
            lambda what, number=number: tell(f"part {number + 1} of {FOLDS}, {what}"),  # type: ignore[misc]
        )
        parts.append(
            pair_data(
                [clause for clause, place in zip(clauses, of_clause, strict=True) if place == number],
                [pair for pair, place in zip(pairs, of_pair, strict=True) if place == number],
                seen.embed,
                describe(texts, seen.embed).mean(0),
            )
        )
    final = tune(reader, clauses, pairs, recipe, lambda what: tell(f"all, {what}"))
    tell(f"fitting on {sum(len(part.judgements) for part in parts)} pairs")
    mean = describe(texts, final.embed).mean(0)
    content = json.dumps([[c.family, c.theme, c.text] for c in clauses] + [[p.a, p.b, p.judgement] for p in pairs])
    trained_on = {
        "clauses": len(clauses),
        "judged_pairs": len(pairs),
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
    }
    return fitted(parts, mean, trained_on, recipe, final.arrays)


def fitted(
    parts: Sequence[PairData],
    mean: Vectors,
    trained_on: Mapping[str, object],
    recipe: ClauseRecipe,
    arrays: Mapping[str, Floats],
) -> TrainedMatcher:
    """Fit the regressions on the held-out pairs of all ``parts``, and measure and choose thresholds part by part."""
    data = joined(parts)
    similarity = held_out_similarity(parts, mean)
    threshold = best_threshold(data.judgements, similarity, data.weights)
    # Between two plans most pairs are unrelated, as among the families: one that is aligned needs more evidence.
    natural = ~data.is_judged
    alignment = best_threshold(data.judgements[natural], similarity[natural], np.ones(int(natural.sum())))
    figures = {
        name: measure(data.judgements[part], similarity[part], threshold)
        for name, part in (("families", natural), ("judged_pairs", data.is_judged))
        if part.any()
    }
    manifest = {
        "format": FORMAT,
        "threshold": threshold,
        "alignment_threshold": alignment,
        "scikit-learn": sklearn.__version__,
        "data": dict(trained_on),
        "recipe": dict(vars(recipe)),
        "held_out": figures,
    }
    return TrainedMatcher(fit_pairs(data, mean), manifest, recipe.first, arrays)


def _folds(groups: Sequence[str]) -> NDArray[np.int64]:
    """Return the part of each, the same for all of a group."""
    names, number = np.unique(groups, return_inverse=True)
    part: NDArray[np.int64] = (np.random.default_rng(889).permutation(len(names)) % FOLDS)[number]
    return part

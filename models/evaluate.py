"""Measure a tagger against labels: precision, recall, F1, average precision, calibration, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

_RESAMPLES = 1000
_BINS = 10


@dataclass(frozen=True)
class Judged:
    """Labels and probabilities of paragraphs, (paragraphs, groups) both, with the thresholds and each one's document."""

    keys: Sequence[str]
    labels: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    documents: Sequence[str]


def f1_scores(labels: NDArray[np.bool_], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the F1 of every group, 0 where it is neither labelled nor assigned."""
    hits = (labels & assigned).sum(0)
    scores: NDArray[np.float64] = 2 * hits / np.maximum(1, labels.sum(0) + assigned.sum(0))
    return scores


def calibration_error(labels: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """Return the expected calibration error over ten equal bins (Guo et al. 2017)."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for number in range(_BINS):
        inside = bins == number
        if inside.any():
            error += inside.mean() * abs(labels[inside].mean() - probabilities[inside].mean())
    return float(error)


def report(judged: Judged) -> dict[str, Any]:
    """Return all figures; intervals are 95 % and resample whole documents."""
    assigned = judged.probabilities >= judged.thresholds
    f1 = f1_scores(judged.labels, assigned)
    groups = {}
    for g, key in enumerate(judged.keys):
        labels, chosen = judged.labels[:, g], assigned[:, g]
        hits = int((labels & chosen).sum())
        groups[key] = {
            "precision": hits / max(1, int(chosen.sum())),
            "recall": hits / max(1, int(labels.sum())),
            "f1": float(f1[g]),
            "average_precision": float(average_precision_score(labels, judged.probabilities[:, g]))
            if labels.any()
            else 0.0,
            "calibration_error": calibration_error(labels, judged.probabilities[:, g]),
            "support": int(labels.sum()),
        }
    low, high = _interval(judged, assigned)
    none = ~judged.labels.any(1)
    return {
        "paragraphs": len(judged.labels),
        "documents": len(set(judged.documents)),
        "macro_f1": float(f1.mean()),
        "macro_f1_interval": [low, high],
        "calibration_error": calibration_error(judged.labels.ravel(), judged.probabilities.ravel()),
        "none": {
            "support": int(none.sum()),
            "wrongly_tagged": int((assigned[none].any(1)).sum()),
            "wrongly_untagged": int((~assigned[~none].any(1)).sum()),
        },
        "task_groups": groups,
    }


def _interval(judged: Judged, assigned: NDArray[np.bool_]) -> tuple[float, float]:
    _, member = np.unique(judged.documents, return_inverse=True)
    rows = [np.flatnonzero(member == number) for number in range(member.max() + 1)]
    random = np.random.default_rng(889)
    scores = []
    for _ in range(_RESAMPLES):
        chosen = np.concatenate([rows[i] for i in random.integers(0, len(rows), len(rows))])
        scores.append(f1_scores(judged.labels[chosen], assigned[chosen]).mean())
    low, high = np.quantile(scores, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)

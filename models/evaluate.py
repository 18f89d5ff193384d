"""Measure a tagger against labels, with bootstrap intervals by document.

Definitions, for one task group over paragraphs, "given" being a probability at or above the group's threshold:

- precision: given and wanted / given; recall: given and wanted / wanted; F1: their harmonic mean;
- average precision: the sum over falling probabilities of (gain in recall) times precision, ties taken together, without
  interpolation, as scikit-learn has it;
- calibration error (ECE, Guo et al. 2017): over ten bins of equal width, the mean over paragraphs of the distance between a
  bin's share of wanted paragraphs and its mean probability. A probability on an edge is in the upper bin, 1 in the last;
- an interval: the 2.5 % and 97.5 % quantiles over 1,000 resamples that draw as many whole documents as there are, with
  replacement, from a fixed seed (Efron 1979, percentile). There is none for fewer than two documents.

A measure whose denominator is 0 is undefined: nan in arrays, None in reports. Macro averages are plain means over the task
groups for which the measure is defined, intervals are over the resamples in which it is. All figures are fractions of 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEASURES = ("precision", "recall", "f1", "average_precision", "calibration_error")
BINS = 10
RESAMPLES = 1000
SEED = 889
_LEVEL = 0.95
# Resamples times paragraphs held at once: few enough to stay in the processor's cache.
_CELLS = 500_000

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Labels and probabilities of paragraphs, (paragraphs, groups) both, with what they are judged and grouped by.

    ``thresholds`` is (groups,); ``documents`` and ``genres`` have one name a paragraph, ``genres`` may be empty.
    """

    keys: Sequence[str]
    labels: Flags
    probabilities: Floats
    thresholds: Floats
    documents: Sequence[str]
    genres: Sequence[str] = ()

    @property
    def assigned(self) -> Flags:
        """What is given, (paragraphs, groups)."""
        return self.probabilities >= self.thresholds

    def of(self, rows: NDArray[np.int64]) -> Judged:
        """Return the paragraphs of some rows, without their genres."""
        documents = [self.documents[row] for row in rows]
        return Judged(self.keys, self.labels[rows], self.probabilities[rows], self.thresholds, documents)


@dataclass(frozen=True)
class Bins:
    """Paragraphs by probability in ten bins of equal width: three sums, each (..., bins).

    ``paragraphs`` counts them, ``wanted`` those that have the label, ``probability`` adds up their probabilities.
    """

    paragraphs: Floats
    wanted: Floats
    probability: Floats

    @property
    def share(self) -> Floats:
        """The share of wanted paragraphs in each bin, nan in an empty one."""
        return _ratio(self.wanted, self.paragraphs)

    @property
    def mean(self) -> Floats:
        """The mean probability in each bin, nan in an empty one."""
        return _ratio(self.probability, self.paragraphs)

    @property
    def error(self) -> Floats:
        """The calibration error, (...): the bins' |share - mean| weighted by their paragraphs."""
        return _ratio(np.abs(self.wanted - self.probability).sum(-1), self.paragraphs.sum(-1))


@dataclass(frozen=True)
class _Tally:
    """Sums over each document's paragraphs, from which any resample of documents is measured without its rows.

    ``outcomes`` is (documents, groups, 3): given and wanted, given, wanted. ``bins`` is (documents, groups, bins, 3) with the
    sums of ``Bins``. ``member`` is the number of each paragraph's document, (paragraphs,).
    """

    member: NDArray[np.int64]
    outcomes: Floats
    bins: Floats

    @property
    def documents(self) -> int:
        return len(self.outcomes)


def reliability(labels: Flags, probabilities: Floats) -> Bins:
    """Return the bins of paragraphs with ``labels`` and ``probabilities``, (paragraphs,) each."""
    return Bins(*np.moveaxis(_binned(labels, probabilities).sum(0), -1, 0))


def calibration_error(labels: Flags, probabilities: Floats) -> float:
    """Return the expected calibration error of ``labels`` and ``probabilities``, (paragraphs,) each; nan without any."""
    return float(reliability(labels, probabilities).error)


def wilson(wanted: float, paragraphs: float) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927), which takes paragraphs as independent."""
    z = 1.959964
    share, spread = wanted / paragraphs, z * z / paragraphs
    middle = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / paragraphs + spread / (4 * paragraphs))
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def average_precision(labels: Flags, probabilities: Floats, weights: Floats) -> Floats:
    """Return the average precision under each row of ``weights``, (resamples, paragraphs); nan where nothing is wanted.

    ``labels`` and ``probabilities`` are (paragraphs,); a weight says how often a paragraph counts.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    weighted = weights[:, order]
    given = weighted.cumsum(1)[:, last_of_ties]
    hits = (weighted * labels[order]).cumsum(1)[:, last_of_ties]
    gain = np.diff(hits, axis=1, prepend=0.0)
    # Where nothing is given yet nothing is gained either: any divisor will do.
    return _ratio((gain * hits / np.maximum(given, 1e-9)).sum(1), hits[:, -1])


def resamples(documents: int, count: int, random: np.random.Generator) -> Floats:
    """Return how often each document is drawn in each of ``count`` resamples with replacement, (count, documents)."""
    drawn = random.integers(0, documents, (count, documents)) + np.arange(count)[:, None] * documents
    return np.bincount(drawn.ravel(), minlength=count * documents).reshape(count, documents).astype(np.float64)


def report(judged: Judged) -> dict[str, Any]:
    """Return all figures: over all paragraphs, and with genres once more within each, whose documents are resampled alone.

    ``macro_f1``, its interval and ``calibration_error`` (over all pairs of paragraph and group together) stand for the whole;
    ``macro`` has the macro average of every measure.
    """
    figures = _figures(judged)
    for g, key in enumerate(judged.keys):
        figures["task_groups"][key]["bins"] = _bin_rows(reliability(judged.labels[:, g], judged.probabilities[:, g]))
    genres = np.array(judged.genres, dtype=str)
    return {
        **figures,
        "resampling": {"unit": "document", "resamples": RESAMPLES, "seed": SEED, "level": _LEVEL},
        "genres": {
            str(genre): _figures(judged.of(np.flatnonzero(genres == genre)))
            for genre in np.unique(genres)
            if any(genres)
        },
    }


def _figures(judged: Judged) -> dict[str, Any]:
    tally = _tally(judged)
    points = _measured(judged, tally, np.ones((1, tally.documents)))
    samples = np.concatenate([_measured(judged, tally, weights) for weights in _draws(tally)])
    assigned = judged.assigned
    macro = _row(_mean(points)[0], _mean(samples), tally.documents)
    none = ~judged.labels.any(1)
    return {
        "paragraphs": len(judged.labels),
        "documents": tally.documents,
        "macro_f1": macro["f1"],
        "macro_f1_interval": macro["intervals"]["f1"],
        "calibration_error": calibration_error(judged.labels.ravel(), judged.probabilities.ravel()),
        "none": {
            "support": int(none.sum()),
            "wrongly_tagged": int((assigned[none].any(1)).sum()),
            "wrongly_untagged": int((~assigned[~none].any(1)).sum()),
        },
        "macro": macro,
        "task_groups": {
            key: {
                **_row(points[0, g], samples[:, g], tally.documents),
                "support": int(judged.labels[:, g].sum()),
                "assigned": int(assigned[:, g].sum()),
                "threshold": float(judged.thresholds[g]),
                "confusion_with_none": _confusion(judged.labels, assigned, g),
            }
            for g, key in enumerate(judged.keys)
        },
    }


def _confusion(labels: Flags, assigned: Flags, group: int) -> dict[str, int]:
    """Count paragraphs by what became of one group; the first three add up to those given it, 1, 4 and 5 to those wanting it."""
    wanted, given = labels[:, group], assigned[:, group]
    none_wanted, none_given = ~labels.any(1), ~assigned.any(1)
    return {
        "wanted_and_given": int((wanted & given).sum()),
        "given_though_none_wanted": int((given & none_wanted).sum()),
        "given_though_others_wanted": int((given & ~wanted & ~none_wanted).sum()),
        "missed_to_none": int((wanted & none_given).sum()),
        "missed_to_others": int((wanted & ~given & ~none_given).sum()),
    }


def _binned(labels: Flags, probabilities: Floats) -> Floats:
    """Return what each paragraph adds to the sums of ``Bins``: arrays of one shape (...) to (..., bins, 3)."""
    number = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    inside = number[..., None] == np.arange(BINS)
    added: Floats = inside[..., None] * np.stack([np.ones_like(probabilities), labels, probabilities], -1)[..., None, :]
    return added


def _tally(judged: Judged) -> _Tally:
    names, member = np.unique(np.array(judged.documents, dtype=str), return_inverse=True)
    assigned = judged.assigned
    outcomes = np.zeros((len(names), len(judged.keys), 3))
    np.add.at(outcomes, member, np.stack([judged.labels & assigned, assigned, judged.labels], -1))
    bins = np.zeros((len(names), len(judged.keys), BINS, 3))
    np.add.at(bins, member, _binned(judged.labels, judged.probabilities))
    return _Tally(member.astype(np.int64), outcomes, bins)


def _draws(tally: _Tally) -> Iterator[Floats]:
    """Yield the weights of all resamples, some at a time."""
    random = np.random.default_rng(SEED)
    step = max(1, _CELLS // len(tally.member))
    for start in range(0, RESAMPLES, step):
        yield resamples(tally.documents, min(step, RESAMPLES - start), random)


def _measured(judged: Judged, tally: _Tally, weights: Floats) -> Floats:
    """Return the measures where documents count as ``weights``, (resamples, documents), say: (resamples, groups, measures)."""
    hits, given, wanted = np.moveaxis(np.tensordot(weights, tally.outcomes, 1), -1, 0)
    bins = Bins(*np.moveaxis(np.tensordot(weights, tally.bins, 1), -1, 0))
    by_paragraph = weights[:, tally.member]
    ranked = [
        average_precision(judged.labels[:, g], judged.probabilities[:, g], by_paragraph)
        for g in range(len(judged.keys))
    ]
    measures = _ratio(hits, given), _ratio(hits, wanted), _ratio(2 * hits, given + wanted), np.stack(ranked, -1)
    return np.stack([*measures, bins.error], -1)


def _row(point: Floats, samples: Floats, documents: int) -> dict[str, Any]:
    """Return the measures by name with their intervals; ``point`` is (measures,), ``samples`` (resamples, measures)."""
    return {
        **{name: _known(value) for name, value in zip(MEASURES, point, strict=True)},
        "intervals": {
            name: _interval(values) if documents > 1 else None for name, values in zip(MEASURES, samples.T, strict=True)
        },
    }


def _interval(samples: Floats) -> list[float] | None:
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return None
    return [round(float(value), 4) for value in np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])]


def _bin_rows(bins: Bins) -> list[dict[str, Any]]:
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "paragraphs": int(bins.paragraphs[number]),
            "wanted": int(bins.wanted[number]),
            "mean_probability": _known(bins.mean[number]),
            "share_wanted": _known(bins.share[number]),
        }
        for number in range(BINS)
    ]


def _mean(measures: Floats) -> Floats:
    """Return the macro average: (resamples, groups, measures) to (resamples, measures), nan where no group is defined."""
    return _ratio(np.nansum(measures, 1), (~np.isnan(measures)).sum(1).astype(np.float64))


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide, nan where ``below`` is 0."""
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) != 0)
    return quotient


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

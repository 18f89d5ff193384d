"""Measure the answers that bench/tagging.py collects, and lay them out as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from recipes import Floats

from models import train
from models.evaluate import RESAMPLES, SEED, calibration_error, resamples

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """F1 by group, (groups,), over resamples of documents, (resamples, groups), and the calibration error."""

    f1: Floats
    samples: Floats
    calibration: float

    @property
    def macro(self) -> float:
        return float(self.f1.mean())


def measure(labels: Flags, probabilities: Floats, thresholds: Floats, documents: Sequence[str]) -> Measured:
    """Measure; ``thresholds`` is (groups,) or one a paragraph. Resamples are the same for the same documents."""
    assigned = probabilities >= thresholds
    names, member = np.unique(np.array(documents), return_inverse=True)
    tally = np.zeros((len(names), labels.shape[1], 2))
    np.add.at(tally, member, np.stack([2 * (labels & assigned), labels.astype(int) + assigned], -1))
    weights = np.vstack([np.ones(len(names)), resamples(len(names), RESAMPLES, np.random.default_rng(SEED))])
    hits, all_ = np.moveaxis(np.tensordot(weights, tally, 1), -1, 0)
    f1 = hits / np.maximum(1, all_)
    return Measured(f1[0], f1[1:], calibration_error(labels.ravel(), probabilities.ravel()))


def thresholds_of(labels: Flags, probabilities: Floats) -> Floats:
    return np.array([train.best_threshold(labels[:, g], probabilities[:, g]) for g in range(labels.shape[1])])


def crossed_thresholds(labels: Flags, probabilities: Floats, documents: NDArray[np.int64]) -> Floats:
    """Return a threshold a paragraph and group, chosen on the other folds' held-out probabilities."""
    found = np.empty(probabilities.shape)
    for others, own in train.folds(documents):
        found[own] = thresholds_of(labels[others], probabilities[others])
    return found


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def span(samples: Floats) -> str:
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"{figure(low)} to {figure(high)}"


def figure(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def clean_table(keys: Sequence[str], measured: Mapping[str, Mapping[str, Measured]], beside: str) -> str:
    """Return figures on clean text, and by how much they differ from those of the recipe ``beside``."""
    shipped = measured.get(beside, {}).get("clean")
    rows = []
    for name, by_condition in measured.items():
        own = by_condition["clean"]
        other = span((own.samples - shipped.samples).mean(1)) if shipped is not None and own is not shipped else "–"
        macro = f"{figure(own.macro)} ({span(own.samples.mean(1))})"
        rows.append([name, macro, other, *map(figure, own.f1), figure(own.calibration)])
    return table(["recipe", "macro F1 (95 %)", "less or more than shipped", *keys, "ECE"], rows)


def spoilt_table(conditions: Sequence[str], *parts: Mapping[str, Mapping[str, Measured]]) -> str:
    """Return figures on spoilt text, held out and frozen."""
    rows = []
    for name in parts[0]:
        cells = []
        for part in parts:
            for condition in conditions:
                if condition in part[name]:
                    own, clean = part[name][condition], part[name]["clean"]
                    lost = own.macro - clean.macro
                    cells.append(f"{figure(own.macro)}, {figure(lost)} ({span((own.samples - clean.samples).mean(1))})")
        if cells:
            rows.append([name, *cells])
    heads = [f"{where}, {condition}" for where in ("held out", "frozen") for condition in conditions]
    return table(["recipe", *heads], rows)


def seeds_table(keys: Sequence[str], by_seed: Sequence[tuple[str, Floats]]) -> str:
    rows = []
    for name, scores in by_seed:
        if len(scores) > 1:
            each = np.column_stack([scores.mean(1), scores])
            cells = [f"{figure(m)} ± {figure(d)}" for m, d in zip(each.mean(0), each.std(0, ddof=1), strict=True)]
            rows.append([name, str(len(scores)), *cells])
    return table(["recipe", "seeds", "macro F1", *keys], rows)


PAGE = """# Ways of tagging, compared

`python bench/tagging.py`, {today}, {processors} processors shared with other work, embedder {embedder}.
Written by that script; do not edit.

**Data**: {learnt} labelled paragraphs of {documents} documents, written for the project; {folds} folds by document, the same for
every recipe, and {frozen} paragraphs of {frozen_documents} frozen documents that none learns from. Intervals are 95 %, from
{resamples} resamples of whole documents, the same resamples for every recipe, so that differences are paired. The threshold of a
group maximises F1 on the held-out probabilities of the other folds (for frozen documents, of all folds): it is never chosen on
what it is measured on, so figures are a little lower than those of the model card.

**Recipes**: *cue rules* tag where a clause has more of the taxonomy's cues than counter-cues. The next three are one logistic
regression a group over the paragraph as a whole (C = 8, vectors stretched fourfold, neither tuned). *Clauses* score every clause by words, letters, meaning and
cues, trained by multiple-instance learning (`models/train.py`); the strongest clause, or a second regression over all clauses
({composed} joined paragraphs added to learn it), then decides. Clause scores that the second level learns from come from the same
folds; a document held out of the second level took part in the clause models behind some of them, as in `kehoach train`.
{headings} Recipes or folds without an answer in a table were not run for it.

## Held out

{held_out_table}

## Frozen documents

{frozen_table}

## Spoilt text

Trained on text as written. *Scanned*: four letters in a hundred misread, glued words, broken lines (`nlp/noise.py`); *bare*: no
diacritics at all. Macro F1, then what it differs from the same recipe on clean text (95 %). Ingestion repairs scanning errors
before tagging; that is not used here.

{spoilt_table}

## Other folds

Held out again with folds drawn anew: mean and standard deviation over seeds.

{seeds_table}

## Speed

A third of the frozen paragraphs, segmentation and embedding included, better of two runs on a busy machine: the ratio matters.

{speed_table}
"""

"""Compare ways of using an adapter's logits: none, averaged log-odds, features of level two; held out and on frozen documents.

python bench/adapter.py [ADAPTER FOLDER] [--rows N]

Every way stands on the same clause models and the same folds by document. The threshold of a group maximises F1 on the held-out
probabilities of the other folds, for frozen documents of all. The way to ship is chosen by the held-out column alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus import labelled
from corpus.composed import training_only
from corpus.taxonomy import read_taxonomy
from models import train
from models.adapted import adapted
from models.adapter import read_adapter, shipped_adapter
from models.embedder import load_embedder
from models.evaluate import calibration_error
from models.tagger import Evidence, evidence, probabilities_of
from service.settings import Settings

Floats = NDArray[np.float64]
SHARES = (0.3, 0.5)


def only(seen: Evidence, keep: Callable[[Floats], Floats]) -> Evidence:
    """Return ``seen`` with the columns that ``keep`` leaves."""
    return replace(seen, paragraphs=keep(seen.paragraphs), clauses=keep(seen.clauses))


def averaged(plain: Floats, logits: Floats, share: float) -> Floats:
    """Return the probability whose log-odds are the mean of both, ``share`` of it the adapter's."""
    clipped = np.clip(plain, 1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-((1 - share) * np.log(clipped / (1 - clipped)) + share * logits)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adapter", type=Path, nargs="?", default=shipped_adapter())
    parser.add_argument("--rows", type=int, default=0, help="use so many rows only, for a trial")
    chosen = parser.parse_args()
    settings, groups = Settings(), read_taxonomy()
    keys = [group.key for group in groups]
    embedder = adapted(load_embedder("default", settings.cache, settings.threads), read_adapter(chosen.adapter))
    rows, extra, frozen = labelled.for_training(), training_only(), labelled.frozen()
    if chosen.rows:
        rows, extra, frozen = (part[:: max(1, len(rows) // chosen.rows)] for part in (rows, extra, frozen))
    learnt = [*rows, *train.composites(rows)]
    examples = train.describe([*learnt, *extra], groups, embedder)
    labels, count = examples.labels[: len(learnt)], len(learnt)
    seen = train.held_out_evidence(examples, len(rows), count, keys, print)
    everything = np.concatenate([np.arange(len(rows)), np.arange(count, len(examples.documents))])
    final = train.fit_clauses(examples.of(everything), keys)
    unseen = train.describe(frozen, groups, embedder)
    asked = evidence(final.scores(unseen.units, unseen.matches, keys), unseen.units, unseen.counts)
    keeps: dict[str, Callable[[Floats], Floats]] = {
        "none": lambda table: table[..., :-1],
        "a feature of level two": lambda table: table,
    }
    order = np.argsort(np.concatenate([place for place, _ in seen]))
    found: dict[str, tuple[Floats, Floats]] = {}
    for name, keep in keeps.items():
        parts = [(place, only(part, keep)) for place, part in seen]
        table = np.concatenate([part.paragraphs for _, part in parts])[order]
        held_out = train.held_out_probabilities(parts, table, labels, keys)
        models = train.fit_paragraphs(table, labels, keys)
        found[name] = held_out[: len(rows)], probabilities_of(models, keys, only(asked, keep))
    table = np.concatenate([part.paragraphs for _, part in seen])[order]
    for share in SHARES:
        held_out, other = found["none"]
        found[f"averaged, {share} of the adapter"] = (
            averaged(held_out, table[: len(rows), :, -1], share),
            averaged(other, asked.paragraphs[:, :, -1], share),
        )
    print("| way | held out | frozen | ECE held out | ECE frozen |\n|---|---|---|---|---|")
    wanted = labels[: len(rows)]
    folds = [held[held < len(rows)] for held, _ in seen]
    for name, (held_out, other) in found.items():
        crossed = np.zeros_like(wanted)
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(rows)), fold)
            crossed[fold] = held_out[fold] >= thresholds(wanted[rest], held_out[rest])
        cells = macro_f1(wanted, crossed), macro_f1(unseen.labels, other >= thresholds(wanted, held_out))
        errors = (calibration_error(y.ravel(), p.ravel()) for y, p in ((wanted, held_out), (unseen.labels, other)))
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in (*cells, *errors))} |")


def thresholds(labels: NDArray[np.bool_], probabilities: Floats) -> Floats:
    """Return the best threshold of every group."""
    return np.array([train.best_threshold(labels[:, g], probabilities[:, g]) for g in range(labels.shape[1])])


def macro_f1(labels: NDArray[np.bool_], assigned: NDArray[np.bool_]) -> float:
    """Return the mean over groups of F1."""
    return float(np.mean(2 * (labels & assigned).sum(0) / np.maximum(1, labels.sum(0) + assigned.sum(0))))


if __name__ == "__main__":
    main()

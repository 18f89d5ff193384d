"""How far the tagger depends on chance: the shipped recipe trained over folds drawn anew, measured the same way each time.

python bench/stability.py [--seeds 5] [--shared ../shared] [--rows N]

Folds decide what level two and the thresholds learn from; clause models of the tagger itself see all rows each time. The adapter
is the shipped one. With --shared, real paragraphs (seeds and candidates) are measured too. Prints a row a seed, mean and
standard deviation (n - 1); half an hour of one core.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from adapter import macro_f1, thresholds
from numpy.typing import NDArray
from tagging import renumbered

from corpus import labelled
from corpus.composed import training_only
from corpus.labelled import LabelledParagraph
from corpus.parse import parse
from corpus.read import read
from corpus.taxonomy import read_taxonomy
from models import train
from models.adapted import adapted
from models.adapter import read_adapter, shipped_adapter
from models.embedder import load_embedder
from models.evaluate import calibration_error
from models.tagger import evidence, probabilities_of
from models.wording import corrected
from service.settings import Settings

LABELS = Path(__file__).resolve().parents[1] / "corpus" / "labelled"


def real(name: str, texts: dict[str, str]) -> list[LabelledParagraph]:
    """Return the rows of a file that holds ids and labels only, with their texts as the service reads them."""
    rows = [json.loads(line) for line in (LABELS / name).read_text(encoding="utf-8").splitlines()]
    return [
        LabelledParagraph(row["id"], row["id"], "real", corrected(texts[row["id"]]), frozenset(row["labels"]))
        for row in rows
    ]


def sets(shared: Path | None) -> dict[str, list[LabelledParagraph]]:
    """Return what is measured on by its name."""
    found = {"frozen documents": labelled.frozen()}
    if shared:
        plans = {path.stem: parse(read(path)).paragraphs for path in sorted((shared / "seeds").glob("*.txt"))}
        found["real plans"] = real(
            "seeds.jsonl", {f"{name}#{p.ordinal}": p.text for name, members in plans.items() for p in members}
        )
        lines = (shared / "data/topic_candidates.jsonl").read_text(encoding="utf-8").splitlines()
        found["law and news"] = real("candidates.jsonl", {row["id"]: row["text"] for row in map(json.loads, lines)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--rows", type=int, default=0, help="use so many rows only, for a trial")
    chosen = parser.parse_args()
    settings, groups = Settings(), read_taxonomy()
    keys = [group.key for group in groups]
    embedder = adapted(load_embedder("default", settings.cache, settings.threads), read_adapter(shipped_adapter()))
    rows, extra = labelled.for_training(), training_only()
    if chosen.rows:
        rows, extra = (part[:: max(1, len(rows) // chosen.rows)] for part in (rows, extra))
    learnt = [*rows, *train.composites(rows)]
    examples = train.describe([*learnt, *extra], groups, embedder)
    labels, count, written = examples.labels[: len(learnt)], len(learnt), np.arange(len(rows))
    final = train.fit_clauses(examples.of(np.concatenate([written, np.arange(count, len(examples.documents))])), keys)
    measured = sets(chosen.shared)
    asked, wanted = {}, {}
    for name, members in measured.items():
        unseen = train.describe(members, groups, embedder)
        asked[name] = evidence(final.scores(unseen.units, unseen.matches, keys), unseen.units, unseen.counts)
        wanted[name] = unseen.labels
    print(f"| seed | held out | ECE | {' | '.join(measured)} |\n|---|---|---|{'---|' * len(measured)}", flush=True)
    found: list[list[float]] = []
    for seed in range(chosen.seeds):
        drawn = replace(examples, documents=renumbered(examples.documents, seed))
        seen = train.held_out_evidence(drawn, len(rows), count, keys, lambda what: None)
        order = np.argsort(np.concatenate([place for place, _ in seen]))
        table: NDArray[np.float64] = np.concatenate([part.paragraphs for _, part in seen])[order]
        held_out = train.held_out_probabilities(seen, table, labels, keys)[written]
        chosen_at = thresholds(labels[written], held_out)
        models = train.fit_paragraphs(table, labels, keys)
        figures = [
            macro_f1(labels[written], held_out >= chosen_at),
            calibration_error(labels[written].ravel(), held_out.ravel()),
        ]
        figures += [macro_f1(wanted[name], probabilities_of(models, keys, asked[name]) >= chosen_at) for name in asked]
        found.append(figures)
        print(f"| {seed} | {cells(figures)} |", flush=True)
    print(f"| mean | {cells(np.mean(found, axis=0))} |")
    print(f"| standard deviation | {cells(np.std(found, axis=0, ddof=1))} |")


def cells(figures: list[float] | NDArray[np.float64]) -> str:
    return " | ".join(f"{value:.4f}" for value in figures)


if __name__ == "__main__":
    main()

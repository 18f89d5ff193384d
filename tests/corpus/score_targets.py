"""Score the finder of targets: PYTHONPATH=. python tests/corpus/score_targets.py [development] [--id=PREFIX] [--misses].

Units are compared as written and by their heads, without a rate ("tấn/ngày") or coordination ("xã, phường"), on which annotators
differ. Intervals are 95 % percentiles of resampled paragraphs (Efron & Tibshirani, An Introduction to the Bootstrap, 1993).
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from corpus.targets import find_targets

LABELLED = Path(__file__).parents[2] / "corpus" / "labelled" / "targets.jsonl"
FIELDS = {
    "values, unit": (),
    "values, unit, comparator": ("comparator",),
    "values, unit, deadline": ("deadline",),
}
RESAMPLINGS = 2000
Row = dict[str, Any]


def head(unit: str) -> str:
    """Return ``unit`` without what is coordinated with it and without its rate: "tấn/ngày" is "tấn"."""
    return unit.split("/")[0].split(",")[0].split(" và ")[0].strip()


def compare(
    row: Row, fields: tuple[str, ...], heads: bool = False
) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """Return the targets (wanted, found) in a labelled paragraph as values, unit (or its head) and the ``fields`` besides."""

    def unit(written: str) -> str:
        return head(written) if heads else written

    wanted = Counter((tuple(t["values"]), unit(t["unit"]), *(t[field] for field in fields)) for t in row["targets"])
    targets = find_targets(row["text"], row["heading_path"])
    return wanted, Counter((t.values, unit(t.unit), *(getattr(t, field) for field in fields)) for t in targets)


def f1(counts: list[tuple[int, int, int]]) -> float:
    """Return F1 over paragraphs of (agreeing, found, wanted)."""
    agreeing, found, wanted = (sum(column) for column in zip(*counts, strict=True))
    return 2 * agreeing / (found + wanted) if found + wanted else 1.0


def interval(counts: list[tuple[int, int, int]]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1, resampling paragraphs."""
    chance = random.Random(889)
    drawn = sorted(f1(chance.choices(counts, k=len(counts))) for _ in range(RESAMPLINGS))
    return drawn[round(0.025 * RESAMPLINGS)], drawn[round(0.975 * RESAMPLINGS) - 1]


def main(arguments: list[str]) -> None:
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    prefix = next((a.removeprefix("--id=") for a in arguments if a.startswith("--id=")), "")
    rows = [row for row in rows if row["id"].startswith(prefix)]
    lines = [
        "| paragraphs | what must agree | unit | precision | recall | F1 (interval) | agreeing / found / wanted |",
        "|---|---|---|---|---|---|---|",
    ]
    for split in [a for a in arguments if not a.startswith("-")] or sorted({row["split"] for row in rows}):
        part = [row for row in rows if row["split"] == split]
        for (name, fields), heads in ((item, heads) for item in FIELDS.items() for heads in (False, True)):
            pairs = [(row["id"], *compare(row, fields, heads)) for row in part]
            counts = [((wanted & found).total(), found.total(), wanted.total()) for _, wanted, found in pairs]
            agreeing, found_total, wanted_total = (sum(column) for column in zip(*counts, strict=True))
            low, high = interval(counts)
            lines.append(
                f"| {split} ({len(part)}) | {name} | {'head' if heads else 'strict'} | {agreeing / found_total:.3f} "
                f"| {agreeing / wanted_total:.3f} | {f1(counts):.3f} ({low:.3f}-{high:.3f}) "
                f"| {agreeing} / {found_total} / {wanted_total} |"
            )
            if "--misses" in arguments and not heads:
                lines += [f"{i}: missed {list(w - f)}, spurious {list(f - w)}" for i, w, f in pairs if w != f]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

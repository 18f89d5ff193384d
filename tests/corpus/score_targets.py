"""Score the finder of targets: PYTHONPATH=. python tests/corpus/score_targets.py [development] [--misses]."""

from __future__ import annotations

import json
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
Row = dict[str, Any]


def compare(row: Row, fields: tuple[str, ...]) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """Return the targets (wanted, found) in a labelled paragraph as values, unit and the ``fields`` besides."""
    wanted = Counter((tuple(t["values"]), t["unit"], *(t[field] for field in fields)) for t in row["targets"])
    targets = find_targets(row["text"], row["heading_path"])
    return wanted, Counter((t.values, t.unit, *(getattr(t, field) for field in fields)) for t in targets)


def main(arguments: list[str]) -> None:
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    lines = [
        "| paragraphs | what must agree | precision | recall | agreeing / found / wanted |",
        "|---|---|---|---|---|",
    ]
    for split in [a for a in arguments if not a.startswith("-")] or sorted({row["split"] for row in rows}):
        part = [row for row in rows if row["split"] == split]
        for name, fields in FIELDS.items():
            pairs = [(row["id"], *compare(row, fields)) for row in part]
            agreeing = sum((wanted & found).total() for _, wanted, found in pairs)
            found_total, wanted_total = (sum(pair[place].total() for pair in pairs) for place in (2, 1))
            lines.append(
                f"| {split} ({len(part)}) | {name} | {agreeing / found_total:.3f} | {agreeing / wanted_total:.3f} "
                f"| {agreeing} / {found_total} / {wanted_total} |"
            )
            if "--misses" in arguments:
                lines += [f"{i}: missed {list(w - f)}, spurious {list(f - w)}" for i, w, f in pairs if w != f]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

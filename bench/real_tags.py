"""Measure the tagger on the real documents beside the project, whose labels (not texts) are in corpus/labelled/seeds.jsonl.

python bench/real_tags.py ../shared/seeds
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from corpus.parse import parse
from corpus.read import read
from models.evaluate import Judged, report
from models.wording import corrected
from service.settings import Settings
from service.workspace import Workspace

LABELS = Path(__file__).resolve().parents[1] / "corpus" / "labelled" / "seeds.jsonl"


def main(folder: Path) -> None:
    space = Workspace(Settings())
    texts = {}
    for path in sorted(folder.glob("*.txt")):
        for paragraph in parse(read(path)).paragraphs:
            texts[f"{path.stem}#{paragraph.ordinal}"] = paragraph.text
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    if {row["id"] for row in rows} != set(texts):
        sys.exit(f"the paragraphs of {folder} are not those that were labelled")
    keys = [group.key for group in space.groups]
    labels = np.array([[key in row["labels"] for key in keys] for row in rows])
    probabilities, _ = space.tagger.probabilities([corrected(texts[row["id"]]) for row in rows])
    thresholds = np.array([space.tagger.thresholds[key] for key in keys])
    found = report(Judged(keys, labels, probabilities, thresholds, [row["doc"] for row in rows]))
    misses = [
        {"id": row["id"], "group": key, "wanted": bool(wanted), "probability": round(float(probability), 3)}
        for row, of_row, given in zip(rows, labels, probabilities, strict=True)
        for key, wanted, probability, threshold in zip(keys, of_row, given, thresholds, strict=True)
        if wanted != (probability >= threshold)
    ]
    print(json.dumps({"model_id": space.tagger.id, **found, "misses": misses}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Choose how near to a query a paragraph must lie to be news of it, on half of the judged queries; report on the other half.

    python bench/feed_cutoff.py

Nearness is the distance of a similarity from the median of all, in robust standard deviations (1.4826 median absolute
deviations), as in service/news.py. Prints precision, recall and F1 over judged paragraphs, averaged over queries.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from corpus import labelled
from index.query import understand
from models.embedder import load_embedder
from nlp.accents import Restorer
from service.news import nearness
from service.settings import Settings

JUDGED = Path(__file__).parents[1] / "corpus/labelled/search"
CUT_OFFS = (1.5, 2.0, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0, 4.5)


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (JUDGED / name).read_text(encoding="utf-8").splitlines()]


def main() -> None:
    paragraphs, queries = rows("corpus.jsonl"), rows("queries.jsonl")
    judged: dict[str, set[str]] = {}
    for line in (JUDGED / "qrels/test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, paragraph, grade = line.split("\t")
        if int(grade):
            judged.setdefault(query, set()).add(paragraph)
    embedder = load_embedder("default", Settings().cache)
    restorer = Restorer.learn([p["text"] for p in paragraphs] + labelled.texts())
    vectors = embedder.embed_passages([p["text"] for p in paragraphs])
    asked = embedder.embed_queries([understand(q["text"], restorer).meaning for q in queries])
    near = np.array([nearness(row, row) for row in asked @ vectors.T])
    for part, start in (("chosen on", 0), ("held out", 1)):
        for cut_off in CUT_OFFS:
            precision, recall = [], []
            for place in range(start, len(queries), 2):
                if not (right := judged.get(queries[place]["_id"])):
                    continue
                found = {paragraphs[n]["_id"] for n in np.flatnonzero(near[place] >= cut_off)}
                recall.append(len(found & right) / len(right))
                if found:
                    precision.append(len(found & right) / len(found))
            p, r = float(np.mean(precision)), float(np.mean(recall))
            print(
                f"{part:>9}  {cut_off:.2f}  P {p:.3f}  R {r:.3f}  F1 {2 * p * r / (p + r):.3f}  queries {len(recall)}"
            )


if __name__ == "__main__":
    main()

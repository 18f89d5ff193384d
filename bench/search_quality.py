"""Compare the stages of search query by query on a BEIR folder, with significance, calibration and time.

    python bench/search_quality.py DIR [SPLIT]

For every kind of query: nDCG@10 of the legs, of the first ranking and of the last, and the probability that shuffling the
last and the better leg's figures query by query gives as large a difference (paired randomisation, Smucker et al. 2007).
Then the expected calibration error of the first ten hits (ten bins), how many queries without an answer and with one are
left without hits, and the median time of a search.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from index.evaluate import Collection, measures, read_collection
from index.search import Searcher
from service.evaluating import collection_searcher
from service.settings import settings
from service.workspace import Workspace

STAGES = ("lexical", "dense", "first", "fused")
ROUNDS = 10_000


def main(folder: Path, split: str) -> None:
    """Measure and print."""
    space = Workspace(settings())
    collection = read_collection(folder, split)
    with collection_searcher(space, collection) as (searcher, names):
        figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for query, text in collection.queries.items():
            grades = collection.judgements[query]
            if any(grade > 0 for grade in grades.values()):
                for stage, found in stages(searcher, names, text).items():
                    value = measures({query: found}, {query: grades})["ndcg@10"]
                    for kind in (collection.kinds.get(query, "-"), "all"):
                        figures[kind][stage].append(value)
        print("| kind | queries | " + " | ".join(STAGES) + " | p (fused = better leg) |")
        for kind, by_stage in sorted(figures.items()):
            means = {stage: float(np.mean(by_stage[stage])) for stage in STAGES}
            better = max(("lexical", "dense"), key=lambda leg: means[leg])
            chance = randomisation(by_stage["fused"], by_stage[better])
            cells = " | ".join(f"{means[stage]:.3f}" for stage in STAGES)
            print(f"| {kind} | {len(by_stage['fused'])} | {cells} | {chance:.3f} |")
        calibration(searcher, names, collection)


def stages(searcher: Searcher, names: Mapping[int, str], text: str) -> dict[str, list[str]]:
    """Return the ranking of each stage, as names."""
    ranked = searcher.rankings(text)
    return {stage: [names[key] for key, _ in ranked.get(stage, ())] for stage in STAGES}


def randomisation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of the mean difference of paired figures."""
    difference = np.array(a) - np.array(b)
    signs = np.random.default_rng(1).choice((-1, 1), (ROUNDS, len(difference)))
    return float(np.mean(np.abs((signs * difference).mean(axis=1)) >= abs(difference.mean()) - 1e-12))


def calibration(searcher: Searcher, names: Mapping[int, str], collection: Collection) -> None:
    """Print how far the probabilities are right, and when nothing is found."""
    probabilities, relevant, took = [], [], []
    empty = {True: 0, False: 0}
    asked = {True: 0, False: 0}
    for query, text in collection.queries.items():
        grades = collection.judgements[query]
        answered = any(grade > 0 for grade in grades.values())
        began = time.perf_counter()
        hits = searcher.search(text, 10).hits
        took.append(time.perf_counter() - began)
        asked[answered] += 1
        empty[answered] += not hits
        for hit in searcher.search(text, 10, cut=0).hits:
            probabilities.append(hit.score)
            relevant.append(grades.get(names[hit.paragraph.key], 0) > 0)
    given, right = np.array(probabilities), np.array(relevant)
    bins = np.minimum((10 * given).astype(int), 9)
    error = sum(abs(given[bins == b].mean() - right[bins == b].mean()) * np.mean(bins == b) for b in np.unique(bins))
    print(f"expected calibration error of {len(given)} hits: {error:.3f}")
    print(f"nothing found: {empty[False]} of {asked[False]} without an answer, {empty[True]} of {asked[True]} with one")
    print(f"median {1000 * statistics.median(took):.1f} ms a search")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "test")

"""Choose how near to a query a paragraph must lie to be news of it, on one half of the judged queries; report on the other half.

    python bench/feed_cutoff.py

Nearness is the distance of a similarity from the median of all, in robust standard deviations (1.4826 median absolute
deviations), as in service/news.py. Prints precision, recall and F1 over judged paragraphs, averaged over queries.
"""

from __future__ import annotations

import numpy as np

from corpus import labelled
from index.evaluate import read_collection
from service.evaluating import collection_searcher
from service.news import nearness
from service.settings import Settings
from service.workspace import Workspace

CUT_OFFS = (1.5, 2.0, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0, 4.5)


def main() -> None:
    space = Workspace(Settings())
    for part, split in (("chosen on", "dev"), ("held out", "test")):
        collection = read_collection(labelled.folder() / "search", split)
        names = list(collection.corpus)
        vectors = space.embedder.embed_passages(list(collection.corpus.values()))
        queries = {
            query: {name for name, grade in grades.items() if grade}
            for query, grades in collection.judgements.items()
            if any(grades.values())
        }
        with collection_searcher(space, collection) as (searcher, _):
            asked = np.array([searcher.meaning(collection.queries[query]) for query in queries])
        near = np.array([nearness(row, row) for row in asked @ vectors.T])
        for cut_off in CUT_OFFS:
            precision, recall = [], []
            for place, right in enumerate(queries.values()):
                found = {names[n] for n in np.flatnonzero(near[place] >= cut_off)}
                recall.append(len(found & right) / len(right))
                if found:
                    precision.append(len(found & right) / len(found))
            p, r = float(np.mean(precision)), float(np.mean(recall))
            print(
                f"{part:>9}  {cut_off:.2f}  P {p:.3f}  R {r:.3f}  F1 {2 * p * r / (p + r):.3f}  queries {len(recall)}"
            )


if __name__ == "__main__":
    main()

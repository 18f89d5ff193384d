"""Fit the last ranking on the development queries of corpus/labelled/search, among them queries without an answer.

    python bench/fit_ranking.py [XQUAD.json]

With XQuAD-vi (Artetxe et al. 2020) its questions are added, each on its own paragraphs, and a few of them as questions that
the sample plans do not answer. Weights are fitted with queries read as passages are, and on the queries that were judged by pooling: with
queries as they are tuned to be read general questions look unlike their answers, and the weights fit neither (results/search.md).
Probabilities are then fitted with queries read as they will be. What a year in the query is worth is not fitted, since a
paragraph of another year on the same subject is relevant too. Writes index/ranking.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from corpus import labelled
from corpus.store import Filter
from index.evaluate import Collection, read_collection
from index.features import NAMES, Table
from index.rank import Ranking
from index.search import Searcher
from nlp.fold import fold
from service.evaluating import collection_searcher
from service.settings import settings
from service.workspace import Workspace

TARGET = Path(__file__).parents[1] / "index" / "ranking.json"
# Weight of all of XQuAD's questions against the own ones, and how many of either sort are used.
XQUAD_WEIGHT = 1.0
XQUAD_EVERY = 12
UNANSWERED_EVERY = 20
REGULARISATION = 0.03
# What a paragraph gains, in logits, that has the year and all words of the query: chosen on the development queries with a
# year, as a balance between nDCG@10 and true probabilities (results/search.md).
YEAR_WEIGHT = 3.0
_YEAR = NAMES.index("year")
# How many of the features, the last ones, are of the query alone.
OF_QUERY = 5


def main(xquad: Path | None) -> None:
    """Fit and write."""
    space = Workspace(settings(), lambda what: sys.stderr.write(f"{what}\n"))
    own = read_collection(labelled.folder() / "search", "dev")
    outside = read_xquad(xquad) if xquad else Collection({}, {}, {})
    unanswered = list(outside.queries.values())[::UNANSWERED_EVERY]
    # Candidates do not depend on the model being fitted; the searcher only wants one.
    unfitted = Ranking("", np.zeros(len(NAMES)), np.ones(len(NAMES)), np.zeros(len(NAMES)), 0.0)
    asked = {query: text for query, text in own.queries.items() if own.kinds[query] != "year"}
    judged = [query for query in asked if not own.kinds[query].endswith("-fresh")]
    with collection_searcher(space, own, unfitted, space.embedder) as (searcher, names):
        rows = [described(searcher, names, own.queries[query], own.judgements[query]) for query in judged]
        rows += [described(searcher, names, text, {}) for text in unanswered]
    weights = [1.0] * len(rows)
    if outside.queries:
        with collection_searcher(space, outside, unfitted, space.embedder) as (searcher, names):
            some = list(outside.queries.items())[::XQUAD_EVERY]
            for query, text in some:
                rows += [described(searcher, names, form, outside.judgements[query]) for form in (text, fold(text))]
            weights += [XQUAD_WEIGHT * len(weights) / (2 * len(some))] * (2 * len(some))
    features = np.vstack([table for table, _ in rows])
    features[:, _YEAR] = 0
    relevant = np.concatenate([grades for _, grades in rows])
    each = np.concatenate([np.full(len(grades), weight) for (_, grades), weight in zip(rows, weights, strict=True)])
    scaler = StandardScaler().fit(features, sample_weight=each)
    model = LogisticRegression(C=REGULARISATION, max_iter=2000)
    model.fit(scaler.transform(features), relevant, sample_weight=each)
    # Most questions of XQuAD have one answer, those of the own set many: the probabilities are those of the own set.
    with collection_searcher(space, own, unfitted) as (searcher, names):
        mine = [described(searcher, names, text, own.judgements[query]) for query, text in asked.items()]
        mine += [described(searcher, names, text, {}) for text in unanswered]
    scaled = scaler.transform(np.vstack([table for table, _ in mine]))
    order = scaled[:, :-OF_QUERY] @ model.coef_[0, :-OF_QUERY]
    # What is the same for all candidates of a query moves no order, so it may be fitted anew.
    last = LogisticRegression(C=REGULARISATION, max_iter=2000)
    last.fit(np.column_stack([order, scaled[:, -OF_QUERY:]]), np.concatenate([grades for _, grades in mine]))
    slope, of_query = last.coef_[0, 0], last.coef_[0, 1:]
    final = np.concatenate([slope * model.coef_[0, :-OF_QUERY], of_query])
    final[_YEAR] = YEAR_WEIGHT * scaler.scale_[_YEAR]
    form = {
        "embedder": space.query_embedder.id,
        "features": NAMES,
        "mean": scaler.mean_.round(6).tolist(),
        "scale": scaler.scale_.round(6).tolist(),
        "weights": final.round(6).tolist(),
        "intercept": round(float(last.intercept_[0]), 6),
    }
    TARGET.write_text(json.dumps(form, indent=1) + "\n", encoding="utf-8")


def described(searcher: Searcher, names: dict[int, str], text: str, grades: dict[str, int]) -> tuple[Table, Table]:
    """Return the features of what is found for ``text`` and whether each is relevant."""
    found = searcher.candidates(text, Filter())
    relevant = [float(grades.get(names[paragraph.key], 0) > 0) for paragraph in found.paragraphs]
    return found.features, np.array(relevant)


def read_xquad(path: Path) -> Collection:
    """Return XQuAD's paragraphs and questions as a collection."""
    collection = Collection({}, {}, {})
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            name = f"p{len(collection.corpus)}"
            collection.corpus[name] = " ".join(paragraph["context"].split())
            for question in paragraph["qas"]:
                query = f"x{len(collection.queries)}"
                collection.queries[query] = question["question"]
                collection.judgements[query] = {name: 1}
    return collection


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

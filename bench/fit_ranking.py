"""Fit the last ranking on the development queries of corpus/labelled/search, among them queries without an answer.

    python bench/fit_ranking.py [XQUAD.json]

With XQuAD-vi (Artetxe et al. 2020) its questions are added, each on its own paragraphs, and a few of them as questions that
the sample plans do not answer. Writes index/ranking.json.
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


def main(xquad: Path | None) -> None:
    """Fit and write."""
    space = Workspace(settings(), lambda what: sys.stderr.write(f"{what}\n"))
    own = read_collection(labelled.folder() / "search", "dev")
    outside = read_xquad(xquad) if xquad else Collection({}, {}, {})
    unanswered = list(outside.queries.values())[::UNANSWERED_EVERY]
    # Candidates do not depend on the model being fitted; the searcher only wants one.
    unfitted = Ranking("", np.zeros(len(NAMES)), np.ones(len(NAMES)), np.zeros(len(NAMES)), 0.0)
    with collection_searcher(space, own, unfitted) as (searcher, names):
        rows = [described(searcher, names, text, own.judgements[query]) for query, text in own.queries.items()]
        rows += [described(searcher, names, text, {}) for text in unanswered]
    weights = [1.0] * len(rows)
    mine = np.concatenate([grades for _, grades in rows])
    if outside.queries:
        with collection_searcher(space, outside, unfitted) as (searcher, names):
            asked = list(outside.queries.items())[::XQUAD_EVERY]
            for query, text in asked:
                rows += [described(searcher, names, form, outside.judgements[query]) for form in (text, fold(text))]
            weights += [XQUAD_WEIGHT * len(weights) / (2 * len(asked))] * (2 * len(asked))
    features = np.vstack([table for table, _ in rows])
    relevant = np.concatenate([grades for _, grades in rows])
    each = np.concatenate([np.full(len(grades), weight) for (_, grades), weight in zip(rows, weights, strict=True)])
    scaler = StandardScaler().fit(features, sample_weight=each)
    model = LogisticRegression(C=REGULARISATION, max_iter=2000)
    model.fit(scaler.transform(features), relevant, sample_weight=each)
    # Most questions of XQuAD have one answer, those of the own set many: the probabilities are those of the own set.
    odds = model.decision_function(scaler.transform(features[: len(mine)]))
    platt = LogisticRegression(C=1e6).fit(odds[:, None], relevant[: len(mine)])
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    form = {
        "embedder": space.embedder.id,
        "features": NAMES,
        "mean": scaler.mean_.round(6).tolist(),
        "scale": scaler.scale_.round(6).tolist(),
        "weights": (slope * model.coef_[0]).round(6).tolist(),
        "intercept": round(slope * float(model.intercept_[0]) + offset, 6),
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

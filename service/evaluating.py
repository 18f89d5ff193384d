"""Run the measurements of the command line: search on a BEIR folder, tags on labelled rows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from corpus.labelled import LabelError, read_labelled
from corpus.store import Analysis, Store
from corpus.types import Document, Metadata, Paragraph
from index import build as index_build
from index.evaluate import CollectionError, measures, read_collection
from index.search import Searcher
from models.evaluate import Judged, report
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace

_LEGS = ("lexical", "dense", "fused")


def evaluate_search(space: Workspace, folder: Path) -> dict[str, Any]:
    """Return the measures of each leg on the BEIR collection in ``folder``, indexed on its own for the purpose."""
    try:
        collection = read_collection(folder)
    except CollectionError as error:
        raise UsageError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="kehoach-evaluate-") as temporary:
        place = Path(temporary)
        store = Store(f"sqlite:///{place / 'evaluate.db'}")
        space.tell(f"embedding {len(collection.corpus)} texts")
        vectors = space.embedder.embed_passages(list(collection.corpus.values()))
        paragraphs = tuple(
            Paragraph(name, number, text, "task") for number, (name, text) in enumerate(collection.corpus.items(), 1)
        )
        document = Document("evaluation", folder.name, "", Metadata(), paragraphs)
        store.add(document, [Analysis((), (), vector) for vector in vectors], space.embedder.id)
        index_build.build(place / "index", store, space.embedder.id, space.embedder.dimension, space.tell)
        searcher = Searcher(store, index_build.load(place / "index", store.content, space.embedder.id), space.embedder)
        name_of = {p.key: p.id for p in store.paragraphs()}
        ranked: dict[str, dict[str, list[str]]] = {leg: {} for leg in _LEGS}
        for query, text in collection.queries.items():
            rankings = searcher.rankings(text)
            for leg in _LEGS:
                ranked[leg][query] = [name_of[key] for key in rankings.get(leg, ())]
        store.close()
    judgements = {query: collection.judgements[query] for query in collection.queries}
    return {
        "collection": str(folder),
        "texts": len(collection.corpus),
        "queries": len(collection.queries),
        "model_id": space.embedder.id,
        "legs": {leg: {k: round(v, 4) for k, v in measures(ranked[leg], judgements).items()} for leg in _LEGS},
    }


def evaluate_tags(space: Workspace, file: Path) -> dict[str, Any]:
    """Return the figures of the tagger in use on the labelled rows of ``file``."""
    try:
        rows = read_labelled(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be opened: {error.strerror}") from error
    except LabelError as error:
        raise NothingUsableError(str(error)) from error
    if not rows:
        raise NothingUsableError(f"{file}: it is empty")
    tagger = space.tagger
    keys = [group.key for group in tagger.groups]
    probabilities, _ = tagger.probabilities([row.text for row in rows])
    labels = np.array([[key in row.labels for key in keys] for row in rows])
    thresholds = np.array([tagger.thresholds[key] for key in keys])
    judged = Judged(keys, labels, probabilities, thresholds, [row.document for row in rows])
    return {"model_id": tagger.id, **report(judged)}

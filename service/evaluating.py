"""Run the measurements of the command line: search on a BEIR folder, tags on labelled rows."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from corpus.labelled import LabelError, LabelledParagraph, parse_labelled
from corpus.store import Analysis, Store
from corpus.taxonomy import TaskGroup
from index import build as index_build
from index.evaluate import (
    Collection,
    CollectionError,
    documents,
    measures,
    read_collection,
    write_qrels,
    write_run,
)
from index.rank import Ranking
from index.search import Searcher
from models.embedder import Embedder
from models.evaluate import Judged, reliability, report
from models.plot import Panel, reliability_png, reliability_svg
from models.wording import corrected
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace

LEGS = ("lexical", "dense", "fused")
_PLOTS = (".svg", ".png")


def evaluate_search(space: Workspace, folder: Path, split: str = "test", run: Path | None = None) -> dict[str, Any]:
    """Return the measures of each leg on the BEIR collection in ``folder``, indexed on its own for the purpose.

    ``run`` gets the fused rankings as a TREC run, and beside it, with the suffix ``.qrels``, the judgements.
    """
    try:
        collection = read_collection(folder, split)
    except CollectionError as error:
        raise UsageError(str(error)) from error
    ranked: dict[str, dict[str, list[tuple[str, float]]]] = {leg: {} for leg in LEGS}
    with collection_searcher(space, collection) as (searcher, names):
        for query, text in collection.queries.items():
            rankings = searcher.rankings(text)
            for leg in LEGS:
                ranked[leg][query] = [(names[key], score) for key, score in rankings.get(leg, ())]
    judgements = {query: collection.judgements[query] for query in collection.queries}
    if run:
        write_run(run, ranked["fused"], "kehoach")
        write_qrels(run.with_suffix(".qrels"), judgements)
    kinds = sorted({collection.kinds[query] for query in judgements if query in collection.kinds})
    return {
        "collection": str(folder),
        "split": split,
        "texts": len(collection.corpus),
        "queries": len(collection.queries),
        "model_id": space.query_embedder.id,
        "legs": {leg: _figures(ranked[leg], judgements) for leg in LEGS},
        "kinds": {
            kind: {
                leg: _figures(ranked[leg], {q: g for q, g in judgements.items() if collection.kinds.get(q) == kind})
                for leg in LEGS
            }
            for kind in kinds
        },
    }


@contextmanager
def collection_searcher(
    space: Workspace, collection: Collection, ranking: Ranking | None = None, embedder: Embedder | None = None
) -> Iterator[tuple[Searcher, dict[int, str]]]:
    """Index ``collection`` in a folder of its own; give a searcher over it and the texts' names by key.

    Queries are read by ``embedder``, by default that of searches.
    """
    with tempfile.TemporaryDirectory(prefix="kehoach-evaluate-") as temporary:
        place = Path(temporary)
        store = Store(f"sqlite:///{place / 'evaluate.db'}")
        space.tell(f"embedding {len(collection.corpus)} texts")
        for document in documents(collection):
            vectors = space.embedder.embed_passages([paragraph.text for paragraph in document.paragraphs])
            store.add(document, [Analysis((), (), vector) for vector in vectors], space.embedder.id)
        index_build.build(place / "index", store, space.embedder.id, space.embedder.dimension, space.progress)
        generation = index_build.load(place / "index", store.content, space.embedder.id)
        searcher = Searcher(store, generation, embedder or space.query_embedder, ranking)
        yield searcher, {p.key: p.id for p in store.paragraphs()}
        store.close()


def _figures(
    ranked: Mapping[str, Sequence[tuple[str, float]]], judgements: Mapping[str, Mapping[str, int]]
) -> dict[str, float]:
    names = {query: [name for name, _ in found] for query, found in ranked.items()}
    return {name: round(value, 4) for name, value in measures(names, judgements).items()}


def evaluate_tags(space: Workspace, file: Path, plot: Path | None = None) -> dict[str, Any]:
    """Return the figures of the tagger in use on the labelled rows of ``file``, - for standard input.

    With ``plot`` also write a reliability diagram there, SVG or PNG by its name. Raises UsageError where a file cannot be
    opened or written, NothingUsableError naming the file and the line where a row cannot be used.
    """
    if plot and plot.suffix.lower() not in _PLOTS:
        raise UsageError(f"{plot}: a plot is a file whose name ends in {' or '.join(_PLOTS)}")
    if plot and not plot.parent.is_dir():
        raise UsageError(f"{plot}: cannot be written: {plot.parent} is not a folder")
    rows = _labelled(file, {group.key for group in space.groups})
    tagger = space.tagger
    keys = [group.key for group in tagger.groups]
    space.tell(f"tagging {len(rows)} paragraphs")
    probabilities, _ = tagger.probabilities([corrected(row.text) for row in rows])
    labels = np.array([[key in row.labels for key in keys] for row in rows])
    thresholds = np.array([tagger.thresholds[key] for key in keys])
    documents, genres = [row.document for row in rows], [row.genre for row in rows]
    judged = Judged(keys, labels, probabilities, thresholds, documents, genres)
    if plot:
        _write_plot(plot, judged, tagger.groups)
    return {"model_id": tagger.id, **report(judged)}


def _labelled(file: Path, known: Set[str]) -> list[LabelledParagraph]:
    """Return the rows of ``file``, at least one, all of whose labels are ``known``."""
    name = "standard input" if str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: cannot be opened: {error.strerror}") from error
    try:
        rows = parse_labelled(data, name, known)
    except LabelError as error:
        raise NothingUsableError(str(error)) from error
    if not rows:
        raise NothingUsableError(f"{name}: it is empty")
    return rows


def _write_plot(path: Path, judged: Judged, groups: Sequence[TaskGroup]) -> None:
    panels = [
        Panel(
            group.name_vi,
            group.name_en,
            reliability(judged.labels[:, g], judged.probabilities[:, g]),
            float(judged.thresholds[g]),
        )
        for g, group in enumerate(groups)
    ]
    is_svg = path.suffix.lower() == ".svg"
    try:
        path.write_bytes(reliability_svg(panels).encode() if is_svg else reliability_png(panels))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error

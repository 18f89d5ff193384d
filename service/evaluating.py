"""Run the measurements of the command line: search on a BEIR folder, tags on labelled rows."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from corpus.labelled import LabelError, LabelledParagraph, parse_labelled
from corpus.store import Analysis, Store
from corpus.taxonomy import TaskGroup
from corpus.types import Document, Metadata, Paragraph
from index import build as index_build
from index.evaluate import CollectionError, measures, read_collection
from index.search import Searcher
from models.evaluate import Judged, reliability, report
from models.plot import Panel, reliability_png, reliability_svg
from models.wording import corrected
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace

_LEGS = ("lexical", "dense", "fused")
_PLOTS = (".svg", ".png")


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
        index_build.build(place / "index", store, space.embedder.id, space.embedder.dimension, space.progress)
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

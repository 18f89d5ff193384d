"""The main road: read files, structure them, tag and measure every paragraph, store each document in one transaction."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.changes import changes
from corpus.files import SUFFIXES, UnreadableError, check_kind, load
from corpus.parse import ready_documents
from corpus.ready import READY_SUFFIXES, ReadyParagraph, read_ready
from corpus.stages import stage
from corpus.store import Analysis, ParagraphIdTakenError
from corpus.targets import find_targets
from corpus.types import Document
from models.wording import corrected
from service.workspace import Workspace

Outcome = Literal["added", "updated", "unchanged", "duplicate", "failed"]
Progress = Callable[[int, int, str], None]
STDIN = Path("-")
_BATCH = 256


@dataclass(frozen=True)
class FileReport:
    """What became of one document (or of one file that gave none).

    ``reason`` says why it failed or changed nothing, or what changed; ``notes`` what was noticed in reading it.
    """

    file: str
    outcome: Outcome
    document_id: str | None = None
    paragraphs: int = 0
    skipped: int = 0
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """True when the document is in the store now."""
        return self.outcome != "failed"


def ingest(
    paths: Iterable[Path], workspace: Workspace, progress: Progress | None = None, *, again: bool = False
) -> Iterator[FileReport]:
    """Bring every file of ``paths`` (files, folders, ``-`` for standard input) into the store; yield a report each.

    A file that cannot be used costs only its own report. One whose bytes are stored is not read, unless ``again``: then
    what the program makes of it today replaces what it made before. ``progress`` gets (paragraphs done, in all, document).
    """
    tell = progress or (lambda done, total, name: None)
    for path in paths:
        try:
            files = list(_files(path))
        except UnreadableError as error:
            yield FileReport(str(path), "failed", reason=str(error))
            continue
        for file in files:
            yield from ingest_file(file, workspace, tell, again=again)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "README")))
    if not found:
        raise UnreadableError("the folder has no files")
    yield from found


def ingest_file(
    path: Path, workspace: Workspace, tell: Progress | None = None, *, again: bool = False
) -> Iterator[FileReport]:
    """Bring one file into the store; yield a report for each of its documents."""
    name = str(path)
    try:
        if path != STDIN and path.suffix.lower() not in READY_SUFFIXES:
            yield _ingest_bytes(load(path), name, workspace, tell, again=again)
            return
        for document in documents_in(path, workspace):
            yield store_document(document, name, workspace, tell, again=again)
    except (UnreadableError, ParagraphIdTakenError) as error:
        yield FileReport(name, "failed", reason=str(error))


def ingest_bytes(data: bytes, name: str, workspace: Workspace) -> FileReport:
    """Bring one document given as bytes into the store; the suffix of ``name`` helps to tell its kind."""
    try:
        check_kind(name)
        return _ingest_bytes(data, name, workspace)
    except (UnreadableError, ParagraphIdTakenError) as error:
        return FileReport(name, "failed", reason=str(error))


def _ingest_bytes(
    data: bytes, name: str, workspace: Workspace, tell: Progress | None = None, *, again: bool = False
) -> FileReport:
    source = Path(name).name
    known = workspace.store.with_bytes(hashlib.sha256(data).hexdigest())
    if known and not again:
        same = known.source == source
        reason = "the same content is stored already" if same else f"the same bytes as {known.source}"
        return FileReport(name, "unchanged" if same else "duplicate", known.id, known.paragraphs, reason=reason)
    with stage("read"):
        document = workspace.worker.parse(data, source)
    return store_document(document, name, workspace, tell, again=again)


def documents_in(path: Path, workspace: Workspace) -> Iterator[Document]:
    """Yield the documents of one file: one of a text, one for each ``doc`` of ready paragraphs. Raises UnreadableError."""
    if path == STDIN:
        yield from _documents_in_stdin(workspace)
    elif path.suffix.lower() in READY_SUFFIXES:
        # Read to the end before anything is stored: a fault in the last line must not leave half a file behind.
        yield from _ready(list(read_ready(path)), path.name)
    else:
        yield workspace.worker.parse(load(path), path.name)


def _documents_in_stdin(workspace: Workspace) -> Iterator[Document]:
    data = sys.stdin.buffer.read()
    if data.lstrip().startswith(b"{"):
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=READY_SUFFIXES[0]) as file:
            file.write(data)
            file.flush()
            yield from _ready(list(read_ready(Path(file.name))), "-")
    else:
        yield workspace.worker.parse(data, f"stdin{SUFFIXES[0]}")


def _ready(rows: list[ReadyParagraph], source: str) -> Iterator[Document]:
    order: dict[str, list[ReadyParagraph]] = {}
    for row in rows:
        order.setdefault(row.doc, []).append(row)
    for doc, members in order.items():
        content = json.dumps([[r.id, r.text, r.province, r.year, r.kind, r.heading_path] for r in members])
        sha256 = hashlib.sha256(f"{doc}\n{content}".encode()).hexdigest()
        yield from ready_documents(members, source, sha256)


def store_document(
    document: Document, name: str, workspace: Workspace, tell: Progress | None = None, *, again: bool = False
) -> FileReport:
    """Tag, measure and store one document unless it is there already; ``name`` is the file in the report."""
    store, count = workspace.store, len(document.paragraphs)

    def report(outcome: Outcome, reason: str | None = None) -> FileReport:
        return FileReport(name, outcome, document.id, count, len(document.skipped), reason, document.notes)

    if not count:
        return report("failed", "no paragraphs in it: all its lines are page furniture or headers")
    before = store.whole(document.id)
    if before and before.sha256 == document.sha256 and not again:
        return report("unchanged", "the same content is stored already")
    done = (lambda number: tell(number, count, document.source)) if tell else None
    analyses = analyse(document, workspace, done)
    with stage("store"):
        store.add(document, analyses, workspace.tagger_embedder_id)
    if before is None:
        return report("added")
    counted = Counter(change.kind for change in changes(before, document))
    return report(
        "updated", ", ".join(f"{number} {kind}" for kind, number in counted.items()) or "no paragraph changed"
    )


def analyse(document: Document, workspace: Workspace, done: Callable[[int], None] | None = None) -> list[Analysis]:
    """Tag, measure and embed the paragraphs of ``document``; ``done`` gets how many are done."""
    paragraphs, title = document.paragraphs, document.metadata.title or ""
    analyses: list[Analysis] = []
    for start in range(0, len(paragraphs), _BATCH):
        batch = paragraphs[start : start + _BATCH]
        texts = [corrected(paragraph.text) for paragraph in batch]
        with stage("tag"):
            probabilities, vectors = workspace.tagger.probabilities(texts)
        for paragraph, text, tags, vector in zip(
            batch, texts, workspace.tagger.tags(probabilities), vectors, strict=True
        ):
            targets = find_targets(paragraph.text, paragraph.heading_path, title)
            analyses.append(Analysis(tags, targets, vector, text if text != paragraph.text else None))
        if done:
            done(len(analyses))
    return analyses

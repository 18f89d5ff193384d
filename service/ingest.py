"""The main road: read files, structure them, tag and measure every paragraph, store each document in one transaction."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.parse import parse, ready_documents
from corpus.read import READY_SUFFIXES, SUFFIXES, ReadyParagraph, UnreadableError, read, read_bytes, read_ready
from corpus.store import Analysis, ParagraphIdTakenError
from corpus.targets import find_targets
from corpus.types import Document, Paragraph
from service.workspace import Workspace

Outcome = Literal["added", "updated", "unchanged", "duplicate", "failed"]
Progress = Callable[[int, int, str], None]
STDIN = Path("-")
_BATCH = 256


@dataclass(frozen=True)
class FileReport:
    """What became of one document (or of one file that gave none): ``reason`` says why it failed or changed nothing."""

    file: str
    outcome: Outcome
    document_id: str | None = None
    paragraphs: int = 0
    skipped: int = 0
    reason: str | None = None

    @property
    def is_usable(self) -> bool:
        """True when the document is in the store now."""
        return self.outcome != "failed"


def ingest(paths: Iterable[Path], workspace: Workspace, progress: Progress | None = None) -> Iterator[FileReport]:
    """Bring every file of ``paths`` (files, folders, ``-`` for standard input) into the store; yield a report each.

    A file that cannot be used costs only its own report. ``progress`` gets (paragraphs done, in all, document).
    """
    tell = progress or (lambda done, total, name: None)
    for path in paths:
        try:
            files = list(_files(path))
        except UnreadableError as error:
            yield FileReport(str(path), "failed", reason=str(error))
            continue
        for file in files:
            yield from _ingest_file(file, workspace, tell)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "README")))
    if not found:
        raise UnreadableError("the folder has no files")
    yield from found


def _ingest_file(path: Path, workspace: Workspace, tell: Progress) -> Iterator[FileReport]:
    name = str(path)
    try:
        for document in documents_in(path):
            yield store_document(document, name, workspace, tell)
    except (UnreadableError, ParagraphIdTakenError) as error:
        yield FileReport(name, "failed", reason=str(error))
    except OSError as error:
        yield FileReport(name, "failed", reason=f"cannot be opened: {error.strerror or error}")


def documents_in(path: Path) -> Iterator[Document]:
    """Yield the documents of one file: one of a text, one for each ``doc`` of ready paragraphs. Raises UnreadableError."""
    if path == STDIN:
        yield from _documents_in_stdin()
    elif path.suffix.lower() in READY_SUFFIXES:
        # Read to the end before anything is stored: a fault in the last line must not leave half a file behind.
        yield from _ready(list(read_ready(path)), path.name)
    else:
        yield parse(read(path))


def ingest_bytes(data: bytes, name: str, workspace: Workspace) -> FileReport:
    """Bring one document given as bytes into the store; the suffix of ``name`` tells its kind."""
    suffix = Path(name).suffix.lower()
    try:
        if suffix not in SUFFIXES:
            raise UnreadableError(
                f"files of kind {suffix or '(no suffix)'!r} are not read; accepted are {', '.join(SUFFIXES)}"
            )
        return store_document(parse(read_bytes(data, name)), name, workspace)
    except (UnreadableError, ParagraphIdTakenError) as error:
        return FileReport(name, "failed", reason=str(error))


def _documents_in_stdin() -> Iterator[Document]:
    data = sys.stdin.buffer.read()
    if data.lstrip().startswith(b"{"):
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=READY_SUFFIXES[0]) as file:
            file.write(data)
            file.flush()
            yield from _ready(list(read_ready(Path(file.name))), "-")
    else:
        yield parse(read_bytes(data, f"stdin{SUFFIXES[0]}"))


def _ready(rows: list[ReadyParagraph], source: str) -> Iterator[Document]:
    order: dict[str, list[ReadyParagraph]] = {}
    for row in rows:
        order.setdefault(row.doc, []).append(row)
    for doc, members in order.items():
        content = json.dumps([[r.id, r.text, r.province, r.year, r.kind, r.heading_path] for r in members])
        sha256 = hashlib.sha256(f"{doc}\n{content}".encode()).hexdigest()
        yield from ready_documents(members, source, sha256)


def store_document(document: Document, name: str, workspace: Workspace, tell: Progress | None = None) -> FileReport:
    """Tag, measure and store one document unless it is there already; ``name`` is the file in the report."""
    store, count = workspace.store, len(document.paragraphs)

    def report(outcome: Outcome, reason: str | None = None) -> FileReport:
        return FileReport(name, outcome, document.id, count, len(document.skipped), reason)

    if not count:
        return report("failed", "no paragraphs in it: all its lines are page furniture or headers")
    outcome = store.outcome_of(document)
    if outcome == "unchanged":
        return report("unchanged", "the same content is stored already")
    if (twin := store.source_with(document.sha256)) is not None:
        return report("duplicate", f"the same bytes as {twin}")
    done = (lambda number: tell(number, count, document.source)) if tell else None
    store.add(document, analyse(document.paragraphs, workspace, done), workspace.tagger_embedder_id)
    return report(outcome)


def analyse(
    paragraphs: tuple[Paragraph, ...], workspace: Workspace, done: Callable[[int], None] | None = None
) -> list[Analysis]:
    """Tag, measure and embed ``paragraphs``; ``done`` gets how many are done."""
    analyses: list[Analysis] = []
    for start in range(0, len(paragraphs), _BATCH):
        batch = paragraphs[start : start + _BATCH]
        probabilities, vectors = workspace.tagger.probabilities([p.text for p in batch])
        for paragraph, tags, vector in zip(batch, workspace.tagger.tags(probabilities), vectors, strict=True):
            analyses.append(Analysis(tags, find_targets(paragraph.text, paragraph.heading_path), vector))
        if done:
            done(len(analyses))
    return analyses

"""The main road: read files, structure them, tag and measure every paragraph, store each document in one transaction.

The work (``service.preparing``) is done here or, where a scheduler is set, by Dask workers (``service.bulk``). Either way
this process alone writes, in the order of the input: of two files that hold the same document the later one stays, and
what is in the store is at every moment what a run on one machine that was stopped there would have left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.changes import changes
from corpus.corrections import is_outdated
from corpus.files import UnreadableError, check_kind
from corpus.stages import stage
from corpus.store import ParagraphIdTakenError
from corpus.types import Document
from service.preparing import Prepared, Work, prepare
from service.sources import Newer, Source, each, files_of
from service.workspace import Workspace

Outcome = Literal["added", "updated", "unchanged", "duplicate", "failed"]
Progress = Callable[[int, int, str], None]
SAME = "the same content is stored already"


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


@dataclass(frozen=True)
class Known:
    """A document that was stored already when its turn to be prepared came; a file before it may still replace it."""

    work: Work


# What is to be done for a document, and the same once that is done.
Step = Work | Known | FileReport
Done = tuple[Work, Prepared] | Known | FileReport


def ingest(
    sources: Iterable[Source], workspace: Workspace, progress: Progress | None = None, *, again: bool = False
) -> Iterator[FileReport]:
    """Bring every file of ``sources`` (files, folders, ``-``, addresses) into the store; yield a report each, in order.

    A file that cannot be used costs only its own report. One whose bytes are stored, tagged by the tagger in use, is not
    read, unless ``again``: then what the program makes of it today replaces what it made before. ``progress`` gets
    (paragraphs done, in all, document), on this machine only.
    """
    steps = _steps(sources, workspace, again=again)
    if workspace.settings.scheduler:
        from service.bulk import over_dask

        done = over_dask(steps, workspace)
    else:
        done = _here(steps, workspace, progress)
    for step in done:
        yield _finish(step, workspace, again=again)


def ingest_file(path: Path, workspace: Workspace) -> Iterator[FileReport]:
    """Bring one file into the store, on this machine; yield a report for each of its documents."""
    for step in _here(_steps([path], workspace), workspace):
        yield _finish(step, workspace)


def ingest_bytes(data: bytes, name: str, workspace: Workspace) -> FileReport:
    """Bring one document given as bytes into the store; the suffix of ``name`` helps to tell its kind."""
    try:
        check_kind(name)
        return _ingest(Work.of_bytes(data, name, Path(name).name), workspace)
    except UnreadableError as error:
        return FileReport(name, "failed", reason=str(error))


def store_document(document: Document, name: str, workspace: Workspace, tell: Progress | None = None) -> FileReport:
    """Tag, measure and store one document unless it is there already; ``name`` is the file in the report."""
    return _ingest(Work.of_document(document, name), workspace, tell)


def _ingest(work: Work, workspace: Workspace, tell: Progress | None = None) -> FileReport:
    return _known(work, workspace) or _write(work, prepare(work, workspace, _counting(work, tell)), workspace)


def _steps(sources: Iterable[Source], workspace: Workspace, *, again: bool = False) -> Iterator[Step]:
    """Yield what is to be done for each document, or the report where that is settled."""
    files = files_of(sources)
    newer = Newer(files, workspace.store)
    for place, (source, load) in enumerate(each(files, workspace.settings)):
        try:
            for work in load():
                if again:
                    yield work
                elif _known(work, workspace):
                    yield Known(work)
                elif replaced := newer.than(work.sha256, place):
                    document_id, file = replaced
                    yield FileReport(work.name, "duplicate", document_id, reason=f"{file} holds a newer version")
                else:
                    yield work
        except UnreadableError as error:
            yield FileReport(str(source), "failed", reason=str(error))


def _here(steps: Iterable[Step], workspace: Workspace, tell: Progress | None = None) -> Iterator[Done]:
    for step in steps:
        if not isinstance(step, Work):
            yield step
            continue
        try:
            yield step, prepare(step, workspace, _counting(step, tell))
        except UnreadableError as error:
            yield FileReport(step.name, "failed", reason=str(error))


def _counting(work: Work, tell: Progress | None) -> Callable[[int, int], None] | None:
    return (lambda done, total: tell(done, total, work.source)) if tell else None


def _known(work: Work, workspace: Workspace) -> FileReport | None:
    """Report on what is stored already, made by the tagger in use; None where there is work to do."""
    store = workspace.store
    if isinstance(document := work.content, Document):
        known = store.document(document.id)
        known = known if known and known.sha256 == work.sha256 else None
    else:
        known = store.with_bytes(work.sha256)
    if known is None or is_outdated(store, known.id, workspace.tagger.id):
        return None
    same = known.source == work.source or isinstance(work.content, Document)
    reason = SAME if same else f"the same bytes as {known.source}"
    return FileReport(work.name, "unchanged" if same else "duplicate", known.id, known.paragraphs, reason=reason)


def _finish(step: Done, workspace: Workspace, *, again: bool = False) -> FileReport:
    """Return the report on a document whose turn has come, and store it where that is due."""
    if isinstance(step, FileReport):
        return step
    if not isinstance(step, Known):
        return _write(*step, workspace, again=again)
    try:
        return _ingest(step.work, workspace)
    except UnreadableError as error:
        return FileReport(step.work.name, "failed", reason=str(error))


def _write(work: Work, prepared: Prepared, workspace: Workspace, *, again: bool = False) -> FileReport:
    """Store one document: the only place that writes what was read and analysed."""
    document, count, store = prepared.document, len(prepared.document.paragraphs), workspace.store

    def report(outcome: Outcome, reason: str | None = None) -> FileReport:
        return FileReport(work.name, outcome, document.id, count, len(document.skipped), reason, document.notes)

    if not count:
        return report("failed", "no paragraphs in it: all its lines are page furniture or headers")
    # Asked again: a file before this one may have had the same bytes.
    if not again and (known := _known(work, workspace)):
        return known
    before = store.whole(document.id)
    try:
        with stage("store"):
            store.add(document, prepared.analyses, workspace.tagger_embedder_id)
    except ParagraphIdTakenError as error:
        return FileReport(work.name, "failed", reason=str(error))
    if before is None:
        return report("added")
    counted = Counter(change.kind for change in changes(before, document))
    return report(
        "updated", ", ".join(f"{number} {kind}" for kind, number in counted.items()) or "no paragraph changed"
    )

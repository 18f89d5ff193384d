"""From a file to a prepared document: read, structured, tagged, measured and embedded, without a look at the store.

Nothing here needs the database, so ``service.bulk`` runs these very functions on other machines.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from corpus.files import SUFFIXES, load
from corpus.parse import ready_documents
from corpus.ready import READY_SUFFIXES, ReadyParagraph, read_ready
from corpus.stages import stage
from corpus.stored import Analysis
from corpus.targets import find_targets
from corpus.types import Document
from models.wording import corrected
from service.workspace import Workspace

STDIN = Path("-")
_BATCH = 256


@dataclass(frozen=True)
class Work:
    """What one document is made of: the bytes of a file called ``source``, or the document of paragraphs cut elsewhere.

    ``name`` is the file in reports; ``sha256`` that of the content.
    """

    name: str
    source: str
    content: bytes | Document
    sha256: str

    @classmethod
    def of_bytes(cls, data: bytes, name: str, source: str) -> Work:
        """Return what is to be done with the bytes of a file."""
        return cls(name, source, data, hashlib.sha256(data).hexdigest())

    @classmethod
    def of_document(cls, document: Document, name: str) -> Work:
        """Return what is to be done with a document that is read already."""
        return cls(name, document.source, document, document.sha256)


@dataclass(frozen=True)
class Prepared:
    """A document ready to be stored, with one analysis a paragraph."""

    document: Document
    analyses: list[Analysis]


@dataclass(frozen=True)
class Makers:
    """What decides the result beside the file: the program's version, the tagger and the embedder of its vectors."""

    version: str
    tagger: str
    embedder: str


def makers(workspace: Workspace) -> Makers:
    """Return the makers in use, loading the models."""
    return Makers(version("kehoach"), workspace.tagger.id, workspace.tagger_embedder_id)


def prepare(work: Work, workspace: Workspace, done: Callable[[int, int], None] | None = None) -> Prepared:
    """Read and analyse one document; ``done`` gets the paragraphs done and in all. Raises UnreadableError."""
    document = read(work, workspace)
    return Prepared(document, analyse(document, workspace, done))


def read(work: Work, workspace: Workspace) -> Document:
    """Return the document of ``work``, read in the process for that. Raises UnreadableError."""
    if isinstance(work.content, Document):
        return work.content
    with stage("read"):
        return workspace.worker.parse(work.content, work.source)


def works_in(path: Path) -> Iterator[Work]:
    """Yield the work of one file: one of a text, one for each ``doc`` of ready paragraphs.

    Raises UnreadableError, for ready paragraphs before anything is yielded.
    """
    if path == STDIN:
        yield from _works_in_stdin()
    elif path.suffix.lower() in READY_SUFFIXES:
        yield from _ready(path, str(path), path.name)
    else:
        yield Work.of_bytes(load(path), str(path), path.name)


def documents_in(path: Path, workspace: Workspace) -> Iterator[Document]:
    """Yield the documents of one file. Raises UnreadableError."""
    for work in works_in(path):
        yield read(work, workspace)


def _works_in_stdin() -> Iterator[Work]:
    data = sys.stdin.buffer.read()
    if not data.lstrip().startswith(b"{"):
        yield Work.of_bytes(data, str(STDIN), f"stdin{SUFFIXES[0]}")
        return
    with tempfile.NamedTemporaryFile(suffix=READY_SUFFIXES[0]) as file:
        file.write(data)
        file.flush()
        yield from _ready(Path(file.name), str(STDIN), str(STDIN))


def _ready(path: Path, name: str, source: str) -> Iterator[Work]:
    # Read to the end before anything is stored: a fault in the last line must not leave half a file behind.
    for document in _documents_of(list(read_ready(path)), source):
        yield Work.of_document(document, name)


def _documents_of(rows: Iterable[ReadyParagraph], source: str) -> Iterator[Document]:
    order: dict[str, list[ReadyParagraph]] = {}
    for row in rows:
        order.setdefault(row.doc, []).append(row)
    for doc, members in order.items():
        content = json.dumps([[r.id, r.text, r.province, r.year, r.kind, r.heading_path] for r in members])
        sha256 = hashlib.sha256(f"{doc}\n{content}".encode()).hexdigest()
        yield from ready_documents(members, source, sha256)


def analyse(document: Document, workspace: Workspace, done: Callable[[int, int], None] | None = None) -> list[Analysis]:
    """Tag, measure and embed the paragraphs of ``document``; ``done`` gets how many are done, and how many there are."""
    paragraphs, title = document.paragraphs, document.metadata.title or ""
    analyses: list[Analysis] = []
    # Asked for once: another may be put in use meanwhile.
    tagger = workspace.tagger
    for start in range(0, len(paragraphs), _BATCH):
        batch = paragraphs[start : start + _BATCH]
        texts = [corrected(paragraph.text) for paragraph in batch]
        with stage("tag"):
            probabilities, vectors = tagger.probabilities(texts)
        for paragraph, text, tags, vector in zip(batch, texts, tagger.tags(probabilities), vectors, strict=True):
            targets = find_targets(paragraph.text, paragraph.heading_path, title)
            analyses.append(Analysis(tags, targets, vector, text if text != paragraph.text else None))
        if done:
            done(len(analyses), len(paragraphs))
    return analyses

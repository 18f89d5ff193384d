"""Build the derived indexes from the store: written whole under a new name, sealed by a manifest, then made current.

A folder ``index`` holds numbered generations and a file ``CURRENT`` that names one. Readers open what it names; a
generation that does not match the store's content or the embedder is not used.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus import labelled
from corpus.store import Store
from index.lexical import LexicalIndex
from index.vectors import VectorIndex
from nlp.accents import Restorer

FORMAT = 1
_KEPT_GENERATIONS = 2


class StaleIndexError(RuntimeError):
    """The index is missing, damaged or of other content; the message names what differs."""


@dataclass(frozen=True)
class Manifest:
    """What a generation was built from."""

    format: int
    content: str
    embedder_id: str
    dimension: int
    paragraphs: int


@dataclass(frozen=True)
class Generation:
    """An opened generation."""

    manifest: Manifest
    lexical: LexicalIndex
    vectors: VectorIndex
    restorer: Restorer


def build(
    folder: Path, store: Store, embedder_id: str, dimension: int, tell: Callable[[str], None] | None = None
) -> Manifest:
    """Build a generation from ``store``, make it current and return its manifest."""
    say = tell or (lambda what: None)
    folder.mkdir(parents=True, exist_ok=True)
    # Read before the paragraphs: should the store change meanwhile, the generation counts as old, never as new.
    content = store.content
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
    try:
        say("reading paragraphs")
        paragraphs = store.paragraphs()
        keys, vectors = store.vectors(embedder_id)
        manifest = Manifest(FORMAT, content, embedder_id, dimension, len(paragraphs))
        say("indexing words")
        LexicalIndex.build(work / "lexical", paragraphs, store.years())
        say("indexing vectors")
        VectorIndex.build(keys, vectors, dimension).save(work / "vectors.faiss")
        say("learning diacritics")
        texts = [paragraph.text for paragraph in paragraphs] + labelled.texts()
        (work / "accents.json").write_text(Restorer.learn(texts).to_json(), encoding="utf-8")
        (work / "manifest.json").write_text(json.dumps(vars(manifest), indent=1), encoding="utf-8")
        _make_current(folder, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def load(folder: Path, content: str, embedder_id: str) -> Generation:
    """Open the current generation.

    Raises StaleIndexError where there is none or it does not match ``content`` and ``embedder_id``.
    """
    try:
        current = folder / (folder / "CURRENT").read_text(encoding="utf-8").strip()
        manifest = Manifest(**json.loads((current / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StaleIndexError(f"no usable index in {folder}: {error}") from error
    expected = Manifest(FORMAT, content, embedder_id, manifest.dimension, manifest.paragraphs)
    if manifest != expected:
        differing = [name for name, value in vars(expected).items() if vars(manifest)[name] != value]
        raise StaleIndexError(f"the index in {current} is of another {', '.join(differing)}")
    try:
        restorer = Restorer.from_json((current / "accents.json").read_text(encoding="utf-8"))
        generation = Generation(
            manifest, LexicalIndex(current / "lexical"), VectorIndex.load(current / "vectors.faiss"), restorer
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise StaleIndexError(f"the index in {current} is damaged: {error}") from error
    if not len(generation.lexical) == len(generation.vectors) == manifest.paragraphs:
        raise StaleIndexError(f"the index in {current} does not hold its {manifest.paragraphs} paragraphs")
    return generation


def _make_current(folder: Path, work: Path) -> None:
    numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    number = numbers[-1] + 1 if numbers else 1
    while True:
        try:
            work.rename(folder / str(number))
            break
        except OSError:
            if not (folder / str(number)).exists():
                raise
            number += 1
    pointer = folder / f".CURRENT-{os.getpid()}-{number}"
    pointer.write_text(str(number), encoding="utf-8")
    pointer.replace(folder / "CURRENT")
    # The one before stays for readers that have just read the pointer.
    for old in numbers[: 1 - _KEPT_GENERATIONS]:
        shutil.rmtree(folder / str(old), ignore_errors=True)

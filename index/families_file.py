"""Keep families in one file beside the indexes: written whole and swapped in, made anew where it does not fit the store.

An npz file of a JSON text (documents' signatures, links, families) and the vectors of all statements. It is derived from
the store: it may be deleted at any time; then ids are those that a first run gives.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from corpus.store import Store
from index.families import LINK, Earlier, Families, build, sign
from index.statements import statements
from models.remembered import RememberingEmbedder
from models.similarity import Matcher

FORMAT = 1
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Kept:
    """What the file holds; ``content`` is the state of the store that it was made from."""

    content: str = ""
    earlier: Earlier = field(default_factory=Earlier)
    vectors: Mapping[bytes, Vector] = field(default_factory=dict, repr=False)


def refresh(
    file: Path,
    store: Store,
    embedder: RememberingEmbedder,
    matcher: Matcher,
    kept: Kept,
    tell: Callable[[str], None] = lambda what: None,
) -> Families:
    """Return the families of what the store holds now; ``matcher`` embeds with ``embedder``, which was told ``kept.vectors``.

    Only documents that are new or changed since ``kept`` are matched, with one another and with the rest. Where anything
    changed the file is written.
    """
    # Read before the paragraphs: should the store change meanwhile, the file counts as old, never as new.
    content = store.content
    of_documents = {document.id: statements(store, document) for document in store.documents()}
    found = build(of_documents, matcher, kept.earlier, tell)
    if content != kept.content or found.signatures != kept.earlier.signatures:
        # A new document is matched with all others, so that all texts were asked for; otherwise none was.
        _write(file, found, content, embedder.used or kept.vectors)
    return found


def read(file: Path) -> Kept:
    """Return what the file holds; nothing where it is missing, damaged or of another format."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            state = json.loads(str(arrays["state"]))
            names, vectors = arrays["names"], arrays["vectors"]
        if state["format"] != FORMAT or len(names) != len(vectors):
            return Kept()
        linked = {(a, b): np.array(list(map(tuple, links)), LINK) for a, b, links in state["linked"]}
        members = {name: frozenset(signs) for name, signs in state["families"].items()}
        known = {row.tobytes(): vector for row, vector in zip(names, vectors, strict=True)}
        return Kept(state["content"], Earlier(state["signatures"], linked, members), known)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return Kept()


def _write(file: Path, found: Families, content: str, vectors: Mapping[bytes, Vector]) -> None:
    state = {
        "format": FORMAT,
        "content": content,
        "signatures": dict(found.signatures),
        "linked": [[a, b, links.tolist()] for (a, b), links in found.linked.items()],
        "families": {family.id: sorted(map(sign, family.members)) for family in found.families},
    }
    length = len(next(iter(vectors), b""))
    names = np.frombuffer(b"".join(vectors), np.uint8).reshape(len(vectors), length)
    _replace(
        file,
        lambda part: np.savez(
            part,
            state=np.array(json.dumps(state, ensure_ascii=False)),
            names=names,
            vectors=np.array(list(vectors.values()), np.float32),
        ),
    )


def _replace(file: Path, write: Callable[[Path], None]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".building-", suffix=".npz", dir=file.parent)
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)

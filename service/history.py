"""Bring back what was replaced or deleted, and tell what changed between versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from corpus.changes import Change, changes
from corpus.store import Version
from models.wording import corrected
from service.errors import NothingUsableError
from service.workspace import Workspace


def restore(workspace: Workspace, document_id: str, number: int | None = None) -> Version:
    """Make a version of a document the current one, with the tags it had; by default the last one kept.

    The version it replaces is kept in turn. Raises NothingUsableError where there is no such version.
    """
    version = _version(workspace, document_id, number)
    found = workspace.store.version(document_id, version.number)
    if found is None:
        raise NothingUsableError(f"version {version.number} of {document_id} is gone")
    document, analyses = found
    texts = [corrected(paragraph.text) for paragraph in document.paragraphs]
    vectors = workspace.default_embedder.embed_passages(texts)
    whole = [
        replace(analysis, vector=vector, corrected=text if text != paragraph.text else None)
        for analysis, vector, text, paragraph in zip(analyses, vectors, texts, document.paragraphs, strict=True)
    ]
    workspace.store.add(document, whole, workspace.tagger_embedder_id)
    return version


def changes_since(workspace: Workspace, document_id: str, number: int) -> list[Change]:
    """Return what changed from a version to the one after it, or to the current text after the last."""
    _version(workspace, document_id, number)
    later = workspace.store.version(document_id, number + 1)
    before, after = (
        workspace.store.version(document_id, number),
        later[0] if later else workspace.store.whole(document_id),
    )
    if before is None or after is None:
        raise NothingUsableError(f"nothing came after version {number} of {document_id}: it was deleted")
    return changes(before[0], after)


def _version(workspace: Workspace, document_id: str, number: int | None) -> Version:
    kept = workspace.store.versions(document_id)
    if not kept:
        raise NothingUsableError(
            f"no earlier version of {document_id!r} is kept; `kehoach restore` lists what was deleted"
        )
    if number is None:
        return kept[-1]
    if found := next((version for version in kept if version.number == number), None):
        return found
    raise NothingUsableError(f"{document_id} has versions {', '.join(str(v.number) for v in kept)}, not {number}")


def version_form(version: Version) -> dict[str, Any]:
    """Return an earlier version."""
    times = {"added_at": version.added_at.isoformat(), "archived_at": version.archived_at.isoformat()}
    return {**vars(version), **times}


def changes_form(change: Change) -> dict[str, Any]:
    """Return a change between two versions."""
    sides = {"before": change.before, "after": change.after}
    return {
        "kind": change.kind,
        **{name: {"paragraph_id": side.id, "text": side.text} if side else None for name, side in sides.items()},
    }

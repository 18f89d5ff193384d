"""Tell whether two stores hold the same: one hash over documents, paragraphs, tags and targets.

The numbers of rows, times and the order of arrival do not count, nor do vectors, which another kind of processor may
compute a last bit differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from corpus.codec import analysis_form, document_form
from corpus.store import Store
from corpus.stored import Analysis
from corpus.types import Document

_PAGE = 500


def content_hash(store: Store) -> str:
    """Return the SHA-256, in hexadecimal, over all documents that ``store`` holds now; earlier versions do not count."""
    found: list[str] = []
    last = ""
    while page := store.documents_after(last, _PAGE):
        last = page[-1].id
        found += [_hash(*whole) for stored in page if (whole := store.analysed(stored.id))]
    # Sorted: databases disagree on the order of names.
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def _hash(document: Document, analyses: Sequence[Analysis]) -> str:
    rows: list[Any] = [document_form(document)]
    for analysis in analyses:
        tags, targets = analysis_form(analysis)
        rows.append([sorted(tags, key=lambda tag: str(tag["task_group"])), targets, analysis.corrected])
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()

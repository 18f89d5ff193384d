"""Explain tags by what people of this store said too: their corrections, and the rows that its own tagger learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.corrections import last_corrected
from corpus.labelled import LabelledParagraph
from models.explain import Examples, Explanation, explain, joined, own_examples, rows_of
from models.tagger import Tagger
from service.workspace import Workspace

# Of how many corrected paragraphs, the last ones, the nearest are looked for.
_MOST = 2_000


def reasons(space: Workspace, text: str, groups: Sequence[str] | None = None) -> list[Explanation]:
    """Return why ``text`` has its tags, or what speaks for ``groups``, as ``models.explain.explain`` does."""
    tagger = space.tagger
    return explain(tagger, text, groups, examples=examples_for(space, tagger))


def examples_for(space: Workspace, tagger: Tagger) -> Examples:
    """Return the labelled paragraphs that explanations of ``tagger`` point to; reads the store."""
    # People's word first: of one text it is the one that counts.
    return joined([_corrected(space), rows_of(space.tagger_folder, tagger.embedder), own_examples(tagger.embedder)])


def _corrected(space: Workspace) -> Examples:
    """Return the paragraphs that people corrected last, with the vectors that they have in the store."""
    store = space.store
    keys = last_corrected(store, _MOST)
    vectors = store.vectors_of(keys, space.tagger_embedder_id)
    members = [p for p in store.paragraphs_by_key(keys).values() if p.key in vectors and p.groups]
    rows = tuple(LabelledParagraph(p.id, p.document_id, "corrected", p.text, frozenset(p.groups)) for p in members)
    return Examples(rows, np.array([vectors[p.key] for p in members], np.float32))

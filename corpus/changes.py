"""Tell what changed between two versions of a document, paragraph by paragraph."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from corpus.types import Document, Paragraph

_SAME = 0.6


@dataclass(frozen=True)
class Change:
    """A paragraph that is new, gone or reworded; ``before`` or ``after`` is None where there is none."""

    kind: Literal["added", "removed", "changed"]
    before: Paragraph | None
    after: Paragraph | None


def changes(old: Document, new: Document) -> list[Change]:
    """Return the changes from ``old`` to ``new`` in reading order; a paragraph that only moved counts as removed and added."""
    matcher = SequenceMatcher(a=[p.text for p in old.paragraphs], b=[p.text for p in new.paragraphs], autojunk=False)
    found: list[Change] = []
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation != "equal":
            found += _paired(old.paragraphs[a:b], new.paragraphs[c:d])
    return found


def _paired(gone: tuple[Paragraph, ...], come: tuple[Paragraph, ...]) -> list[Change]:
    """Pair reworded paragraphs in order: the same permalink part, or words mostly the same."""
    found: list[Change] = []
    left = list(come)
    for before in gone:
        after = next((p for p in left if _anchor(p) == _anchor(before) or _alike(before.text, p.text)), None)
        if after is None:
            found.append(Change("removed", before, None))
            continue
        place = left.index(after)
        found += [Change("added", None, p) for p in left[:place]]
        del left[: place + 1]
        found.append(Change("changed", before, after))
    return found + [Change("added", None, p) for p in left]


def _anchor(paragraph: Paragraph) -> str:
    return paragraph.id.partition("#")[2]


def _alike(a: str, b: str) -> bool:
    matcher = SequenceMatcher(a=a.split(), b=b.split(), autojunk=False)
    return matcher.real_quick_ratio() >= _SAME and matcher.ratio() >= _SAME

"""Cut paragraphs into statements: what obliges or commits to one thing, with the targets it sets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from corpus.national import indicator_of
from corpus.store import Filter, Store, StoredDocument, StoredParagraph
from corpus.types import Target
from nlp.fold import fold
from nlp.sentences import Span, clauses, sentences

_KINDS = ("objective", "task", "assignment")
# A longer one is cut at sentences, and a longer sentence at semicolons and colons.
_LONG = 45
_SHORTEST = 6
# Says what to do only by the number of an item: nothing that could be compared between plans.
_REFERENCE = re.compile(
    r"(?:chủ trì|chịu trách nhiệm|đầu mối|thường trực|theo dõi)\s+(?:các\s+)?(?:chỉ tiêu\s+)?(?:mục|điểm|khoản|phần)\b",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"(?:Đơn vị|Thời hạn|Thời gian|Tiến độ|Cơ quan[^:;]{0,20}):")
_SEMICOLON = re.compile(r"(?<=;)\s+")


@dataclass(frozen=True)
class Statement:
    """A part of a paragraph; ``targets`` are those whose figures stand in it, ``indicators`` the keys of what they measure."""

    paragraph: StoredParagraph
    document: StoredDocument
    span: Span
    targets: tuple[Target, ...] = ()
    indicators: frozenset[str] = frozenset()

    @cached_property
    def text(self) -> str:
        """The words of the statement."""
        return self.paragraph.text[slice(*self.span)]

    @property
    def is_aim(self) -> bool:
        """True for a statement of what is to be reached, not of what is to be done."""
        return self.paragraph.kind == "objective"

    @cached_property
    def bodies(self) -> frozenset[str]:
        """The bodies that an assignment names to act, folded, people's committees of any level as one; without vague ones."""
        folded = (fold(name).replace("uy ban nhan dan", "ubnd") for name in self.paragraph.agencies)
        return frozenset("ubnd" if name.startswith("ubnd") else name for name in folded if not name.startswith("cac "))


def statements(store: Store, document: StoredDocument) -> list[Statement]:
    """Return the statements of a document in order; headings, preambles, news and boilerplate make none."""
    members = [p for p in store.paragraphs(Filter(document_id=document.id)) if p.kind in _KINDS and not p.is_heading]
    measured = store.targets_by_key([p.key for p in members])
    return [s for p in members for s in statements_of(p, document, measured.get(p.key, ()))]


def statements_of(
    paragraph: StoredParagraph, document: StoredDocument, targets: Sequence[Target] = ()
) -> list[Statement]:
    """Return the statements of one paragraph; together they hold all its words but bare references to other items."""
    named = [(target, indicator_of(target, paragraph.text)) for target in targets]
    found = []
    for start, end in _cut(paragraph.text, [(t.span[0], i.key) for t, i in named if i]):
        own = [(t, i) for t, i in named if start <= t.span[0] < end]
        keys = frozenset(i.key for _, i in own if i)
        found.append(Statement(paragraph, document, (start, end), tuple(t for t, _ in own), keys))
    return found


def _cut(text: str, measured: Sequence[tuple[int, str]]) -> list[Span]:
    whole = (0, len(text))
    if _is_one(text, whole, measured):
        return _comparable(text, [whole]) if any(c.isalnum() for c in text) else []
    parts: list[Span] = []
    for sentence in sentences(text):
        pieces = [sentence]
        if len(text[slice(*sentence)].split()) > _LONG:
            pieces = [(sentence[0] + a, sentence[0] + b) for a, b in clauses(text[slice(*sentence)])]
        elif not _is_one(text, sentence, measured):
            pieces = _at_semicolons(text, sentence)
        for start, end in pieces:
            if parts and (len(text[start:end].split()) < _SHORTEST or text[: parts[-1][1]].endswith(":")):
                parts[-1] = (parts[-1][0], end)
            else:
                parts.append((start, end))
    return _comparable(text, parts)


def _comparable(text: str, parts: Sequence[Span]) -> list[Span]:
    """Return ``parts``, those with a bare reference cut at semicolons and left with the pieces that say what to do."""
    found: list[Span] = []
    for part in parts:
        if not _REFERENCE.search(text, *part):
            found.append(part)
            continue
        pieces = _at_semicolons(text, part)
        found += [p for p in pieces if not _REFERENCE.search(text, *p) and not _LABELLED.match(text, p[0])]
    return found


def _is_one(text: str, span: Span, measured: Sequence[tuple[int, str]]) -> bool:
    """Tell whether a span is short and measures at most one thing."""
    keys = {key for place, key in measured if span[0] <= place < span[1]}
    return len(text[slice(*span)].split()) <= _LONG and len(keys) < 2


def _at_semicolons(text: str, span: Span) -> list[Span]:
    gaps = [match.span() for match in _SEMICOLON.finditer(text, *span)]
    starts = [span[0], *(end for _, end in gaps)]
    return list(zip(starts, [*(start for start, _ in gaps), span[1]], strict=True))

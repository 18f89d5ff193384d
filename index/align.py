"""Align the clauses of two provinces: which say the same, what differs between them, what only one has.

Clauses are matched one to one by the assignment with the largest total similarity (Kuhn 1955), then cut at the
similarity from which two clauses count as the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import linear_sum_assignment

from corpus.store import StoredParagraph
from corpus.targets import find_targets
from corpus.types import Target
from models.similarity import Matcher
from nlp.fold import words
from nlp.segment import segment
from nlp.sentences import clauses, sentences

# A paragraph longer than this is aligned clause by clause.
_LONG = 45
_SHORTEST = 6
_AGENCY = re.compile(
    r"(?:Sở|Bộ|Ban|Hội|Liên minh|Liên đoàn|Hiệp hội|Đoàn|Cục|Chi cục|UBND|Ủy ban|Công an|Báo|Đài)\s+"
    r"(?:[A-ZĐÀ-Ỹ][\wÀ-ỹ]*|và|các)(?:(?:,\s+|\s+)(?:[A-ZĐÀ-Ỹ][\wÀ-ỹ]*|và(?=\s+[A-ZĐÀ-Ỹ])))*"
)
_DUE = re.compile(
    r"(?:trước|chậm nhất|muộn nhất|đến|vào|hạn)\s+(?:hết\s+|là\s+)?ngày\s+(\d{1,2})\s*(?:/|tháng\s+)\s*(\d{1,2})(?:\s*(?:/|năm\s+)\s*(20\d\d))?",
    re.IGNORECASE,
)
_STOP = frozenset(
    "và của các cho với đến trong trên là có được theo về tại những một khi này đó từ cùng như bằng để các_loại nhằm phải sẽ do bị".split()
)


@dataclass(frozen=True)
class Side:
    """A clause and the paragraph it stands in."""

    paragraph: StoredParagraph
    text: str


@dataclass(frozen=True)
class Difference:
    """What two aligned clauses put differently: kind is "value", "deadline" or "agency"."""

    kind: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class AlignedPair:
    """Two clauses that say the same, the words they share and what differs."""

    a: Side
    b: Side
    similarity: float
    shared: tuple[str, ...]
    differs: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """Two provinces side by side; pairs most similar first, the rest in the order of the plans."""

    a: str
    b: str
    aligned: tuple[AlignedPair, ...]
    only_a: tuple[Side, ...]
    only_b: tuple[Side, ...]


def sides(paragraphs: Sequence[StoredParagraph]) -> list[Side]:
    """Return the clauses of ``paragraphs`` that oblige or report: no headings, no preamble."""
    found = []
    for paragraph in paragraphs:
        if paragraph.is_heading or paragraph.kind in ("preamble", "boilerplate"):
            continue
        found += [Side(paragraph, text) for text in _clauses(paragraph.text)]
    return found


def _clauses(text: str) -> list[str]:
    if len(text.split()) <= _LONG:
        return [text]
    parts: list[str] = []
    for start, end in sentences(text):
        sentence = text[start:end]
        pieces = [sentence]
        if len(sentence.split()) > _LONG:
            pieces = [sentence[a:b] for a, b in clauses(sentence)]
        for piece in pieces:
            if parts and (len(piece.split()) < _SHORTEST or parts[-1].endswith(":")):
                parts[-1] += f" {piece}"
            else:
                parts.append(piece)
    return parts


def compare(
    a: str, b: str, of_a: Sequence[StoredParagraph], of_b: Sequence[StoredParagraph], matcher: Matcher
) -> Comparison:
    """Compare the paragraphs of province ``a`` with those of province ``b``."""
    sides_a, sides_b = sides(of_a), sides(of_b)
    if not sides_a or not sides_b:
        return Comparison(a, b, (), tuple(sides_a), tuple(sides_b))
    described_a = matcher.describe([side.text for side in sides_a])
    described_b = matcher.describe([side.text for side in sides_b])
    similarity = matcher.matrix(described_a, described_b)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    chosen = [(i, j) for i, j in zip(rows, columns, strict=True) if similarity[i, j] >= matcher.alignment_threshold]
    pairs = [_pair(sides_a[i], sides_b[j], float(similarity[i, j])) for i, j in chosen]
    taken_a, taken_b = {i for i, _ in chosen}, {j for _, j in chosen}
    return Comparison(
        a,
        b,
        tuple(sorted(pairs, key=lambda pair: -pair.similarity)),
        tuple(side for i, side in enumerate(sides_a) if i not in taken_a),
        tuple(side for j, side in enumerate(sides_b) if j not in taken_b),
    )


def _pair(a: Side, b: Side, similarity: float) -> AlignedPair:
    return AlignedPair(a, b, round(similarity, 4), shared_words(a.text, b.text), differences(a, b))


def shared_words(a: str, b: str) -> tuple[str, ...]:
    """Return the content words of ``a`` that also stand in ``b``, in the order of ``a``."""
    other = set(segment(b))
    kept = dict.fromkeys(word for word in segment(a) if word in other and word not in _STOP and len(word) > 2)
    return tuple(word.replace("_", " ") for word in kept if not word.replace(",", "").replace(".", "").isdigit())


def differences(a: Side, b: Side) -> tuple[Difference, ...]:
    """Return the figures, deadlines and agencies in which two clauses differ."""
    found = []
    targets_a = find_targets(a.text, a.paragraph.heading_path)
    targets_b = find_targets(b.text, b.paragraph.heading_path)
    figures_a = [a.text[slice(*t.span)] for t in targets_a]
    figures_b = [b.text[slice(*t.span)] for t in targets_b]
    values_a = {(t.comparator, t.values, t.unit) for t in targets_a}
    values_b = {(t.comparator, t.values, t.unit) for t in targets_b}
    if values_a != values_b:
        found.append(Difference("value", _listed(figures_a), _listed(figures_b)))
    deadlines_a, deadlines_b = _deadlines(a, targets_a), _deadlines(b, targets_b)
    if set(deadlines_a) != set(deadlines_b):
        found.append(Difference("deadline", _listed(deadlines_a), _listed(deadlines_b)))
    agencies_a, agencies_b = _AGENCY.findall(a.text), _AGENCY.findall(b.text)
    # A name counts as present in whatever capitals the other side writes it.
    if any(n.lower() not in b.text.lower() for n in agencies_a) or any(
        n.lower() not in a.text.lower() for n in agencies_b
    ):
        found.append(Difference("agency", _listed(agencies_a), _listed(agencies_b)))
    return tuple(found)


def _deadlines(side: Side, targets: Sequence[Target]) -> list[str]:
    """Return the days by which something is due, else the years of the targets, else the years named."""
    days = ["/".join(filter(None, match.groups())) for match in _DUE.finditer(side.text)]
    named = [word for word in words(side.text) if re.fullmatch(r"20[1-5]\d", word)]
    return days or [target.deadline for target in targets if target.deadline] or named


def _listed(values: Sequence[str]) -> str | None:
    return ", ".join(dict.fromkeys(values)) or None

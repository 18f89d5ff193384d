"""Tell two clauses that say the same apart: words both have, words changed, figures, deadlines, bodies and scope."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from corpus.figures import number
from corpus.targets import find_targets
from corpus.types import Target
from nlp.fold import word_spans, words
from nlp.segment import segment
from nlp.sentences import Span

Kind = Literal["value", "deadline", "agency", "scope"]

_AGENCY = re.compile(
    r"(?:Sở|Bộ|Ban|Hội|Liên minh|Liên đoàn|Hiệp hội|Đoàn|Cục|Chi cục|UBND|Ủy ban|Công an|Báo|Đài)\s+"
    r"(?:[A-ZĐÀ-Ỹ][\wÀ-ỹ]*|và|các)(?:(?:,\s+|\s+)(?:[A-ZĐÀ-Ỹ][\wÀ-ỹ]*|và(?=\s+[A-ZĐÀ-Ỹ])))*"
)
_DUE = re.compile(
    r"(?:trước|chậm nhất|muộn nhất|đến|vào|hạn)\s+(?:hết\s+|là\s+)?ngày\s+(\d{1,2})\s*(?:/|tháng\s+)\s*(\d{1,2})(?:\s*(?:/|năm\s+)\s*(20\d\d))?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"20[1-5]\d")
# Dates and numbers of other texts say nothing of what a clause asks for.
_REFERENCE = re.compile(
    r"\d{1,2}\s*/\s*\d{1,2}\s*/\s*20\d\d|ngày\s+\d{1,2}\s+tháng\s+\d{1,2}(?:\s+năm\s+20\d\d)?|ngày\s+\d{1,2}/\d{1,2}|\d+[\w/]*/[A-ZĐ][\w-]*|^\s*(?:\d+[.)]){1,4}",
    re.IGNORECASE,
)
_NUMBER = r"(?<![\w/.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?)"
_FIGURE = re.compile(rf"{_NUMBER}(?=(?:MWp?|kWp?|GW|ha|km|kg|m3|m²|tr|tỷ)\b|(?![\w/]|[.,]\d))")
# Who or what an obligation reaches; the longest wording first.
_SCOPE = re.compile(
    r"toàn (?:tỉnh|quốc|thành phố)|đô thị|thành thị|nông thôn|miền núi|vùng cao|ven biển|hải đảo|nội thành|cấp (?:tỉnh|huyện|xã)|"
    r"các (?:xã|phường|thị trấn)|khu công nghiệp|cụm công nghiệp|khu kinh tế|làng nghề|trung tâm thương mại|siêu thị|cửa hàng tiện (?:lợi|ích)|"
    r"chợ (?:dân sinh|truyền thống|đầu mối)|hộ gia đình|hộ dân|hộ nghèo|trường học|bệnh viện|doanh nghiệp (?:nhỏ và vừa|xuất khẩu|nhà nước)|hợp tác xã|"
    r"trang trại|khách sạn|nhà hàng|cơ sở lưu trú|cơ quan nhà nước|đơn vị sự nghiệp|công nghiệp nông thôn",
    re.IGNORECASE,
)
_STOP = frozenset(
    "và của các cho với đến trong trên là có được theo về tại những một khi này đó từ cùng như bằng để các_loại nhằm phải sẽ do bị".split()
)
_TOKEN = re.compile(r"\d+(?:[.,/-]\d+)*\s?%?")


@dataclass(frozen=True)
class Difference:
    """What two aligned clauses put differently, as each writes it; None where one has nothing of the kind."""

    kind: Kind
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Change:
    """Where one clause has other words than the other: offsets into both, None where a side has none."""

    a: Span | None
    b: Span | None


def shared_words(a: str, b: str) -> tuple[str, ...]:
    """Return the content words of ``a`` that also stand in ``b``, in the order of ``a``."""
    other = set(segment(b))
    kept = dict.fromkeys(word for word in segment(a) if word in other and word not in _STOP and len(word) > 2)
    return tuple(word.replace("_", " ") for word in kept if not word.replace(",", "").replace(".", "").isdigit())


def changes(a: str, b: str) -> tuple[Change, ...]:
    """Return the changed passages in order, cut between words: "bao bì" is kept or replaced as a whole.

    Words that bind ("và", "của") between two changes are taken into one, so that no change is interrupted by them.
    """
    spans_a, spans_b = _words(a), _words(b)
    texts = [[side[s:e].lower() for s, e in spans] for side, spans in ((a, spans_a), (b, spans_b))]
    blocks: list[list[int]] = []
    for tag, *block in SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if blocks and all(word in _STOP for word in texts[0][blocks[-1][1] : block[0]]):
            blocks[-1][1], blocks[-1][3] = block[1], block[3]
        else:
            blocks.append(block)
    return tuple(Change(_over(spans_a, i, j), _over(spans_b, k, m)) for i, j, k, m in blocks)


def _over(spans: Sequence[Span], start: int, end: int) -> Span | None:
    return (spans[start][0], spans[end - 1][1]) if end > start else None


def _words(text: str) -> list[Span]:
    """Return the spans of words of several syllables, and of figures whole; underthesea itself gives no offsets."""
    found: list[Span] = []
    start = 0
    for figure in [*_TOKEN.finditer(text), None]:
        end = figure.start() if figure else len(text)
        syllables = [(s + start, e + start) for s, e in word_spans(text[start:end])]
        lengths = [len(word_spans(word.replace("_", " "))) for word in segment(text[start:end])]
        # Where the segmenter counts syllables otherwise, each stands for itself.
        if sum(lengths) != len(syllables):
            lengths = [1] * len(syllables)
        for length in lengths:
            if length:
                found.append((syllables[0][0], syllables[length - 1][1]))
                syllables = syllables[length:]
        if figure:
            found.append((figure.start(), figure.start() + len(figure.group().rstrip())))
            start = figure.end()
    return found


def differences(a: str, b: str, heading_a: Sequence[str] = (), heading_b: Sequence[str] = ()) -> tuple[Difference, ...]:
    """Return the figures, deadlines, bodies and scope in which two clauses differ; headings may set a deadline."""
    found = []
    targets_a, targets_b = find_targets(a, heading_a), find_targets(b, heading_b)
    values = [{(t.comparator, t.values, t.unit) for t in targets} for targets in (targets_a, targets_b)]
    bare_a, bare_b = _figures(a, years=False), _figures(b, years=False)
    if values[0] != values[1] or Counter(bare_a.values()) != Counter(bare_b.values()):
        sides = [
            _listed([text[slice(*t.span)] for t in targets] if values[0] != values[1] and targets else list(bare))
            for text, targets, bare in ((a, targets_a, bare_a), (b, targets_b, bare_b))
        ]
        found.append(Difference("value", *sides))
    due_a, due_b = _deadlines(a, targets_a), _deadlines(b, targets_b)
    years_a, years_b = _figures(a, years=True), _figures(b, years=True)
    if set(due_a) != set(due_b):
        found.append(Difference("deadline", _listed(due_a), _listed(due_b)))
    elif set(years_a) != set(years_b):
        found.append(Difference("deadline", _listed(list(years_a)), _listed(list(years_b))))
    agencies = _only(_AGENCY, a, b), _only(_AGENCY, b, a)
    if any(agencies):
        found.append(Difference("agency", _listed(_AGENCY.findall(a)), _listed(_AGENCY.findall(b))))
    scope = _only(_SCOPE, a, b), _only(_SCOPE, b, a)
    if any(scope):
        found.append(Difference("scope", _listed(scope[0]), _listed(scope[1])))
    return tuple(found)


def _only(pattern: re.Pattern[str], text: str, other: str) -> list[str]:
    """Return what is named in ``text`` and not in ``other``, in whatever capitals."""
    return [name for name in pattern.findall(text) if name.lower() not in other.lower()]


def _figures(text: str, *, years: bool) -> dict[str, float]:
    """Return the years or the other numbers of ``text`` as written, with their values."""
    bare = _REFERENCE.sub(lambda match: " " * len(match.group()), text)
    return {w: number(w) for w in _FIGURE.findall(bare) if bool(_YEAR.fullmatch(w)) == years}


def _deadlines(text: str, targets: Sequence[Target]) -> list[str]:
    """Return the days by which something is due, else the years of the targets, else the years named."""
    days = ["/".join(filter(None, match.groups())) for match in _DUE.finditer(text)]
    named = [word for word in words(text) if _YEAR.fullmatch(word)]
    return days or [target.deadline for target in targets if target.deadline] or named


def _listed(values: Sequence[str]) -> str | None:
    return ", ".join(dict.fromkeys(values)) or None

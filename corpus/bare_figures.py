"""Find the figures whose unit does not stand beside the number: shares in words, cells of tables, "số chợ đạt 25"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.figures import COMPARISON, VALUE, Figure, clause_at, compared, number
from corpus.target_words import DIGITS, MEASURES, NOUN_SPELLING, any_of
from corpus.types import Comparator
from nlp.sentences import Span

_DIGIT = any_of(DIGITS)
_COMPARED = rf"(?P<compare>(?:{COMPARISON}){{0,3}})"
_PARTS = {"hai": 2, "ba": 3, "tư": 4, "bốn": 4, "năm": 5, "sáu": 6, "tám": 8, "mười": 10}
# Read in the text as written: folded, "ba" is also "bà", "bã" and "bá".
_SHARE = re.compile(
    rf"(?<!\w)(?:(?P<top>{_DIGIT})\s+phần\s+(?P<bottom>{any_of(_PARTS)})|(?P<half>một nửa|già nửa|quá nửa)|"
    rf"(?P<part>\d{{1,2}}|{_DIGIT})\s+(?:trong|trên)\s+(?:số\s+|mỗi\s+)?(?P<whole>10|100|mười))(?![\w.,]?\d|\w)",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"(?:{COMPARISON}){{1,3}}$")
_UNIT = rf"(?P<unit>{any_of([*MEASURES, *NOUN_SPELLING])})"
# The unit of a row of a table: a cell of its own, or named as such.
_ROW_UNIT = re.compile(
    rf"(?:don vi(?: tinh)?|dvt)\s*:\s*{_UNIT}\s*(?=[;|.,)]|$)|\|\s*{_UNIT.replace('unit', 'cell')}\s*(?=\|)"
)
_CELL = re.compile(rf"[:|]\s*{_COMPARED}(?P<low>{VALUE})(?:\s*[-–—]\s*(?P<high>{VALUE}))?\s*(?=[;|]|$|\.\s|\.$)")
_YEARS = re.compile(r"(?:19|20)\d{2}$")
_NOT_A_CELL = re.compile(
    r"(?:thoi (?:gian|han)|nam|stt|so|ma so|kinh phi|von|ngan sach|du toan|hien trang|thuc hien|so nen)[^:;|]{0,25}$"
)
# "nâng số doanh nghiệp có nhãn lên 150, ...": the noun stands after "số".
_COUNTED = re.compile(
    rf"(?<![a-z])so (?:luong )?(?:cac )?(?P<noun>{any_of(NOUN_SPELLING)})(?![a-z])[^.;:]{{0,120}}?"
    rf"(?<![a-z])(?:(?:len|dat|la|con|toi|den|bang)\s+)?{_COMPARED}(?<![\w.,/])(?P<low>{VALUE})\s*(?=[,;)]|$|\.\s|\.$)"
)


# "Số lớp: 06 | Số học viên: 240": the noun heads its own cell.
_COUNT_CELL = re.compile(
    rf"(?:^|[|;,]\s*)(?:tong )?so (?:luong )?(?P<noun>{any_of(NOUN_SPELLING)})(?![a-z])[^.;:|\d]{{0,60}}:\s*"
    rf"{_COMPARED}(?P<low>{VALUE})(?:\s*[-–—]\s*(?P<high>{VALUE}))?\s*(?=[;|,]|$|\.\s|\.$)"
)
_LINKED = re.compile(rf"(?<![a-z])(?:(?:len|dat|la|con|toi|den|bang)\s+|{COMPARISON})$")


def find_bare_figures(flat: str, plain: str, parts: Sequence[Span], taken: Sequence[Figure]) -> list[Figure]:
    """Return the figures of ``flat`` whose unit stands elsewhere or is none; ``taken`` are those found already."""
    covered = bytearray(len(flat))
    for figure in taken:
        covered[slice(*figure.span)] = b"\1" * (figure.span[1] - figure.span[0])
    free = []
    for figure in (
        *_shares(flat, plain, parts),
        *_cells(plain, parts),
        *_counts(plain, parts),
        *_count_cells(plain, parts),
    ):
        if not any(covered[slice(*figure.span)]):
            free.append(figure)
            covered[slice(*figure.span)] = b"\1" * (figure.span[1] - figure.span[0])
    return free


def is_share(flat: str, figure: Figure) -> bool:
    """Tell whether a figure is a share in words, which facts are told with more often than aims."""
    return bool(_SHARE.search(flat, *figure.span))


def _shares(flat: str, plain: str, parts: Sequence[Span]) -> Iterator[Figure]:
    if not any(hint in plain for hint in (" phan ", " nua", " 10", " muoi")):
        return
    for match in _SHARE.finditer(flat):
        if match["half"]:
            share = 50.0
        elif match["top"]:
            share = 100 * DIGITS[match["top"].lower()] / _PARTS[match["bottom"].lower()]
        else:
            whole = 100 if match["whole"] == "100" else 10
            part = match["part"].lower()
            share = 100 * (int(part) if part.isdigit() else DIGITS[part]) / whole
        words = _BEFORE.search(plain, max(0, match.start() - 30), match.start())
        start = words.start() if words else match.start()
        if share <= 100:
            comparator = _comparator(plain, (start, match.start()))
            clause = clause_at(parts, match.start(), len(flat))
            yield Figure((start, match.end()), comparator, (round(share, 1),), "%", "", clause)


def _cells(plain: str, parts: Sequence[Span]) -> Iterator[Figure]:
    named = _ROW_UNIT.search(plain) if "|" in plain or ":" in plain else None
    if not named:
        return
    key = named["unit"] or named["cell"]
    noun = "" if key in MEASURES else NOUN_SPELLING[key]
    for match in _CELL.finditer(plain):
        before = plain[max(0, match.start() - 60) : match.start()]
        year = match["low"] and not match["high"] and _YEARS.match(match["low"])
        if match.start() > named.start() and not year and not _NOT_A_CELL.search(_without_year(before)):
            yield _figure(match, plain, parts, noun or MEASURES[key], noun)


def _without_year(label: str) -> str:
    return re.sub(r"(?:nam\s+)?20\d{2}\s*$", "", label)


def _counts(plain: str, parts: Sequence[Span]) -> Iterator[Figure]:
    for match in _COUNTED.finditer(plain):
        if _LINKED.search(plain[: match.start("low")][-24:]) and not _YEARS.match(match["low"]):
            noun = NOUN_SPELLING[match["noun"]]
            yield _figure(match, plain, parts, noun, noun)


def _count_cells(plain: str, parts: Sequence[Span]) -> Iterator[Figure]:
    for match in _COUNT_CELL.finditer(plain):
        noun = NOUN_SPELLING[match["noun"]]
        yield _figure(match, plain, parts, noun, noun)


def _figure(match: re.Match[str], plain: str, parts: Sequence[Span], unit: str, noun: str) -> Figure:
    low = number(match["low"])
    high = number(match["high"]) if "high" in match.re.groupindex and match["high"] else low
    span = (
        match.start("compare") if match["compare"] else match.start("low"),
        match.end("high") if high > low else match.end("low"),
    )
    comparator = "range" if high > low else _comparator(plain, match.span("compare"))
    values = (low, high) if high > low else (low,)
    return Figure(span, comparator, values, unit, noun, clause_at(parts, span[0], len(plain)))


def _comparator(plain: str, span: Span) -> Comparator:
    least, most = compared(plain, span)
    return ">=" if least else "<=" if most else "="

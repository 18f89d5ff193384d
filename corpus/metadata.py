"""Find what a document says of itself: number, type, dates, issuing body, signer, province, bases and period.

Header lines and the metadata tables of law portals are read first; running text fills what they leave open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, TypeVar

from corpus.clean import Line
from corpus.header import Head, names_page, read_head
from corpus.join import Piece, join_wrapped
from corpus.numbers import NUMBER, clean_number, numbers_in, parse_day
from corpus.provinces import Province, find_provinces
from corpus.title import TYPES
from corpus.types import Evidence, Metadata, Place
from nlp.fold import fold, words
from nlp.sentences import Span

Value = TypeVar("Value")

__all__ = ["NUMBER", "Header", "clean_number", "parse_day", "read_metadata"]
_PERIOD = re.compile(
    r"giai đoạn\s*(?:từ\s*)?(?:năm\s*)?(20\d{2})\s*(?:[-–—]|đến(?: năm)?)\s*(20\d{2})|(?:trong\s+)?năm\s+(20\d{2})\b",
    re.IGNORECASE,
)
_DAY_OF_HEAD = re.compile(r",\s*ngày\s*(\d{1,2}\s*tháng\s*\d{1,2}\s*năm\s*\d{4}|\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
_UNTIL = re.compile(r"đến (?:hết )?năm (20\d{2})", re.IGNORECASE)
# How often each kind of place was right over the documents of results/reading.md.
CONFIDENCE: dict[Place, float] = {"table": 0.99, "header": 0.98, "title": 0.9, "number": 0.9, "text": 0.7}
_TABLE_FIELDS = {
    "so hieu": "number", "so ky hieu": "number", "so/ky hieu": "number", "so, ky hieu": "number", "ngay ban hanh": "date_issued",
    "loai van ban": "type", "co quan ban hanh": "issuing_body", "noi ban hanh": "issuing_body", "nguoi ky": "signer",
}  # fmt: skip
_OTHER_TABLE_FIELDS = frozenset({
    "ngay co hieu luc", "ngay hieu luc", "linh vuc", "tinh trang", "ngay dang", "so cong bao", "nganh", "trich yeu",
    "ngay cong bao", "chuc danh", "tinh trang hieu luc", "ngay het hieu luc",
})  # fmt: skip
_ABSENT = frozenset({"dang cap nhat", "da biet", "chua biet", "khong ro", "khong xac dinh", "...", "-", "n/a"})
_BASE = re.compile(r"can cu|thuc hien|trien khai|theo|cu the hoa|tren co so|tiep tuc")
_OFFICER = re.compile(
    r"\W*(?:kt\.?\s*|tm\.?\s*|tl\.?\s*)?(?:pho )?(?:chu tich|giam doc|bo truong|thu truong|thu tuong)\W*"
)
_NAME = re.compile(r"(?:[A-ZĐÀ-Ỹ][a-zà-ỹ]*\s){1,4}[A-ZĐÀ-Ỹ][a-zà-ỹ]*")


@dataclass(frozen=True)
class Header:
    """The metadata found, the lines to leave out with the reason, and the type lines that begin attached parts."""

    metadata: Metadata
    lines: dict[int, str]
    parts: dict[int, str]
    official: bool


@dataclass(frozen=True)
class _Found(Generic[Value]):
    """A value and the passage it was read from; ``span`` is (0, 0) where it was inferred."""

    value: Value
    place: Place
    span: Span = (0, 0)


def read_metadata(lines: list[Line], boilerplate: Collection[int] = ()) -> Header:
    """Read the metadata of a text given as all its lines; those numbered in ``boilerplate`` are not its own words."""
    table, table_lines = _read_table(lines)
    head = read_head(lines, table_lines, boilerplate)
    # A table's row above the type line is a row of the table, not of the head.
    used = head.reasons | dict.fromkeys(table_lines, "metadata table")
    body = [line for line in lines if line.number not in boilerplate and line.number not in used]
    pieces = join_wrapped(body)
    number = table.get("number") or _own_number(head, pieces)
    own = number.value if number else None
    page_lines = [line for line in lines[:3] if line.number not in used and head.title and names_page(line, own)]
    used |= {line.number: "title" for line in page_lines}
    headline = " ".join(line.text for line in page_lines) or _headline(lines, head, boilerplate)
    head_text = " ".join(line.text for line in head.lines)
    province = _province(table.get("issuing_body"), head, pieces)
    named = province.value if province else None
    found: dict[str, _Found[Any] | None] = {
        "number": number,
        "type": table.get("type") or _type(head, lines, own),
        "title": _Found(head.title, "title", _span(lines, head.title)) if head.title else None,
        "province": province,
        "issuing_body": _issuing_body(table.get("issuing_body"), lines, named),
        "signer": table.get("signer") or _signer(lines),
        "date_issued": _table_day(table.get("date_issued")) or _issued(head, own, pieces),
    }
    day = found["date_issued"]
    found["period"] = _period(head, pieces, day.value.year if day else None)
    values = {name: field.value for name, field in found.items() if field}
    if named:
        values |= {"province": named.name, "province_today": named.today}
    metadata = Metadata(
        **values,
        based_on=_based_on(head, pieces, own),
        page_title=headline or None,
        evidence={
            name: Evidence(field.place, CONFIDENCE[field.place], *field.span) for name, field in found.items() if field
        },
        conflicts=_conflicts(table, head, head_text, headline, own),
    )
    return Header(metadata, used, head.parts, head.official)


def _span(lines: Iterable[Line | Piece], text: str) -> Span:
    """Return where ``text`` stands, without regard to capitals; where lines cut it, where it begins to its line's end."""
    wanted = fold(text)
    opening = " ".join(wanted.split()[:4])
    for part in (wanted, opening):
        for line in lines:
            if (place := fold(line.text).find(part)) >= 0 and part:
                return line.start + place, line.start + place + len(part) if part == wanted else line.end
    return 0, 0


def _headline(lines: list[Line], head: Head, boilerplate: Collection[int]) -> str:
    """Return the headline of a web page that stands above the head of the text, or nothing."""
    first = head.lines[0].number if head.lines else 0
    for line in lines[:40]:
        if line.number >= first or line.number in boilerplate or line.number not in head.reasons:
            continue
        if head.title and _is_alike(line.text, head.title) and not line.text.endswith((".", ";", ":")):
            return line.text
    return ""


def _is_alike(a: str, b: str) -> bool:
    """Tell whether most words of the shorter of two titles are in the other."""
    some, others = set(words(fold(a))), set(words(fold(b)))
    return 2 * len(some & others) > min(len(some), len(others)) > 4


def _conflicts(
    table: Mapping[str, _Found[str]], head: Head, head_text: str, headline: str, own: str | None
) -> tuple[str, ...]:
    """Say where the portal's table, the page's headline and the text itself disagree."""
    numbers = numbers_in(head_text)[:1] if own and "number" in table else []
    said = [f"number: the portal's table says {own}, the text {number}" for number in numbers if number != own]
    written = _DAY_OF_HEAD.search(head_text)
    tabled, headed = _table_day(table.get("date_issued")), parse_day(written.group(1)) if written else None
    if tabled and headed and tabled.value != headed:
        said.append(f"date: the portal's table says {tabled.value.isoformat()}, the text {headed.isoformat()}")
    above, below = _PERIOD.search(headline), _PERIOD.search(head.title or "")
    if above and below and _years(above) != _years(below):
        said.append(f"period: the page's headline says {_written(above)}, the text {_written(below)}")
    return tuple(said)


def _years(match: re.Match[str]) -> tuple[int, int]:
    first = int(match[1] or match[3])
    return first, max(first, int(match[2] or match[3]))


def _written(match: re.Match[str]) -> str:
    return "-".join(dict.fromkeys(map(str, _years(match))))


def _read_table(lines: list[Line]) -> tuple[dict[str, _Found[str]], set[int]]:
    """Read "Số hiệu | 1043/KH-UBND" rows, two pairs a row as well, also as a name and its value on one line."""
    values: dict[str, _Found[str]] = {}
    used: set[int] = set()
    below: Line | None
    for line, below in zip(lines[:150], [*lines[1:151], None], strict=False):
        pairs, stacked = _pairs(line.text), _pair_below(line, below)
        if below and stacked and not (pairs and pairs[0][1].strip(" :|")):
            pairs = stacked
            used.add(below.number)
        for name, value in pairs:
            used.add(line.number)
            value = value.strip(" :|\t")
            if name in _TABLE_FIELDS and value and fold(value).strip(" .") not in _ABSENT:
                places = [line, below] if below else [line]
                values.setdefault(_TABLE_FIELDS[name], _Found(value, "table", _span(places, value)))
    if number := values.get("number"):
        match = NUMBER.search(number.value)
        values["number"] = replace(number, value=clean_number(match.group(1) if match else number.value))
    # One such line alone is a sentence that happens to begin so.
    return (values, used) if len(used) >= 2 and ("number" in values or "date_issued" in values) else ({}, set())


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the (folded name, value) pairs of a line of a metadata table; empty for any other line."""
    if len(text) > 300:
        return []
    names = {*_TABLE_FIELDS, *_OTHER_TABLE_FIELDS}
    cells = [cell.strip() for cell in text.split("|")]
    folded = [fold(cell).strip("*: ") for cell in cells]
    if len(cells) > 1:
        after = [*cells[1:], ""]
        return [(name, value) for name, value in zip(folded, after, strict=True) if name in names]
    for name in sorted(names, key=len, reverse=True):
        if fold(text).startswith(name) and re.match(r"\s*:|\s+\S", text[len(name) :]) and len(text.split()) <= 16:
            # Without a colon the value has to look like one: a number, a day, a name.
            value = text[len(name) :].strip()
            if value.startswith(":") or value[:1].isupper() or value[:1].isdigit():
                return [(name, value)]
    return []


def _pair_below(line: Line, below: Line | None) -> list[tuple[str, str]]:
    """Return the pair of a name alone on its line ("Số hiệu:") and the value on the next."""
    name = fold(line.text).strip("*: ")
    known = name in _TABLE_FIELDS or name in _OTHER_TABLE_FIELDS
    return (
        [(name, below.text)]
        if below and known and line.text.strip("* ").endswith(":") and len(below.text) < 120
        else []
    )


def _own_number(head: Head, pieces: list[Piece]) -> _Found[str] | None:
    text = " ".join(line.text for line in head.lines)
    for match in re.finditer(r"(?<!\w)số\s*:", text, re.IGNORECASE):
        if number := NUMBER.match(text[match.end() : match.end() + 60].lstrip()):
            return _Found(clean_number(number.group(1)), "header", _span(head.lines, number.group(1)))
    if head.title and not head.type and (found := NUMBER.search(head.title[:60])):
        return _Found(clean_number(found.group(1)), "title")
    if head.official:
        return None
    # News names it in running text: the first number of a provincial committee.
    for piece in pieces:
        for match in NUMBER.finditer(piece.text):
            number_there = clean_number(match.group(1))
            if re.search(r"-(?:UBND|HĐND)$", number_there):
                return _Found(number_there, "text", _span([piece], match.group(1)))
    return None


def _type(head: Head, lines: list[Line], number: str | None) -> _Found[str] | None:
    if head.type:
        return _Found(head.type, "header", _span([line for line in lines if line.number in head.reasons], head.type))
    letters = re.search(r"[/-](KH|QĐ|NQ|CTr|CT|TT|NĐ|TB|BC|HD)\b", number or "")
    return _Found(TYPES[letters.group(1)], "number") if letters else None


def _table_day(found: _Found[str] | None) -> _Found[date] | None:
    day = parse_day(found.value) if found else None
    return _Found(day, "table", found.span) if found and day else None


def _issued(head: Head, number: str | None, pieces: list[Piece]) -> _Found[date] | None:
    text = " ".join(line.text for line in head.lines)
    if match := _DAY_OF_HEAD.search(text):
        day = parse_day(match.group(1))
        return _Found(day, "header", _span(head.lines, match.group(1))) if day else None
    for piece in pieces if number else ():
        for match in NUMBER.finditer(piece.text):
            after = piece.text[match.end() : match.end() + 45]
            if (
                clean_number(match.group(1)) == number
                and re.match(r",?\s*ngày\s*\d", after)
                and (day := parse_day(after))
            ):
                return _Found(day, "text", _span([piece], after.split("năm")[0]))
    return None


def _province(issuing_body: _Found[str] | None, head: Head, pieces: list[Piece]) -> _Found[Province] | None:
    head_text = " ".join(line.text for line in head.lines)
    places: tuple[tuple[Place, str], ...] = (
        ("table", issuing_body.value if issuing_body else ""),
        ("header", head_text),
        ("title", head.title or ""),
    )
    for place, text in places:
        # Glued headers ("TỈNHQUẢNG NAM") are common in scraped pages.
        parted = re.sub(r"(?i)(tỉnh|thành phố)(?=[A-ZĐÀ-Ỹ])", r"\1 ", text)
        if found := find_provinces(parted) or find_provinces(parted.title()):
            span = issuing_body.span if issuing_body and place == "table" else _span(head.lines, found[0][2].name)
            return _Found(found[0][2], place, span)
    # Running text has to open with a province and speak mostly of it.
    opening = {province for piece in pieces[:3] for _, _, province in find_provinces(piece.text)}
    common = Counter(province for piece in pieces for _, _, province in find_provinces(piece.text)).most_common(2)
    if common and common[0][0] in opening and (len(common) == 1 or common[0][1] >= 2 * common[1][1]):
        return _Found(common[0][0], "text", _span(pieces, common[0][0].name))
    return None


def _issuing_body(table: _Found[str] | None, lines: list[Line], province: Province | None) -> _Found[str] | None:
    if province is None:
        return table
    committee = f"Ủy ban nhân dân {province.kind} {province.name}"
    if table is None:
        early = next((line for line in lines[:60] if re.search(r"uy ban nhan dan|ubnd", fold(line.text[:2000]))), None)
        if early is None:
            return None
        return _Found(committee, "header" if early.text.isupper() else "text", (early.start, early.end))
    return replace(table, value=committee) if fold(table.value).endswith(fold(province.name)) else table


def _signer(lines: list[Line]) -> _Found[str] | None:
    """Return the name below the signature's title, such as "KT. CHỦ TỊCH / PHÓ CHỦ TỊCH"."""
    for place, line in reversed(list(enumerate(lines))):
        if len(line.text) < 60 and _OFFICER.fullmatch(fold(line.text)):
            for below in lines[place + 1 : place + 4]:
                if (name := _NAME.fullmatch(below.text.strip("* "))) and not _OFFICER.fullmatch(fold(below.text)):
                    return _Found(name.group(), "header", (below.start, below.end))
    return None


def _based_on(head: Head, pieces: list[Piece], own: str | None) -> tuple[str, ...]:
    """Return the numbers of the texts this one carries out, from the opening of an official text and from bases.

    The opening is what stands before the first numbered section; elsewhere a paragraph has to begin as a base does.
    """
    found: dict[str, None] = {}
    opening = (
        next((i for i, piece in enumerate(pieces) if piece.marker not in (None, "dash")), 0) if head.official else 0
    )
    for place, piece in enumerate(pieces):
        folded = fold(piece.text[:60]).lstrip(" -*")
        if (
            (place < opening and _BASE.search(fold(piece.text)))
            or (not head.official and _BASE.match(folded))
            or folded.startswith("can cu ")
        ):
            found |= dict.fromkeys(numbers_in(piece.text))
    if head.title and not found:
        found |= dict.fromkeys(numbers_in(head.title) if head.type else ())
    return tuple(number for number in found if number != own)


def _period(head: Head, pieces: list[Piece], issued: int | None) -> _Found[tuple[int, int]] | None:
    """Return the years a document is for; "đến năm 2025, định hướng đến năm 2030" runs from its issue to 2025."""
    title = head.title or ""
    if (match := _UNTIL.search(title)) and not re.search(r"(?i)giai đoạn", title[: match.start()]):
        last = int(match[1])
        return _Found((min(issued or last, last), last), "title")
    if match := _PERIOD.search(title):
        return _Found(_years(match), "title")
    if match := _PERIOD.search(" ".join(line.text for line in head.lines)):
        return _Found(_years(match), "header", _span(head.lines, match.group()))
    for piece in pieces[:20]:
        if match := _PERIOD.search(piece.text):
            return _Found(_years(match), "text", _span([piece], match.group()))
    return None

"""Find what a document says of itself: number, type, dates, issuing body, signer, province, bases and period.

Header lines and the metadata tables of law portals are read first; running text fills what they leave open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from corpus.clean import Line
from corpus.header import Head, names_page, read_head
from corpus.join import Piece, join_wrapped
from corpus.numbers import NUMBER, clean_number, numbers_in, parse_day
from corpus.provinces import Province, find_provinces
from corpus.title import TYPES
from corpus.types import Metadata
from nlp.fold import fold

__all__ = ["NUMBER", "Header", "clean_number", "parse_day", "read_metadata"]
_PERIOD = re.compile(
    r"giai đoạn\s*(?:từ\s*)?(?:năm\s*)?(20\d{2})\s*(?:[-–—]|đến(?: năm)?)\s*(20\d{2})|(?:trong\s+)?năm\s+(20\d{2})\b",
    re.IGNORECASE,
)
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


def read_metadata(lines: list[Line], boilerplate: Collection[int] = ()) -> Header:
    """Read the metadata of a text given as all its lines; those numbered in ``boilerplate`` are not its own words."""
    table, table_lines = _read_table(lines)
    head = read_head(lines, table_lines, boilerplate)
    # A table's row above the type line is a row of the table, not of the head.
    used = head.reasons | dict.fromkeys(table_lines, "metadata table")
    body = [line for line in lines if line.number not in boilerplate and line.number not in used]
    pieces = join_wrapped(body)
    own = table.get("number") or _own_number(head, pieces)
    used |= {
        line.number: "title" for line in lines[:3] if line.number not in used and head.title and names_page(line, own)
    }
    head_text = " ".join(line.text for line in head.lines)
    province = _province(table.get("issuing_body", ""), head_text, head.title, pieces)
    metadata = Metadata(
        number=own,
        type=table.get("type") or head.type or _type_of(own),
        title=head.title,
        province=province.name if province else None,
        province_today=province.today if province else None,
        issuing_body=_issuing_body(table.get("issuing_body"), lines, province),
        signer=table.get("signer") or _signer(lines),
        date_issued=parse_day(table.get("date_issued", "")) or _issued(head_text, own, pieces),
        based_on=_based_on(head, pieces, own),
        period=_period(head.title, head_text, pieces),
    )
    return Header(metadata, used, head.parts, head.official)


def _read_table(lines: list[Line]) -> tuple[dict[str, str], set[int]]:
    """Read "Số hiệu | 1043/KH-UBND" rows, two pairs a row as well, also as a name and its value on one line."""
    values: dict[str, str] = {}
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
                values.setdefault(_TABLE_FIELDS[name], value)
    if "number" in values:
        match = NUMBER.search(values["number"])
        values["number"] = clean_number(match.group(1) if match else values["number"])
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


def _own_number(head: Head, pieces: list[Piece]) -> str | None:
    text = " ".join(line.text for line in head.lines)
    for match in re.finditer(r"(?<!\w)số\s*:", text, re.IGNORECASE):
        if number := NUMBER.match(text[match.end() : match.end() + 60].lstrip()):
            return clean_number(number.group(1))
    if head.title and not head.type and (found := NUMBER.search(head.title[:60])):
        return clean_number(found.group(1))
    if head.official:
        return None
    # News names it in running text: the first number of a provincial committee.
    return next((n for piece in pieces for n in numbers_in(piece.text) if re.search(r"-(?:UBND|HĐND)$", n)), None)


def _type_of(number: str | None) -> str | None:
    letters = re.search(r"[/-](KH|QĐ|NQ|CTr|CT|TT|NĐ|TB|BC|HD)\b", number or "")
    return TYPES[letters.group(1)] if letters else None


def _issued(head_text: str, number: str | None, pieces: list[Piece]) -> date | None:
    if match := re.search(
        r",\s*ngày\s*(\d{1,2}\s*tháng\s*\d{1,2}\s*năm\s*\d{4}|\d{1,2}/\d{1,2}/\d{4})", head_text, re.IGNORECASE
    ):
        return parse_day(match.group(1))
    for piece in pieces if number else ():
        for match in NUMBER.finditer(piece.text):
            after = piece.text[match.end() : match.end() + 45]
            if clean_number(match.group(1)) == number and re.match(r",?\s*ngày\s*\d", after):
                return parse_day(after)
    return None


def _province(issuing_body: str, head_text: str, title: str | None, pieces: list[Piece]) -> Province | None:
    for text in (issuing_body, head_text, title or ""):
        # Glued headers ("TỈNHQUẢNG NAM") are common in scraped pages.
        parted = re.sub(r"(?i)(tỉnh|thành phố)(?=[A-ZĐÀ-Ỹ])", r"\1 ", text)
        if found := find_provinces(parted) or find_provinces(parted.title()):
            return found[0][2]
    # Running text has to open with a province and speak mostly of it.
    opening = {province for piece in pieces[:3] for _, _, province in find_provinces(piece.text)}
    common = Counter(province for piece in pieces for _, _, province in find_provinces(piece.text)).most_common(2)
    if common and common[0][0] in opening and (len(common) == 1 or common[0][1] >= 2 * common[1][1]):
        return common[0][0]
    return None


def _issuing_body(table: str | None, lines: list[Line], province: Province | None) -> str | None:
    if province is None:
        return table
    committee = f"Ủy ban nhân dân {province.kind} {province.name}"
    if table is None:
        early = " ".join(fold(line.text[:2000]) for line in lines[:60])
        return committee if re.search(r"uy ban nhan dan|ubnd", early) else None
    return committee if fold(table).endswith(fold(province.name)) else table


def _signer(lines: list[Line]) -> str | None:
    """Return the name below the signature's title, such as "KT. CHỦ TỊCH / PHÓ CHỦ TỊCH"."""
    for place, line in reversed(list(enumerate(lines))):
        if len(line.text) < 60 and _OFFICER.fullmatch(fold(line.text)):
            for below in lines[place + 1 : place + 4]:
                if (name := _NAME.fullmatch(below.text.strip("* "))) and not _OFFICER.fullmatch(fold(below.text)):
                    return name.group()
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


def _period(title: str | None, head_text: str, pieces: list[Piece]) -> tuple[int, int] | None:
    for text in (title or "", head_text, *(piece.text for piece in pieces[:20])):
        if match := _PERIOD.search(text):
            first = int(match[1] or match[3])
            return first, max(first, int(match[2] or match[3]))
    return None

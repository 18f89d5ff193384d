"""Find what a document says of itself: number, type, dates, issuing body, signer, province, bases and period.

Header lines and the metadata tables of law portals are read first; running text fills what they leave open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from corpus.clean import Line
from corpus.provinces import Province, find_provinces
from corpus.types import Metadata
from nlp.fold import fold

# 1043/KH-UBND, 889/QĐ-TTg, 08/2022/NĐ-CP, 66-NQ/TW, 141/2025/KH-UBND; typos such as KH-UNBD pass.
NUMBER = re.compile(
    r"(?<![\w/])(\d{1,5}[a-z]?(?:/\d{4})?\s?[/-]\s?(?:KH|QĐ|QD|NQ|CT|CTr|TT|NĐ|TB|BC|HD|TTr|CV|PA|ĐA|KL|QH|TTLT|VBHN)"
    r"(?:\s?[-/]\s?[A-ZĐ][A-ZĐa-z]{1,9}){0,3}|\d{1,4}/\d{4}/QH\d{2})(?!\w)"
)
_TYPES = {"KH": "Kế hoạch", "QĐ": "Quyết định", "QD": "Quyết định", "NQ": "Nghị quyết", "CT": "Chỉ thị", "CTr": "Chương trình",
          "TT": "Thông tư", "NĐ": "Nghị định", "TB": "Thông báo", "BC": "Báo cáo", "HD": "Hướng dẫn"}  # fmt: skip
_TYPE_LINES = {fold(name): name for name in (*_TYPES.values(), "Đề án", "Phương án", "Công văn", "Luật")}
_DAY = re.compile(r"(?:ngày\s*)?(\d{1,2})\s*(?:tháng|[/.-])\s*(\d{1,2})\s*(?:năm|[/.-])\s*((?:19|20)\d{2})", re.IGNORECASE)
_PLACE_AND_DAY = re.compile(r"^\W*([\wÀ-ỹ. -]{2,30}),\s*ngày\s*(\d{0,2}|\.+|…+)\s*tháng\s*(\d{0,2}|\.+|…+)\s*năm\s*(\d{4})", re.IGNORECASE)
_PERIOD = re.compile(r"giai đoạn\s*(?:từ\s*)?(?:năm\s*)?(20\d{2})\s*(?:[-–—]|đến(?: năm)?)\s*(20\d{2})|(?:trong\s+)?năm\s+(20\d{2})\b", re.IGNORECASE)
_TABLE_FIELDS = {
    "so hieu": "number", "so ky hieu": "number", "so/ky hieu": "number", "ngay ban hanh": "date_issued",
    "loai van ban": "type", "co quan ban hanh": "issuing_body", "noi ban hanh": "issuing_body", "nguoi ky": "signer",
}  # fmt: skip
_OTHER_TABLE_FIELDS = (
    "ngay co hieu luc", "ngay hieu luc", "linh vuc", "tinh trang", "ngay dang", "so cong bao", "nganh", "trich yeu",
    "ngay cong bao", "chuc danh", "tinh trang hieu luc",
)  # fmt: skip
_HEADER = re.compile(
    r"\W*(?:uy ban nhan dan.{0,80}|ubnd (?:tinh|thanh pho|huyen).{0,40}|hoi dong nhan dan.{0,40}|tinh ?[\w -]{2,24}|thanh pho [\w -]{2,24}|"
    r".{0,80}cong hoa xa hoi chu nghia.{0,120}|(?:chu nghia )?viet nam|.{0,60}doc lap\s*[-–—]\s*tu do.{0,60}|so\s*:.{0,60}|"
    r"(?:chu tich )?uy ban nhan dan)\W*"
)


@dataclass(frozen=True)
class Header:
    """The metadata found and the numbers of the lines that hold nothing else, with the reason to leave them out."""

    metadata: Metadata
    lines: dict[int, str]
    official: bool


def read_metadata(lines: list[Line], boilerplate: Collection[int] = ()) -> Header:
    """Read the metadata of a text given as all its lines; those numbered in ``boilerplate`` are not its own words."""
    table, used = _read_table(lines)
    head_end = _head_end(lines)
    head = lines[:head_end]
    used |= {line.number: "header" for line in head if line.number not in used and _is_header(line)}
    title, title_lines = _title(lines, head_end, {*used, *boilerplate})
    body = [line for line in lines if line.number not in boilerplate]
    numbers = [clean_number(m.group(1)) for line in body for m in NUMBER.finditer(line.text)]
    own = table.get("number") or _own_number(head, numbers, title)
    title_lines += [line.number for line in lines[:3] if title and line.number not in used and _names_page(line, own)]
    used |= {number: "title" for number in title_lines}
    official = any(fold(line.text).strip("* ") in _TYPE_LINES for line in lines[:40]) or any(
        reason == "header" for reason in used.values()
    )
    issued = parse_day(table.get("date_issued", "")) or _issued(head, own, lines)
    province = _province(table.get("issuing_body", ""), head, title, body)
    metadata = Metadata(
        number=own,
        type=table.get("type") or _type(lines, own),
        title=title,
        province=province.name if province else None,
        province_today=province.today if province else None,
        issuing_body=_issuing_body(table.get("issuing_body"), lines, province),
        signer=table.get("signer") or _signer(lines),
        date_issued=issued,
        based_on=_based_on(lines, own),
        period=_period(title, lines),
    )
    return Header(metadata, used, official)


def clean_number(number: str) -> str:
    """Return a document number without inner spaces, in the usual spelling of its letters."""
    return re.sub(r"\s+", "", number).replace("QD-", "QĐ-").replace("UNBD", "UBND")


def parse_day(text: str) -> date | None:
    """Return the first day named in ``text`` ("07/05/2021", "ngày 7 tháng 5 năm 2021"), or None."""
    for match in _DAY.finditer(text):
        try:
            return date(int(match[3]), int(match[2]), int(match[1]))
        except ValueError:
            continue
    return None


def _read_table(lines: list[Line]) -> tuple[dict[str, str], dict[int, str]]:
    """Read "Số hiệu | 1043/KH-UBND" rows, also as a name and its value on one line."""
    values: dict[str, str] = {}
    used: dict[int, str] = {}
    names = sorted([*_TABLE_FIELDS, *_OTHER_TABLE_FIELDS], key=len, reverse=True)
    for line in lines[:60]:
        folded = fold(line.text)
        name = next((n for n in names if re.match(rf"\W*{re.escape(n)}\s*[:|]?\s*\S", folded)), None)
        if name is None or len(line.text) > 160:
            continue
        begin = folded.index(name) + len(name)
        value = line.text[begin:].strip(" :|\t")
        if name in _TABLE_FIELDS and value:
            values.setdefault(_TABLE_FIELDS[name], value)
        used[line.number] = "metadata table"
    if "number" in values:
        match = NUMBER.search(values["number"])
        values["number"] = clean_number(match.group(1) if match else values["number"])
    # One such line alone is a sentence that happens to begin so.
    return (values, used) if len(used) >= 2 else ({}, {})


def _head_end(lines: list[Line]) -> int:
    """Return how many lines stand before the type line ("KẾ HOẠCH"), 0 where there is none."""
    for place, line in enumerate(lines[:60]):
        if fold(line.text).strip("* ") in _TYPE_LINES and line.text.strip("* ").isupper():
            return place
    return next((i + 1 for i, line in reversed(list(enumerate(lines[:25]))) if _is_header(line)), 0)


def _is_header(line: Line) -> bool:
    return bool(_HEADER.fullmatch(fold(line.text)) or _PLACE_AND_DAY.match(line.text)) and len(line.text) < 200


def _title(lines: list[Line], head_end: int, used: Collection[int]) -> tuple[str | None, list[int]]:
    """Return the title: the lines after the type line up to the first sentence, else the page's first short line."""
    if head_end < len(lines) and fold(lines[head_end].text).strip("* ") in _TYPE_LINES:
        parts, numbers = [], [lines[head_end].number]
        for line in lines[head_end + 1 : head_end + 9]:
            text = line.text.strip("* ")
            if not (text.isupper() or (parts and re.match(r"\(", text))) and not re.match(r"(?i)(về việc|thực hiện .{0,200}giai đoạn [\d\s–-]+$|v/v|triển khai)", text):
                break
            if re.match(r"(?:[IVX]+|PHẦN|CHƯƠNG|ĐIỀU|CHỦ TỊCH|ỦY BAN|UỶ BAN)\b", text):
                break
            parts.append(text)
            numbers.append(line.number)
        if parts:
            return _sentence_case(" ".join(parts)), numbers
    for line in lines[:8]:
        if line.number not in used and 4 <= len(line.text.split()) <= 45 and not line.text.endswith((".", ";", ":")):
            return line.text, [line.number]
    return None, []


def _names_page(line: Line, number: str | None) -> bool:
    """Tell whether a line is a portal's page title: it names the number and ends without punctuation."""
    return number is not None and number in clean_number(line.text) and not line.text.endswith((".", ":", ";"))


def _sentence_case(text: str) -> str:
    if not text.isupper():
        return text
    lowered = text.capitalize()
    for start, end, province in find_provinces(text.title()):
        if len(province.name) == end - start:
            lowered = lowered[:start] + province.name + lowered[end:]
    return lowered


def _own_number(head: list[Line], numbers: list[str], title: str | None) -> str | None:
    for line in head:
        if re.match(r"\W*(?:.*\|\s*)?số\s*:", line.text, re.IGNORECASE) and (match := NUMBER.search(line.text)):
            return clean_number(match.group(1))
    if title and (match := NUMBER.search(title)):
        return clean_number(match.group(1))
    # News names it in running text: the first number of a provincial committee.
    return next((n for n in numbers if re.search(r"UBND|HĐND", n)), None)


def _type(lines: list[Line], number: str | None) -> str | None:
    for line in lines[:60]:
        if (name := _TYPE_LINES.get(fold(line.text).strip("* "))) and line.text.strip("* ").isupper():
            return name
    letters = re.search(r"[/-](KH|QĐ|NQ|CTr|CT|TT|NĐ|TB|BC|HD)\b", number or "")
    return _TYPES[letters.group(1)] if letters else None


def _issued(head: list[Line], number: str | None, lines: list[Line]) -> date | None:
    for line in head:
        if _PLACE_AND_DAY.match(line.text) or re.search(r",\s*ngày\s*\d", line.text):
            if day := parse_day(line.text):
                return day
    if number:
        for line in lines:
            place = re.sub(r"\s", "", line.text).find(number)
            if place >= 0 and (match := re.search(re.escape(number.split("/")[0]) + r".{0,40}?ngày\s*[\d/. thánghnăm-]+", line.text)):
                return parse_day(match.group())
    return None


def _province(issuing_body: str, head: list[Line], title: str | None, body: list[Line]) -> Province | None:
    for text in (issuing_body, *(line.text for line in head), title or ""):
        # Glued headers ("TỈNHQUẢNG NAM") are common in scraped pages.
        if found := find_provinces(re.sub(r"(?i)(tỉnh|thành phố)(?=[A-ZĐÀ-Ỹ])", r"\1 ", text).title() if text.isupper() else text):
            return found[0][2]
    # Running text has to open with a province and speak mostly of it.
    opening = {province for line in body[:3] for _, _, province in find_provinces(line.text)}
    common = Counter(province for line in body for _, _, province in find_provinces(line.text)).most_common(2)
    if common and common[0][0] in opening and (len(common) == 1 or common[0][1] >= 2 * common[1][1]):
        return common[0][0]
    return None


def _issuing_body(table: str | None, lines: list[Line], province: Province | None) -> str | None:
    if province is None:
        return table
    committee = f"Ủy ban nhân dân {province.kind} {province.name}"
    if table is None:
        early = " ".join(fold(line.text) for line in lines[:60])
        return committee if re.search(r"uy ban nhan dan|ubnd", early) else None
    return committee if fold(table).endswith(fold(province.name)) else table


def _signer(lines: list[Line]) -> str | None:
    """Return the name below the signature's title, such as "KT. CHỦ TỊCH / PHÓ CHỦ TỊCH"."""
    for place, line in reversed(list(enumerate(lines))):
        if re.fullmatch(r"(?:kt\.?\s*|tm\.?\s*)?(?:pho )?chu tich\W*", fold(line.text)):
            for below in lines[place + 1 : place + 4]:
                if re.fullmatch(r"(?:[A-ZĐÀ-Ỹ][a-zà-ỹ]+\s){1,4}[A-ZĐÀ-Ỹ][a-zà-ỹ]+", below.text.strip("* ")):
                    return below.text.strip("* ")
    return None


def _based_on(lines: Iterable[Line], own: str | None) -> tuple[str, ...]:
    """Return the numbers of the texts this one carries out: those after "Căn cứ", "Thực hiện", "theo" or "triển khai"."""
    found: dict[str, None] = {}
    for line in lines:
        if re.match(r"\W*(?:căn cứ|thực hiện|triển khai|theo|để thực hiện)\b", line.text, re.IGNORECASE):
            for match in NUMBER.finditer(line.text):
                if (number := clean_number(match.group(1))) != own:
                    found[number] = None
    return tuple(found)


def _period(title: str | None, lines: list[Line]) -> tuple[int, int] | None:
    for text in (title or "", *(line.text for line in lines[:40])):
        if match := _PERIOD.search(text):
            first = int(match[1] or match[3])
            return first, int(match[2] or match[3])
    return None

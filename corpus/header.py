"""Find the head of an official text: the lines of office, number, place and day above its type line, and its titles."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from corpus.clean import Line
from corpus.numbers import NUMBER, clean_number
from corpus.provinces import provinces
from corpus.title import title_below, type_named
from nlp.fold import fold

TYPE_LINE_WITHIN = 150
_NOTICE = re.compile(r"ban quyen|copyright|quyen so huu|ban dich|dang tai|thu vien|click|intellectual")


@dataclass(frozen=True)
class Head:
    """What stands above the text: the head lines, the title, the type, and the reason to leave out each of their lines.

    ``parts`` maps the number of a later type line ("KẾ HOẠCH" attached to a decision) to that type.
    """

    lines: list[Line]
    title: str | None
    type: str | None
    reasons: dict[int, str]
    parts: dict[int, str]
    official: bool


def read_head(lines: list[Line], table: Collection[int], boilerplate: Collection[int]) -> Head:
    """Read the head of a text given as all its lines; ``table`` numbers the lines of a portal's metadata table."""
    place = _type_line(lines)
    if place is None:
        return _loose_head(lines, table, boilerplate)
    above = [line for line in lines[:place] if line.number not in table]
    first = next((i for i, line in enumerate(above) if is_header(line.text)), len(above))
    reasons = {line.number: "header" if i >= first else "page furniture" for i, line in enumerate(above)}
    title, used = title_below(lines, place)
    reasons |= dict.fromkeys(used, "title")
    parts: dict[int, str] = {}
    for later, line in enumerate(lines[place + 1 :], place + 1):
        if line.number in reasons or line.number in boilerplate:
            continue
        if named := type_named(line.text):
            attached, taken = title_below(lines, later)
            reasons |= dict.fromkeys(taken if not line.text.strip("* ").endswith(":") else taken[:1], "title")
            if attached:
                parts[line.number] = named
        elif line.text.isupper() and is_header(line.text):
            reasons[line.number] = "header"
    return Head(above[first:], title, type_named(lines[place].text), reasons, parts, official=True)


def _type_line(lines: list[Line]) -> int | None:
    """Return the place of the first type line below a header or a metadata table, or at the top of the text."""
    for place, line in enumerate(lines[:TYPE_LINE_WITHIN]):
        if type_named(line.text) and (place < 40 or any(is_header(above.text) for above in lines[:place])):
            return place
    return None


def _loose_head(lines: list[Line], table: Collection[int], boilerplate: Collection[int]) -> Head:
    """Read the head of a text without a type line: header lines at the top and the page's first short line."""
    top = [line for line in lines[:25] if line.number not in table]
    head = [line for line in top if is_header(line.text) and (line.text.isupper() or _is_strong(line.text))]
    reasons = {line.number: "header" for line in head}
    title = None
    for line in lines[:8]:
        if line.number in {*reasons, *table, *boilerplate} or not 4 <= len(line.text.split()) <= 45:
            continue
        if not line.text.endswith((".", ";", ":")) and not is_header(line.text) and not _NOTICE.search(fold(line.text)):
            title = line.text
            reasons[line.number] = "title"
            break
    return Head(head, title, None, reasons, {}, official=len(head) >= 2)


def names_page(line: Line, number: str | None) -> bool:
    """Tell whether a line is a portal's page title: it names the number and ends without punctuation."""
    own = [clean_number(match.group(1)) for match in NUMBER.finditer(line.text[:80])]
    return number is not None and number in own and not line.text.endswith((".", ":", ";"))


def _is_strong(text: str) -> bool:
    return bool(re.search(r"cong hoa xa hoi|doc lap\W+tu do|^\W*so\s*:|,\s*ngay", fold(text)))


def is_header(text: str) -> bool:
    """Tell whether a line holds nothing but an office, the country's name and motto, a number, or a place and day."""
    if len(text) > 250:
        return False
    rest, found = _fragments().subn(" ", fold(text))
    return found > 0 and not any(c.isalnum() for c in rest)


@cache
def _fragments() -> re.Pattern[str]:
    names = sorted({fold(name) for p in provinces() for name in (p.name, *p.aliases)}, key=len, reverse=True)
    blank = r"[\d\s.…_/]*"
    return re.compile(
        r"cong hoa xa hoi(?: chu nghia)?(?: viet nam)?|chu nghia viet nam|doc lap\W+tu do\W+hanh phuc|"
        rf"(?:(?:tinh|thanh pho|tp)\W{{0,2}})?(?:{'|'.join(map(re.escape, names))}|thanh pho ho chi minh),\s*ngay{blank}(?:thang{blank})?(?:nam{blank})?|"
        rf"[a-z][a-z ]{{2,28}},\s*ngay{blank}thang{blank}nam{blank}|"
        r"so\s*:\s*[\d.…_ ]*[/-]\s?[a-z]{1,10}(?:\s?[-/]\s?[a-z]{1,10}){0,3}(?![a-z])|^\W*so\s*:\W*$|"
        rf"(?:chu tich )?(?:uy ban nhan dan|ubnd|hoi dong nhan dan|hdnd)(?:\s*(?:tinh|thanh pho|tp)?\W{{0,2}}(?:{'|'.join(map(re.escape, names))})(?![a-z])|\s+(?:tinh|thanh pho|tp)(?![a-z]))?|"
        rf"(?:tinh|thanh pho|tp)\W{{0,2}}(?:{'|'.join(map(re.escape, names))})(?![a-z])|^so cong thuong$"
    )

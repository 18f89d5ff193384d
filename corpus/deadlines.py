"""Find the dates of a paragraph and tell which figure is due by which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from corpus.figures import Figure, clause_at
from nlp.fold import fold
from nlp.sentences import Span

_DATE = r"(?P<{0}day>\d{{1,2}})\s*(?:[/.-]|thang)\s*(?P<{0}month>\d{{1,2}})\s*(?:[/.-]|nam)\s*(?P<{0}full>20\d{{2}})"
_BY = r"(?:truoc|den|de|toi|het|cham nhat|muon nhat|han(?: chot| cuoi)?|vao|la|xong|trong|cuoi|moc|tai|thoi diem|tu|sau|hoan thanh)"
# The label of a date in a row of a table or at the end of a list; such a date holds for all that stands before it.
_LABEL = (
    r"(?:thoi (?:han|gian|diem)|han(?: chot| cuoi)?|hoan thanh|nam thuc hien|tien do|thuc hien trong|ket thuc)"
    r"(?: (?:dat|chung|hoan thanh|thuc hien|trien khai|bao cao|cuoi))*\s*:\s*"
)
_PERIOD = r"(?:giai doan|thoi ky|nhiem ky|nam hoc|nien vu|nien do|vu dong xuan|vu|nam)\s+(?:(?:\d|[iv]+)\s*)?\(?(?:tu\s+)?(?:nam\s+)?20\d{2}\s*(?:[-–—]|den(?: nam)?)\s*(?P<end>20\d{2})"
_DEADLINE = re.compile(
    rf"(?P<label>(?<![a-z]){_LABEL})(?:(?:{_BY}\s+)*(?:ngay\s+)?{_DATE.format('l')}|"
    r"(?:(?:[a-z]+\s+){0,3}(?:\d{1,2}|quy\s+[ivx\d]+|thang\s+\d{1,2})\s*[/-]\s*)?(?:[a-z]+\s+){0,3}(?:20\d{2}\s*[-–—]\s*)?(?P<lyear>20\d{2}))|"
    rf"(?<![a-z])(?:{_BY}\s+)+(?:ngay\s+)?{_DATE.format('')}|(?P<other>(?:ngay\s+)?{_DATE.format('other')})|"
    rf"{_PERIOD}|"
    rf"(?<![a-z])(?:{_BY}\s+)*(?:(?:thang\s*\d{{1,2}}|quy\s*(?:[1-4]|[iv]+))\s*(?:[/-]|nam)|nam)\s*"
    rf"(?P<year>20\d{{2}})(?!\d)(?:\s+tro di)?|(?<![a-z])(?:(?:den|toi|het|vao|truoc|cuoi|ke tu|tu|tam nhin|dinh huong)\s+)+(?:tet\s+)?(?P<short>20\d{{2}})(?![\d.,]\d)|"
    r"(?<=[a-z%], )(?P<tail>20[1-5]\d)(?=\s*(?:[;|]|$))|(?<![\w/.,-])(?P<led>20[1-5]\d)\s*(?=:\s)|(?<=\|)\s*(?P<cell>20[1-5]\d)\s*(?=\||$)"
)
# A year that dates the base of comparison or another text, not the target.
_OTHER_YEAR = re.compile(
    r"(?:so voi[^,;.\d]{0,50}|(?:cung ky|binh quan|trung binh|luat)[^,;.\d]{0,40}|(?<![a-z])cua\s+)$"
)
# "(năm 2025 là 5,8%)"
_WAS = re.compile(r"\s(?:la|moi|chi)(?![a-z])")
_PROGRAMME = re.compile(r"(?:chuong trinh|ke hoach|de an|chien luoc|nghi quyet|quyet dinh|quy hoach)[^,;.:]{0,140}$")
_OPENS = re.compile(
    r"(?:^\W*(?:\d+[.)])?|[,:–-]|(?<![a-z])(?:va|phan dau|muc tieu|theo do|cu the|trong do|bao dam|dam bao|con))\s*$"
)
# Closes a list with its verb, or after a full stop.
_APART = re.compile(
    r"^\W*(?:(?:tat ca|toan bo|ca|deu|phai|cung|duoc|cac|nhung|nhiem vu|noi dung|muc tieu|chi tieu|cong viec|phan viec|viec|hai|ba|nay|"
    r"tren|can) )*(?:hoan thanh|xong|ket thuc)(?![a-z])"
)
_COMPLETED = re.compile(r"(?:hoan thanh|xong|ket thuc)(?![a-z])")
_OFTEN = re.compile(r"(?<![a-z])(?:moi|hang) (?:nam|quy|thang|tuan|ngay)|dinh ky")
# A heading's look beyond the plan, where the plan itself has a date; and a period without a word.
_VISION = re.compile(r"(?<=20\d\d)\W*(?:va )?(?:co )?(?:tam nhin|dinh huong)(?: den| toi)?(?: nam)? 20\d\d")
_BARE_PERIOD = re.compile(r"(?<![\d/])20\d\d\s*[-–—]\s*(20\d\d)(?!\d)|(?<![\w/.-])(20[1-5]\d)\W*$")
_REACH = 400


@dataclass(frozen=True)
class Deadline:
    """A date named; ``back`` when it closes what stands before it, else it governs what follows.

    ``shared`` dates close a whole list: those with a label, and those whose clause has no figure of its own.
    """

    span: Span
    value: str
    clause: Span
    back: bool
    labelled: bool = False
    shared: bool = False


def find_deadlines(folded: str, parts: Sequence[Span], figures: Sequence[Figure]) -> list[Deadline]:
    """Return the dates of ``folded`` text by which something is due, in order."""
    found = []
    for match in _DEADLINE.finditer(folded):
        clause = clause_at(parts, match.end() - 1, len(folded))
        before = folded[max(clause[0], match.start() - _REACH) : match.start()] if match.start() > clause[0] else ""
        if match["other"] or _OTHER_YEAR.search(before) or (before.endswith("(") and _WAS.match(folded, match.end())):
            continue
        titled = _PROGRAMME.search(before) if figures and match["end"] else None
        if titled and not any(titled.start() <= f.span[0] - match.start() + len(before) < len(before) for f in figures):
            continue
        ahead = any(match.end() <= f.span[0] < clause[1] for f in figures)
        behind = any(clause[0] <= f.span[0] < match.start() for f in figures)
        labelled = bool(match["label"] or match["cell"])
        led = folded.startswith(":", match.end())
        apart = not (ahead or behind or led)
        labelled = labelled or (apart and bool(_APART.match(folded[clause[0] : match.end()])))
        shared = labelled or bool(
            not ahead
            and ((apart and not before.strip(" (")) or (before.endswith(", ") and _COMPLETED.match(match.group())))
            and _closes(folded, match.end(), clause, figures)
        )
        back = shared or (behind and not led and not (ahead and _OPENS.search(before)))
        if (
            not figures
            or back
            or not apart
            or not before.strip()
            or folded[clause[1] - 1] == ":"
            or _OPENS.search(before)
        ):
            found.append(Deadline(match.span(), _value(match), clause, back, labelled, shared))
    return found


def _closes(folded: str, end: int, clause: Span, figures: Sequence[Figure]) -> bool:
    """Tell whether a date whose clause has no figure ends a list of clauses that have."""
    stop = folded.find(". ", end)
    return (
        any(f.span[0] < clause[0] for f in figures)
        and not any(end <= f.span[0] < (stop if stop >= 0 else len(folded)) for f in figures)
        and not folded[clause[0] : clause[1]].endswith(":")
    )


def _value(match: re.Match[str]) -> str:
    for prefix in ("", "l"):
        if match[f"{prefix}day"]:
            with suppress(ValueError):
                day = date(int(match[f"{prefix}full"]), int(match[f"{prefix}month"]), int(match[f"{prefix}day"]))
                return day.isoformat()
    names = ("end", "year", "short", "full", "led", "lyear", "lfull", "cell", "tail")
    return next(match[name] for name in names if match[name])


def dates_in(folded: str) -> list[Span]:
    """Return where ``folded`` text names a date by which something may be due."""
    return [
        match.span()
        for match in _DEADLINE.finditer(folded)
        if not (match["other"] or _OTHER_YEAR.search(folded[max(0, match.start() - 80) : match.start()]))
    ]


def headed(headings: Sequence[str]) -> str | None:
    """Return the deadline that the innermost heading with a date sets."""
    for heading in reversed(headings):
        folded = _VISION.sub("", fold(heading))
        if dates := find_deadlines(folded, [(0, len(folded))], []):
            return dates[-1].value
        if period := _BARE_PERIOD.search(folded):
            return period[1] or period[2]
    return None


def governing(
    folded: str, figure: Figure, figures: Sequence[Figure], deadlines: Sequence[Deadline], inherited: str | None
) -> str | None:
    """Return the date a figure is due: one right behind it, else its clause's, else the last that led a clause.

    Failing those, the one ``inherited`` from a heading, a date that closes the list the figure stands in, or the one of
    an earlier item of its sentence; an item of a list does not take the date of a later one that has a figure of its own.
    """
    start, end = figure.span
    within = [d for d in deadlines if d.clause == figure.clause]
    behind = next((d for d in within if d.back and d.span[0] >= end), None)
    led = next((d for d in reversed(within) if not d.back and d.span[1] <= start), None)
    if behind and (led is None or not any(end <= f.span[0] < behind.span[0] for f in figures)):
        return behind.value
    led = led or next((d for d in reversed(deadlines) if not d.back and d.span[1] <= start), None)
    led = led or next((d for d in reversed(within) if d.span[1] <= start), None)
    if led:
        return led.value
    closing = next((d for d in deadlines if d.shared and (d.labelled or d.span[0] >= end)), None)
    if closing and closing.labelled:
        return closing.value
    if inherited or _OFTEN.search(folded, *figure.clause):
        return inherited
    if closing:
        return closing.value if ". " not in folded[end : closing.span[0]] else None
    earlier = next((d for d in reversed(deadlines) if d.span[1] <= start), None)
    return earlier.value if earlier and ". " not in folded[earlier.span[1] : start] else None

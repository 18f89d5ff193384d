"""Tell the lines of a published text from what a web page or an office put around them, and join wrapped lines.

A line left out always has a reason, so that ``kehoach inspect`` can show what was dropped and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from nlp.fold import fold


@dataclass(frozen=True)
class Line:
    """A line of the normalised source: its text, character span and 1-based number."""

    text: str
    start: int
    end: int
    number: int


# Reason and pattern over the folded line (lower case, no diacritics).
_LINE_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        ("rule", r"[\W_]*"),
        ("page number", r"(?:trang\s*)?\d{1,6}(?:\s*/\s*\d+)?"),
        ("cut mark", r"\W*(?:con nua|xem tiep)?\s*\W*"),
        ("counter", r"(?:view counter|views? (?:today|this|all)|total views?|luot (?:xem|truy cap)|so luot|dang truy cap|"
                    r"hom nay|tong truy cap|da xem|truy cap)\b.{0,40}"),
        ("navigation", r"(?:xem them|doc them|chia se|skip to content|language|tieng viet|english|trang chu|home|menu|in bai|"
                       r"gui (?:email|mail)|quay lai|ve dau trang|dang nhap|dang ky|tim kiem|tai ve|download|luu|mucluc|"
                       r"theo doi|binh luan|y kien|tags?|tu khoa|facebook|zalo|twitter|share|like)\b[\s:.>»|]{0,4}"),
        ("navigation", r"(?:bai viet|tin(?: tuc| bai)?|van ban|cac tin|chuyen muc)\s+(?:cung|moi|khac|lien quan|xem nhieu|noi bat).{0,40}"),
        ("navigation", r"(?:trang chu|home)\s*[>»/|].*"),
        ("picture", r"!?\[\W*\].*|\(?(?:anh|nguon|nguon anh|anh minh hoa)\s*:.{0,80}"),
        ("caption", r".{10,220}[.,]\s*\(?(?:anh|nguon|nguon anh|anh minh hoa)\s*:[^.;:]{2,40}\W*"),
        ("footer", r"(?![-+•*]|\d{1,2}[.)]|[a-z][.)]).{0,60}(?:giay phep (?:so|hoat dong|thiet lap)|ma so thue|chiu trach nhiem (?:chinh|noi dung)|ban quyen|"
                   r"toa soan|hotline|all rights reserved|tong bien tap|©|copyright).*"),
        ("footer", r"(?:chu quan|dia chi|tru so|dien thoai|dt|tel|fax|email|website)\s*:.*"),
        ("link", r"(?:https?://|www\.)\S+"),
        ("header", r"\W*kinh gui\s*:.{0,200}"),
        ("attachment note", r"\(\s*(?:ban hanh )?kem theo .*\)?|\(\s*(?:chi tiet|co|danh muc) .{0,80}(?:phu luc|kem theo|dinh kem).{0,30}\)"),
    )
)  # fmt: skip
_LINE_CHARACTERS = 400
_TAIL = re.compile(r"\s*(?:Xem thêm|Đọc thêm|>> ?Xem tiếp)\s*$")
_BYLINE = re.compile(r"(?:[A-ZĐÀ-Ỹ][\wà-ỹ]*\.?[ ]){0,3}[A-ZĐÀ-Ỹ][\wà-ỹ]*(?:\s*\([^)]{2,40}\))?")
_RECIPIENTS = re.compile(r"\W*noi nhan\s*:.*|\W*noi nhan\W*")
_SIGNATURE = re.compile(
    r"\W*(?:tm|kt|tl|q|tuq)\s*\.\s*(?:uy ban|chu tich|giam doc|bo truong|thu tuong|ubnd|hdnd|uy vien).*|"
    r"\W*(?:pho )?chu tich\W*|\(?(?:da ky|ky ten)[^)]*\)?|\W*(?:pho )?thu tuong\W*"
)
_RESUMES = re.compile(r"\W*(?:phu luc\b.*|bieu so\b.*|bieu mau\b.*|danh muc\b.*|ke hoach|phan (?:i|thu nhat)\b.*)")
_FOOTNOTE = re.compile(r"\[\d{1,3}\]")
_PORTAL = re.compile(r"quy (?:thanh vien|khach)|bi dang xuat khoi|thu ?vien ?phap ?luat")


def split_lines(text: str) -> list[Line]:
    """Return the non-empty lines of normalised ``text``."""
    lines, start = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            lines.append(Line(line.strip(), start, start + len(line), number))
        start += len(line) + 1
    return lines


def boilerplate(lines: list[Line]) -> dict[int, str]:
    """Return line number to reason for the lines that are not part of the published text."""
    reasons: dict[int, str] = {}
    finders: tuple[Callable[[list[Line]], dict[int, str]], ...] = (
        _by_rule, _teasers, _repeated, _portal, _closing, _bylines,
    )  # fmt: skip
    for find in finders:
        for number, reason in find([line for line in lines if line.number not in reasons]).items():
            reasons[number] = reason
    return reasons


def without_tail(text: str) -> str:
    """Return ``text`` without a "read more" glued to its end."""
    return _TAIL.sub("", text)


def _by_rule(lines: list[Line]) -> dict[int, str]:
    found = {}
    for line in lines:
        folded = fold(line.text)
        # Longer lines are paragraphs.
        rules = _LINE_RULES if len(folded) <= _LINE_CHARACTERS else ()
        reason = next((reason for reason, pattern in rules if pattern.fullmatch(folded)), None)
        # A lone dash belongs to a teaser list and is judged with it.
        if reason and line.text not in ("-", "•"):
            found[line.number] = reason
    return found


def _teasers(lines: list[Line]) -> dict[int, str]:
    """Lists of headlines of other articles: each set off by a dash that stands alone or at the line's end."""
    found: dict[int, str] = {}
    alone = [line.text in ("-", "•") for line in lines]
    # One line alone that ends in a dash is a sentence that the page's width cut.
    marked = [False, *(is_dash or line.text.endswith(" -") for is_dash, line in zip(alone, lines, strict=True)), False]
    for place, line in enumerate(lines):
        if alone[place]:
            found[line.number] = "rule"
            continue
        above = place > 0 and marked[place] and lines[place - 1].number in found
        beside = marked[place + 1] and (marked[place] or marked[place + 2])
        headline = (
            len(line.text.split()) <= 30 and not re.search(r"[.;:]$", line.text) and not line.text.startswith("-")
        )
        if headline and (above or beside):
            found[line.number] = "teaser"
    return found


def _repeated(lines: list[Line]) -> dict[int, str]:
    """A short line twice in a row is a picture's caption and its alternative text."""
    found = {}
    for first, second in pairwise(lines):
        if first.text == second.text and len(first.text.split()) < 25:
            found[first.number] = found[second.number] = "caption"
    return found


def _closing(lines: list[Line]) -> dict[int, str]:
    """The list of recipients and the signature block, up to an annex, an attached text or the end; footnotes after it."""
    found: dict[int, str] = {}
    reason = ""
    for line in lines:
        folded = fold(line.text[:300])
        short = len(line.text) < 60
        if _RECIPIENTS.fullmatch(folded) and len(line.text) < 300:
            reason = "recipients"
        elif short and _SIGNATURE.fullmatch(folded):
            reason = "signature"
        elif reason and _resumes(line, folded, reason):
            reason = ""
        elif reason in ("signature", "footnote") and _FOOTNOTE.match(line.text):
            reason = "footnote"
        if reason:
            found[line.number] = reason
    return found


def _resumes(line: Line, folded: str, reason: str) -> bool:
    """Tell whether the text goes on below its signature: an annex, a part, a table, or a long sentence."""
    if reason == "footnote":
        return bool(_RESUMES.fullmatch(folded)) and line.text[:2].isupper()
    if _RESUMES.fullmatch(folded) and (line.text.isupper() or folded.startswith("phu luc")):
        return True
    return (
        reason == "signature"
        and not line.text.startswith("-")
        and (line.text.count(" | ") >= 2 or len(line.text.split()) > 12)
    )


def _portal(lines: list[Line]) -> dict[int, str]:
    """What a law portal says to its members: from its first words below the text to the end."""
    half = len(lines) // 3
    start = next(
        (i for i, line in enumerate(lines) if i >= half and _PORTAL.search(fold(line.text[:400]))),
        None,
    )
    return {} if start is None else {line.number: "footer" for line in lines[start:]}


def _bylines(lines: list[Line]) -> dict[int, str]:
    """The author's name that ends an article."""
    if lines and _BYLINE.fullmatch(lines[-1].text) and 2 <= len(lines[-1].text.split("(")[0].split()) <= 4:
        return {lines[-1].number: "byline"}
    return {}

"""Turn the lines of a text into paragraphs with heading paths, kinds and permalink anchors.

Numbering decides the structure: phần and chương, I., A., Điều, 1., 1.1., a), then dashes. A numbered line that something
deeper follows is a heading of what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.clean import Line, without_tail
from corpus.types import Kind
from nlp.fold import fold

# Kind of numbering, how deep it stands, and its pattern; the first group is the label used in anchors.
_MARKERS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (depth, re.compile(pattern))
    for depth, pattern in (
        (0, r"(?i:phần|chương|phụ lục)\s+(?:thứ\s+)?([\wÀ-ỹ]{1,6})\b[.:]?(?=\s|$)"),
        (1, r"([IVXL]{1,6})\s*[./)-](?=\s|[A-ZĐÀ-Ỹ])"),
        (1, r"([A-H])\s*[./](?=\s)"),
        (2, r"(?i:điều)\s+(\d{1,3})\s*[.:]?(?=\s|$)"),
        (3, r"(\d{1,2})\s*[./)](?!\d)(?=\s|[A-ZĐÀ-Ỹ])"),
        (4, r"(\d{1,2}\.\d{1,2})\s*[.)]?(?=\s|[A-ZĐÀ-Ỹ])"),
        (5, r"(\d{1,2}\.\d{1,2}\.\d{1,2})\s*[.)]?(?=\s|[A-ZĐÀ-Ỹ])"),
        (6, r"([a-zđ])\s*[.)](?=\s)"),
        (7, r"([-–—•●▪*])(?=\s|[A-ZĐÀ-Ỹ0-9])"),
        (8, r"([+○◦])(?=\s|[A-ZĐÀ-Ỹ0-9])"),
    )
)
_BULLET_DEPTH = 7
_ENDED = re.compile(r"[.;:!?…]['\"”’)]*$")
_HEADING_WORDS = 45
_PATH_CHARACTERS = 160


@dataclass(frozen=True)
class Block:
    """One paragraph before it is given a kind and an id: text, span, heading path and anchor such as ``II.3.2``."""

    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    anchor: str
    is_heading: bool


@dataclass
class _Piece:
    text: str
    start: int
    end: int
    depth: int | None
    label: str


def paragraphs(lines: list[Line]) -> list[Block]:
    """Return the blocks of ``lines`` (already without boilerplate), in order; anchors are unique."""
    pieces = _join_wrapped(lines)
    stack: list[_Piece] = []
    counts: dict[str, int] = {}
    blocks = []
    for place, piece in enumerate(pieces):
        depth = _depth_in(piece, stack)
        while stack and depth is not None and (stack[-1].depth or 0) >= depth:
            stack.pop()
        following = pieces[place + 1] if place + 1 < len(pieces) else None
        leads = depth is not None and depth < _BULLET_DEPTH and _leads(piece, following)
        path = tuple(_shorten(parent.text) for parent in stack)
        anchor = _anchor([parent.label for parent in stack], piece, counts)
        if leads:
            stack.append(piece)
        is_heading = leads and not re.search(r"[.;]$", piece.text) and len(piece.text.split()) <= _HEADING_WORDS
        blocks.append(Block(without_tail(piece.text), piece.start, piece.end, path, anchor, is_heading))
    return blocks


def _depth_in(piece: _Piece, stack: list[_Piece]) -> int | None:
    # Capital letters I, V, C number a section only in their own sequence; here the roman reading is kept, as plans do.
    if piece.depth is None and stack and piece.text.isupper() and len(piece.text.split()) > 2:
        return 0
    return piece.depth


def _leads(piece: _Piece, following: _Piece | None) -> bool:
    """Tell whether something deeper, or unnumbered text, follows ``piece`` as its content."""
    if following is None or piece.depth is None:
        return False
    if following.depth is None:
        return len(piece.text.split()) <= _HEADING_WORDS and not re.search(r"[.;]$", piece.text)
    return following.depth > piece.depth


def _anchor(parents: list[str], piece: _Piece, counts: dict[str, int]) -> str:
    """Return ``II.3.2``: the labels of the headings, then the piece's own label or its place among unnumbered ones."""
    parent = ".".join(parents)
    own = piece.label
    if piece.depth is None or piece.depth >= _BULLET_DEPTH:
        counts[f"{parent}#"] = counts.get(f"{parent}#", 0) + 1
        own = str(counts[f"{parent}#"])
    anchor = f"{parent}.{own}" if parent else own
    counts[anchor] = counts.get(anchor, 0) + 1
    # Numbering that starts again under the same heading, or a dash counted like a number beside it.
    return anchor if counts[anchor] == 1 else f"{anchor}~{counts[anchor]}"


def _shorten(text: str) -> str:
    return text if len(text) <= _PATH_CHARACTERS else text[: _PATH_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def _marker(text: str) -> tuple[int | None, str]:
    for depth, pattern in _MARKERS:
        if match := pattern.match(text):
            return depth, match.group(1)
    return None, ""


def _join_wrapped(lines: list[Line]) -> list[_Piece]:
    """Join lines that a page's width cut: the next one goes on in lower case, or the line before broke off mid-way."""
    pieces: list[_Piece] = []
    last_line: Line | None = None
    for line in lines:
        depth, label = _marker(line.text)
        if pieces and last_line and depth is None and _continues(pieces[-1], last_line, line):
            pieces[-1].text += f" {line.text}"
            pieces[-1].end = line.end
        else:
            pieces.append(_Piece(line.text, line.start, line.end, depth, label))
        last_line = line
    for piece in pieces:
        if piece.depth is not None and piece.depth >= _BULLET_DEPTH:
            piece.text = piece.text[1:].lstrip()
    return [piece for piece in pieces if piece.text]


def _continues(piece: _Piece, last: Line, line: Line) -> bool:
    adjacent = line.number == last.number + 1
    if _ENDED.search(piece.text) or not adjacent:
        return False
    first = line.text[0]
    if first.islower() or first in ",)%" or piece.text[-1] in ",-–(/":
        return True
    # A full line that ends without punctuation was cut in mid-sentence; a heading in capitals was not.
    return 55 <= len(last.text) <= 110 and last.text.isupper() == line.text.isupper()


_KIND_OF_SECTION: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("assignment", re.compile(r"to chuc thuc hien|phan cong|trach nhiem (?:cua|thuc hien)|che do bao cao")),
    ("objective", re.compile(r"muc tieu|muc dich|chi tieu|quan diem|dinh huong chung")),
    ("task", re.compile(r"nhiem vu|giai phap|noi dung")),
)
_AGENCY = re.compile(
    r"(?:\d+[.)]\s*|[a-zđ][.)]\s*)?(?:giao\s+)?(?:so|ubnd|uy ban nhan dan|hoi|lien minh|hiep hoi|ban quan ly|cong an|van phong|"
    r"cac so|truong|dai phat thanh|bao|cuc|chi cuc|tinh doan|doan thanh nien|uy ban mat tran|mat tran|lien doan)\b[^.;]{0,140}"
    r"(?::|chu tri|phoi hop|co trach nhiem|thuc hien)"
)


def kind_of(block: Block, *, official: bool, numbered_before: bool) -> Kind:
    """Return the kind of a block of an official text, from its section and wording; of another text, "news"."""
    if not official:
        return "news"
    sections = [fold(part) for part in (*block.heading_path, *((block.text,) if block.is_heading else ()))]
    for section in reversed(sections):
        for kind, pattern in _KIND_OF_SECTION:
            if pattern.search(section) and len(section) < 140:
                return "assignment" if kind == "task" and _AGENCY.match(fold(block.text)) else kind
    if _AGENCY.match(fold(block.text)):
        return "assignment"
    return "task" if numbered_before else "preamble"

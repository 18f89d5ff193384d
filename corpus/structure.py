"""Turn the lines of a text into paragraphs with heading paths and permalink anchors.

Numbering decides the structure: phần, chương and mục, then I. above A. or A. above I. (whichever the text uses first),
Điều, 1., 1.1., a), then dashes. A numbered line that something deeper follows is a heading of what follows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from corpus.clean import Line, without_tail
from corpus.join import BULLETS, Piece, join_wrapped
from nlp.fold import fold
from nlp.spacing import respace

_DEPTHS = {name: depth for depth, name in enumerate(
    ("annex", "part", "capitals", "chapter", "section", "upper", "lower", "article", "number", "number2", "number3", "item",
     "group", "dash", "plus", "row")
)}  # fmt: skip
_HEADING_WORDS = 45
_PATH_CHARACTERS = 160
_CLOSING = re.compile(
    r"(?:tren day la|trong qua trinh|qua trinh (?:trien khai|thuc hien)|yeu cau (?:cac|giam doc|thu truong)|de nghi (?:cac|thu truong)|"
    r"(?:uy ban nhan dan|ubnd) (?:tinh|thanh pho)[^,;:]{0,30} (?:yeu cau|de nghi|giao)\b|nhan duoc ke hoach nay)"
)
_PREFIXES = {"part": "phan-", "annex": "phu-luc-", "chapter": "chuong-", "section": "muc-", "article": "dieu-"}


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
class _Node:
    piece: Piece
    depth: int | None
    label: str
    parents: list[_Node] = field(default_factory=list)
    leads: bool = False


def paragraphs(lines: list[Line], parts: Mapping[int, str] | None = None) -> list[Block]:
    """Return the blocks of ``lines`` (already without boilerplate), in order; anchors are unique.

    ``parts`` maps the number of a type line to the name of the attached text that begins below it.
    """
    pieces = join_wrapped(lines)
    nodes: list[_Node] = []
    parts_left = sorted((parts or {}).items())
    for start, name, members in _split(pieces, parts_left):
        nodes += _nest(members, name if start else "")
    anchors = _anchors(nodes)
    return [_block(node, anchor) for node, anchor in zip(nodes, anchors, strict=True)]


def _split(pieces: list[Piece], parts: list[tuple[int, str]]) -> list[tuple[int, str, list[Piece]]]:
    """Return (first line, name, pieces) of the text itself and of each attached part."""
    bounds = [(0, ""), *parts]
    ends = [number for number, _ in parts] + [1 << 60]
    return [(n, name, [p for p in pieces if n <= p.line < end]) for (n, name), end in zip(bounds, ends, strict=True)]


def _nest(pieces: list[Piece], part: str) -> list[_Node]:
    """Give every piece its headings; ``part`` names an attached text in the labels."""
    prefix = "-".join(fold(part).split())
    root = [_Node(Piece(part, 0, 0, 0), -1, prefix)] if prefix else []
    stack: list[_Node] = []
    nodes = []
    letters_first = _letters_first(pieces)
    for place, piece in enumerate(pieces):
        if piece.marker in ("annex", "part"):
            letters_first = _letters_first(pieces[place + 1 :])
        depth = _depth(piece, letters_first)
        if depth is None and _CLOSING.match(fold(piece.text[:90])):
            # The closing words of a section are not about its last item.
            stack = [node for node in stack if (node.depth or 0) <= _DEPTHS["lower"]] or stack[:1]
        while stack and depth is not None and (stack[-1].depth or 0) >= depth:
            stack.pop()
        node = _Node(piece, depth, _label(piece, stack), [*root, *stack])
        following = pieces[place + 1] if place + 1 < len(pieces) else None
        node.leads = depth is not None and _leads(piece, depth, following, letters_first)
        if node.leads:
            stack.append(node)
        nodes.append(node)
    return nodes


def _letters_first(pieces: list[Piece]) -> bool:
    """Tell whether A., B., C. stand above I., II. in what comes: the one met first is the upper one."""
    first = next((piece.marker for piece in pieces if piece.marker in ("letter", "roman", "annex")), None)
    return first == "letter"


def _depth(piece: Piece, letters_first: bool) -> int | None:
    if piece.marker is None:
        return None
    if piece.marker in ("letter", "roman"):
        return _DEPTHS["upper" if (piece.marker == "letter") == letters_first else "lower"]
    return _DEPTHS[piece.marker]


def _leads(piece: Piece, depth: int, following: Piece | None, letters_first: bool) -> bool:
    """Tell whether something deeper, or unnumbered text, follows ``piece`` as its content."""
    if following is None or piece.marker in BULLETS or piece.marker == "row":
        return False
    below = _depth(following, letters_first)
    if below is None:
        return _is_title(piece.text) and (piece.marker != "item" or len(piece.text.split()) <= 20)
    if piece.marker == "group":
        return following.marker in ("row", "group")
    return below > depth


def _is_title(text: str) -> bool:
    return len(text.split()) <= _HEADING_WORDS and not re.search(r"[.;]/?$", text)


def _label(piece: Piece, stack: list[_Node]) -> str:
    if stack and stack[-1].piece.label and piece.label.startswith(f"{stack[-1].piece.label}."):
        # "3.1" under "3" is its first part.
        return piece.label[len(stack[-1].piece.label) + 1 :]
    if piece.marker in _PREFIXES:
        return (_PREFIXES[piece.marker] + fold(piece.label)).rstrip("-")
    return piece.label


def _anchors(nodes: list[_Node]) -> list[str]:
    """Return ``II.3.2`` for each node: its headings' labels, then its own or its place among unnumbered ones.

    The place skips numbers in use beside it; what stands before the first heading is numbered under 0.
    """
    taken: dict[str, set[str]] = defaultdict(set)
    names: dict[int, str] = {}
    copies: dict[str, int] = defaultdict(lambda: 1)
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    anchors = []
    for node in nodes:
        if _own_label(node):
            taken[_parent_key(node)].add(node.label)
    headings = any(node.parents or node.leads for node in nodes)
    opened = False
    for node in nodes:
        opened = opened or node.leads or bool(node.parents)
        parent = ".".join(filter(None, (names.get(id(p), p.label) for p in node.parents[-1:])))
        own = node.label if _own_label(node) else _next(taken, counts, _parent_key(node), headings and not opened)
        anchor = f"{parent}.{own}" if parent else own
        used = taken["all anchors"]
        base = anchor.split("~")[0]
        while anchor in used:
            # Numbering that starts again under the same heading.
            copies[base] += 1
            anchor = f"{base}~{copies[base]}"
        used.add(anchor)
        names[id(node)] = anchor
        anchors.append(anchor)
    return anchors


def _own_label(node: _Node) -> bool:
    return bool(node.label) and node.piece.marker is not None and node.piece.marker not in BULLETS


def _parent_key(node: _Node) -> str:
    return f"under {id(node.parents[-1])}" if node.parents else "top"


def _next(taken: dict[str, set[str]], counts: dict[tuple[str, bool], int], key: str, before_headings: bool) -> str:
    """Return the next number under the parent ``key`` that no label beside it has."""
    form = "0.{}" if before_headings else "{}"
    while True:
        counts[key, before_headings] += 1
        label = form.format(counts[key, before_headings])
        if label not in taken[key]:
            taken[key].add(label)
            return label


def _block(node: _Node, anchor: str) -> Block:
    piece = node.piece
    path = tuple(_shorten(respace(parent.piece.text)) for parent in node.parents if parent.depth != -1)
    is_heading = node.leads and _is_title(piece.text)
    return Block(respace(without_tail(piece.text)), piece.start, piece.end, path, anchor, is_heading)


def _shorten(text: str) -> str:
    return text if len(text) <= _PATH_CHARACTERS else text[: _PATH_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"

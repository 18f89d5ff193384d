"""Turn Markdown and HTML into plain lines; see ``tables`` for what becomes of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from corpus.tables import Cell, join_cells, spread, table_lines
from nlp.fold import fold

MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 10_000
_PIECE = 65_536
_MOST_WORK = 1_000_000_000
_MARKDOWN = (
    (re.compile(r"!\[[^\[\]\n]*\]\([^()\n]*\)"), ""),
    (re.compile(r"\[([^\[\]\n]+)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"^[ \t]*#{1,6}(?:[ \t]+|$)", re.MULTILINE), ""),
    (re.compile(r"\\([.\-*_#()\[\]])"), r"\1"),
    (re.compile(r"^[ \t]*\*[ \t]+", re.MULTILINE), "- "),
)
_STRESSED = (
    re.compile(r"\*\*\*([^*]{1,4000})\*\*\*"),
    re.compile(r"\*\*([^*]{1,4000})\*\*"),
    re.compile(r"__([^_\n]{1,4000})__"),
    re.compile(r"(?<![\w*])\*([^*\s][^*]{0,4000})\*"),
)


class MarkupError(ValueError):
    """A page that cannot be read as HTML; the message says why."""


def without_comments(text: str) -> str:
    """Return ``text`` without ``<!-- -->`` comments; one that is not closed reaches to the end of its line."""
    parts, place = [], 0
    while (start := text.find("<!--", place)) >= 0:
        parts.append(text[place:start])
        end = text.find("-->", start + 4)
        if end < 0:
            # No later comment is closed either.
            return "".join([*parts, text[start:].replace("<!--", "")])
        place = end + 3
    return "".join([*parts, text[place:]])


def markdown_text(text: str) -> str:
    """Return Markdown without its marks. What one mark stresses over several lines becomes one line."""
    text = without_comments(text)
    for pattern in _STRESSED:
        text = pattern.sub(_unwrapped, text)
    text = re.sub(r"\*\*+", "", text)
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    return join_cells(text)


def _unwrapped(match: re.Match[str]) -> str:
    stressed: str = match.group(1)
    if re.search(r"\n[ \t]*\n", stressed) or "|" in stressed:
        return stressed
    joined = " ".join(stressed.split())
    before, after = stressed[: len(stressed) - len(stressed.lstrip())], stressed[len(stressed.rstrip()) :]
    return f"{' ' if before else ''}{joined}{' ' if after else ''}" if joined else " "


_DROPPED = frozenset(
    "script style noscript nav footer aside button select iframe svg template head form input label object".split()
)
_BLOCKS = frozenset(
    "address article blockquote body br caption center dd div dl dt figcaption h1 h2 h3 h4 h5 h6 header hr li main ol p pre "
    "section table tbody thead title tr ul".split()
)
_SPACED = frozenset("p li div h1 h2 h3 h4 h5 h6".split())
_ATTRIBUTES = ("class", "id", "role", "colspan", "rowspan")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHROME = re.compile(
    r"\b(?:nav|navbar|menu|breadcrumbs?|footer|sidebar|related|social|share|comments?|cookie|banner|ads?|tabs?|pagination)\b"
)


def html_text(markup: str) -> str:
    """Return the text of an HTML page, a line a block and a line a table row, without scripts and page furniture.

    Nothing is fetched and no entity outside the page is resolved. Raises MarkupError for what is no HTML page.
    """
    tree = _tree(_without_declarations(markup))
    body = tree.find("body")
    writer = _Writer(_text_lengths(tree), tree)
    writer.write(tree if body is None else body)
    return re.sub(r"\n{3,}", "\n\n", _stripped("".join(writer.parts)))


def _tree(markup: str) -> etree._Element:
    builder: Any = _Builder()
    parser: Any = etree.HTMLParser(no_network=True, huge_tree=True, target=builder)
    try:
        # A piece at a time: what the builder refuses ends the parser only at the end of a piece.
        for start in range(0, len(markup), _PIECE):
            piece = markup[start : start + _PIECE]
            parser.feed(piece)
            builder.check_work(piece.count("</"))
        parser.close()
    except (etree.LxmlError, AssertionError) as error:
        raise MarkupError(f"no HTML page: {error}") from error
    if builder.root is None:
        raise MarkupError("no HTML page: no element in it")
    root: etree._Element = builder.root
    return root


class _Builder:
    """Builds the tree of a page from what the parser meets.

    The tree that libxml2 builds itself ends 2,048 elements deep and takes the square of the number of attributes in time.
    """

    def __init__(self) -> None:
        self.root: etree._Element | None = None
        self._builder: Any = etree.TreeBuilder()
        self._depth = self._elements = self._ended = self._work = 0

    def start(self, tag: Any, attributes: Any) -> None:
        self._depth += 1
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise MarkupError(f"it has more than {MAX_ELEMENTS:,} elements")
        if self._depth > MAX_DEPTH:
            raise MarkupError(f"it has more than {MAX_DEPTH:,} elements in one another")
        kept: Any = {name: _NOT_IN_XML.sub(" ", attributes[name]) for name in _ATTRIBUTES if attributes.get(name)}
        element = self._builder.start(_tag(tag), kept)
        self.root = element if self.root is None else self.root

    def check_work(self, end_tags: int) -> None:
        """Raise MarkupError where too many end tags of elements not open were met: each is sought up to the root."""
        self._work += max(0, end_tags - self._ended) * self._depth
        self._ended = 0
        if self._work > _MOST_WORK:
            raise MarkupError("it ends too many elements that are not open")

    def end(self, tag: Any) -> None:
        self._ended += 1
        self._depth -= 1
        self._builder.end(_tag(tag))

    def data(self, text: Any) -> None:
        if self.root is not None:
            self._builder.data(_NOT_IN_XML.sub(" ", text))

    def close(self) -> None:
        """Nothing waits: the root ends with the page."""


def _tag(name: str) -> str:
    # Pages hold names that XML has not, such as "o:p".
    return name if name.isascii() and name.isalnum() else "span"


def _stripped(text: str) -> str:
    """Return ``text`` without spaces at the ends of its lines."""
    return "\n".join(line.strip(" \t") for line in text.split("\n"))


def _without_declarations(markup: str) -> str:
    markup = without_comments(markup)
    if not re.match(r"\s*<[?!]", markup):
        return markup
    start = re.search(r"<(?:html|head|body|[a-z])", markup, re.IGNORECASE)
    return markup[start.start() :] if start else markup


def _text_lengths(tree: etree._Element) -> dict[etree._Element, int]:
    """Return element to number of characters of text in it, in one walk."""
    lengths: dict[etree._Element, int] = {}
    stack: list[int] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "start":
            stack.append(len(element.text or ""))
            continue
        lengths[element] = stack.pop()
        if stack:
            stack[-1] += lengths[element] + len(element.tail or "")
    return lengths


class _Writer:
    """Writes elements as lines; an explicit stack, because pages nest as deep as they like."""

    def __init__(self, lengths: dict[etree._Element, int], tree: etree._Element) -> None:
        self.parts: list[str] = []
        self._lengths = lengths
        self._whole = lengths.get(tree, 0)

    def write(self, root: etree._Element) -> None:
        """Append the text of ``root``; data tables and layout tables without nested ones as ``table_lines``."""
        walk: Iterator[tuple[str, etree._Element]]
        walk = walker = etree.iterwalk(root, events=("start", "end"))
        skipped: etree._Element | None = None
        for event, element in walk:
            if event == "start":
                if element is not root and self._is_dropped(element):
                    skipped = element
                    walker.skip_subtree()
                elif element.tag == "table" and (rows := _rows(element)):
                    self.parts.append(table_lines(rows))
                    skipped = element
                    walker.skip_subtree()
                else:
                    self._open(element)
            else:
                if element is not skipped and element.tag in _BLOCKS:
                    self.parts.append("\n")
                if element.tail and element is not root:
                    self.parts.append(re.sub(r"\s+", " ", element.tail))

    def _open(self, element: etree._Element) -> None:
        if element.tag in _BLOCKS:
            self.parts.append("\n\n" if element.tag in _SPACED else "\n")
        if element.text:
            self.parts.append(element.text if element.tag == "pre" else re.sub(r"\s+", " ", element.text))

    def _is_dropped(self, element: etree._Element) -> bool:
        if not isinstance(element.tag, str) or element.tag in _DROPPED:
            return True
        # A page whose wrapper is called "with-sidebar" keeps its wrapper: furniture is never half of the text.
        return 2 * self._lengths.get(element, 0) < self._whole and _is_chrome(element)


def _is_chrome(element: etree._Element) -> bool:
    if element.tag in ("body", "html", "main", "article"):
        return False
    names = f"{element.get('class', '')} {element.get('id', '')} {element.get('role', '')}"[:500]
    return bool(_CHROME.search(fold(names).replace("_", " ").replace("-", " ")))


def _rows(table: etree._Element) -> list[list[str]]:
    """Return the cells of a table, or nothing where it only places the parts of a page: tables or much text in a cell."""
    if table.find(".//table") is not None:
        return []
    rows = [[_cell(cell) for cell in row.iterchildren("td", "th")] for row in table.iter("tr")]
    if not rows or max(map(len, rows)) < 2 or any(len(cell.text) > 4000 for row in rows for cell in row):
        return []
    return spread(rows)


def _span(cell: etree._Element, name: str) -> int:
    written = cell.get(name, "1")
    return min(max(1, int(written)), 1000) if re.fullmatch(r"\d{1,4}", written) else 1


def _cell(cell: etree._Element) -> Cell:
    parts = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        text = element.text if event == "start" else (element.tail if element is not cell else "")
        if element.tag in _BLOCKS and element is not cell:
            parts.append("\n")
        parts.append(re.sub(r"\s+", " ", text or ""))
    lines = (line.strip() for line in "".join(parts).split("\n"))
    text = "\n".join(filter(None, lines))
    return Cell(text, _span(cell, "colspan"), _span(cell, "rowspan"))

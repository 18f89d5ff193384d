"""Turn Markdown and HTML into plain lines; see ``tables`` for what becomes of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree, html

from corpus.tables import Cell, join_cells, spread, table_lines
from nlp.fold import fold

MAX_ELEMENTS = 1_000_000
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
# Attributes cost libxml2 the square of their number in one tag.
_CROWDED_TAG = re.compile(
    r"""<[a-zA-Z][^\s<>]*+(?>\s++[^\s=<>"'/]++(?>\s*+=\s*+(?>"[^"]{0,2000}+"|'[^']{0,2000}+'|[^\s<>"']*+))?){500}"""
)
_CHROME = re.compile(
    r"\b(?:nav|navbar|menu|breadcrumbs?|footer|sidebar|related|social|share|comments?|cookie|banner|ads?|tabs?|pagination)\b"
)


def html_text(markup: str) -> str:
    """Return the text of an HTML page, a line a block and a line a table row, without scripts and page furniture.

    Nothing is fetched and no entity outside the page is resolved. Raises MarkupError for what is no HTML page.
    """
    if _CROWDED_TAG.search(markup):
        raise MarkupError("a tag has over 500 attributes")
    parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        # Declarations may define entities; a page has no need of them.
        tree = html.document_fromstring(_without_declarations(markup), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise MarkupError(str(error)) from error
    lengths = _text_lengths(tree)
    body = tree.find("body")
    writer = _Writer(lengths, tree)
    writer.write(tree if body is None else body)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(writer.parts)))


def _without_declarations(markup: str) -> str:
    markup = without_comments(markup)
    if not re.match(r"\s*<[?!]", markup):
        return markup
    start = re.search(r"<(?:html|head|body|[a-z])", markup, re.IGNORECASE)
    return markup[start.start() :] if start else markup


def _text_lengths(tree: html.HtmlElement) -> dict[html.HtmlElement, int]:
    """Return element to number of characters of text in it, in one walk."""
    lengths: dict[html.HtmlElement, int] = {}
    stack: list[int] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "start":
            stack.append(len(element.text or ""))
            if len(lengths) > MAX_ELEMENTS:
                raise MarkupError(f"it has more than {MAX_ELEMENTS:,} elements")
            continue
        lengths[element] = stack.pop()
        if stack:
            stack[-1] += lengths[element] + len(element.tail or "")
    return lengths


class _Writer:
    """Writes elements as lines; an explicit stack, because pages nest as deep as they like."""

    def __init__(self, lengths: dict[html.HtmlElement, int], tree: html.HtmlElement) -> None:
        self.parts: list[str] = []
        self._lengths = lengths
        self._whole = lengths.get(tree, 0)

    def write(self, root: html.HtmlElement) -> None:
        """Append the text of ``root``; data tables and layout tables without nested ones as ``table_lines``."""
        walk: Iterator[tuple[str, html.HtmlElement]]
        walk = walker = etree.iterwalk(root, events=("start", "end"))
        skipped: html.HtmlElement | None = None
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

    def _open(self, element: html.HtmlElement) -> None:
        if element.tag in _BLOCKS:
            self.parts.append("\n\n" if element.tag in _SPACED else "\n")
        if element.text:
            self.parts.append(element.text if element.tag == "pre" else re.sub(r"\s+", " ", element.text))

    def _is_dropped(self, element: html.HtmlElement) -> bool:
        if not isinstance(element.tag, str) or element.tag in _DROPPED:
            return True
        # A page whose wrapper is called "with-sidebar" keeps its wrapper: furniture is never half of the text.
        return 2 * self._lengths.get(element, 0) < self._whole and _is_chrome(element)


def _is_chrome(element: html.HtmlElement) -> bool:
    if element.tag in ("body", "html", "main", "article"):
        return False
    names = f"{element.get('class', '')} {element.get('id', '')} {element.get('role', '')}"[:500]
    return bool(_CHROME.search(fold(names).replace("_", " ").replace("-", " ")))


def _rows(table: html.HtmlElement) -> list[list[str]]:
    """Return the cells of a table, or nothing where it only places the parts of a page: tables or much text in a cell."""
    if table.find(".//table") is not None:
        return []
    rows = [[_cell(cell) for cell in row.iterchildren("td", "th")] for row in table.iter("tr")]
    if not rows or max(map(len, rows)) < 2 or any(len(cell.text) > 4000 for row in rows for cell in row):
        return []
    return spread(rows)


def _span(cell: html.HtmlElement, name: str) -> int:
    written = cell.get(name, "1")
    return min(max(1, int(written)), 1000) if re.fullmatch(r"\d{1,4}", written) else 1


def _cell(cell: html.HtmlElement) -> Cell:
    parts = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        text = element.text if event == "start" else (element.tail if element is not cell else "")
        if element.tag in _BLOCKS and element is not cell:
            parts.append("\n")
        parts.append(re.sub(r"\s+", " ", text or ""))
    text = re.sub(r"\s*\n\s*", "\n", "".join(parts)).strip()
    return Cell(text, _span(cell, "colspan"), _span(cell, "rowspan"))

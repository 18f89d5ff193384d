"""Read the text of a PDF: pages in reading order, ruled tables as rows, pages without text told.

pdfium finds the letters, pdfplumber the ruled tables, ``layout`` the order.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from ctypes import byref
from dataclasses import dataclass

import pdfplumber.pdf
import pypdfium2
import pypdfium2.raw as pdfium

from corpus import layout
from corpus.layout import Run
from corpus.tables import Row, table_lines

MAX_PAGES = 2000
# Below this many letters a page with a picture on it is taken for a scan.
_FEW_LETTERS = 20
_MAX_LETTERS = 200_000
_RULES_ACROSS, _RULES_DOWN = 2, 3
_PAGE_NUMBER = re.compile(r"\W*(?:trang\s*)?\d{1,4}(?:\s*/\s*\d{1,4})?\W*", re.IGNORECASE)


class PdfError(ValueError):
    """A PDF that cannot be read; the message says why."""


@dataclass(frozen=True)
class Pdf:
    """The text of a PDF, its pages parted by form feeds, and the numbers of the pages that are pictures only."""

    text: str
    scanned: tuple[int, ...]


@dataclass
class _Part:
    """A paragraph or a table of a page: its height on it, its text, and whether it may go on overleaf."""

    top: float
    text: str
    is_open: bool
    rows: list[Row] | None = None


@dataclass
class _Page:
    """What was found on a page, in reading order."""

    parts: list[_Part]
    height: float


def pdf_text(data: bytes) -> Pdf:
    """Return the text of a PDF given as bytes. Raises PdfError for a damaged, locked or overlong one."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise PdfError("it is locked with a password" if locked else f"damaged: {error}") from error
    try:
        if len(document) > MAX_PAGES:
            raise PdfError(f"{len(document):,} pages, more than the limit of {MAX_PAGES:,}; split the document")
        pages, scanned = [], []
        tables = _Tables(data)
        for number in range(len(document)):
            page = document[number]
            runs = _upright(page, list(_runs(page)))
            if sum(len(run.text) for run in runs) < _FEW_LETTERS and _has_picture(page):
                scanned.append(number + 1)
            pages.append(_read_page(page, runs, tables.on(number, page)))
            page.close()
    except pypdfium2.PdfiumError as error:
        raise PdfError(f"damaged: {error}") from error
    finally:
        document.close()
    return Pdf(_joined(pages), tuple(scanned))


def _runs(page: pypdfium2.PdfPage) -> Iterator[Run]:
    """Yield the stretches of letters that stand close together in a line, in the order of the file."""
    textpage = page.get_textpage()
    height = page.get_height() if page.get_rotation() in (0, 180) else page.get_width()
    box = pdfium.FS_RECTF()
    letters: list[str] = []
    left = top = right = bottom = 0.0
    for index in range(min(textpage.count_chars(), _MAX_LETTERS)):
        letter = chr(pdfium.FPDFText_GetUnicode(textpage.raw, index) or 32)
        if letter.isspace() or letter == "\x02":
            # pdfium writes U+0002 for a hyphen at the end of a line.
            if letters and not letters[-1].isspace():
                letters.append("-" if letter == "\x02" else " ")
            continue
        if not pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, byref(box)) or box.top <= box.bottom:
            continue
        low, high = height - box.top, height - box.bottom
        size = high - low
        level = bool(letters) and abs((low + high) - (top + bottom)) < 0.8 * min(size, bottom - top)
        gap = box.left - right
        if letters and (not level or gap > size or gap < -0.6 * size):
            yield Run("".join(letters).strip(), left, top, right, bottom)
            letters = []
        if not letters:
            left, top, right, bottom = box.left, low, box.right, high
        elif gap > 0.2 * size and not letters[-1].isspace():
            letters.append(" ")
        letters.append(letter)
        top, bottom, right = min(top, low) if level else low, max(bottom, high) if level else high, box.right
    if letters:
        yield Run("".join(letters).strip(), left, top, right, bottom)
    textpage.close()


def _upright(page: pypdfium2.PdfPage, runs: list[Run]) -> list[Run]:
    """Turn the runs of a page that is shown turned by 90 or 270 degrees."""
    turn = page.get_rotation()
    if turn in (0, 180):
        return runs
    width = page.get_width()
    if turn == 90:
        return [Run(r.text, width - r.bottom, r.left, width - r.top, r.right) for r in runs]
    height = page.get_height()
    return [Run(r.text, r.top, height - r.right, r.bottom, height - r.left) for r in runs]


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))


def _read_page(page: pypdfium2.PdfPage, runs: list[Run], tables: list[_Table]) -> _Page:
    boxes = [(run.left, run.right) for run in runs] + [(table.left, table.right) for table in tables]
    margins = (min((box[0] for box in boxes), default=0.0), max((box[1] for box in boxes), default=0.0))
    found: list[_Part] = []
    for table in tables:
        inside = [run for run in runs if table.holds(run)]
        if inside:
            runs = [run for run in runs if not table.holds(run)]
            found.append(_Part(table.top, "", True, table.rows(inside)))
    parts = [_Part(*paragraph) for paragraph in layout.paragraphs(runs, margins)]
    for table_part in found:
        # A table stands before the first paragraph below it.
        place = next((i for i, part in enumerate(parts) if part.top > table_part.top), len(parts))
        parts.insert(place, table_part)
    return _Page(parts, page.get_height())


def _joined(pages: list[_Page]) -> str:
    """Join the pages; a paragraph or a table that a page cuts goes on. Numbers and running heads are dropped."""
    heads = _running_heads(pages)
    for page in pages:
        page.parts = [part for part in page.parts if not _is_furniture(part, page, heads)]
    texts: list[str] = []
    last: _Part | None = None
    for number, page in enumerate(pages):
        texts += ["\f"] if number else []
        for part in page.parts:
            overleaf = last is not None and number > 0 and part is page.parts[0]
            if part.rows:
                following = pages[number + 1].parts[:1] if number + 1 < len(pages) else []
                if part is page.parts[-1] and following and following[0].rows:
                    _mend(part.rows, following[0].rows)
                    if not following[0].rows:
                        del pages[number + 1].parts[0]
                texts.append(table_lines(part.rows)[overleaf and bool(last and last.rows) :])
            else:
                goes_on = overleaf and last and last.is_open and not last.rows and _begins_within(part.text)
                texts.append(part.text if goes_on or not texts else f"\n{part.text}")
            last = part
    return "".join(texts)


def _mend(above: list[Row], below: list[Row]) -> None:
    """Bring together a table that a page cuts: drop the head it repeats, join the row it parts."""
    if len(below[0]) != len(above[0]):
        return
    if len(below) > 1 and below[0] == above[0]:
        del below[0]
    if above[-1][0] and not below[0][0] and any(below[0]):
        above[-1] = [f"{over} {under}".strip() for over, under in zip(above[-1], below.pop(0), strict=True)]


def _begins_within(text: str) -> bool:
    return text[:1].islower() or text[:1].isdigit() or text[:1] in '(,“"'


def _running_heads(pages: list[_Page]) -> set[str]:
    """Return the texts that stand at the top or the bottom of most pages."""
    edges = Counter(text for page in pages for text in {part.text for part in (*page.parts[:1], *page.parts[-1:])})
    return {text for text, count in edges.items() if text and count >= 3 and 2 * count > len(pages)}


def _is_furniture(part: _Part, page: _Page, heads: set[str]) -> bool:
    edge = part.top < 0.1 * page.height or part.top > 0.88 * page.height
    return edge and (part.text in heads or bool(_PAGE_NUMBER.fullmatch(part.text)))


class _Tables:
    """Finds the ruled tables of a document, looking only at pages with rules on them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._plumber: pdfplumber.pdf.PDF | None = None

    def on(self, number: int, page: pypdfium2.PdfPage) -> list[_Table]:
        """Return the tables of the page at ``number``, from the top."""
        if not _has_rules(page):
            return []
        if self._plumber is None:
            self._plumber = pdfplumber.open(io.BytesIO(self._data))
        sheet = self._plumber.pages[number]
        try:
            found = [_Table(table) for table in sheet.find_tables()]
        finally:
            sheet.close()
        return sorted((table for table in found if table.is_grid), key=lambda table: table.top)


def _has_rules(page: pypdfium2.PdfPage) -> bool:
    across = down = 0
    for rule in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=3):
        left, bottom, right, top = rule.get_bounds()
        across += right - left > 20
        down += top - bottom > 8
        if across >= _RULES_ACROSS and down >= _RULES_DOWN:
            return True
    return False


class _Table:
    """The cells of a ruled table. Boxes are (left, top, right, bottom)."""

    def __init__(self, table: pdfplumber.table.Table) -> None:
        self._rows = [list(row.cells) for row in table.rows]
        self._cells = [cell for row in self._rows for cell in row if cell]
        self.left, self.top, self.right, self.bottom = table.bbox

    @property
    def is_grid(self) -> bool:
        """Tell a table, or what a page leaves of one, from a frame around text."""
        columns = max(map(len, self._rows))
        return columns >= 3 or (columns == 2 and len(self._rows) >= 2)

    def holds(self, run: Run) -> bool:
        """Tell whether a run stands in the table."""
        middle = (run.left + run.right) / 2
        return self.left - 1 <= middle <= self.right + 1 and self.top - 1 <= run.middle <= self.bottom + 1

    def rows(self, runs: list[Run]) -> list[Row]:
        """Return the text of each cell; a cell that spans rows says its text in each, one that spans columns in the first."""
        texts = {cell: self._text(cell, runs) for cell in self._cells}
        spans = [self._span(row) for row in self._rows]
        rows = []
        for row, (top, bottom) in zip(self._rows, spans, strict=True):
            cells = []
            for column, cell in enumerate(row):
                above = cell or self._covering(column, (top + bottom) / 2)
                cells.append(texts[above] if above else "")
            rows.append(cells)
        return rows

    def _text(self, cell: tuple[float, float, float, float], runs: list[Run]) -> str:
        left, top, right, bottom = cell
        inside = [r for r in runs if left <= (r.left + r.right) / 2 <= right and top <= r.middle <= bottom]
        return "\n".join(" ".join(run.text for run in line) for line in layout.lines(inside))

    def _span(self, row: list[tuple[float, float, float, float] | None]) -> tuple[float, float]:
        cells = [cell for cell in row if cell]
        return (max(cell[1] for cell in cells), min(cell[3] for cell in cells)) if cells else (0.0, 0.0)

    def _covering(self, column: int, middle: float) -> tuple[float, float, float, float] | None:
        """Return the cell of the same column that reaches down over ``middle``, or None."""
        above = (row[column] for row in self._rows if column < len(row) and row[column])
        return next((cell for cell in above if cell and cell[1] < middle < cell[3]), None)

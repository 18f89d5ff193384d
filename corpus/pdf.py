"""Read the text of a PDF: pages in reading order, ruled tables as rows, pages without text told.

pdfium finds the letters, pdfplumber the ruled tables, ``layout`` the order.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from ctypes import byref, c_double
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

import pdfplumber.pdf
import pypdfium2
import pypdfium2.raw as pdfium

from corpus import layout
from corpus.layout import Paragraph, Run
from corpus.tables import Row, table_lines

MAX_PAGES = 2000
# Below this many letters a page with a picture on it is taken for a scan.
_FEW_LETTERS = 20
_MAX_LETTERS = 200_000
_RULES_ACROSS, _RULES_DOWN = 2, 3
# A table's head has at most so many rows.
_HEAD_ROWS = 4
# Points within which running heads keep their height.
_SAME_HEIGHT = 4
_FIGURE = re.compile(r"[\d.,%/–-]+$")
_PAGE_NUMBER = re.compile(r"^(?:[-–] ?)?(?:trang )?\d{1,4}(?: ?/ ?\d{1,4})?(?: ?[-–])?$", re.IGNORECASE)


class PdfError(ValueError):
    """A PDF that cannot be read; the message says why."""


@dataclass(frozen=True)
class Pdf:
    """The text of a PDF, its pages parted by form feeds, and the numbers of the pages that are pictures only."""

    text: str
    scanned: tuple[int, ...]


@dataclass
class _Sheet:
    """What stands on a page: its tables and the words outside them."""

    runs: list[Run]
    tables: list[_Table]
    height: float


@dataclass
class _Part:
    """A paragraph or the rows of a table."""

    top: float
    paragraph: Paragraph | None = None
    rows: list[Row] = field(default_factory=list)


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
        sheets, scanned = [], []
        tables = _Tables(data)
        for number in range(len(document)):
            page = document[number]
            runs = _upright(page, list(_runs(page)))
            if sum(len(run.text) for run in runs) < _FEW_LETTERS and _has_picture(page):
                scanned.append(number + 1)
            sheets.append(_sheet(runs, tables.on(number, page), page.get_height()))
            page.close()
    except pypdfium2.PdfiumError as error:
        raise PdfError(f"damaged: {error}") from error
    finally:
        document.close()
    furniture = _furniture(sheets)
    return Pdf(_joined([_parts(sheet, furniture, number) for number, sheet in enumerate(sheets, 1)]), tuple(scanned))


def _runs(page: pypdfium2.PdfPage) -> Iterator[Run]:
    """Yield the words, in the order of the file."""
    textpage = page.get_textpage()
    height = page.get_height() if page.get_rotation() in (0, 180) else page.get_width()
    box, x, y = pdfium.FS_RECTF(), c_double(), c_double()
    word: _Word | None = None
    for index in range(min(textpage.count_chars(), _MAX_LETTERS)):
        letter = chr(pdfium.FPDFText_GetUnicode(textpage.raw, index) or 32)
        if letter.isspace() or letter == "\x02":
            # pdfium writes U+0002 for a hyphen at the end of a line.
            if word:
                word.text += "-" if letter == "\x02" else " "
                yield word.run()
            word = None
            continue
        if not pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, byref(box)) or box.top <= box.bottom:
            continue
        pdfium.FPDFText_GetCharOrigin(textpage.raw, index, byref(x), byref(y))
        place = _Word(letter, box.left, height - box.top, box.right, height - box.bottom, height - y.value)
        if word is None or not word.takes(place):
            if word:
                yield word.run()
            word = place
    if word:
        yield word.run()
    textpage.close()


@dataclass
class _Word:
    """Letters that stand close together in a line, gathered one by one; ``line`` is the height of the line they stand on."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    line: float
    is_raised: bool = False

    def takes(self, letter: _Word) -> bool:
        """Add a letter and return True where it stands close behind, in the same line.

        A number that stands small and high there begins another one, of the height of this one.
        """
        size, own = letter.bottom - letter.top, self.bottom - self.top
        gap, rise = letter.left - self.right, self.line - letter.line
        if not -0.6 * size <= gap <= 0.2 * size or abs(rise) > 0.6 * max(size, own):
            return False
        if letter.text.isdigit() and rise > 0.15 * own:
            letter.top, letter.bottom, letter.is_raised = self.top, self.bottom, True
            return False
        if self.is_raised and rise < -0.15 * own:
            return False
        if size >= own:
            self.line = letter.line
        self.text += letter.text
        self.right = letter.right
        self.top, self.bottom = min(self.top, letter.top), max(self.bottom, letter.bottom)
        return True

    def run(self) -> Run:
        """Return the letters as a run."""
        return Run(self.text, self.left, self.top, self.right, self.bottom, self.is_raised)


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


def _sheet(runs: list[Run], tables: list[_Table], height: float) -> _Sheet:
    for table in tables:
        table.runs = [run for run in runs if table.holds(run)]
        runs = [run for run in runs if not table.holds(run)]
    return _Sheet(runs, [table for table in tables if table.runs], height)


def _marks(sheet: _Sheet, number: int) -> dict[Run, tuple[str, int]]:
    """Return text and height of what stands at the edges of page ``number``, told without the page number in it."""
    edges = [run for run in sheet.runs if run.bottom < 0.1 * sheet.height or run.top > 0.88 * sheet.height]
    own = re.compile(rf"{_PAGE_NUMBER.pattern}|\b{number}\b", re.IGNORECASE)
    joined = [run for line in layout.lines(edges) for run in line]
    return {run: (own.sub("#", run.text.strip()), round(run.middle / _SAME_HEIGHT)) for run in joined}


def _furniture(sheets: list[_Sheet]) -> set[tuple[str, int]]:
    """Return the marks of running heads and feet: what stands at the same edge of most pages."""
    found = Counter(mark for number, sheet in enumerate(sheets, 1) for mark in set(_marks(sheet, number).values()))
    least = max(2, min(3, len(sheets) - 1))
    return {mark for mark, count in found.items() if count >= least and 2 * count >= len(sheets) - 1}


def _parts(sheet: _Sheet, furniture: set[tuple[str, int]], number: int) -> list[_Part]:
    """Return the paragraphs and tables of page ``number`` in reading order, without running heads and page numbers."""
    marks = _marks(sheet, number)
    dropped = [run for run, mark in marks.items() if mark in furniture or run.text.strip(" -–") == f"{number}"]
    runs = [run for run in sheet.runs if not any(whole.holds(run) for whole in dropped)]
    boxes = [(box.left, box.right) for box in runs] + [(box.left, box.right) for box in sheet.tables]
    margins = (min((left for left, _ in boxes), default=0.0), max((right for _, right in boxes), default=0.0))
    parts = [_Part(paragraph.top, paragraph) for paragraph in layout.paragraphs(runs, margins)]
    for table in sheet.tables:
        # A table stands before the first paragraph below it.
        place = next((i for i, part in enumerate(parts) if part.top > table.top), len(parts))
        parts.insert(place, _Part(table.top, rows=table.rows()))
    return parts


def _joined(pages: list[list[_Part]]) -> str:
    """Join the pages; a paragraph or a table that a page cuts goes on."""
    _mend_tables(pages)
    texts: list[str] = []
    last: _Part | None = None
    for number, parts in enumerate(pages):
        texts += ["\f"] if number else []
        for part in parts:
            overleaf = number > 0 and part is parts[0]
            if part.paragraph:
                texts.append(_parting(last, part.paragraph, overleaf) + part.paragraph.text)
            else:
                texts.append(table_lines(part.rows)[overleaf and bool(last and last.rows) :])
            last = part
    return "".join(texts)


def _parting(last: _Part | None, paragraph: Paragraph, overleaf: bool) -> str:
    """Return what stands between two parts of the text: nothing within a paragraph, else line ends."""
    if last is None or (overleaf and last.paragraph and layout.goes_on(last.paragraph, paragraph)):
        return ""
    # The lines of a title stand below each other; whether they are one, their words say.
    return "\n" if last.paragraph and last.paragraph.is_centred and paragraph.is_centred else "\n\n"


def _mend_tables(pages: list[list[_Part]]) -> None:
    """Bring together the tables that pages cut: drop the head that is repeated, join the row that is parted."""
    head: list[Row] = []
    for above, below in pairwise(pages):
        if not (above and below and above[-1].rows and below[0].rows):
            continue
        over, under = above[-1].rows, below[0].rows
        if len(above) > 1 or not head:
            head = over[:_HEAD_ROWS]
        if len(over[0]) != len(under[0]):
            head = []
            continue
        repeated = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(head, under, strict=False)))
        del under[:repeated]
        if under and _is_cut(over[-1], under[0]):
            over[-1] = [f"{high} {low}".strip() for high, low in zip(over[-1], under.pop(0), strict=True)]
        if not under:
            del below[0]


def _is_cut(above: Row, below: Row) -> bool:
    """Tell whether a row goes on in the next one, overleaf: each of its cells in the one above it."""
    pairs = [(high, low) for high, low in zip(above, below, strict=True) if low]
    if not pairs or (below[0] and not below[0][0].islower()):
        return False
    return all(high and not (_FIGURE.match(high) and _FIGURE.match(low)) for high, low in pairs)


class _Tables:
    """Finds the ruled tables of a document, looking only at pages with rules on them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._plumber: pdfplumber.pdf.PDF | None = None

    def on(self, number: int, page: pypdfium2.PdfPage) -> list[_Table]:
        """Return the tables of the page at ``number``, from the top."""
        if not _has_rules(page):
            return []
        try:
            if self._plumber is None:
                self._plumber = pdfplumber.open(io.BytesIO(self._data))
            sheet = self._plumber.pages[number]
            rules = [edge for edge in sheet.edges if edge["orientation"] == "v"]
            # A row that the page cuts may have no rule there.
            ends = {min(rule["top"] for rule in rules), max(rule["bottom"] for rule in rules)} if rules else set()
            found = [_Table(table) for table in sheet.find_tables({"explicit_horizontal_lines": list(ends)})]
            sheet.close()
        except Exception:
            # pdfminer is stricter than pdfium and raises whatever it stumbles over; without it the words stay, as lines.
            return []
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
        self.runs: list[Run] = []

    @property
    def is_grid(self) -> bool:
        """Tell a table, or what a page leaves of one, from a frame around text."""
        columns = max(map(len, self._rows))
        return columns >= 3 or (columns == 2 and len(self._rows) >= 2)

    def holds(self, run: Run) -> bool:
        """Tell whether a run stands in the table."""
        middle = (run.left + run.right) / 2
        return self.left - 1 <= middle <= self.right + 1 and self.top - 1 <= run.middle <= self.bottom + 1

    def rows(self) -> list[Row]:
        """Return the text of each cell; a cell that spans rows says its text in each, one that spans columns in the first."""
        texts = {cell: self._text(cell) for cell in self._cells}
        spans = [self._span(row) for row in self._rows]
        rows = []
        for row, (top, bottom) in zip(self._rows, spans, strict=True):
            cells = []
            for column, cell in enumerate(row):
                above = cell or self._covering(column, (top + bottom) / 2)
                cells.append(texts[above] if above else "")
            rows.append(cells)
        return rows

    def _text(self, cell: tuple[float, float, float, float]) -> str:
        left, top, right, bottom = cell
        inside = [r for r in self.runs if left <= (r.left + r.right) / 2 <= right and top <= r.middle <= bottom]
        return layout.cell_text(inside)

    def _span(self, row: list[tuple[float, float, float, float] | None]) -> tuple[float, float]:
        cells = [cell for cell in row if cell]
        return (max(cell[1] for cell in cells), min(cell[3] for cell in cells)) if cells else (0.0, 0.0)

    def _covering(self, column: int, middle: float) -> tuple[float, float, float, float] | None:
        """Return the cell of the same column that reaches down over ``middle``, or None."""
        above = (row[column] for row in self._rows if column < len(row) and row[column])
        return next((cell for cell in above if cell and cell[1] < middle < cell[3]), None)

"""Read Word files: .docx with its automatic numbers, lists and tables; old .doc through antiword."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import docx
import viparse
from docx.oxml.ns import qn
from lxml import etree

from corpus.tables import Cell, spread, table_lines

MAX_UNPACKED = 256 * 1024 * 1024
MAX_MEMBERS = 5000
_SECONDS = 60
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Text shown twice in the file (a drawing for old programs) and text that a tracked change took out.
_HIDDEN = frozenset(
    {qn("w:del"), qn("w:moveFrom"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


class WordError(ValueError):
    """A Word file that cannot be read; the message says why."""


def docx_text(data: bytes) -> str:
    """Return the text of a .docx file, a line a paragraph. Raises WordError for a damaged or oversized one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED:
                raise WordError(
                    f"it unpacks to {unpacked:,} bytes in {len(members):,} parts, more than {MAX_UNPACKED:,} in {MAX_MEMBERS:,}"
                )
        document = docx.Document(io.BytesIO(data))
        return _Reader(document).text()
    except WordError:
        raise
    except Exception as error:
        # python-docx raises whatever it stumbles over: KeyError, AttributeError, lxml and zip errors.
        raise WordError(f"damaged: {type(error).__name__}: {error}") from error


class _Reader:
    """Writes the body of a document as lines."""

    def __init__(self, document: docx.document.Document) -> None:
        self._body = document.element.body
        self._numbers = _Numbers(document)
        styles = document.styles.element.iter(qn("w:style"))
        self._style_numbers = {style.get(qn("w:styleId")): _child(style, "pPr", "numPr") for style in styles}

    def text(self) -> str:
        return "\n".join(self._blocks(self._body))

    def _blocks(self, parent: Any) -> Iterator[str]:
        for element in parent:
            if element.tag == qn("w:p"):
                yield from self._paragraph(element)
            elif element.tag == qn("w:tbl"):
                yield table_lines(self._rows(element))
            elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")):
                yield from self._blocks(element)

    def _paragraph(self, element: Any) -> Iterator[str]:
        """Yield the lines of a paragraph: its number and words, then those of the text boxes in it."""
        boxes: list[Any] = []
        words = "".join(_words(element, boxes))
        number = self._number(element)
        yield f"{number} {words.lstrip()}" if number and words.strip() else words
        for box in boxes:
            yield from self._blocks(box)

    def _number(self, element: Any) -> str:
        own = _child(element, "pPr", "numPr")
        style = _child(element, "pPr", "pStyle")
        inherited = self._style_numbers.get(style.get(qn("w:val"))) if style is not None else None
        return self._numbers.next(own, inherited)

    def _rows(self, table: Any) -> list[list[str]]:
        rows: list[list[Cell]] = []
        for row in table.iter(qn("w:tr")):
            if next(row.iterancestors(qn("w:tbl"))) is not table:
                # A row of a table inside a cell is text of that cell.
                continue
            rows.append(
                [self._cell(cell) for cell in row.iter(qn("w:tc")) if next(cell.iterancestors(qn("w:tr"))) is row]
            )
        return spread(rows)

    def _cell(self, cell: Any) -> Cell:
        merge = _child(cell, "tcPr", "vMerge")
        below = merge is not None and merge.get(qn("w:val")) != "restart"
        span = _child(cell, "tcPr", "gridSpan")
        wide = int(span.get(qn("w:val")) or 1) if span is not None else 1
        text = "\n".join(line.strip() for line in self._blocks(cell) if line.strip())
        return Cell(text, wide, continues=below)


def _words(element: Any, boxes: list[Any]) -> Iterator[str]:
    """Yield the text of a paragraph's runs as shown; text boxes are put aside in ``boxes``."""
    for child in element:
        if child.tag in _HIDDEN:
            continue
        if child.tag == qn("w:txbxContent"):
            boxes.append(child)
        elif child.tag == qn("w:t"):
            yield _unicode(child.text or "", element)
        elif child.tag in (qn("w:tab"), qn("w:ptab")):
            yield " "
        elif child.tag in (qn("w:br"), qn("w:cr")):
            yield "\n"
        elif child.tag in (qn("w:noBreakHyphen"),):
            yield "-"
        elif child.tag != qn("w:pPr"):
            yield from _words(child, boxes)


def _unicode(text: str, run: Any) -> str:
    """Return the text of a run; the fonts of the years before Unicode say how their letters are coded."""
    fonts = _child(run, "rPr", "rFonts")
    font = (fonts.get(qn("w:ascii")) or "") if fonts is not None else ""
    if font.startswith(".Vn"):
        text = viparse.fix(text, encoding="tcvn3")
        return text.upper() if font.endswith("H") else text
    return viparse.fix(text, encoding="vni") if font.startswith("VNI-") else text


def _child(element: Any, *names: str) -> Any:
    for name in names:
        element = element.find(f"{_W}{name}") if element is not None else None
    return element


class _Numbers:
    """Counts the automatic numbers of lists as Word shows them."""

    def __init__(self, document: docx.document.Document) -> None:
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._abstract: dict[str, str] = {}
        try:
            numbering = document.part.numbering_part.element
        except (KeyError, NotImplementedError):
            return
        for abstract in numbering.findall(qn("w:abstractNum")):
            levels = {}
            for level in abstract.findall(qn("w:lvl")):
                form, text, start = _child(level, "numFmt"), _child(level, "lvlText"), _child(level, "start")
                levels[_value(level, "ilvl")] = (
                    form.get(qn("w:val")) if form is not None else "decimal",
                    text.get(qn("w:val")) or "" if text is not None else "",
                    _value(start) if start is not None else 1,
                )
            self._levels[abstract.get(qn("w:abstractNumId"))] = levels
        for number in numbering.findall(qn("w:num")):
            abstract_id = _child(number, "abstractNumId")
            if abstract_id is not None:
                self._abstract[number.get(qn("w:numId"))] = abstract_id.get(qn("w:val"))

    def next(self, own: Any, inherited: Any) -> str:
        """Return the number of the next paragraph with these number properties; empty where it has none."""
        properties = [p for p in (own, inherited) if p is not None]
        numbers = (n.get(qn("w:val")) for p in properties if (n := _child(p, "numId")) is not None)
        depths = (_value(d) for p in properties if (d := _child(p, "ilvl")) is not None)
        # Lists that share a definition go on counting, as in Word.
        name, depth = self._abstract.get(next(numbers, "0"), ""), next(depths, 0)
        levels = self._levels.get(name, {})
        if depth not in levels:
            return ""
        form, text, start = levels[depth]
        counts = self._counts[name]
        counts[depth] = counts.get(depth, start - 1) + 1
        for deeper in [level for level in counts if level > depth]:
            del counts[deeper]
        if form == "bullet":
            return "-"
        return re.sub(r"%(\d)", lambda match: self._shown(name, int(match[1]) - 1), text).strip()

    def _shown(self, name: str, depth: int) -> str:
        form, _, start = self._levels[name].get(depth, ("decimal", "", 1))
        return _written(self._counts[name].get(depth, start), form)


def _value(element: Any, name: str = "val") -> int:
    written = element.get(qn(f"w:{name}")) or "0"
    return int(written) if re.fullmatch(r"-?\d{1,9}", written) else 0


def _written(number: int, form: str) -> str:
    if form.endswith("Letter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26)
        return letter.upper() if form.startswith("upper") else letter
    if form.endswith("Roman") and 0 < number < 100:
        roman = ""
        for value, sign in ((90, "xc"), (50, "l"), (40, "xl"), *_ROMAN):
            roman, number = roman + sign * (number // value), number % value
        return roman.upper() if form.startswith("upper") else roman
    return "" if form == "none" else str(number)


def doc_text(data: bytes) -> str:
    """Return the text of an old .doc file. Raises WordError without antiword or for a file it does not read."""
    program = shutil.which("antiword")
    if program is None:
        raise WordError("old .doc files need the Debian package antiword; or save it as .docx")
    # "db" is DocBook: the only form in which antiword tells cells and paragraphs apart.
    command = [program, "-x", "db", "-"]
    try:
        run = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise WordError(f"antiword took over {_SECONDS} seconds") from error
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    book = etree.fromstring(run.stdout, parser) if run.stdout.strip() else None
    if run.returncode or book is None or not "".join(map(str, book.itertext())).strip():
        said = run.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise WordError(f"damaged or not a Word file: {said[0] if said else 'no text in it'}")
    return "\n".join(_book_lines(book))


def _book_lines(book: Any) -> Iterator[str]:
    """Yield the lines of antiword's DocBook. It gives lists without their numbers, so these are counted here."""
    for element in book.iter("para", "title", "row"):
        if element.tag == "row":
            table = element.getparent()
            if element.getprevious() is None:
                rows = [[_entry(entry) for entry in row.iter("entry")] for row in table.iter("row")]
                yield table_lines(rows)
        elif next(element.iterancestors("entry", "bookinfo"), None) is None and element.find(".//row") is None:
            mark = ""
            if (item := next(element.iterancestors("listitem"), None)) is not None:
                ordered = item.getparent().tag == "orderedlist"
                mark = f"{item.getparent().index(item) + 1}. " if ordered else "- "
            yield mark + "".join(map(str, element.itertext())).strip()


def _entry(entry: Any) -> str:
    return "\n".join(line.strip() for line in "".join(map(str, entry.itertext())).splitlines() if line.strip())

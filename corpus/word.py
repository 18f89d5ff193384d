"""Read Word files: .docx with its automatic numbers, lists, tables and footnotes; old .doc through antiword or LibreOffice."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import docx
import viparse
from docx.oxml.ns import qn
from lxml import etree

from corpus.join import marker_of
from corpus.tables import Cell, spread, table_lines
from corpus.title import is_capitals

MAX_UNPACKED = 256 * 1024 * 1024
MAX_MEMBERS = 5000
_WORD_97 = b"\xec\xa5"
_SECONDS = 50
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Text shown twice in the file (a drawing for old programs) and text that a tracked change took out.
_HIDDEN = frozenset(
    {qn("w:del"), qn("w:moveFrom"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


# LibreOffice runs nothing and fetches nothing that a document asks for.
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
</item>
</oor:items>
"""


class WordError(ValueError):
    """A Word file that cannot be read; the message says why."""


def docx_text(data: bytes) -> str:
    """Return the text of a .docx file, its paragraphs parted by blank lines. Raises WordError for a damaged or oversized one."""
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
        self._notes = _footnotes(document)
        self._note = 0
        self._style_numbers = {style.get(qn("w:styleId")): _child(style, "pPr", "numPr") for style in styles}

    def text(self) -> str:
        """Return the paragraphs and tables of the document."""
        found = [block for block in self._blocks(self._body) if block.strip()]
        small = sum(block.lstrip()[0].islower() and not marker_of(block.lstrip())[0] for block in found)
        # Where every printed line is a paragraph, sentences go on in the next one.
        parting = "\n" if 5 * small >= len(found) else "\n\n"
        text = ""
        for above, block in pairwise(["", *found]):
            text += ("\n" if is_capitals(above) and is_capitals(block) else parting) + block
        return text.strip("\n")

    def _blocks(self, parent: Any) -> Iterator[str]:
        for element in parent:
            if element.tag == qn("w:p"):
                yield from self._paragraph(element)
            elif element.tag == qn("w:tbl"):
                yield table_lines(self._rows(element))
            elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:moveTo"), qn("w:customXml")):
                yield from self._blocks(element)

    def _paragraph(self, element: Any) -> Iterator[str]:
        """Yield the lines of a paragraph: its number and words, then those of its text boxes and footnotes."""
        aside: list[Any] = []
        words = "".join(_words(element, aside))
        number = self._number(element)
        yield f"{number} {words.lstrip()}" if number and words.strip() else words
        for other in aside:
            if other.tag == qn("w:txbxContent"):
                yield from self._blocks(other)
            elif other.get(qn("w:id")) in self._notes:
                self._note += 1
                words = " ".join(self._blocks(self._notes[other.get(qn("w:id"))]))
                yield f"[{self._note}] {words.strip()}"

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


def _words(element: Any, aside: list[Any]) -> Iterator[str]:
    """Yield the text of a paragraph's runs as shown; text boxes and the numbers of footnotes are put ``aside``."""
    for child in element:
        if child.tag in _HIDDEN:
            continue
        if child.tag in (qn("w:txbxContent"), qn("w:footnoteReference")):
            aside.append(child)
        elif child.tag == qn("w:t"):
            yield _unicode(child.text or "", element)
        elif child.tag in (qn("w:tab"), qn("w:ptab")):
            yield " "
        elif child.tag in (qn("w:br"), qn("w:cr")):
            yield "\n"
        elif child.tag in (qn("w:noBreakHyphen"),):
            yield "-"
        elif child.tag != qn("w:pPr"):
            yield from _words(child, aside)


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


def _footnotes(document: docx.document.Document) -> dict[str, Any]:
    """Return id to footnote."""
    parts = (part for part in document.part.package.iter_parts() if part.partname == "/word/footnotes.xml")
    part = next(parts, None)
    if part is None:
        return {}
    notes = etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
    return {str(note.get(qn("w:id"))): note for note in notes.iter(qn("w:footnote"))}


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
    """Return the text of an old .doc file. Raises WordError for a file that cannot be read or without a program for it.

    antiword reads it at once, but loses automatic numbers, notes, wide tables and what follows them: where it does, or is
    not installed, LibreOffice takes its place if it is there.
    """
    antiword, office = shutil.which("antiword"), shutil.which("soffice")
    try:
        book = _docbook(antiword, data) if antiword else None
        if office and (book is None or not _is_whole(book, data)):
            if text := _by_libreoffice(office, data):
                return text
            if book is None:
                raise WordError("damaged or not a Word file: no text in it")
        if book is not None:
            return "\n\n".join(line for line in _book_lines(book) if line.strip() not in ("", "[pic]"))
    except subprocess.TimeoutExpired as error:
        raise WordError(f"{error.cmd[0]} took over {_SECONDS} seconds") from error
    raise WordError(
        "old .doc files need the Debian package antiword or, for their automatic numbers, libreoffice-writer-nogui; "
        "or save it as .docx"
    )


def _by_libreoffice(program: str, data: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="kehoach-doc-") as folder:
        source, settings = Path(folder, "in.doc"), Path(folder, "profile/user/registrymodifications.xcu")
        source.write_bytes(data)
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, encoding="utf-8")
        command = [program, "--headless", "--norestore", f"-env:UserInstallation=file://{folder}/profile",
                   "--infilter=MS Word 97", "--convert-to", "docx", "--outdir", folder, str(source)]  # fmt: skip
        _run(command)
        result = source.with_suffix(".docx")
        return docx_text(result.read_bytes()) if result.exists() else ""


def _run(command: list[str]) -> None:
    """Run a program that starts others; all of them end when the time is up."""
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        try:
            run.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            raise


def _is_whole(book: Any, data: bytes) -> bool:
    """Tell whether antiword lost nothing: no numbers of lists, no notes or text boxes, no tenth of the text."""
    start = next((place for place in range(0, len(data), 512) if data.startswith(_WORD_97, place)), len(data))
    # How many characters the file says its text, notes, heads, macros, comments, end notes and text boxes have.
    counts = data[start + 0x4C : start + 0x68]
    if book.find(".//listitem") is not None or len(counts) < 28:
        return False
    text, notes, _, _, _, end_notes, boxes = struct.unpack("<7i", counts)
    words = " ".join("".join(map(str, book.itertext())).split())
    return not (notes or end_notes or boxes) and len(words) >= 0.9 * text


def _docbook(program: str, data: bytes) -> Any:
    """Return what antiword makes of a file as DocBook, the only form in which it tells cells and paragraphs apart."""
    command = [program, "-x", "db", "-"]
    run = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    book = etree.fromstring(run.stdout, parser) if run.stdout.strip() else None
    if run.returncode or book is None or not "".join(map(str, book.itertext())).strip():
        said = run.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise WordError(f"damaged or not a Word file: {said[0] if said else 'no text in it'}")
    return book


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

"""Read a document file into normalised text: PDF, Word, HTML, Markdown and plain text, told apart by what is in them."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from corpus import encoding, ocr
from corpus.files import ACCEPTED, UnreadableError, load
from corpus.markup import MarkupError, html_text, markdown_text, without_comments
from corpus.pdf import PdfError, pdf_text
from corpus.tables import join_cells
from corpus.word import WordError, doc_text, docx_text
from nlp.normalize import normalize

_REFUSED = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"{\\rtf", "a rich text file; save it as .docx"),
)
_LONGEST_REASON = 300
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S
)


@dataclass(frozen=True)
class Source:
    """A file's normalised text and the SHA-256 of its bytes.

    ``pages`` holds where each page begins in ``text`` (empty where a file has none); ``notes`` what a reader should know
    of the reading, such as pages that could not be read.
    """

    name: str
    text: str
    sha256: str
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Content:
    """What a file holds, before it is normalised; form feeds part its pages."""

    text: str
    notes: tuple[str, ...] = ()
    is_paged: bool = False


def read(path: Path) -> Source:
    """Return the text of one document file.

    Raises UnreadableError for what is missing, empty, too large, damaged, of another kind or in an unknown encoding.
    """
    return read_bytes(load(path), path.name)


def read_bytes(
    data: bytes, name: str, ocr_seconds: float = ocr.SECONDS, on_ocr: Callable[[int], None] | None = None
) -> Source:
    """Return the text of a document given as bytes; where they do not tell its kind, the suffix of ``name`` does.

    ``on_ocr`` is told how many pages are about to be recognised. Raises as ``read`` does.
    """
    try:
        content = _content(data, Path(name).suffix.lower(), ocr_seconds, on_ocr)
    except (encoding.EncodingError, MarkupError, PdfError, WordError) as error:
        said = " ".join(str(error).split())[:_LONGEST_REASON]
        raise UnreadableError(said if said.startswith(("it ", "old ")) else f"it is {said}") from error
    text, code = encoding.repair(content.text)
    notes = (*content.notes, *([f"written in {code.upper()}, put into Unicode"] if code else []))
    pages = [normalize(page) for page in (text.split("\f") if content.is_paged else [text])]
    # A page that ends within a line is cut within a paragraph.
    ends = ["" if page.endswith("\n") or number == len(pages) else " " for number, page in enumerate(pages, 1)]
    parts = [page + end for page, end in zip(pages, ends, strict=True)]
    if not any(c.isalpha() for part in parts for c in part):
        raise UnreadableError("; ".join(content.notes) or "no words in it")
    starts = tuple(accumulate(map(len, parts[:-1]), initial=0)) if content.is_paged else ()
    return Source(name, "".join(parts), hashlib.sha256(data).hexdigest(), starts, notes)


def _content(data: bytes, suffix: str, ocr_seconds: float, on_ocr: Callable[[int], None] | None) -> _Content:
    """Read by what the bytes are: the suffix is often wrong, portals serve HTML as .doc."""
    for magic, what in _REFUSED:
        if data.startswith(magic):
            raise UnreadableError(f"it is {what}" + ("" if ";" in what else f", not a document; {ACCEPTED}"))
    if b"%PDF-" in data[:1024]:
        return _pdf(data, ocr_seconds, on_ocr)
    if data.startswith(b"PK\x03\x04"):
        return _Content(docx_text(_word_archive(data)))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return _Content(doc_text(data))
    text = encoding.decode(data)
    if suffix in (".html", ".htm") or _HTML_START.match(data):
        return _Content(html_text(text))
    return _Content(markdown_text(text) if suffix in (".md", ".markdown") else join_cells(without_comments(text)))


def _word_archive(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" in archive.namelist():
                return data
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableError(f"it is a damaged archive: {error}") from error
    raise UnreadableError(f"it is an archive, not a Word document; {ACCEPTED}")


def _pdf(data: bytes, ocr_seconds: float, on_ocr: Callable[[int], None] | None) -> _Content:
    pdf = pdf_text(data)
    if not pdf.scanned:
        return _Content(pdf.text, is_paged=True)
    pages = f"{'page' if len(pdf.scanned) == 1 else 'pages'} {', '.join(map(str, pdf.scanned))}"
    if on_ocr:
        on_ocr(len(pdf.scanned))
    try:
        recognised = pdf_text(ocr.recognise(data, ocr_seconds))
    except ocr.OcrError as error:
        return _Content(pdf.text, (f"{pages} only pictures and not read: {error}",), is_paged=True)
    return _Content(recognised.text, (f"{pages} read by text recognition (OCR)",), is_paged=True)

"""Files made to hurt: each is read or refused in a line and in time, and the process that reads lives on.

Every case runs in a worker process, so that a crash of pdfium or libxml2 fails its case only. See also test_fuzz.py, which
damages whole documents of every kind.
"""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.files import UnreadableError
from corpus.parse import parse
from corpus.read import read_bytes
from corpus.types import Document
from corpus.worker import Limits, Worker

FILES = Path(__file__).parent / "files"
SAMPLES = Path(__file__).parents[2] / "corpus/samples"
# Three times the default: tests share the processors with one another.
SECONDS = 90.0
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
PARAGRAPH = "<w:p><w:r><w:t>chữ</w:t></w:r></w:p>"
LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))


def word(body: str, head: str = "", **parts: bytes) -> bytes:
    """Return a .docx with this body; ``parts`` are more members."""
    xml = f'<?xml version="1.0" encoding="UTF-8"?>{head}<w:document {W}><w:body>{body}</w:body></w:document>'
    out = io.BytesIO()
    with zipfile.ZipFile(FILES / "binh-duong.docx") as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, xml if member == "word/document.xml" else old.read(member))
        for name, data in parts.items():
            new.writestr(name, data)
    return out.getvalue()


def with_size_that_lies(data: bytes) -> bytes:
    """Return a .docx whose directory says that its document is 100 bytes long."""
    changed = bytearray(data)
    entry = changed.rindex(b"word/document.xml", 0, changed.rindex(b"PK\x05\x06"))
    while changed[entry - 46 : entry - 42] != b"PK\x01\x02":
        entry = changed.rindex(b"word/document.xml", 0, entry)
    struct.pack_into("<I", changed, entry - 46 + 24, 100)
    return bytes(changed)


def pdf(*objects: str, stream: bytes = b"") -> bytes:
    """Return a PDF of these objects, numbered from 1 (the catalogue); the last may be followed by a packed stream."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    if stream:
        places.append(len(out))
        packed = zlib.compress(stream, 9)
        out += f"{len(objects) + 1} 0 obj\n<</Length {len(packed)}/Filter/FlateDecode>>\nstream\n".encode()
        out += packed + b"\nendstream\nendobj\n"
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{rows}".encode()
    out += f"trailer<</Size {len(places) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()
    return bytes(out)


CATALOGUE = "<</Type/Catalog/Pages 2 0 R>>"
PAGES = "<</Type/Pages/Kids[3 0 R]/Count 1>>"
FONT = "<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"


def page(box: str = "0 0 595 842", more: str = "", resources: str = FONT) -> str:
    return f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Resources{resources}/Contents 4 0 R{more}>>"


SHOWN = b"BT /F 12 Tf 72 700 Td (Ke hoach hanh dong cua tinh) Tj ET\n"

SMALL: dict[str, tuple[str, Callable[[], bytes]]] = {
    "Word, entity outside": ("a.docx", lambda: word(
        "<w:p><w:r><w:t>&x;</w:t></w:r></w:p>" + PARAGRAPH, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>')),
    "Word, billion laughs": ("a.docx", lambda: word(f"<w:p><w:r><w:t>&e11;</w:t></w:r></w:p>{PARAGRAPH}", f"<!DOCTYPE a [{LAUGHS}]>")),
    "Word, wide cell": ("a.docx", lambda: word(
        '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr>' + PARAGRAPH + "</w:tc></w:tr></w:tbl>")),
    "Word, span of letters": ("a.docx", lambda: word(
        '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="-x"/></w:tcPr>' + PARAGRAPH + "</w:tc></w:tr></w:tbl>")),
    "Word, no body": ("a.docx", lambda: word("").replace(b"w:body", b"w:bods")),
    "Word, two documents": ("a.docx", lambda: word(PARAGRAPH, **{"word/document.xml": b"<a/>"})),
    "Word, broken numbers": ("a.docx", lambda: word(PARAGRAPH, **{"word/numbering.xml": b"<w:numbering"})),
    "Word, path upwards": ("a.docx", lambda: word(PARAGRAPH, **{"../../../tmp/x": b"x"})),
    "PDF, tree in a circle": ("a.pdf", lambda: pdf(CATALOGUE, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 5>>")),
    "PDF, parents in a circle": ("a.pdf", lambda: pdf(
        CATALOGUE, PAGES, "<</Type/Page/Parent 3 0 R/Contents 4 0 R>>", stream=SHOWN)),
    "PDF, 100,000 pages claimed": ("a.pdf", lambda: pdf(
        CATALOGUE, "<</Type/Pages/Kids[3 0 R]/Count 100000>>", page(), stream=SHOWN)),
    "PDF, 1,900 pages claimed": ("a.pdf", lambda: pdf(
        CATALOGUE, "<</Type/Pages/Kids[3 0 R]/Count 1900>>", page(), stream=SHOWN)),
    "PDF, fewer pages than none": ("a.pdf", lambda: pdf(CATALOGUE, "<</Type/Pages/Kids[3 0 R]/Count -1>>", page(), stream=SHOWN)),
    "PDF, huge page": ("a.pdf", lambda: pdf(CATALOGUE, PAGES, page("0 0 99999999 99999999"), stream=SHOWN)),
    "PDF, page without size": ("a.pdf", lambda: pdf(CATALOGUE, PAGES, page("0 0 0 0"), stream=SHOWN)),
    "PDF, page inside out": ("a.pdf", lambda: pdf(CATALOGUE, PAGES, page("595 842 0 0", "/Rotate 91"), stream=SHOWN)),
    "PDF, form in itself": ("a.pdf", lambda: pdf(
        CATALOGUE, PAGES, page(resources="<</XObject<</X 5 0 R>>>>"),
        "<</Length 5>>stream\n/X Do\nendstream",
        "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 5>>stream\n/X Do\nendstream")),
    "HTML, billion laughs": ("a.html", lambda: f"<!DOCTYPE a [{LAUGHS}]><html><body>&e11; chữ</body></html>".encode()),
    "HTML, outside": ("a.html", lambda: '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><iframe src="file:///etc/passwd"></iframe>&x; chữ'.encode()),
    "Word 97, cut": ("a.doc", lambda: (FILES / "binh-duong.doc").read_bytes()[:1000]),
    "Word 97, zeros": ("a.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20_000)),
    "half a letter, UTF-16": ("a.txt", lambda: b"\xff\xfe" + "Kế".encode("utf-16-le") + b"\x00\xd8" + b"a\x00"),
    "half a letter, HTML": ("a.html", lambda: "<p>chữ &#xD800; &#xDFFF; &#x110000; &#0;</p>".encode()),
    "zeros": ("a.txt", lambda: bytes(10_000)),
}  # fmt: skip
LARGE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "Word, bomb": ("a.docx", lambda: word(PARAGRAPH, **{"word/bomb.xml": bytes(270_000_000)})),
    "Word, bomb in the document": ("a.docx", lambda: word(PARAGRAPH * 200_000)),
    "Word, size that lies": ("a.docx", lambda: with_size_that_lies(word(PARAGRAPH * 200_000))),
    "Word, 6,000 parts": ("a.docx", lambda: word(PARAGRAPH, **{f"word/p{n}.xml": b"<a/>" for n in range(6000)})),
    "Word, 10,000 tables in one another": ("a.docx", lambda: word("<w:tbl><w:tr><w:tc>" * 10_000 + PARAGRAPH + "</w:tc></w:tr></w:tbl>" * 10_000)),
    "Word, 100 tables in one another": ("a.docx", lambda: word("<w:tbl><w:tr><w:tc>" * 100 + PARAGRAPH + "</w:tc></w:tr></w:tbl>" * 100)),
    "Word, 100,000 runs in one another": ("a.docx", lambda: word("<w:p>" + "<w:ins>" * 100_000 + "</w:ins>" * 100_000 + "</w:p>")),
    "Word, 100,000 attributes": ("a.docx", lambda: word("<w:p " + " ".join(f'a{n}=""' for n in range(100_000)) + "/>" + PARAGRAPH)),
    "Word, 20,000 columns": ("a.docx", lambda: word(f"<w:tbl><w:tr>{f'<w:tc>{PARAGRAPH}</w:tc>' * 20_000}</w:tr></w:tbl>")),
    "PDF, bomb": ("a.pdf", lambda: pdf(CATALOGUE, PAGES, page(), stream=b" " * 300_000_000 + SHOWN)),
    "PDF, letters over one another": ("a.pdf", lambda: pdf(CATALOGUE, PAGES, page(), stream=SHOWN * 20_000)),
    "PDF, 200,000 rules": ("a.pdf", lambda: pdf(
        CATALOGUE, PAGES, page(), stream=b"".join(b"%d %d m %d %d l S\n" % (n % 500, n % 800, n % 500 + 30, n % 800) for n in range(20_000)) + SHOWN)),
    "PDF, a grid of 10,000 cells": ("a.pdf", lambda: pdf(
        CATALOGUE, PAGES, page(), stream=b"".join(b"0 %d m 595 %d l S %d 0 m %d 842 l S\n" % (n * 8, n * 8, n * 6, n * 6) for n in range(100)) + SHOWN)),
    "PDF, arrays in one another": ("a.pdf", lambda: pdf(CATALOGUE, "[" * 100_000 + "]" * 100_000)),
    "HTML, 5,000 deep": ("a.html", lambda: ("<div>" * 5000 + "chữ").encode()),
    "HTML, 5,000 deep, ends of others": ("a.html", lambda: ("<div>" * 5000 + "</b>" * 1_000_000 + "chữ").encode()),
    "HTML, attributes between slashes": ("a.html", lambda: f"<div/{'/'.join(f'a{n}' for n in range(100_000))}>chữ".encode()),
    "HTML, attributes against each other": ("a.html", lambda: ("<div " + "".join(f'a{n}=""' for n in range(100_000)) + ">chữ").encode()),
    "HTML, spaces as they are": ("a.html", lambda: ("<pre>" + (" " * 300_000 + "x") * 3 + "chữ").encode()),
    "HTML, spaces in a cell": ("a.html", lambda: ("<table><tr><td>a<td>" + "<b> </b>" * 200_000 + "chữ</table>").encode()),
    "HTML, declaration of spaces": ("a.html", lambda: ("<?xml" + " " * 1_000_000 + "chữ").encode()),
    "HTML, wide and tall cells": ("a.html", lambda: ("<table>" + ("<tr>" + "<td rowspan=1000 colspan=1000>chữ" * 5) * 1000).encode()),
    "one sign of 18 letters": ("a.txt", lambda: ("\ufdfa" * 100_000).encode()),
    "one line of 10 MB": ("a.txt", lambda: ("từ " * 2_000_000).encode()),
    "one word of 2 MB": ("a.txt", lambda: ("từ" * 500_000).encode()),
    "one word of 2 MB, plain": ("a.md", lambda: b"a" * 2_000_000),
    "marks on one letter": ("a.txt", lambda: ("a" + "\u0301\u0323" * 200_000 + " chữ").encode()),
    "100,000 numbered lines": ("a.txt", lambda: "".join(f"{n % 90}. việc\n" for n in range(100_000)).encode()),
    "100,000 dashes": ("a.txt", lambda: "- việc\n".encode() * 100_000),
    "20,000 tables": ("a.md", lambda: "| a | việc |\n\n".encode() * 20_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    opened = Worker(Limits(seconds=SECONDS, ocr_seconds=5))
    yield opened
    opened.close()


def outcome(worker: Worker, data: bytes, name: str) -> Document | str:
    """Return the document or why there is none; fails where a reader broke or took too long."""
    try:
        return worker.parse(data, name)
    except UnreadableError as error:
        said = str(error)
    assert 5 < len(said) < 500, said[:1000]
    assert said.isprintable(), repr(said)
    for fault in ("broke the reader", "reader was killed", "reading it took"):
        assert fault not in said, said
    return said


@pytest.mark.parametrize("case", [*SMALL, *LARGE])
def test_hostile_files_are_read_or_refused_in_time(worker: Worker, case: str) -> None:
    name, make = (SMALL | LARGE)[case]
    got = outcome(worker, make(), name)
    if isinstance(got, Document):
        assert "root:" not in got.text
        assert "lollol" not in got.text
        assert len(got.text) < 20_000_000


def test_text_5000_elements_deep_is_kept(worker: Worker) -> None:
    got = outcome(worker, ("<div>" * 5000 + "<p>chữ ở dưới cùng").encode(), "a.html")
    assert isinstance(got, Document)
    assert got.text.strip() == "chữ ở dưới cùng"


def damaged(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return ``data`` flipped, cut, doubled, cut off or grown together with ``other``."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        place, length = chance.randrange(len(changed) + 1), chance.choice((1, 4, 64, 1024))
        kind = chance.randrange(6)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place:place] = chance.randbytes(min(length, 64))
        elif kind == 3:
            changed[place:place] = changed[place : place + length] * 3
        elif kind == 4:
            del changed[max(1, place) :]
        else:
            cut = chance.randrange(len(other))
            changed[place:] = other[cut : cut + 20_000]
    return bytes(changed)


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_hostile_files_are_read_or_refused(seed: int) -> None:
    kept = [(name, make()) for name, make in SMALL.values()]
    kept += [(path.name, path.read_bytes()[:6000]) for path in sorted(SAMPLES.iterdir())[:8]]

    def run(half: int) -> list[str]:
        faults = []
        worker = Worker(Limits(seconds=SECONDS, ocr_seconds=5))
        for number in range(half, 500, 2):
            chance = random.Random(f"{seed}-{number}")
            (name, data), (_, other) = chance.choice(kept), chance.choice(kept)
            try:
                outcome(worker, damaged(data, other, chance), name)
            except AssertionError as error:
                faults.append(f"case {seed}-{number} ({name}): {str(error)[:300]}")
        worker.close()
        return faults

    with ThreadPoolExecutor(2) as pool:
        assert [fault for faults in pool.map(run, (0, 1)) for fault in faults] == []


LINES = st.lists(
    st.one_of(
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60),
        st.sampled_from(
            ["KẾ HOẠCH", "I. MỤC TIÊU", "1. Mục tiêu chung", "1.1. Đến năm 2025", "a) Tập huấn", "- Sở Công Thương", "+ Giảm 5%", "",
             "| TT | Nhiệm vụ |", "| 1 | Trồng rừng |", "Nơi nhận:", "TM. ỦY BAN NHÂN DÂN", "Điều 1. Phạm vi", "PHỤ LỤC I", "Số: 5/KH-UBND",
             "Căn cứ Luật số 5;", "trồng cây và", "<!--", "-->", "**đậm", "2021", "- ", "1.", "UBND TỈNH BÌNH DƯƠNG", "\\r\\n", "a\fb"]
        ),
    ),
    max_size=25,
).map("\n".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from(["a.txt", "a.md"]))
def test_what_is_read_stands_where_it_says_and_nothing_is_lost(text: str, name: str) -> None:
    try:
        document = parse(read_bytes(text.encode(), name))
    except UnreadableError as error:
        said = str(error)
        assert said.isprintable(), repr(said)
        return
    ids = [paragraph.id for paragraph in document.paragraphs]
    assert len(set(ids)) == len(ids)
    assert [paragraph.ordinal for paragraph in document.paragraphs] == list(range(1, len(ids) + 1))
    found = "".join(
        filter(str.isalnum, "".join([s.text for s in document.skipped] + [p.text for p in document.paragraphs]))
    )
    for line in document.text.split("\n"):
        for cell in line.split("|"):
            assert "".join(filter(str.isalnum, cell)) in found
    place = 0
    for paragraph in document.paragraphs:
        assert place <= paragraph.start < paragraph.end <= len(document.text)
        place = paragraph.start
        passage = document.text[paragraph.start : paragraph.end]
        if "|" not in passage:
            # In order and complete, but for lines between that were skipped with a reason, such as page numbers.
            letters = iter(passage)
            assert all(letter in letters for letter in filter(str.isalnum, paragraph.text))


def test_reading_takes_time_in_step_with_length() -> None:
    for unit, name in (("Sở Công Thương chủ trì, phối hợp tập huấn.\n", "a.txt"), ("<p>Sở Công Thương chủ trì.</p>", "a.html"),
                       ("| 1 | Tập huấn | 2025 |\n", "a.md"), ("từ", "a.txt")):  # fmt: skip
        seconds = []
        for times in (4_000, 32_000):
            began = time.perf_counter()
            parse(read_bytes((unit * times).encode(), name))
            seconds.append(time.perf_counter() - began)
        assert seconds[1] < 24 * max(seconds[0], 0.05), (unit, seconds)

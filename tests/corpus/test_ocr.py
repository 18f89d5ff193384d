"""Recognition of scanned pages: how right it is, what a reader is told without it, and that it ends in time."""

from __future__ import annotations

import io
import re
import subprocess
import time
from pathlib import Path

import pypdfium2
import pytest

from corpus import ocr
from corpus.files import UnreadableError
from corpus.pdf import pdf_text
from corpus.read import read, read_bytes
from corpus.worker import Limits, Worker

FILES = Path(__file__).parent / "files"
SCAN, TEXT = FILES / "binh-duong-scan.pdf", FILES / "binh-duong.pdf"


@pytest.fixture
def installed() -> None:
    if missing := ocr.missing():
        pytest.skip(f"{missing} is not installed; {ocr.NEEDS}")


def joined(*pages: tuple[Path, int]) -> bytes:
    """Return a PDF of these pages, each a file and a place in it."""
    document, out = pypdfium2.PdfDocument.new(), io.BytesIO()
    for path, place in pages:
        document.import_pages(pypdfium2.PdfDocument(path), [place])
    document.save(out)
    return out.getvalue()


def edits(a: str, b: str) -> int:
    """Return how many characters must be put in, taken out or replaced to make ``a`` into ``b``."""
    row = list(range(len(b) + 1))
    for place, mine in enumerate(a, 1):
        above, row[0] = row[0], place
        for column, other in enumerate(b, 1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (mine != other))
    return row[-1]


def without_spaces(text: str) -> str:
    # Where a line of the paper ends is no error, nor is a rule under a name, which is often typed as dashes.
    return re.sub(r"\s|-{3,}", "", text)


def running() -> str:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if "kehoach-ocr-" in line)


def test_edits_are_counted() -> None:
    assert [edits("mèo", "mèo"), edits("", "ab"), edits("kế hoạch", "ke hoạc")] == [0, 2, 2]


def test_a_page_at_200_dpi_has_under_1_5_percent_wrong_characters(installed: None) -> None:
    plan = read(TEXT)
    meant, got = without_spaces(plan.text[: plan.pages[1]]), without_spaces(read(SCAN).text)
    assert edits(got, meant) / len(meant) <= 0.015


def test_only_pictures_are_recognised(installed: None) -> None:
    source = read_bytes(joined((TEXT, 1), (SCAN, 0), (TEXT, 2)), "a.pdf")
    assert source.notes == ("page 2 read by text recognition (OCR)",)
    first, second, third = (
        without_spaces(source.text[a:b]) for a, b in zip(source.pages, (*source.pages[1:], None), strict=True)
    )
    pages = [without_spaces(page) for page in pdf_text(TEXT.read_bytes()).text.split("\f")[:3]]
    assert [first, third] == pages[1:]
    assert edits(second, pages[0]) / len(pages[0]) <= 0.015


@pytest.mark.parametrize(
    ("found", "program", "languages", "lacking"),
    [(None, "/usr/bin/tesseract", "vie", "ocrmypdf"), (object(), None, "vie", "tesseract"),
     (object(), "/usr/bin/tesseract", "eng\nosd", "the Vietnamese data of tesseract"),
     (object(), "/usr/bin/tesseract", "eng\nvie", None)],
)  # fmt: skip
def test_what_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, found: object, program: str | None, languages: str, lacking: str | None
) -> None:
    monkeypatch.setattr(ocr, "find_spec", lambda name: found)
    monkeypatch.setattr(ocr.shutil, "which", lambda name: program)
    listed = subprocess.CompletedProcess([], 0, f"List of available languages (2):\n{languages}\n", "")
    monkeypatch.setattr(ocr.subprocess, "run", lambda *args, **kwargs: listed)
    assert ocr.missing() == lacking


def test_without_tesseract_a_scan_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "missing", lambda: "tesseract")
    with pytest.raises(UnreadableError) as refused:
        read(SCAN)
    said = str(refused.value)
    assert said.startswith("page 1 only pictures and not read: tesseract is not installed")
    assert "Debian packages tesseract-ocr and tesseract-ocr-vie" in said
    assert "kehoach[ocr]" in said
    assert len(said) < 500


def test_without_tesseract_the_pages_of_text_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "missing", lambda: "tesseract")
    source = read_bytes(joined((SCAN, 0), (TEXT, 0), (SCAN, 0), (TEXT, 1)), "a.pdf")
    assert [note.split(":")[0] for note in source.notes] == ["pages 1, 3 only pictures and not read"]
    assert "tesseract-ocr-vie" in source.notes[0]
    assert len(source.pages) == 4
    # A page that was not read is empty.
    assert source.text[source.pages[0] : source.pages[1]].strip() == ""
    assert source.text[source.pages[2] : source.pages[3]].strip() == ""
    plan = read(TEXT)
    assert without_spaces(source.text) == without_spaces(plan.text[: plan.pages[2]])


def test_recognition_ends_in_time_and_leaves_nothing_running(installed: None) -> None:
    data = joined(*[(SCAN, 0)] * 40)
    began = time.monotonic()
    with pytest.raises(ocr.OcrError, match=r"recognition took over 1 seconds"):
        ocr.recognise(data, 1)
    assert time.monotonic() - began < 15
    # A test of another file may recognise a page meanwhile; the twelve pages of this one would take longer.
    while running() and time.monotonic() - began < 22:
        time.sleep(0.2)
    assert running() == ""


def test_a_worker_keeps_the_text_of_a_file_whose_pictures_take_too_long(installed: None) -> None:
    worker = Worker(Limits(ocr_seconds=1))
    document = worker.parse(joined((TEXT, 0), *[(SCAN, 0)] * 12), "a.pdf")
    worker.close()
    assert document.metadata.number == "5308/KH-UBND"
    assert document.notes[0].endswith("not read: recognition took over 1 seconds")


def test_a_failure_is_told_in_a_line(installed: None) -> None:
    with pytest.raises(ocr.OcrError, match=r"^recognition failed: .{5,250}$"):
        ocr.recognise(b"no PDF")

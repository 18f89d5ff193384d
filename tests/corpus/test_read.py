"""Reading: what counts as text, what is refused and why, and pages made to hurt."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import files
from corpus.files import UnreadableError
from corpus.parse import parse
from corpus.read import read, read_bytes
from corpus.ready import read_ready
from nlp.normalize import normalize

SENTENCE = "Sở Xây dựng hướng dẫn dùng vật liệu không nung."


@pytest.mark.parametrize(
    "data",
    [SENTENCE.encode(), SENTENCE.encode("utf-8-sig"), SENTENCE.encode("utf-16")],
)
def test_encodings_read_alike(data: bytes) -> None:
    assert read_bytes(data, "a.txt").text == SENTENCE


def test_windows_1258_reads_as_vietnamese() -> None:
    decomposed = "Sơ\u0309 Xây dư\u0323ng hươ\u0301ng dâ\u0303n dùng vâ\u0323t liê\u0323u không nung."
    assert read_bytes(decomposed.encode("cp1258"), "a.txt").text == normalize(decomposed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04rest", "archive"),
        (b"a\x00b", "binary"),
        (b"\xff\xfea", "UTF-16"),
        (b"\x81\x8d\x8f\x90 abc", "unknown encoding"),
        (b"12 / 34 --", "no words"),
        (b"<!-- only a comment -->", "no words"),
    ],
)
def test_refused_bytes_name_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_bytes(data, "a.txt")


def test_page_of_navigation_only_has_no_words() -> None:
    page = b"<html><body><nav><a>Trang</a></nav><footer>Lien he</footer><script>var a</script></body></html>"
    with pytest.raises(UnreadableError, match="no words"):
        read_bytes(page, "a.html")


def test_too_large_fails_by_size_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    with file.open("wb") as sparse:
        sparse.truncate(files.MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read before its size was known"))
    with pytest.raises(UnreadableError, match="more than the limit"):
        read(file)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.exe"])
def test_unknown_kinds_name_the_accepted_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableError, match=r"\.html"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["folder.txt", "missing.txt"])
def test_folders_and_missing_files_cannot_be_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(UnreadableError, match="cannot be opened"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("second", "reason"),
    [("{broken", "line 2 is not JSON"), ('{"id": "x"}', "line 2 has no id or no text"), ("[1]", "line 2 has no id"),
     ('{"id": "x", "text": "a", "year": "2020"}', "line 2: heading_path")],
)  # fmt: skip
def test_broken_ready_line_is_named(tmp_path: Path, second: str, reason: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"id": 1, "text": "một"}}\n{second}\n', encoding="utf-8")
    with pytest.raises(UnreadableError, match=reason):
        list(read_ready(file))


def test_ready_rows_keep_their_ids(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 7, "text": " một\\n hai ", "doc": "d", "year": 2021}\n\n', encoding="utf-8")
    (row,) = read_ready(file)
    assert (row.id, row.doc, row.text, row.year) == ("7", "d", "một hai", 2021)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(UnreadableError, match="empty"):
        list(read_ready(file))


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
HOSTILE = {
    "deep divs": "<div>" * 100_000 + "chữ" + "</div>" * 100_000,
    "deep furniture": '<div class="menu">' * 100_000 + "chữ",
    "deep tables": "<table><tr><td>" * 40_000 + "chữ",
    "deep inline": "<b>" * 200_000 + "chữ",
    "billion laughs": f"<!DOCTYPE a [{ENTITIES}]><html><body>&e11; chữ</body></html>",
    "billion laughs, XML": f'<?xml version="1.0"?><!DOCTYPE a [{ENTITIES}]><html><body>&e11; chữ</body></html>',
    "huge attribute": '<div class="' + "menu " * 2_000_000 + '">chữ</div>',
    "many attributes": "<div " + " ".join(f'a{n}="x"' for n in range(100_000)) + ">chữ</div>",
    "many bare attributes": "<div " + " ".join(f"a{n}" for n in range(100_000)) + ">chữ</div>",
    "open comments": "<!--" * 1_000_000 + "chữ",
    "open tags": '<a b="' * 500_000 + "chữ",
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_pages_end_soon_in_text_or_a_reason(page: str) -> None:
    began = time.perf_counter()
    try:
        source = read_bytes(page.encode(), "a.html")
    except UnreadableError:
        pass
    else:
        assert len(source.text) < 10_000_000
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "text", ["**a " * 100_000, "*a " * 100_000, "[" * 500_000 + "a", "<!--" * 500_000 + "a", "|\n" * 100_000 + "a"]
)
def test_hostile_markdown_ends_soon(text: str) -> None:
    began = time.perf_counter()
    parse(read_bytes(text.encode(), "a.md"))
    assert time.perf_counter() - began < 2


def test_markdown_loses_marks_and_keeps_lines() -> None:
    text = "# Tên\n\n**In đậm\nqua dòng** và *nghiêng*, [liên kết](http://x.vn) ![ảnh](a.png)\n\n* gạch\n\\- không"
    assert read_bytes(text.encode(), "a.md").text.split("\n") == [
        "Tên", "", "In đậm qua dòng và nghiêng, liên kết", "", "- gạch", "- không",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        "| TT | Việc | Hạn |\n|---|---|---|\n| 1 | Tập huấn | 2025 |\n| 2 | | 2026 |",
        "|\n**TT**\n|\nViệc\n|\nHạn\n|\n|\n1\n|\nTập\nhuấn\n|\n2025\n|\n|\n2\n|\n|\n2026\n|",
    ],
    ids=["rows between bars", "bars alone"],
)
def test_both_forms_of_tables_become_a_line_a_row(table: str) -> None:
    lines = [line for line in read_bytes(table.encode(), "a.md").text.split("\n") if line]
    assert lines[:2] == ["TT | Việc | Hạn", "1 | Tập huấn | 2025"]
    assert lines[2].replace("|", " ").split() == ["2", "2026"]


def test_html_rows_are_data_and_heads_are_lines() -> None:
    page = """<html><body><table><tr><td><b>ỦY BAN NHÂN DÂN<br>TỈNH LÀO CAI</b></td><td>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM</td></tr></table>
    <p>Đoạn <i>một</i>.</p><table><tr><th>TT</th><th>Nhiệm vụ</th></tr><tr><td>1</td><td>Trồng <b>rừng</b></td></tr></table></body></html>"""
    lines = [line for line in read_bytes(page.encode(), "a.html").text.split("\n") if line]
    assert lines == [
        "ỦY BAN NHÂN DÂN",
        "TỈNH LÀO CAI",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Đoạn một.",
        "TT | Nhiệm vụ",
        "1 | Trồng rừng",
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)),
    st.sampled_from(["a.txt", "a.md", "a.html"]),
)
def test_any_bytes_are_a_document_or_unreadable(data: bytes, name: str) -> None:
    try:
        source = read_bytes(data, name)
    except UnreadableError:
        return
    parse(source)

"""Exporting: what each form holds, texts a spreadsheet would run, limits of a workbook, and files replaced only whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from corpus.store import Filter, Store
from corpus.types import Tag
from service.errors import NothingUsableError, UsageError
from service.exporting import COLUMNS, export
from service.forms import document_form, paragraph_form, target_form
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

ALL = Filter()
ROWS = [
    {"id": "a#1", "doc": "A", "province": "Cao Bằng", "year": 2024, "heading_path": ["II. Nhiệm vụ", "1. Năng lượng"],
     "text": '=HYPERLINK("http://x.example","Đến năm 2025 có ít nhất 60% siêu thị thay túi ni lông")'},
    {"id": "a#2", "doc": "A", "province": "Cao Bằng", "year": 2024, "text": "- Lắp điện mặt trời, từ 10 đến 12,5 MW năm 2026."},
    {"id": "b#1", "doc": "B", "province": "Cà Mau", "year": 2025, "text": "http://x.example\x01 thu gom rác thải đạt 85% vào năm 2025."},
]  # fmt: skip


def filled(home: Path, warm: Workspace, rows: list[dict[str, object]]) -> Workspace:
    told: list[str] = []
    space = Workspace(warm.settings.model_copy(update={"home": home / "home"}), told.append)
    space.__dict__ |= {
        "told": told,
        "groups": warm.groups,
        "tagger": warm.tagger,
        "embedder": warm.embedder,
        "default_embedder": warm.embedder,
    }
    file = home / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert all(report.outcome == "added" for report in ingest([file], space))
    return space


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Workspace]:
    settings = Settings(home=tmp_path_factory.mktemp("warm"), cache=cache)
    space = filled(tmp_path_factory.mktemp("export"), Workspace(settings), ROWS)
    yield space
    space.close()


def json_rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_json_lines_are_the_forms_unmodified(stored: Workspace, tmp_path: Path) -> None:
    files = export(stored, tmp_path / "new" / "folder", "jsonl", ALL)
    assert [file.name for file in files] == ["documents.jsonl", "paragraphs.jsonl", "targets.jsonl"]
    documents, paragraphs, targets_ = map(json_rows, files)
    assert documents == [document_form(document) for document in stored.store.documents()]
    found = stored.store.paragraphs()
    assert [{k: v for k, v in row.items() if k != "tags"} for row in paragraphs] == [paragraph_form(p) for p in found]
    assert [row["text"] for row in paragraphs if row["document_id"] == "A"] == [ROWS[0]["text"], ROWS[1]["text"]]
    for row, paragraph in zip(paragraphs, found, strict=True):
        assert [Tag(**tag) for tag in row["tags"]] == stored.store.tags_of(paragraph.key)
    expected = [(p.id, t) for p in found for t in stored.store.targets_of(p.key)]
    assert len(expected) >= 2
    for row, (paragraph_id, target) in zip(targets_, expected, strict=True):
        assert row["paragraph_id"] == paragraph_id
        assert target_form(target).items() <= row.items()


def test_columns_are_the_field_names_of_the_forms(stored: Workspace) -> None:
    paragraph = stored.store.paragraph("a#1")
    target = stored.store.targets_of(paragraph.key)[0]
    assert list(COLUMNS["documents"]) == list(document_form(stored.store.documents()[0]))
    assert list(COLUMNS["paragraphs"]) == list(paragraph_form(paragraph))
    assert list(COLUMNS["targets"])[4:] == list(target_form(target))


def test_csv_reads_in_a_spreadsheet_and_runs_nothing(stored: Workspace, tmp_path: Path) -> None:
    files = export(stored, tmp_path, "csv", ALL)
    assert all(file.read_bytes().startswith(b"\xef\xbb\xbf") for file in files)
    documents, paragraphs, targets_ = map(csv_rows, files)
    assert {(d["document_id"], d["year"], d["paragraphs"]) for d in documents} == {
        ("A", "2024", "2"),
        ("B", "2025", "1"),
    }
    first, second = (p for p in paragraphs if p["document_id"] == "A")
    assert (first["text"], second["text"]) == (f"'{ROWS[0]['text']}", f"'{ROWS[1]['text']}")
    assert first["heading_path"] == "II. Nhiệm vụ > 1. Năng lượng"
    tag = {t.task_group: t for t in stored.store.tags_of(stored.store.paragraph("a#2").key)}["renewable_energy"]
    assert float(second["probability.renewable_energy"]) == tag.probability
    assert (second["source.renewable_energy"], second["model_id.renewable_energy"]) == ("model", tag.model_id)
    assert "renewable_energy" in second["task_groups"].split("; ")
    assert [t["values"] for t in targets_] == ["60.0", "10; 12.5", "85.0"]
    assert [t["comparator"] for t in targets_] == [">=", "range", "="]
    cells = [cell for rows in (documents, paragraphs, targets_) for row in rows for cell in row.values()]
    assert not [cell for cell in cells if len(cell) > 1 and cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_workbook_has_sheets_of_texts_and_numbers(stored: Workspace, tmp_path: Path) -> None:
    (file,) = export(stored, tmp_path / "plans.xlsx", "xlsx", ALL)
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == list(COLUMNS)
    for name, columns in COLUMNS.items():
        sheet = book[name]
        assert [cell.value for cell in sheet[1]][: len(columns)] == list(columns)
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
    rows = [
        dict(zip([c.value for c in book["paragraphs"][1]], row, strict=True)) for row in book["paragraphs"].iter_rows(2)
    ]
    by_id = {row["paragraph_id"].value: row for row in rows}
    formula, link = by_id["a#1"]["text"], by_id["b#1"]["text"]
    assert (formula.value, formula.data_type, formula.hyperlink) == (ROWS[0]["text"], "s", None)
    assert (link.value, link.data_type, link.hyperlink) == (ROWS[2]["text"].replace("\x01", ""), "s", None)
    assert by_id["a#1"]["year"].value == 2024
    probability = by_id["a#2"]["probability.renewable_energy"].value
    tag = {t.task_group: t for t in stored.store.tags_of(stored.store.paragraph("a#2").key)}["renewable_energy"]
    assert probability == pytest.approx(tag.probability)
    assert [row[6].value for row in book["targets"].iter_rows(2)] == [60, "10; 12.5", 85]


def test_texts_too_long_for_a_cell_are_cut_in_a_workbook_only_and_counted(tmp_path: Path, stored: Workspace) -> None:
    long = "Tuyên truyền về rác thải. " * 2_000
    space = filled(tmp_path, stored, [{"id": "l", "text": long}, {"id": "m", "text": "Tái chế."}])
    (file,) = export(space, tmp_path / "l.xlsx", "xlsx", ALL)
    text = COLUMNS["paragraphs"].index("text")
    rows = openpyxl.load_workbook(file)["paragraphs"].iter_rows(2, values_only=True)
    texts = {row[0]: row[text] for row in rows}
    assert texts == {"l": long[:32_767], "m": "Tái chế."}
    assert [what for what in space.told if "cut" in what] == [
        "1 texts are longer than a cell of Excel may be and were cut; csv and jsonl have them whole"
    ]
    assert json_rows(export(space, tmp_path / "j", "jsonl", ALL)[1])[0]["text"] == long.strip()
    space.close()


@pytest.mark.parametrize(
    ("only", "paragraphs"),
    [
        (Filter(province="Cao Bằng"), {"a#1", "a#2"}),
        (Filter(year=2025), {"b#1"}),
        (Filter(document_id="B"), {"b#1"}),
        (Filter(task_group="renewable_energy"), {"a#2"}),
    ],
)
def test_only_what_passes_with_its_documents(stored, tmp_path: Path, only: Filter, paragraphs: set[str]) -> None:
    documents, found, targets_ = map(json_rows, export(stored, tmp_path, "jsonl", only))
    assert {row["paragraph_id"] for row in found} == paragraphs
    assert {row["document_id"] for row in documents} == {row["document_id"] for row in found}
    assert {row["paragraph_id"] for row in targets_} <= paragraphs


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_what_is_there_stays_until_all_is_written(stored: Workspace, tmp_path: Path, form) -> None:
    destination = tmp_path / "out.xlsx" if form == "xlsx" else tmp_path
    files = export(stored, destination, form, ALL)
    before = {file: file.read_bytes() for file in files}

    class Breaking(Store):
        def targets_by_key(self, keys):
            raise OSError(28, "No space left on device")

    broken = Workspace(stored.settings)
    broken.__dict__["store"] = Breaking(stored.settings.database_url)
    with pytest.raises(NothingUsableError, match="cannot be written: No space left"):
        export(broken, destination, form, ALL)
    with pytest.raises(NothingUsableError, match="nothing to export"):
        export(stored, destination, form, Filter(province="Hà Giang"))
    broken.close()
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    export(stored, destination, form, Filter(year=2025))
    assert all(file.read_bytes() != content for file, content in before.items())


def test_files_hold_one_state_of_the_store(tmp_path: Path, stored: Workspace) -> None:
    class Busy(Store):
        changes = 1

        def tags_by_key(self, keys):
            if Busy.changes:
                Busy.changes -= 1
                assert self.delete("A" if self.document("A") else "none")
            return super().tags_by_key(keys)

    space = filled(tmp_path, stored, ROWS)
    busy = Workspace(space.settings)
    busy.__dict__["store"] = Busy(space.settings.database_url)
    documents, paragraphs, _ = map(json_rows, export(busy, tmp_path / "out", "jsonl", ALL))
    assert [row["document_id"] for row in documents] == ["B"]
    assert [row["paragraph_id"] for row in paragraphs] == ["b#1"]
    busy.close()
    space.close()


def test_the_wrong_kind_of_destination_is_named(stored: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    (tmp_path / "folder.xlsx").mkdir()
    for destination, form in ((file, "csv"), (file, "jsonl"), (file, "xlsx"), (tmp_path / "folder.xlsx", "xlsx")):
        with pytest.raises(UsageError, match=destination.name):
            export(stored, destination, form, ALL)
    with pytest.raises(NothingUsableError, match="cannot be written"):
        export(stored, file / "below", "csv", ALL)

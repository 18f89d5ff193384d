"""Write what is stored to files for other programs: CSV, an Excel workbook, JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from uuid import uuid4

from corpus.store import Filter, Store
from service.errors import NothingUsableError, UsageError
from service.forms import Form, document_form, paragraph_form, tag_form, target_form
from service.workspace import Tell, Workspace

Format = Literal["csv", "xlsx", "jsonl"]
Columns = Mapping[str, Sequence[str]]
Put = Callable[[str, Form], None]
Cell = str | int | float | None

# The columns of each table: the field names of service/forms.py, in its order.
COLUMNS: Columns = {
    "documents": (
        "document_id", "source", "number", "type", "title", "province", "province_today", "issuing_body", "signer",
        "date_issued", "year", "period", "based_on", "notes", "conflicts", "paragraphs",
    ),
    "paragraphs": (
        "paragraph_id", "document_id", "province", "province_today", "year", "number", "kind", "heading_path",
        "page", "agencies", "task_groups", "text",
    ),
    "targets": (
        "paragraph_id", "document_id", "province", "year", "indicator", "comparator", "values", "unit", "deadline",
        "scope", "span",
    ),
}  # fmt: skip
# In the paragraphs table, each of these once for every task group: probability.awareness and so on.
TAG_COLUMNS = ("probability", "source", "model_id")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_ATTEMPTS = 3
_WIDTHS = {"text": 100, "title": 60, "indicator": 60, "heading_path": 50, "paragraph_id": 45, "document_id": 35,
           "source": 35, "issuing_body": 25, "scope": 25, "based_on": 25, "agencies": 25, "notes": 25,
           "conflicts": 25}  # fmt: skip
_WIDTH = 15


def export(workspace: Workspace, destination: Path, form: Format, only: Filter) -> list[Path]:
    """Write the documents, paragraphs and targets that pass ``only``; return the files written.

    ``csv`` and ``jsonl`` write ``documents``, ``paragraphs`` and ``targets`` with that suffix into the folder
    ``destination``, ``xlsx`` writes the file ``destination`` with a sheet for each. A document counts when one of its
    paragraphs passes; its number of ``paragraphs`` is that of all it has.

    jsonl: one JSON object a line, values as stored; a paragraph has ``tags`` with task_group, probability, assigned,
    source and model_id.

    csv and xlsx: the columns of COLUMNS, and for paragraphs those of TAG_COLUMNS for every task group of the taxonomy
    (a group that is stored but no longer in the taxonomy shows in ``task_groups`` only). Lists are one cell, joined by
    "; " (``heading_path`` by " > "); numbers are numbers, also ``values`` where it holds just one.

    csv: UTF-8 with a byte-order mark, commas, points in numbers. A text that a spreadsheet would run as a formula, one
    that starts with = + - @ tab or carriage return and goes on, has an apostrophe put before it; programs that need the
    text as it is read jsonl.

    xlsx: texts are texts and never formulas or links, hence nothing is put before them. Excel keeps 32,767 characters
    a cell; longer texts are cut there and the workspace is told how many.

    The files hold one state of the store, read document by document. They are written under temporary names beside
    their own and renamed at the end, each at once, replacing what is there; a failure leaves those as they were.

    Raises UsageError for a destination of the wrong kind, NothingUsableError where nothing passes, a file cannot be
    written, a sheet is full, or the store changes faster than it can be read.
    """
    files = _files(destination, form)
    columns = _with_tags(COLUMNS, [group.key for group in workspace.groups])
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
        with _replacing(files) as parts:
            _write(workspace, lambda: _SINKS[form](parts, columns, workspace.tell), only)
    except OSError as error:
        raise NothingUsableError(f"{destination}: cannot be written: {error.strerror or error}") from error
    return files


def write_table(file: Path, table: str, columns: Sequence[str], rows: Iterable[Form], tell: Tell) -> None:
    """Write one table to ``file``, as CSV, Excel workbook or JSON lines by the end of its name, with the rules of ``export``.

    Raises UsageError for another ending, NothingUsableError where the file cannot be written or a sheet is full.
    """
    form = file.suffix.lower().removeprefix(".")
    sink = next((sink for name, sink in _SINKS.items() if name == form), None)
    if sink is None or file.is_dir():
        raise UsageError(
            f"{file}: a table is written to a file whose name ends in {', '.join(f'.{f}' for f in _SINKS)}"
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _replacing([file]) as parts, sink(parts, {table: columns}, tell) as put:
            for row in rows:
                put(table, row)
    except OSError as error:
        raise NothingUsableError(f"{file}: cannot be written: {error.strerror or error}") from error


def _files(destination: Path, form: Format) -> list[Path]:
    if form != "xlsx":
        if destination.exists() and not destination.is_dir():
            raise UsageError(f"{destination} is a file; {form} is written to a folder, existing or new")
        return [destination / f"{table}.{form}" for table in COLUMNS]
    if destination.suffix.lower() != ".xlsx" or destination.is_dir():
        raise UsageError(f"{destination}: a workbook is written to a file whose name ends in .xlsx")
    return [destination]


def _with_tags(columns: Columns, groups: Sequence[str]) -> Columns:
    by_group = [f"{name}.{group}" for name in TAG_COLUMNS for group in groups]
    return {**columns, "paragraphs": (*columns["paragraphs"], *by_group)}


@contextmanager
def _replacing(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Give temporary names beside ``files``; rename them into place at the end, remove them after a failure."""
    mark = uuid4().hex[:8]
    parts = [file.with_name(f".{file.name}.{mark}.part") for file in files]
    try:
        yield parts
        for part, file in zip(parts, files, strict=True):
            part.replace(file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _write(workspace: Workspace, sink: Callable[[], AbstractContextManager[Put]], only: Filter) -> None:
    store = workspace.store
    for _ in range(_ATTEMPTS):
        content, some = store.content, False
        with sink() as put:
            for table, form in _rows(store, only):
                put(table, form)
                some = True
        if not some:
            raise NothingUsableError("nothing to export: no paragraph passes")
        if store.content == content:
            return
    raise NothingUsableError(f"the store changed while it was read, {_ATTEMPTS} times over; export when it is quiet")


def _rows(store: Store, only: Filter) -> Iterator[tuple[str, Form]]:
    """Yield (table, form) of all that passes, a document at a time."""
    for document in store.documents(only.province):
        if only.document_id not in (None, document.id):
            continue
        members = store.paragraphs(replace(only, document_id=document.id))
        if not members:
            continue
        yield "documents", document_form(document)
        keys = [paragraph.key for paragraph in members]
        tags, targets = store.tags_by_key(keys), store.targets_by_key(keys)
        for paragraph in members:
            form = paragraph_form(paragraph)
            of_paragraph = {name: form[name] for name in COLUMNS["targets"][:4]}
            tag_forms = [
                {**tag_form(t), "source": t.source, "model_id": t.model_id} for t in tags.get(paragraph.key, ())
            ]
            yield "paragraphs", {**form, "tags": tag_forms}
            for target in targets.get(paragraph.key, ()):
                yield "targets", {**of_paragraph, **target_form(target)}


@contextmanager
def _json_lines(parts: Sequence[Path], columns: Columns, _tell: Tell) -> Iterator[Put]:
    with ExitStack() as stack:
        files = {
            table: stack.enter_context(part.open("w", encoding="utf-8", newline="\n"))
            for table, part in zip(columns, parts, strict=True)
        }

        def put(table: str, form: Form) -> None:
            files[table].write(json.dumps(form, ensure_ascii=False) + "\n")

        yield put


@contextmanager
def _comma_separated(parts: Sequence[Path], columns: Columns, _tell: Tell) -> Iterator[Put]:
    with ExitStack() as stack:
        writers = {}
        for table, part in zip(columns, parts, strict=True):
            writers[table] = csv.writer(stack.enter_context(part.open("w", encoding="utf-8-sig", newline="")))
            writers[table].writerow(columns[table])

        def put(table: str, form: Form) -> None:
            writers[table].writerow([_harmless(cell) for cell in _cells(form, columns[table])])

        yield put


@contextmanager
def _workbook(parts: Sequence[Path], columns: Columns, tell: Tell) -> Iterator[Put]:
    # Imported here: nothing else needs it.
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import XlsxWriterException

    cut = 0
    last = dict.fromkeys(columns, 0)

    def put(table: str, form: Form) -> None:
        nonlocal cut
        last[table] += 1
        for column, cell in enumerate(_cells(form, columns[table])):
            if cell is None:
                continue
            write = sheets[table].write_string if isinstance(cell, str) else sheets[table].write_number
            outcome = write(last[table], column, cell)
            if outcome == -1:
                raise NothingUsableError(f"more {table} than the {last[table]:,} rows of a sheet; choose csv or jsonl")
            cut += outcome == -2

    with TemporaryDirectory() as scratch:
        # Closed only when all went well: closing writes the file, from scratch files that a full disk may have cut.
        book = Workbook(str(parts[0]), {"constant_memory": True, "tmpdir": scratch})
        sheets = {table: _new_sheet(book, table, names) for table, names in columns.items()}
        yield put
        for table, names in columns.items():
            sheets[table].autofilter(0, 0, last[table], len(names) - 1)
        try:
            book.close()
        except XlsxWriterException as error:
            raise NothingUsableError(f"{parts[0].parent}: the workbook cannot be written: {error}") from error
    if cut:
        tell(f"{cut} texts are longer than a cell of Excel may be and were cut; csv and jsonl have them whole")


def _new_sheet(book: Any, table: str, names: Sequence[str]) -> Any:
    sheet = book.add_worksheet(table)
    bold, probability = book.add_format({"bold": True}), book.add_format({"num_format": "0.000"})
    for column, name in enumerate(names):
        width = _WIDTHS.get(name, max(_WIDTH, len(name) + 4))
        sheet.set_column(column, column, width, probability if name.startswith("probability.") else None)
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    return sheet


def _cells(form: Form, columns: Sequence[str]) -> list[Cell]:
    by_group = {f"{name}.{tag['task_group']}": tag[name] for tag in form.get("tags", ()) for name in TAG_COLUMNS}
    flat = form | by_group
    return [_cell(name, flat.get(name)) for name in columns]


def _cell(name: str, value: Any) -> Cell:
    if isinstance(value, list) and not (name == "values" and len(value) == 1):
        parts = (f"{part:.15g}" if isinstance(part, float) else str(part) for part in value)
        return (" > " if name == "heading_path" else "; ").join(parts)
    cell: Cell = value[0] if isinstance(value, list) else value
    return cell


def _harmless(cell: Cell) -> Cell:
    # A sign alone, such as the comparator "=", is no formula.
    return f"'{cell}" if isinstance(cell, str) and len(cell) > 1 and cell.startswith(_FORMULA_STARTS) else cell


_SINKS: Mapping[Format, Callable[[Sequence[Path], Columns, Tell], AbstractContextManager[Put]]] = {
    "csv": _comma_separated,
    "jsonl": _json_lines,
    "xlsx": _workbook,
}

"""Write the tables of Markdown and HTML as lines: a data row becomes one line, a layout table the lines of its cells.

Offices lay out the head and the foot of a text with tables; those cells are lines of their own, not rows of data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nlp.fold import fold

Row = list[str]
CELL = " | "
_MAX_COLUMNS = 200
_LAYOUT = re.compile(
    r"cong hoa xa hoi|doc lap\s*[-–—]\s*tu do|noi nhan\s*:|(?:^|\n)\W*so\s*:|(?:^|\n)\W*(?:tm|kt|tl|q)\s*\.\s*\w|"
    r"(?:^|\n)\W*(?:pho )?chu tich\W*(?:\n|$)"
)
_COUNTED = re.compile(r"\W*(?:\d{1,3}(?:\.\d{1,3})*|[IVX]{1,5}|[A-H])\W*")


@dataclass(frozen=True)
class Cell:
    """A cell as written in a file: its text, how many columns and rows it spans, whether it only continues the one above."""

    text: str
    columns: int = 1
    rows: int = 1
    continues: bool = False


def spread(rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """Return a cell for every row and column: one that spans rows says its text in each, one that spans columns in its first."""
    spread_rows: list[Row] = []
    reaching: dict[int, tuple[int, str]] = {}
    for row in rows:
        cells: Row = []
        waiting = list(row)
        while waiting or any(column >= len(cells) for column in reaching):
            left, text = reaching.get(len(cells), (0, ""))
            if left:
                reaching[len(cells)] = (left - 1, text)
                if left == 1:
                    del reaching[len(cells)]
                cells.append(text)
                continue
            if not waiting:
                cells.append("")
                continue
            cell = waiting.pop(0)
            above = spread_rows[-1] if spread_rows else []
            text = above[len(cells)] if cell.continues and len(cells) < len(above) else cell.text
            for place in range(min(cell.columns, _MAX_COLUMNS - len(cells))):
                if cell.rows > 1:
                    reaching[len(cells)] = (cell.rows - 1, "" if place else text)
                cells.append("" if place else text)
            if len(cells) >= _MAX_COLUMNS:
                break
        spread_rows.append(cells)
    return spread_rows


def table_lines(rows: list[Row]) -> str:
    """Return the text of a table whose cells may hold line ends: a line a row, or a line a cell for a layout table."""
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    whole = fold("\n".join(cell for row in rows for cell in row))
    if _LAYOUT.search(whole) or all(len(row) == 1 for row in rows):
        return "\n" + "\n\n".join(cell.strip() for row in rows for cell in row if cell.strip()) + "\n"
    return "\n" + "\n".join(CELL.join(" ".join(cell.split()) for cell in row).strip() for row in rows) + "\n"


def join_cells(text: str) -> str:
    """Return ``text`` with its tables of bars written by ``table_lines``.

    Both usual forms are read: a row a line between bars, and a bar alone on its line between cells of several lines.
    """
    out: list[str] = []
    table: list[Row] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        stripped = lines[place].strip()
        if stripped == "|" and (end := _bars_end(lines, place)) > place:
            out.append(table_lines(_bar_rows(lines[place:end])))
            place = end
            continue
        row = _row(stripped)
        if row is not None:
            table.append(row)
        elif table:
            out.append(table_lines(_without_rule(table)))
            table = []
        if row is None:
            out.append(lines[place])
        place += 1
    if table:
        out.append(table_lines(_without_rule(table)))
    return re.sub(r"(?i)<br\s*/?>", "\n", "\n".join(out))


def _row(line: str) -> Row | None:
    if len(line) < 3 or not (line.startswith("|") and line.endswith("|")):
        return None
    return [re.sub(r"(?i)<br\s*/?>", "\n", cell).strip() for cell in line[1:-1].split("|")]


def _without_rule(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]


def _bars_end(lines: list[str], start: int) -> int:
    """Return the place after the last lone bar of a table begun at ``start``; ``start`` where there is no table."""
    end, bars, blanks = start, 0, 0
    for place in range(start, len(lines)):
        stripped = lines[place].strip()
        blanks = blanks + 1 if not stripped else 0
        if stripped == "|":
            end, bars = place + 1, bars + 1
        elif place == end and not stripped:
            # A blank line after a closing bar ends the table.
            break
        if blanks > 2 or place - end > 120:
            break
    return end if bars >= 3 else start


def _bar_rows(lines: list[str]) -> list[Row]:
    """Return the rows of a table whose bars stand alone; two bars in a row end a row or enclose an empty cell."""
    cells = "\n".join(line.strip() for line in lines).strip("\n")
    tokens = [cell.strip() for cell in re.split(r"^\|$", cells, flags=re.MULTILINE)]
    fragments: list[Row] = []
    row: Row = []
    for token in tokens:
        if token:
            row.append(token)
        elif row:
            fragments.append(row)
            row = []
    width = len(fragments[0]) if fragments else 0
    rows: list[Row] = []
    for fragment in fragments:
        # The rest of a row after an empty cell does not begin with a number.
        if rows and len(rows[-1]) + 1 + len(fragment) == width and not _COUNTED.fullmatch(fragment[0]):
            rows[-1] += ["", *fragment]
        else:
            rows.append(fragment)
    return rows

"""Show the figures of `kehoach evaluate tags` as tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from corpus.taxonomy import TaskGroup
from models.evaluate import MEASURES


def show_tags(figures: Mapping[str, Any], groups: Sequence[TaskGroup], console: Console) -> None:
    """Show what ``evaluate_tags`` returned as tables: by task group, confusion with none, by genre."""
    names = {group.key: group.name_vi for group in groups}
    none = figures["none"]
    console.print(
        f"tagger {figures['model_id']} on {figures['paragraphs']} paragraphs of {figures['documents']} documents; "
        f"{none['support']} want no label, {none['wrongly_tagged']} of them were given one; "
        f"{none['wrongly_untagged']} want one and were given none",
        markup=False,
    )
    for table in (_measures_table(figures, names), _confusion_table(figures, names), _genres_table(figures, names)):
        if table.row_count:
            console.print(table)
    resampling = figures["resampling"]
    console.print(
        f"Below each figure its 95 % interval: {resampling['resamples']} resamples by document. ECE is the expected "
        "calibration error over 10 bins of equal width. A dash is a figure that is not defined here.",
        style="dim",
    )


def _measures_table(figures: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    table = _table("By task group", ("precision", "recall", "F1", "average precision", "ECE", "wanted"))
    for key, row in figures["task_groups"].items():
        table.add_row(names[key], *(_cell(row, measure) for measure in MEASURES), str(row["support"]))
    table.add_section()
    table.add_row("macro average", *(_cell(figures["macro"], measure) for measure in MEASURES), "", style="bold")
    return table


def _confusion_table(figures: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    heads = {
        "wanted_and_given": "wanted, given",
        "given_though_none_wanted": "given, none wanted",
        "given_though_others_wanted": "given, others wanted",
        "missed_to_none": "missed, none given",
        "missed_to_others": "missed, others given",
    }
    table = _table("Paragraphs given and missed", heads.values())
    for key, row in figures["task_groups"].items():
        table.add_row(names[key], *(str(row["confusion_with_none"][head]) for head in heads))
    return table


def _genres_table(figures: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    keys = list(figures["task_groups"])
    table = _table("F1 by genre", ("rows", "macro", *(names[key] for key in keys), "none, tagged"))
    for genre, part in figures["genres"].items():
        none = f"{part['none']['wrongly_tagged']}/{part['none']['support']}"
        cells = (_cell(part["task_groups"][key], "f1") for key in keys)
        table.add_row(Text(genre or "(no genre)"), str(part["paragraphs"]), _cell(part["macro"], "f1"), *cells, none)
    return table


def _table(title: str, heads: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right", vertical="top")
    return table


def _cell(row: Mapping[str, Any], measure: str) -> Text:
    """Return a figure with its interval below it."""
    value, interval = row[measure], row["intervals"][measure]
    cell = Text("–" if value is None else f"{value:.3f}")
    if value is not None and interval is not None:
        cell.append("\n" + "–".join(f"{bound:.2f}".removeprefix("0") for bound in interval), style="not bold dim")
    return cell

"""Show results in a terminal: tables, marked snippets, comparisons. Data goes to standard output, all else to standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from corpus.taxonomy import TaskGroup

if TYPE_CHECKING:
    from corpus.changes import Change
    from index.align import Side
    from index.search import Result
    from nlp.sentences import Span
    from service.comparing import Compared
    from service.ingest import FileReport

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
# What is said of words that the other clause has otherwise or not at all, and how they are shown.
_MARKS = {"changed": ("worded otherwise", "bold yellow"), "added": ("only here", "underline green")}
_NATIONAL = "nearly word for word from Decision 889"
_OUTCOMES = {"added": "green", "updated": "green", "unchanged": "dim", "duplicate": "yellow", "failed": "red"}


def print_json(data: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(data, ensure_ascii=False, indent=1))  # noqa: T201 - machine-readable output


def print_lines(rows: Iterable[Any]) -> None:
    """Print JSON lines."""
    for row in rows:
        print(json.dumps(row, ensure_ascii=False), flush=True)  # noqa: T201 - machine-readable output


def chips(keys: Sequence[str], groups: Sequence[TaskGroup]) -> Text:
    """Return task groups as coloured chips."""
    text = Text()
    for group, colour in zip(groups, _COLOURS * len(groups), strict=False):
        if group.key in keys:
            text.append(f" {group.name_vi} ", style=f"reverse {colour}").append(" ")
    return text


def show_report(report: FileReport) -> None:
    """Show what became of one file, in a line."""
    line = Text(f"{report.outcome:>9}  ", style=_OUTCOMES[report.outcome])
    line.append(report.file, style="bold")
    if report.document_id and report.outcome != "failed":
        line.append(
            f"  {report.document_id}  {report.paragraphs} paragraphs, {report.skipped} lines left out", style="dim"
        )
    for remark in (report.reason, *report.notes):
        line.append(f"  {remark}" if remark else "", style="yellow" if remark in report.notes else "")
    err.print(line, soft_wrap=True)


def show_changes(changes: Sequence[Change]) -> None:
    """Show what changed between two versions of a document."""
    for change in changes:
        side = change.after or change.before
        anchor = side.id.partition("#")[2] if side else ""
        out.print(Text(f"{change.kind}  {anchor}", style="bold"))
        if change.before:
            out.print(_indented(Text(change.before.text, style="red")))
        if change.after:
            out.print(_indented(Text(change.after.text, style="green")))
    if not changes:
        out.print("no paragraph changed")


def show_result(result: Result, groups: Sequence[TaskGroup], *, explain: bool = False) -> None:
    """Show an answered query; ``explain`` adds what each leg says of a hit."""
    query = result.query
    out.print(
        Text(f"“{query.typed}”", style="bold"),
        Text(f"  {len(result.hits)} hits in {result.took_ms:.0f} ms", style="dim"),
    )
    for name, value in (
        ("read as", query.corrected or query.restored or query.translated),
        ("province", query.province),
        ("year", query.year),
    ):
        if value:
            out.print(Text(f"  {name}: {value}", style="dim"))
    for rank, hit in enumerate(result.hits, 1):
        paragraph = hit.paragraph
        place = ", ".join(str(part) for part in (paragraph.province, paragraph.number, paragraph.year) if part)
        head = Text(f"{rank:>3}. ", style="bold").append(place or paragraph.document_id, style="bold")
        head.append(f"  {hit.score:.0%} likely  ", style="dim").append_text(chips(paragraph.groups, groups))
        out.print(head)
        snippet = Text(hit.snippet.text)
        for start, end in hit.snippet.marks:
            snippet.stylize("bold underline", start, end)
        out.print(_indented(snippet))
        out.print(_indented(Text(paragraph.id, style="dim")))
        if explain:
            legs = ", ".join(f"{leg} rank {rank} ({hit.scores[leg]:g})" for leg, rank in hit.ranks.items())
            out.print(_indented(Text(legs, style="dim")))
    if not result.hits:
        out.print("  nothing found")


def _indented(text: Text) -> Table:
    grid = Table.grid()
    grid.add_column(width=5)
    grid.add_column()
    grid.add_row("", text)
    return grid


def show_comparison(compared: Compared, limit: int) -> None:
    """Show at most ``limit`` aligned pairs and as many clauses that only one province or plan has."""
    a, b, comparison = compared.a.title, compared.b.title, compared.clauses
    out.print(
        Text(f"{a} ↔ {b}", style="bold"),
        Text(
            f"  {len(comparison.aligned)} clauses in both, {len(comparison.only_a)} only in {a}, "
            f"{len(comparison.only_b)} only in {b}",
            style="dim",
        ),
    )
    if comparison.aligned and out.is_terminal:
        out.print(Text("Marked: ", style="dim"), *(Text(told, style=style) for told, style in _MARKS.values()))
    for pair in comparison.aligned[:limit]:
        table = Table(show_header=True, expand=True, title=f"similarity {pair.similarity:.2f}", title_justify="left")
        table.add_column(a, ratio=1)
        table.add_column(b, ratio=1)
        spans = [(change.a, change.b) for change in pair.changes]
        table.add_row(_differing(pair.a.text, spans), _differing(pair.b.text, [(b, a) for a, b in spans]))
        for difference in pair.differs:
            sides = (Text(f"{difference.kind}: {side or '—'}") for side in (difference.a, difference.b))
            table.add_row(*sides, style="yellow")
        for of_a, of_b in zip_longest(pair.also_a, pair.also_b):
            table.add_row(*(Text(f"also: {side.text}" if side else "") for side in (of_a, of_b)), style="dim")
        if pair.national:
            table.caption = _NATIONAL
        out.print(table)
    for name, only in ((a, comparison.only_a), (b, comparison.only_b)):
        _show_only(name, only, limit)


def _show_only(name: str, only: Sequence[Side], limit: int) -> None:
    if only:
        out.print(Text(f"Only in {name}:", style="bold"))
    for side in only[:limit]:
        line = Text(f"  • {side.text}")
        out.print(line.append(f"  ({_NATIONAL})", style="dim") if side.national else line)
    if len(only) > limit:
        out.print(Text(f"  … and {len(only) - limit} more", style="dim"))


def _differing(text: str, spans: Sequence[tuple[Span | None, Span | None]]) -> Text:
    """Return ``text`` with the changed passages marked; ``spans`` are each passage's own span and that of the other clause."""
    marked = Text(text)
    for own, other in spans:
        if own:
            marked.stylize(_MARKS["changed" if other else "added"][1], *own)
    return marked


def show_inspection(form: Mapping[str, Any]) -> None:
    """Show what was read from one document."""
    for name, value in form["metadata"].items():
        out.print(f"{name:>15}  {value if value not in (None, []) else '—'}", markup=False)
    for paragraph in form["paragraphs"]:
        line = Text(f"\n{paragraph['id'].partition('#')[2]}  ", style="bold")
        line.append(f"{paragraph['kind']}  ", style="dim")
        line.append(", ".join(t["task_group"] for t in paragraph["tags"] if t["assigned"]), style="green")
        out.print(line)
        out.print(Text(paragraph["text"]))
        for t in paragraph["targets"]:
            values = " - ".join(f"{value:g}" for value in t["values"])
            out.print(
                Text(
                    f"  target: {t['comparator']} {values} {t['unit']}  {t['indicator']}  ({t['deadline'] or '—'})",
                    style="yellow",
                )
            )
    out.print(Text(f"\nLeft out: {len(form['skipped'])} lines", style="bold"))
    for skipped in form["skipped"]:
        out.print(Text(f"{skipped['line']:>5}  {skipped['reason']}: {skipped['text'][:100]}", style="dim"))

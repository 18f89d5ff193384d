"""The commands that look over all plans: families, gaps, coverage, targets of one indicator, a report on two provinces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.errors import NothingUsableError, UsageError
from service.options import Json, JsonLines, Province, say, workspace
from service.rows import read_rows

AsPublished = Annotated[
    bool, typer.Option("--as-published", help="Count plans for the 63 provinces that published them, not today's 34.")
]
Least = Annotated[int, typer.Option(min=2, help="Only what at least so many provinces have.")]
Shown = Annotated[int, typer.Option("-k", "--limit", min=1, help="How many to show; --json has all.")]
Language = Annotated[Literal["vi", "en"], typer.Option("--lang", help="Language of pictures and reports.")]


def _output(endings: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        "-o", "--output", metavar="FILE", help=f"Write it to a file {endings}."
    )
    return option


Table = Annotated[Path | None, _output(".csv, .xlsx or .jsonl")]
TableOrPicture = Annotated[Path | None, _output(".svg, .csv, .xlsx or .jsonl")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (families, gaps, coverage, targets, report):
        app.command()(command)


def families(
    least: Least = 2,
    limit: Shown = 20,
    as_published: AsPublished = False,
    output: Table = None,
    json: Json = False,
) -> None:
    """List the obligations that several provinces share: who has them since when, and who sets the strongest target."""
    from index.view import View
    from service.overview_files import write_families
    from service.overview_forms import summary_form
    from service.overview_show import show_families
    from service.overviews import families_of
    from service.show import print_json

    with workspace() as space:
        found = families_of(space.families, View(as_published), least)
    if output:
        write_families(output, found, say)
    if json:
        print_json([summary_form(summary) for summary in found])
    elif not output:
        show_families(found, limit)


def gaps(
    province: Annotated[str, typer.Argument(metavar="PROVINCE")],
    region: Annotated[
        bool, typer.Option("--region/--all", help="Against the provinces of its region, or against all.")
    ] = False,
    least: Least = 2,
    limit: Shown = 20,
    as_published: AsPublished = False,
    json: Json = False,
) -> None:
    """List what other provinces oblige to and this one does not, what most of them have first."""
    from index.view import View
    from service.overview_forms import gap_form
    from service.overview_show import show_gaps
    from service.overviews import gaps_of
    from service.show import print_json

    with workspace() as space:
        found = gaps_of(space, space.families, province, View(as_published), least, in_region=region)
    if json:
        print_json({"province": found.province, "region": found.region, "gaps": [gap_form(gap) for gap in found.gaps]})
    else:
        show_gaps(found, limit)


def coverage(
    as_published: AsPublished = False, output: TableOrPicture = None, lang: Language = "vi", json: Json = False
) -> None:
    """Count the paragraphs of each province by task group, kind and year."""
    from index.coverage import coverage as count
    from index.view import View
    from service.charts import coverage_chart
    from service.overview_files import write_coverage, write_picture
    from service.overview_forms import coverage_form
    from service.overview_show import show_coverage
    from service.show import print_json

    with workspace() as space:
        rows, groups = count(space.store, View(as_published)), space.groups
    if output and output.suffix.lower() == ".svg":
        write_picture(output, coverage_chart(rows, groups, lang))
    elif output:
        write_coverage(output, rows, groups, say)
    if json:
        print_json({"provinces": [coverage_form(row, groups) for row in rows]})
    elif not output:
        show_coverage(rows, groups)


def targets(
    batch: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help='Find those of paragraphs, {"id", "text"} a line.')
    ] = None,
    indicator: Annotated[
        str | None,
        typer.Option(help='Compare those of the provinces for one indicator: its key, words of its name, or "all".'),
    ] = None,
    province: Province = None,
    as_published: AsPublished = False,
    output: TableOrPicture = None,
    lang: Language = "vi",
    json: Json = False,
    jsonl: JsonLines = False,
) -> None:
    """Find the targets in paragraphs, or compare those that provinces set for the same indicator."""
    if (batch is None) == (indicator is None):
        raise UsageError("give either --batch FILE.jsonl or --indicator NAME")
    if batch:
        _find(batch, jsonl=jsonl)
    else:
        _compare(indicator or "", province, output, lang, as_published=as_published, json=json or jsonl)


def _find(batch: Path, *, jsonl: bool) -> None:
    from corpus.targets import find_targets
    from service.forms import target_form
    from service.show import out, print_lines

    rows = read_rows(batch, ("id", "text"))
    forms = [
        {"id": r["id"], "targets": [target_form(t) for t in find_targets(r["text"], r.get("heading_path") or ())]}
        for r in rows
    ]
    if jsonl:
        print_lines(forms)
        return
    for form in forms:
        for t in form["targets"]:
            values = " - ".join(f"{value:g}" for value in t["values"])
            out.print(
                f"{form['id']}  {t['comparator']} {values} {t['unit']}  {t['indicator']}  ({t['deadline'] or 'no deadline'})"
            )


def _compare(
    name: str, province: str | None, output: Path | None, lang: str, *, as_published: bool, json: bool
) -> None:
    from index.ambition import history
    from index.view import View
    from service.charts import indicator_chart
    from service.overview_files import write_aims, write_picture
    from service.overview_forms import indicator_form
    from service.overview_show import show_aims
    from service.overviews import aims_of
    from service.show import print_json

    with workspace() as space:
        found = aims_of(space, View(as_published), None if name == "all" else name, province)
    if not found:
        raise NothingUsableError(f"no target of the store measures {name}; `kehoach targets --indicator all` shows all")
    if output and output.suffix.lower() == ".svg":
        if len(found) > 1:
            keys = ", ".join(indicator.key for indicator, _ in found)
            raise UsageError(f"a picture shows one indicator, {name!r} means {len(found)}: {keys}")
        write_picture(output, indicator_chart(*found[0], lang))
    elif output:
        write_aims(output, [aim for _, of in found for aim in of], say)
    if json:
        print_json([indicator_form(indicator, of, history(of)) for indicator, of in found])
    elif not output:
        for indicator, of in found:
            show_aims(indicator, of, history(of), lang)


def report(
    a: Annotated[str, typer.Argument(metavar="PROVINCE")],
    b: Annotated[str, typer.Argument(metavar="PROVINCE")],
    output: Annotated[Path, _output(".html or .pdf (with Chromium)")],
    as_published: AsPublished = False,
    lang: Language = "vi",
) -> None:
    """Write one page on two provinces to print: what both say, what differs, what only one has, their targets."""
    from index.view import View
    from service.report import write_report

    with workspace() as space:
        write_report(space, a, b, View(as_published), output, lang)
    say(f"written {output}")

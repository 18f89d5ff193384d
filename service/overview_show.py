"""Show families, gaps, coverage and targets in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from corpus.national import Indicator
from corpus.taxonomy import TaskGroup
from corpus.types import Target
from index.ambition import Aim, Step
from index.coverage import Row
from index.gaps import Summary
from index.statements import Statement
from service.overviews import Gaps
from service.show import out


def show_families(found: Sequence[Summary], limit: int) -> None:
    """Show at most ``limit`` families."""
    for summary in found[:limit]:
        head = Text(f"{len(summary.places):>3} provinces  ", style="bold").append(summary.title, style="bold")
        out.print(head.append(f"  {summary.family.id}", style="dim"))
        places = ", ".join(summary.places)
        out.print(
            Text(f"      {places}; {summary.earliest.document.year or '?'} to {summary.latest.document.year or '?'}")
        )
        if summary.strongest:
            out.print(Text(f"      strongest: {_strongest(summary.strongest)}", style="yellow"))
    _rest(len(found), limit, "families")


def show_gaps(found: Gaps, limit: int) -> None:
    """Show at most ``limit`` gaps, each in a sentence."""
    scope = f"of {found.region}" if found.region else "of all"
    out.print(Text(f"{found.province}, against the provinces {scope}", style="bold"))
    for gap in found.gaps[:limit]:
        verdict = "yours comes near it" if gap.near else "yours does not"
        out.print(Text(f"{len(gap.having):>3} of {gap.of} have: {gap.summary.title}; {verdict}", style="bold"))
        out.print(Text(f"      {', '.join(gap.having)}", style="dim"))
        if gap.summary.strongest:
            out.print(Text(f"      strongest: {_strongest(gap.summary.strongest)}", style="yellow"))
        for statement in gap.near[:2]:
            out.print(Text(f"      near: {statement.text}", style="dim"))
    _rest(len(found.gaps), limit, "gaps")


def _rest(count: int, limit: int, what: str) -> None:
    if not count:
        out.print(f"no {what}")
    elif count > limit:
        out.print(Text(f"… and {count - limit} more; -k shows more, --json all", style="dim"))


def _strongest(strongest: tuple[Statement, Target]) -> str:
    statement, target = strongest
    by = f" by {target.deadline}" if target.deadline else ""
    return f"{statement.paragraph.province or '(national)'}, {_figure(target.values)} {target.unit}{by}"


def _figure(values: Sequence[float]) -> str:
    return " – ".join(f"{value:,.6g}" for value in values)


def show_coverage(rows: Sequence[Row], groups: Sequence[TaskGroup]) -> None:
    """Show counts and shares by province and task group."""
    table = Table(title="Paragraphs by province and task group", title_justify="left")
    table.add_column("Province")
    for group in groups:
        table.add_column(group.name_vi, justify="right")
    for name in ("All", "Plans", "Years"):
        table.add_column(name, justify="right", style="dim")
    for row in rows:
        name = row.province or "(national)"
        others = [place for place in row.published_as if place != row.province]
        cells = (f"{row.groups[group.key]} ({100 * row.share(group.key):.0f} %)" for group in groups)
        years = f"{min(row.years)}–{max(row.years)}" if len(row.years) > 1 else "".join(map(str, row.years))
        named = f"{name} ({', '.join(others)})" if others else name
        table.add_row(named, *cells, str(row.paragraphs), str(row.documents), years)
    out.print(table)


def show_aims(indicator: Indicator, found: Sequence[Aim], history: Mapping[str, Sequence[Step]], lang: str) -> None:
    """Show the targets of one indicator by rank, beside the national ones, and how they changed."""
    name = indicator.name_vi if lang == "vi" else indicator.name_en
    national = "; ".join(f"{year}: {_figure(values)}" for year, values in sorted(indicator.national.items()))
    table = Table(title=f"{name} ({indicator.unit})", title_justify="left", caption_justify="left")
    if national:
        table.caption = f"{indicator.source}: {national}"
    for column in ("Rank", "Province", "Plan", "Target", "By", "Against the national"):
        table.add_column(column, justify="left" if column == "Province" else "right")
    for aim in found:
        lead = "" if aim.lead is None else f"{aim.lead:+g}"
        sign = {">=": "≥ ", "<=": "≤ "}.get(aim.comparator, "")
        cells = (
            aim.place or "(national)",
            str(aim.document.year or ""),
            sign + _figure(aim.values),
            str(aim.due or ""),
        )
        table.add_row(str(aim.rank or ""), *cells, lead, style="" if aim.rank else "dim")
    out.print(table)
    for place, steps in history.items():
        said = ", ".join(
            f"{step.aim.document.year}: {_figure(step.aim.values)} by {step.aim.due or '?'}"
            + (f" ({step.change:+g})" if step.change else "")
            for step in steps
        )
        out.print(Text(f"  {place}: {said}", style="dim"))

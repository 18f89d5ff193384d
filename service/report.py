"""One page on two provinces, to print: as HTML that stands alone, as PDF by an installed Chromium, and as a web page."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from corpus.national import Indicator, indicators
from corpus.store import StoredDocument
from index.align import AlignedPair, Side, compare
from index.ambition import Aim, aims
from index.coverage import Row, coverage
from index.families import Families
from index.gaps import Summary, summarise
from index.statements import Statement
from index.view import View
from service.access import Space, may_read
from service.comparing import paragraphs_of, plans_of
from service.errors import NothingUsableError, UsageError
from service.finished import FinishedFamilies
from service.overviews import place_named
from service.pages import Language, render_text
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
# What fits on a page of A4.
_PAIRS = 4
_ONLY = 5
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PDF_SECONDS = 60


@dataclass(frozen=True)
class Part:
    """One of the two provinces: its plans, coverage, and the shared obligations that the other one lacks.

    ``only`` says of each obligation whether it is taken nearly word for word from the national decision; ``taken`` counts
    such clauses among the ``unmatched`` ones.
    """

    name: str
    documents: Sequence[StoredDocument]
    coverage: Row
    only: Sequence[tuple[Summary, bool]]
    unmatched: int
    taken: int


@dataclass(frozen=True)
class Report:
    """Two provinces on a page; ``targets`` has for each indicator the most ambitious targets of both, None where it has none."""

    parts: tuple[Part, Part]
    aligned: int
    pairs: Sequence[AlignedPair]
    targets: Sequence[tuple[Indicator, tuple[Aim | None, Aim | None]]]


def report_on(space: Workspace, families: Families, a: str, b: str, view: View) -> Report:
    """Return the report on two provinces. Raises UsageError for an unknown name or one province, NothingUsableError for none."""
    places = (place_named(space, a, view), place_named(space, b, view))
    if places[0] == places[1]:
        raise UsageError(f"{a} and {b} are both {places[0]} today; a report is on two provinces (or --as-published)")
    of_a, of_b = (paragraphs_of(space.store, place, view) for place in places)
    comparison = compare(*places, of_a, of_b, space.matcher)
    counted = {row.province: row for row in coverage(space.store, view)}
    shared = summarise(families.families, view)
    measured = [aim for aim in aims(space.store, view) if aim.rank and aim.place in places]
    own = {
        place: [summary for summary in shared if place in summary.places and other not in summary.places][:_ONLY]
        for place, other in (places, places[::-1])
    }
    parts = [
        Part(
            place,
            plans_of(space.store, place, view),
            counted[place],
            [(summary, _is_taken(summary.places[place], unmatched)) for summary in own[place]],
            len(unmatched),
            sum(side.national is not None for side in unmatched),
        )
        for place, unmatched in zip(places, (comparison.only_a, comparison.only_b), strict=True)
    ]
    targets = []
    for indicator in indicators():
        best = {aim.place: aim for aim in measured if aim.indicator.key == indicator.key}
        if best:
            targets.append((indicator, (best.get(places[0]), best.get(places[1]))))
    telling = sorted(comparison.aligned, key=lambda pair: (not pair.differs, -pair.similarity))
    return Report((parts[0], parts[1]), len(comparison.aligned), telling[:_PAIRS], targets)


def _is_taken(said: Sequence[Statement], clauses: Sequence[Side]) -> bool:
    """Tell whether all that a province says of an obligation stands in ``clauses`` taken from the national decision."""
    taken = [(side.paragraph.key, side.text) for side in clauses if side.national]
    # Statements and clauses are cut by different rules: one may hold the other.
    return all(any(key == s.paragraph.key and (text in s.text or s.text in text) for key, text in taken) for s in said)


def write_report(space: Workspace, a: str, b: str, view: View, file: Path, lang: str) -> None:
    """Write the report to an .html file, or to a .pdf file where Chromium is installed.

    Raises UsageError for another ending, NothingUsableError where it cannot be written, and as ``report_on``.
    """
    ending = file.suffix.lower()
    if ending not in (".html", ".pdf") or file.is_dir():
        raise UsageError(f"{file}: a report is written to a file whose name ends in .html or .pdf")
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if ending == ".pdf" and browser is None:
        raise NothingUsableError(
            f"{file}: a PDF needs Chromium or Chrome, which is not installed; write .html and print that from a browser"
        )
    page = _page(space, report_on(space, space.families, a, b, view), lang, standalone=True)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".html":
            file.write_text(page, encoding="utf-8")
        else:
            _print(browser or "", page, file)
    except OSError as error:
        raise NothingUsableError(f"{file}: cannot be written: {error.strerror or error}") from error


def _print(browser: str, page: str, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="kehoach-report-") as folder:
        source, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"]
        # Chromium refuses to run as root with its sandbox; the page is our own and has no scripts.
        options += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [browser, *options, f"--print-to-pdf={printed}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=_PDF_SECONDS, check=True)  # noqa: S603 - no shell, our own words
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise NothingUsableError(f"{file}: {browser} could not print it ({error}); write .html instead") from error
        if not printed.exists():
            raise NothingUsableError(f"{file}: {browser} printed nothing; write .html instead")
        shutil.copyfile(printed, file)


def _page(space: Workspace, report: Report, lang: str, *, standalone: bool) -> str:
    style = files("service").joinpath("static", "report.css").read_text(encoding="utf-8") if standalone else ""
    return render_text(space, "report.html", lang, report=report, style=style)


@router.get("/report")
def report_page(
    space: Space,
    made: FinishedFamilies,
    a: Annotated[str, Query(min_length=1, max_length=60)],
    b: Annotated[str, Query(min_length=1, max_length=60)],
    as_published: bool = False,
    lang: Language = "vi",
) -> HTMLResponse:
    """Show the report on two provinces, to print."""
    return HTMLResponse(_page(space, report_on(space, made.value, a, b, View(as_published)), lang, standalone=False))

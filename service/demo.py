"""The demonstration: the sample plans into a store of their own, then coverage, three searches and a comparison."""

from __future__ import annotations

import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from rich.rule import Rule
from rich.text import Text

from index.coverage import coverage
from index.view import View
from service.comparing import compare_named
from service.errors import NothingUsableError
from service.ingest import ingest
from service.overview_show import show_coverage
from service.settings import Settings
from service.show import err, out, show_comparison, show_report, show_result
from service.workspace import Workspace

QUERIES = (
    ("typed with diacritics", "siêu thị thay túi ni lông bằng bao bì thân thiện"),
    ("typed without", "nang luong mat troi"),
    ("in English", "training for enterprises on cleaner production"),
)
COMPARED = ("Cao Bằng", "Cà Mau")


def run(settings: Settings) -> None:
    """Run the demonstration in a temporary home; nothing of the user's is touched. Raises NothingUsableError."""
    with (
        tempfile.TemporaryDirectory(prefix="kehoach-demo-") as home,
        as_file(files("corpus").joinpath("samples")) as samples,
    ):
        chosen = settings.model_copy(update={"home": Path(home), "database": ""})
        space = Workspace(chosen, lambda what: err.print(Text(what, style="dim")))
        try:
            _show(space, samples)
        finally:
            space.close()
    out.print(Rule("Your turn", align="left"))
    out.print("Own files:   .venv/bin/kehoach ingest FILES_OR_FOLDERS   (.txt .md .html .jsonl)")
    out.print("Web page:    .venv/bin/kehoach serve   then open http://127.0.0.1:8000/   (or: make serve)")
    out.print("All else:    .venv/bin/kehoach --help")


def _show(space: Workspace, samples: Path) -> None:
    out.print(Rule("1. Reading, tagging and indexing the sample plans", align="left"))
    reports = list(ingest([samples], space))
    for report in reports:
        show_report(report)
    if any(report.outcome == "failed" for report in reports):
        raise NothingUsableError("the sample plans could not be read: the installation is damaged")
    space.build_index()
    out.print(Rule("2. Coverage", align="left"))
    show_coverage(coverage(space.store, View()), space.groups)
    out.print(Rule("3. Search by words and meaning", align="left"))
    for how, query in QUERIES:
        out.print(Text(how, style="italic"))
        show_result(space.searcher.search(query, 3), space.groups)
    out.print(Rule("4. Comparing two provinces", align="left"))
    show_comparison(compare_named(space, *COMPARED, View()), 3)

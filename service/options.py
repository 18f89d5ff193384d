"""What the commands share: their options, the workspace they open, progress on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from corpus.store import ProvinceAs
from corpus.types import Kind
from service.errors import NothingUsableError
from service.settings import settings
from service.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print JSON lines on standard output.")]
RowsFile = Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="JSON lines, or - for standard input.")]
Limit = Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="How many hits.")]
Province = Annotated[str | None, typer.Option(help="Only this province, by its name then or today.")]
ProvinceNamed = Annotated[
    ProvinceAs,
    typer.Option(
        "--province-as", help="By which name --province is meant: that a plan was published under, today's, either."
    ),
]
Year = Annotated[int | None, typer.Option(help="Only plans issued in, or running over, this year.")]
Group = Annotated[str | None, typer.Option("--task-group", help="Only paragraphs of this task group.")]

ParagraphKind = Annotated[Kind | None, typer.Option(help="Only paragraphs of this kind.")]
DocumentType = Annotated[str | None, typer.Option("--type", help='Only documents of this type, such as "Kế hoạch".')]
Region = Annotated[
    str | None, typer.Option(help='Only provinces of this region, such as "Tây Nguyên" or "tay nguyen".')
]
HasTarget = Annotated[
    bool | None, typer.Option("--has-target/--no-target", help="Only paragraphs with a target, or only those without.")
]


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Open the workspace of the settings and close it at the end."""
    from corpus.taxonomy import TaxonomyError
    from models.errors import ModelError

    with ExitStack() as shown:
        opened = Workspace(settings(), say, bars(shown))
        try:
            yield opened
        except (ModelError, TaxonomyError, ImportError) as error:
            raise NothingUsableError(str(error)) from error
        finally:
            opened.close()


def bars(shown: ExitStack) -> Callable[[str, int, int], None]:
    """Return what draws a bar for each thing that the workspace does; the first one opens the display in ``shown``."""
    opened: list[Progress] = []
    tasks: dict[str, TaskID] = {}

    def draw(what: str, done: int, total: int) -> None:
        if not opened:
            opened.append(shown.enter_context(progress("", quiet=False)))
        if what not in tasks:
            tasks[what] = opened[0].add_task(what)
        opened[0].update(tasks[what], completed=done, total=total, visible=done < total)

    return draw


def say(what: str) -> None:
    """Tell the user what is being done, on standard error."""
    sys.stderr.write(f"{what}\n")


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Progress]:
    """Show a progress bar on standard error, where that is a terminal."""
    from service.show import err

    columns = (TextColumn(f"{what} {{task.description}}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        yield bar


class Tally:
    """Shows on ``bar`` how many of the ``total`` files are done, how many a second, and how many failed."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("files", total=total)
        self._began = time.monotonic()
        self._done = self._failed = 0
        self._last: str | None = None

    def count(self, file: str, *, failed: bool) -> None:
        """Count a report; those of one file stand together."""
        self._done += file != self._last
        self._last = file
        self._failed += failed
        rate = self._done / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, completed=self._done, description=f"files, {rate:.1f}/s, {self._failed} failed")

"""The commands about what is kept: documents and their versions, series, deletion, export, a watched folder."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated, Literal

import typer

from service.errors import NothingUsableError
from service.filtering import filter_of
from service.options import Group, Json, JsonLines, Province, Year, progress, say, workspace

DocumentId = Annotated[
    str, typer.Argument(metavar="DOCUMENT", help="A document's id, as `kehoach documents` lists it.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (documents, series, versions, delete, restore, watch, export, reindex):
        app.command()(command)


def documents(
    province: Province = None,
    content: Annotated[
        bool,
        typer.Option(
            "--hash", help="Print one SHA-256 over all of them instead: stores that hold the same have the same."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List the documents in the store."""
    from corpus.content import content_hash
    from service.forms import document_form
    from service.show import out, print_json

    with workspace() as space:
        if content:
            found_hash = content_hash(space.store)
            print_json({"sha256": found_hash}) if json else out.print(found_hash)
            return
        found = space.store.documents(filter_of(space, province, None, None).province)
    if json:
        print_json([document_form(document) for document in found])
        return
    for document in found:
        out.print(f"{document.id}  {document.paragraphs} paragraphs  {document.title or ''}", markup=False)


def series(province: Province = None, json: Json = False) -> None:
    """List the base plans with the yearly plans that carry them out."""
    from corpus.series import series as group
    from service.show import out, print_json

    with workspace() as space:
        found = group(space.store.documents(filter_of(space, province, None, None).province))
    if json:
        print_json([{"base": base, "documents": list(members)} for base, members in found.items()])
        return
    for base, members in found.items():
        out.print("\n  ".join([base, *members[1:]]), markup=False)


def versions(
    document: DocumentId,
    number: Annotated[
        int | None, typer.Option("--changes", help="Show what changed from this version to the next.")
    ] = None,
    json: Json = False,
) -> None:
    """List the earlier versions of a document, or what changed after one."""
    from service.history import changes_form, changes_since, version_form
    from service.show import out, print_json, show_changes

    with workspace() as space:
        if number is not None:
            found = changes_since(space, document, number)
            print_json([changes_form(change) for change in found]) if json else show_changes(found)
            return
        kept = space.store.versions(document)
        current = space.store.document(document)
    if not kept and current is None:
        raise NothingUsableError(f"no document {document!r}; `kehoach documents` lists them")
    if json:
        print_json([version_form(version) for version in kept])
        return
    for version in kept:
        out.print(
            f"{version.number:>3}  {version.archived_at:%Y-%m-%d %H:%M}  {version.reason}  {version.source}  "
            f"{version.paragraphs} paragraphs",
            markup=False,
        )
    out.print(f"now  {current.source}  {current.paragraphs} paragraphs" if current else "now  deleted", markup=False)


def delete(names: Annotated[list[str], typer.Argument(metavar="DOCUMENT...", help="Ids of documents.")]) -> None:
    """Take documents out of the store; `kehoach restore` brings them back."""
    with workspace() as space:
        absent = [name for name in names if not space.store.delete(name)]
        if len(absent) < len(names):
            space.build_index()
    if absent:
        raise NothingUsableError(f"no document {', '.join(absent)}; `kehoach documents` lists them")


def restore(
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="[DOCUMENT|FILE]", help="A file of `kehoach backup`; without any, lists what was deleted."
        ),
    ] = None,
    number: Annotated[int | None, typer.Option("--version", help="This version; by default the last one.")] = None,
) -> None:
    """Bring back a deleted document, an earlier version of one, or all that a backup holds."""
    from service.backups import is_backup
    from service.history import restore as bring_back
    from service.show import out

    if document is not None and is_backup(Path(document)):
        _restore_all(Path(document))
        return
    with workspace() as space:
        if document is None:
            for version in space.store.deleted():
                out.print(f"{version.document_id}  {version.paragraphs} paragraphs  {version.source}", markup=False)
            return
        restored = bring_back(space, document, number)
        space.build_index()
    say(f"{document}: version {restored.number} of {restored.archived_at:%Y-%m-%d %H:%M} is back")


def _restore_all(file: Path) -> None:
    from service import audit
    from service.backups import restore as put_back

    with workspace() as space:
        count = put_back(space.settings, file)
        audit.note(space.store, "restore", str(file))
    say(f"{file}: {count} documents are back; the index is built when it is next needed")


def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to watch, with all below it.")],
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a file must stay as it is to count as whole.")
    ] = 2.0,
    jsonl: JsonLines = False,
) -> None:
    """Bring in what lies in a folder, then what appears or changes there, until Ctrl-C or SIGTERM."""
    from service.following import following
    from service.forms import report_form
    from service.show import print_lines, show_report
    from service.watching import watch as run

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with suppress(KeyboardInterrupt), workspace() as space, progress("Reading", quiet=jsonl) as bar:
        task = bar.add_task("", visible=False)
        say(f"watching {folder}; Ctrl-C ends it")

        def tell(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name, visible=done < total)

        with following(space):
            for report in run(folder, space, tell, stop=stop, settle=settle):
                if jsonl:
                    print_lines([report_form(report)])
                elif report.outcome != "unchanged":
                    show_report(report)


def export(
    destination: Annotated[
        Path, typer.Argument(metavar="PATH", help="A file ending in .xlsx, or a folder for .csv and .jsonl files.")
    ],
    form: Annotated[
        Literal["csv", "xlsx", "jsonl"] | None,
        typer.Option("--format", help="By default xlsx where PATH ends so, else csv."),
    ] = None,
    province: Province = None,
    year: Year = None,
    task_group: Group = None,
    json: Json = False,
) -> None:
    """Write documents, paragraphs with tags, and targets as CSV, Excel workbook or JSON lines."""
    from service.exporting import export as run
    from service.show import print_json

    chosen = form or ("xlsx" if destination.suffix.lower() == ".xlsx" else "csv")
    with workspace() as space:
        files = run(space, destination, chosen, filter_of(space, province, year, task_group))
    if json:
        print_json([str(file) for file in files])
        return
    for file in files:
        say(f"written {file}")


def reindex() -> None:
    """Build the search index again from the store."""
    with workspace() as space:
        manifest = space.rebuild_index()
    say(f"indexed {manifest.paragraphs} paragraphs with {manifest.embedder_id}")

"""The command line. Exit status: 0 done, 1 nothing usable came of it, 2 wrong arguments."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from service import finetuning, judging, keeping, migrating, operating, overview
from service.errors import NothingUsableError, UsageError, UserError
from service.filtering import filter_of
from service.options import (
    DocumentType,
    Group,
    HasTarget,
    Json,
    JsonLines,
    Limit,
    ParagraphKind,
    Province,
    ProvinceNamed,
    Region,
    RowsFile,
    Tally,
    Year,
    progress,
    workspace,
)  # fmt: skip
from service.rows import read_rows
from service.settings import settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Read, tag, search and compare Vietnamese provincial plans for sustainable production and consumption.",
)
model_app = typer.Typer(no_args_is_help=True, help="Build and list embedding models.")
evaluate_app = typer.Typer(no_args_is_help=True, help="Measure search and tagging on labelled data.")
app.add_typer(model_app, name="model")
app.add_typer(evaluate_app, name="evaluate")


def main() -> None:
    """Run the command line; failures a user can act on end in one line."""
    try:
        app()
    except ValidationError as error:
        # Only settings are validated here; the rows of users have errors of their own.
        problems = "; ".join(f"KEHOACH_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        sys.stderr.write(f"kehoach: {problems}\n")
        sys.exit(2)
    except UserError as error:
        sys.stderr.write(f"kehoach: {error}\n")
        sys.exit(2 if isinstance(error, UsageError) else 1)


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files, folders, or - for standard input.")
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Also what FILE names, a path or http(s) address a line."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read files anew whose content is stored, as after an update of kehoach.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring documents into the store: PDF, Word, HTML, Markdown, text, and .jsonl of ready paragraphs."""
    from service.forms import report_form
    from service.ingest import ingest as run
    from service.show import print_json, show_report
    from service.sources import files_of, read_list

    sources = [*(paths or []), *(read_list(listed) if listed else [])]
    if not sources:
        raise UsageError("give files or folders, or --list FILE that names some")
    reports = []
    with workspace() as space, progress("Reading", quiet=json) as bar:
        files = files_of(sources)
        tally, task = Tally(bar, len(files)), bar.add_task("", total=None)
        for report in run(
            files,
            space,
            lambda done, total, name: bar.update(task, completed=done, total=total, description=name),
            again=again,
        ):
            reports.append(report)
            tally.count(report.file, failed=not report.is_usable)
            if not json:
                show_report(report)
        if any(report.outcome in ("added", "updated") for report in reports):
            bar.update(task, description="index", completed=0, total=None)
            space.build_index()
    if json:
        print_json([report_form(report) for report in reports])
    if not any(report.is_usable for report in reports):
        raise typer.Exit(1)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="One document; nothing is stored.")], json: Json = False) -> None:
    """Show all that is read from one document: metadata, paragraphs with tags and targets, what was left out and why."""
    from corpus.files import UnreadableError
    from corpus.targets import find_targets
    from service.forms import inspection_form
    from service.preparing import documents_in
    from service.show import print_json, show_inspection

    with workspace() as space:
        try:
            documents = list(documents_in(file, space))
        except (UnreadableError, OSError) as error:
            raise NothingUsableError(f"{file}: {error}") from error
        forms = []
        for document in documents:
            tags = space.tagger.tag([p.text for p in document.paragraphs])
            title = document.metadata.title or ""
            targets = [find_targets(p.text, p.heading_path, title) for p in document.paragraphs]
            forms.append(inspection_form(document, tags, targets, space.tagger))
    if json:
        print_json(forms[0] if len(forms) == 1 else forms)
    else:
        for form in forms:
            show_inspection(form)


@app.command()
def tag(file: RowsFile, jsonl: JsonLines = False) -> None:
    """Tag paragraphs: {"id", "text"} a line in, all task groups with their probabilities a line out."""
    from service.forms import judged_tag_form
    from service.show import chips, out, print_lines

    rows = read_rows(file, ("id", "text"))
    with workspace() as space, progress("Tagging", quiet=False) as bar:
        task = bar.add_task("", total=len(rows))
        for start in range(0, len(rows), 256):
            batch = rows[start : start + 256]
            tagged = space.tagger.tag([row["text"] for row in batch])
            bar.update(task, advance=len(batch))
            if jsonl:
                print_lines(
                    {"id": r["id"], "tags": [judged_tag_form(t, space.tagger) for t in tags]}
                    for r, tags in zip(batch, tagged, strict=True)
                )
                continue
            for row, tags in zip(batch, tagged, strict=True):
                out.print(
                    row["id"],
                    chips([t.task_group for t in tags if t.assigned], space.groups),
                    *(f"(unsure: {t.task_group})" for t in tags if space.tagger.is_unsure(t)),
                    row["text"][:100],
                    markup=False,
                )


@app.command()
def search(
    query: Annotated[
        str | None, typer.Argument(help="What to look for, with or without diacritics, or in English.")
    ] = None,
    batch: Annotated[Path | None, typer.Option(metavar="Q.jsonl", help='Many queries, {"id", "text"} a line.')] = None,
    limit: Limit = 10,
    province: Province = None,
    province_as: ProvinceNamed = "either",
    year: Year = None,
    task_group: Group = None,
    kind: ParagraphKind = None,
    type: DocumentType = None,  # noqa: A002
    region: Region = None,
    has_target: HasTarget = None,
    cursor: Annotated[str | None, typer.Option(help="Go on where --json said next_cursor.")] = None,
    all_hits: Annotated[bool, typer.Option("--all", help="Also hits that hardly answer the query.")] = False,
    grouped: Annotated[bool, typer.Option("--group", help="Only the best hit of each document.")] = False,
    explain: Annotated[bool, typer.Option(help="Show each leg's rank and score.")] = False,
    json: Json = False,
    jsonl: JsonLines = False,
) -> None:
    """Search paragraphs by words and by meaning.

    "..." asks for the words as they stand, -word or -"..." leaves out paragraphs that have them.
    """
    from index.paging import CursorError
    from index.search import CUT
    from service.forms import result_form
    from service.show import print_json, print_lines, show_result

    if (query is None) == (batch is None):
        raise UsageError("give either a QUERY or --batch Q.jsonl")
    if batch and cursor:
        raise UsageError("--cursor goes with a QUERY, not with --batch")
    rows = read_rows(batch, ("id", "text")) if batch else []
    with workspace() as space:
        named = filter_of(space, province, year, task_group, region, province_as)
        only = replace(named, kind=kind, type=type, has_target=has_target)
        searcher, cut = space.searcher, 0.0 if all_hits else CUT
        if query is not None:
            try:
                result = searcher.search(query, limit, only, cursor, cut, grouped=grouped)
            except CursorError as error:
                raise UsageError(f"--cursor: {error}") from error
            print_json(result_form(result)) if json or jsonl else show_result(result, space.groups, explain=explain)
            return
        for row in rows:
            result = searcher.search(row["text"], limit, only, cut=cut, grouped=grouped)
            if json or jsonl:
                print_lines([{"id": row["id"], **result_form(result)}])
            else:
                show_result(result, space.groups, explain=explain)


@app.command()
def similar(
    batch: Annotated[Path, typer.Option(metavar="PAIRS.jsonl", help='Pairs of clauses, {"id", "a", "b"} a line.')],
    jsonl: JsonLines = False,
) -> None:
    """Tell how similar two clauses are and whether they state the same obligation."""
    from service.forms import match_form
    from service.show import out, print_lines

    rows = read_rows(batch, ("id", "a", "b"))
    with workspace() as space:
        matches = space.matcher.match([(row["a"], row["b"]) for row in rows])
    forms = [{"id": row["id"], **match_form(match)} for row, match in zip(rows, matches, strict=True)]
    if jsonl:
        print_lines(forms)
        return
    for form in forms:
        verdict = "same clause" if form["same_clause"] else ""
        out.print(f"{form['id']}  {form['similarity']:.2f}  {form['probability']:4.0%} likely  {verdict}", markup=False)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A province, or the id of a plan as `documents` lists it.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one; two plans may be of one province.")],
    task_group: Group = None,
    limit: Limit = 10,
    as_published: overview.AsPublished = False,
    json: Json = False,
) -> None:
    """Compare two provinces or plans clause by clause: what both say, what differs, what only one says."""
    from index.view import View
    from service.comparing import compare_named
    from service.forms import comparison_form
    from service.show import print_json, show_comparison

    with workspace() as space:
        filter_of(space, None, None, task_group)
        compared = compare_named(space, a, b, View(as_published), task_group)
    print_json(comparison_form(compared)) if json else show_comparison(compared, limit)


@app.command()
def train(
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE.jsonl]...", help="Labelled paragraphs beside the project's own."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write; by default the one in KEHOACH_HOME, used from then on.")
    ] = None,
    only_given: Annotated[
        bool, typer.Option("--only-given", help="Leave the project's own labelled paragraphs out.")
    ] = False,
    with_corrections: Annotated[
        bool,
        typer.Option(
            "--with-corrections",
            help="Learn from people's corrections; used only where it is not worse on frozen rows.",
        ),
    ] = False,
    matcher: Annotated[
        bool, typer.Option("--matcher", help="Train the model of same clauses instead of the tagger.")
    ] = False,
    queries: Annotated[
        bool, typer.Option("--queries", help="Tune how searches read queries instead of training the tagger.")
    ] = False,
) -> None:
    """Train the tagger, with a model card, from labelled paragraphs."""
    from service.training import train_matcher, train_queries, train_tagger, train_with_corrections

    others = matcher + with_corrections + queries
    if others and (data or only_given or others > 1):
        raise UsageError(
            "--matcher, --queries and --with-corrections each learn from what they say alone and take no files"
        )
    with workspace() as space:
        if with_corrections:
            folder, figures, is_promoted = train_with_corrections(space)
            sys.stderr.write(
                f"macro F1 on frozen paragraphs: candidate {figures['candidate']}, current {figures['current']}\n"
            )
            sys.stderr.write(
                "in use from now; `kehoach retag` updates stored tags, `kehoach model rollback` goes back\n"
                if is_promoted
                else "not better: the current tagger stays in use\n"
            )
        elif matcher:
            folder = train_matcher(space, output)
        elif queries:
            folder = train_queries(space, output)
            sys.stderr.write(
                "hits are no longer cut by probability: their ranking was fitted with the reading that came with kehoach\n"
            )
        else:
            folder = train_tagger(space, data or [], output, use_own=not only_given)
    sys.stderr.write(f"trained model written to {folder}; see {folder / 'README.md'}\n")


@model_app.command("build")
def model_build(
    force: Annotated[bool, typer.Option("--force", help="Build it again even if it is there and whole.")] = False,
) -> None:
    """Build the default embedding model into the cache, offline, and what the models in use have made of it."""
    from models.adapter import find_adapter
    from models.asking import query_tuning
    from models.build import build, changed_folder, default_folder, verify
    from models.errors import DamagedModelError
    from models.similarity import tuning_of

    with workspace() as space, progress("Building the model:", quiet=False) as bar:
        task = bar.add_task("", total=4)
        folder = default_folder(settings().cache)
        adapter = find_adapter(settings().own_adapter, [group.key for group in space.groups])
        tunings = tuning_of(space.matcher_folder), query_tuning(space.queries_folder)
        for changes in (None, *([adapter] if adapter else []), *tunings):
            place = changed_folder(folder, changes.id) if changes else folder
            if place.exists() and not force:
                try:
                    verify(place, changes.id if changes else None)
                except DamagedModelError as error:
                    sys.stderr.write(f"{error}\nbuilding it again\n")
                else:
                    sys.stderr.write(f"the model is built: {place}\n")
                    continue
            build(
                place,
                progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
                changes=changes,
            )
            sys.stderr.write(f"built {place}\n")


@model_app.command("list")
def model_list(json: Json = False) -> None:
    """List the embedding model and the tagger in use."""
    from models.build import default_folder, verify
    from models.errors import DamagedModelError
    from service.show import out, print_json

    folder = default_folder(settings().cache)
    try:
        state = "ready" if verify(folder) else ""
    except DamagedModelError as error:
        state = str(error) if folder.exists() else "not built yet: run `kehoach model build`"
    with workspace() as space:
        rows = [
            {"model": "embedder", "name": settings().embedder, "folder": str(folder), "state": state},
            {
                "model": "tagger",
                "name": space.tagger.id if state == "ready" else "",
                "folder": str(space.tagger_folder),
                "state": "ready",
            },
        ]
    if json:
        print_json(rows)
        return
    for row in rows:
        out.print(f"{row['model']:>9}  {row['name']}  {row['folder']}  {row['state']}", markup=False, soft_wrap=True)


@model_app.command("rollback")
def model_rollback() -> None:
    """Put the tagger before the current one back in use."""
    from service.training import rollback

    with workspace() as space:
        sys.stderr.write(f"in use: {rollback(space)}; `kehoach retag` updates stored tags\n")


@model_app.command("export")
def model_export(folder: Annotated[Path, typer.Argument(help="Folder to write.")]) -> None:
    """Write the default model in float32 for sentence-transformers (needs kehoach[transformers])."""
    from models.build import export_transformers

    with workspace():
        export_transformers(folder)
    sys.stderr.write(f"written to {folder}; use it with KEHOACH_EMBEDDER={folder}\n")


@evaluate_app.command("search")
def evaluate_search(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.")
    ],
    split: Annotated[str, typer.Option(help="Which judgements: qrels/SPLIT.tsv.")] = "test",
    run: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rankings as a TREC run, the qrels beside it.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure search: nDCG@10, recall@10 and MRR@10 of each leg and of their fusion."""
    from service.evaluating import evaluate_search as evaluate
    from service.show import out, print_json

    with workspace() as space:
        report = evaluate(space, folder, split, run)
    if json:
        print_json(report)
        return
    for leg, figures in report["legs"].items():
        out.print(f"{leg:>8}  " + "  ".join(f"{name} {value:.4f}" for name, value in figures.items()))


@evaluate_app.command("tags")
def evaluate_tags(
    file: RowsFile,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|.png", help="Also draw how reliable the probabilities are."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure tagging on labelled rows {"id", "text", "labels": [...]}, by task group and genre, with 95 % intervals."""
    from service.evaluating import evaluate_tags as run
    from service.show import out, print_json
    from service.show_figures import show_tags

    with workspace() as space:
        report = run(space, file, plot)
        if json:
            print_json(report)
        else:
            show_tags(report, space.groups, out)
    if plot:
        sys.stderr.write(f"written: {plot}\n")


@app.command()
def demo() -> None:
    """Ingest the sample plans into a store of their own and show coverage, three searches and a comparison."""
    from service.demo import run

    run(settings())


# After the commands above, which come first in `kehoach --help`.
keeping.add_commands(app)
judging.add_commands(app)
overview.add_commands(app)
operating.add_commands(app)
finetuning.add_commands(model_app)
migrating.add_commands(app)


if __name__ == "__main__":
    main()

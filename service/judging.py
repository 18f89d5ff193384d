"""The commands by which people judge tags and models learn from it: explain, correct, queue, corrections, retag."""

from __future__ import annotations

from typing import Annotated

import typer

from service.errors import UsageError
from service.filtering import filter_of
from service.options import Group, Json, Limit, Province, Year, progress, say, workspace


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (explain, queue, correct, corrections, retag):
        app.command()(command)


def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A paragraph's text, or its id in the store.")],
    json: Json = False,
) -> None:
    """Say why a paragraph is tagged: the clause and words that carried each tag, and labelled paragraphs like it."""
    from models.wording import corrected
    from service.explaining import reasons
    from service.forms import explanation_form
    from service.show import out, print_json

    with workspace() as space:
        stored = space.store.paragraph(text)
        found = reasons(space, corrected(stored.text if stored else text))
    if json:
        print_json([explanation_form(item) for item in found])
        return
    for item in found:
        out.print(f"{item.group}  {item.probability:.2f}  “{item.clause.text}”", markup=False)
        out.print(f"    words: {', '.join(word.text for word in item.words) or '-'}", markup=False)
        for near in item.neighbours:
            out.print(f"    like {near.id} ({near.similarity:.2f}): {near.text[:120]}", markup=False)
    if not found:
        say("no task group is assigned")


def queue(
    limit: Limit = 20, province: Province = None, year: Year = None, task_group: Group = None, json: Json = False
) -> None:
    """List the paragraphs whose tags a person should look at: the unsure ones, unlike ones first."""
    from service.correcting import queue as waiting
    from service.correcting import queued_form
    from service.show import out, print_json

    with workspace() as space:
        found = waiting(space, limit, filter_of(space, province, year, task_group))
    if json:
        print_json([queued_form(item) for item in found])
        return
    for item in found:
        out.print(f"{item.paragraph.id}  unsure: {', '.join(item.unsure)}", markup=False)
        out.print(f"    {item.paragraph.text}", markup=False)
    if not found:
        say("no paragraph is waiting")


def correct(
    paragraph: Annotated[str, typer.Argument(metavar="PARAGRAPH", help="A paragraph's id, such as cao-bang/...#II.3.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    groups: Annotated[str | None, typer.Option(metavar="GROUP,...", help="The task groups it has.")] = None,
    none: Annotated[bool, typer.Option("--none", help="It has none.")] = False,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    json: Json = False,
) -> None:
    """Say which task groups a paragraph has; models leave its tags alone from then on."""
    from service.correcting import correct as record
    from service.correcting import correction_form
    from service.show import print_json

    if (groups is None) != none:
        raise UsageError("give either --groups GROUP,... or --none")
    with workspace() as space:
        made = record(space, paragraph, [g.strip() for g in (groups or "").split(",") if g.strip()], by, note)
    if json:
        print_json(correction_form(made))
    else:
        say(f"{made.paragraph_id}: {', '.join(made.before) or 'none'} -> {', '.join(made.after) or 'none'}")


def corrections(json: Json = False) -> None:
    """List what people corrected, oldest first."""
    from service.correcting import all_corrections, correction_form
    from service.show import out, print_json

    with workspace() as space:
        found = all_corrections(space)
    if json:
        print_json([correction_form(item) for item in found])
        return
    for item in found:
        change = f"{', '.join(item.before) or 'none'} -> {', '.join(item.after) or 'none'}"
        out.print(
            f"{item.number:>4}  {item.made_at:%Y-%m-%d %H:%M}  {item.by}  {item.paragraph_id}  {change}", markup=False
        )


def retag(json: Json = False) -> None:
    """Tag anew what an earlier model tagged, and report what moved; tags of people stay."""
    from service.correcting import retag as run
    from service.show import print_json

    with workspace() as space, progress("Tagging", quiet=json):
        moved = run(space)
        if moved.paragraphs:
            space.build_index()
    if json:
        print_json(vars(moved))
        return
    say(f"{moved.paragraphs} paragraphs tagged by {moved.model_id}")
    for group in sorted(moved.gained.keys() | moved.lost.keys()):
        say(f"  {group}: {moved.gained.get(group, 0)} gained, {moved.lost.get(group, 0)} lost")

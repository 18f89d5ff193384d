"""The command that trains a task adapter of the embedding model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from corpus import labelled
from corpus.composed import training_only
from service.errors import NothingUsableError, UsageError
from service.options import progress, say, workspace


def add_commands(app: typer.Typer) -> None:
    """Register the command of this module."""
    app.command("finetune")(finetune)


def finetune(
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE.jsonl]...", help="Labelled paragraphs beside the project's own."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write; by default the one in KEHOACH_HOME, used from then on.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times that every row is learnt from.")] = 4,
    folds: Annotated[int, typer.Option(min=2, max=5, help="Parts that held-out logits are made by.")] = 3,
    rank: Annotated[int, typer.Option(min=1, max=64, help="Rank of the changes.")] = 16,
    noise: Annotated[bool, typer.Option(help="Also learn from spoilt copies of a fifth of the rows.")] = True,
    limit: Annotated[int | None, typer.Option(min=20, help="Learn from so many rows only, for a trial.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is left to chance.")] = 889,
) -> None:
    """Adapt the embedding model to the task groups (needs kehoach[transformers]); `kehoach train` then uses it."""
    try:
        from models.finetune import finetune as run
        from models.finetune import recipe_details
        from models.trainable import Recipe
    except ImportError as error:
        raise UsageError(str(error)) from error
    from models.adapter import write_adapter
    from models.card import adapter_card
    from service.training import encoder_to_train, read_rows_of, swap_in

    recipe = Recipe(epochs=epochs, folds=folds, rank=rank, noise=noise, seed=seed)
    with workspace() as space, progress("Fine-tuning:", quiet=False) as bar:
        rows = labelled.for_training()
        for file in data or []:
            rows += read_rows_of(file, space)
        extra = training_only()
        if limit:
            # Evenly, so that every source and most documents are there.
            rows, extra = rows[:: -(-len(rows) // limit)], extra[:: -(-len(extra) // limit)]
        keys = [group.key for group in space.groups]
        embedder = encoder_to_train(space, "fine-tuning")
        task = bar.add_task("", total=None)
        stage = ""

        def show(done: int, total: int, what: str) -> None:
            nonlocal stage
            bar.update(task, completed=done, total=total, description=what)
            # A log has no bar: it gets a line a stage.
            if bar.disable and what.split(", loss")[0] != stage:
                stage = what.split(", loss")[0]
                say(f"{done} of {total}: {what}")

        try:
            result = run(rows, extra, keys, embedder, recipe, show)
        except ValueError as error:
            raise NothingUsableError(f"cannot fine-tune: {error}") from error
        details = {"embedder": embedder.id, **recipe_details(recipe, result, len(rows))}

        def save(work: Path) -> str:
            write_adapter(work, keys, recipe.first, result.arrays, result.held_out, details)
            return adapter_card(keys, details)

        folder = swap_in(output or space.settings.own_adapter, save)
    sys.stderr.write(f"adapter written to {folder}; `kehoach train` makes a tagger with it\n")

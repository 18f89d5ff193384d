"""Train the tagger or the matcher into a folder: model, manifest and card, written beside the old ones and swapped in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from corpus import labelled
from corpus.labelled import LabelError, LabelledParagraph, read_labelled
from models import train
from models.card import matcher_card, tagger_card
from models.evaluate import Judged, report
from models.train_matcher import train_matcher as fit_matcher
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace


def train_tagger(space: Workspace, files: Sequence[Path], output: Path | None = None, *, use_own: bool = True) -> Path:
    """Train on the project's labelled paragraphs and those of ``files``; return the folder written.

    Raises UsageError for a file that cannot be read, NothingUsableError where the labels do not suffice.
    """
    rows = list(labelled.paragraphs()) if use_own else []
    for file in files:
        rows += _read(file, space)
    folder = output or space.settings.own_tagger
    keys = [group.key for group in space.groups]
    try:
        trained = train.train(rows, space.groups, space.default_embedder, space.tell)
    except ValueError as error:
        raise NothingUsableError(f"cannot train: {error}") from error
    thresholds = np.array([trained.manifest["thresholds"][key] for key in keys])
    judged = Judged(keys, trained.labels, trained.held_out, thresholds, [row.document for row in rows])
    card = tagger_card(trained.manifest, report(judged), train.FOLDS)
    return _swap_in(folder, lambda work: trained.tagger.save(work, trained.manifest), card)


def train_matcher(space: Workspace, output: Path | None = None) -> Path:
    """Train the matcher of clauses on the project's own families and judged pairs; return the folder written."""
    clauses, pairs = labelled.clauses(), labelled.pairs()
    matcher, manifest = fit_matcher(clauses, pairs, space.default_embedder, space.tell)
    folder = output or space.settings.own_matcher
    return _swap_in(folder, lambda work: matcher.save(work, manifest), matcher_card(manifest))


def _swap_in(folder: Path, save: Callable[[Path], None], card: str) -> Path:
    """Write a model and its card beside ``folder`` and put them in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = work.with_name(f"{work.name}-old")
    try:
        save(work)
        (work / "README.md").write_text(card, encoding="utf-8")
        work.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _read(file: Path, space: Workspace) -> list[LabelledParagraph]:
    try:
        rows = read_labelled(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be opened: {error.strerror}") from error
    except LabelError as error:
        raise NothingUsableError(str(error)) from error
    known = {group.key for group in space.groups}
    for row in rows:
        if unknown := row.labels - known:
            raise NothingUsableError(
                f"{file}, row {row.id}: unknown labels {sorted(unknown)}; known are {sorted(known)}"
            )
    return rows

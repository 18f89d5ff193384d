"""Train a tagger into a folder: model, manifest and card, written beside the old one and swapped in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpus import labelled
from corpus.labelled import LabelError, LabelledParagraph, read_labelled
from models import train
from models.card import tagger_card
from models.evaluate import Judged, report
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
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        trained.tagger.save(work, trained.manifest)
        card = tagger_card(trained.manifest, report(judged), train.FOLDS)
        (work / "README.md").write_text(card, encoding="utf-8")
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    old = work.with_name(f"{work.name}-old")
    if folder.exists():
        folder.rename(old)
    work.rename(folder)
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
            raise NothingUsableError(f"{file}, row {row.id}: unknown labels {sorted(unknown)}; known are {sorted(known)}")
    return rows


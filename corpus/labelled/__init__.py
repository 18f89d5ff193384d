"""Paragraphs labelled by task group and pairs judged for sameness, written for the project (see DATASHEET.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


class LabelError(ValueError):
    """A labelled file breaks its form; the message names the file, the line and what would be accepted."""


@dataclass(frozen=True)
class LabelledParagraph:
    """A paragraph with its task groups. ``document`` groups rows that must stay on one side of any split."""

    id: str
    document: str
    genre: str
    text: str
    labels: frozenset[str]
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clause:
    """A clause of an obligation family; clauses of one family say the same, families of one theme are related."""

    id: str
    family: str
    theme: str
    text: str


@dataclass(frozen=True)
class JudgedPair:
    """Two clauses judged 2 (same obligation), 1 (same theme) or 0 (different); ``group`` must not be split."""

    id: str
    group: str
    a: str
    b: str
    judgement: int


def read_labelled(path: Path) -> list[LabelledParagraph]:
    """Read a JSON-lines file of labelled paragraphs. Raises LabelError."""
    rows = []
    for number, row in _rows(path):
        try:
            rows.append(
                LabelledParagraph(
                    id=str(row["id"]),
                    document=str(row.get("doc") or row["id"]),
                    genre=str(row.get("genre", "")),
                    text=str(row["text"]),
                    labels=frozenset(map(str, row["labels"])),
                    heading_path=tuple(row.get("heading_path") or ()),
                )
            )
        except (KeyError, TypeError) as error:
            need = '{"id", "text", "labels": [task groups]} with optional doc, genre, heading_path'
            raise LabelError(f"{path}, line {number}: {error!r}; a row is {need}") from error
    return rows


def read_pairs(path: Path) -> list[JudgedPair]:
    """Read a JSON-lines file of judged pairs. Raises LabelError."""
    pairs = []
    for number, row in _rows(path):
        try:
            pairs.append(
                JudgedPair(
                    str(row["id"]), str(row.get("group") or row["id"]), row["a"], row["b"], int(row["judgement"])
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LabelError(
                f'{path}, line {number}: {error!r}; a row is {{"id", "a", "b", "judgement": 0 | 1 | 2}}'
            ) from error
    return pairs


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except ValueError as error:
                raise LabelError(f"{path}, line {number}: not JSON ({error})") from error
    return rows


def folder() -> Path:
    """Return the folder of the project's own labelled data."""
    return Path(str(files("corpus.labelled")))


@cache
def paragraphs() -> tuple[LabelledParagraph, ...]:
    """Return the project's own labelled paragraphs."""
    return tuple(row for path in sorted(folder().glob("paragraphs*.jsonl")) for row in read_labelled(path))


@cache
def pairs() -> tuple[JudgedPair, ...]:
    """Return the project's own judged pairs."""
    return tuple(pair for path in sorted(folder().glob("pairs*.jsonl")) for pair in read_pairs(path))


@cache
def clauses() -> tuple[Clause, ...]:
    """Return the project's own clauses by obligation family."""
    return tuple(Clause(r["id"], r["family"], r["theme"], r["text"]) for _, r in _rows(folder() / "clauses.jsonl"))


def frozen() -> list[LabelledParagraph]:
    """Return the paragraphs of the documents in ``frozen.txt``, which the shipped tagger and candidates never learn from."""
    chosen = set((folder() / "frozen.txt").read_text(encoding="utf-8").split())
    return [row for row in paragraphs() if row.document in chosen]


def for_training() -> list[LabelledParagraph]:
    """Return the paragraphs that are not frozen."""
    chosen = {row.document for row in frozen()}
    return [row for row in paragraphs() if row.document not in chosen]


def second_labels() -> dict[str, frozenset[str]]:
    """Return paragraph id to the task groups that a second annotator gave it, without knowing the first labelling."""
    rows = (json.loads(line) for line in (folder() / "second.jsonl").read_text(encoding="utf-8").splitlines())
    return {row["id"]: frozenset(row["labels"]) for row in rows}


def texts() -> list[str]:
    """Return the texts of the labelled paragraphs, as a sample of how plans are worded."""
    return [row.text for row in paragraphs()]

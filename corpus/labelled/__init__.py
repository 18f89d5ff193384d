"""Paragraphs labelled by task group and pairs judged for sameness, written for the project (see DATASHEET.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from nlp.fold import fold, has_diacritics, words
from nlp.spacing import is_syllable


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
    """A clause of an obligation family; clauses of one family say the same, families of one theme are related.

    Each ``writer`` has themes and families of their own, so an obligation may stand in those of two writers.
    """

    id: str
    family: str
    theme: str
    text: str
    writer: str = ""


@dataclass(frozen=True)
class Question:
    """What somebody asks that the labelled paragraph with the id ``paragraph`` answers; ``kind`` is how it is asked."""

    paragraph: str
    kind: str
    text: str


@dataclass(frozen=True)
class Entry:
    """A paragraph as an encyclopedia has them, with questions that it answers and the entries beside it do not."""

    id: str
    text: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Meaning:
    """A text and one that means the same: the same text, or the official Vietnamese wording of an English or everyday one."""

    text: str
    means: str


@dataclass(frozen=True)
class JudgedPair:
    """Two clauses judged 2 (same obligation), 1 (same theme) or 0 (different); ``group`` must not be split."""

    id: str
    group: str
    a: str
    b: str
    judgement: int


def read_labelled(path: Path) -> list[LabelledParagraph]:
    """Read a JSON-lines file of labelled paragraphs. Raises LabelError, OSError."""
    return parse_labelled(path.read_bytes(), str(path))


def parse_labelled(data: bytes, name: str, known: Set[str] | None = None) -> list[LabelledParagraph]:
    """Return the labelled paragraphs in JSON lines; errors call the file ``name``.

    Raises LabelError, also for a label that is not ``known``, where that is given.
    """
    rows = []
    for number, row in _objects(data, name):
        problem = _problem(row, known)
        if problem:
            raise LabelError(f"{name}, line {number}: {problem}; a row is {_FORM}")
        rows.append(
            LabelledParagraph(
                id=str(row["id"]),
                document=str(row.get("doc") or row["id"]),
                genre=str(row.get("genre") or ""),
                text=row["text"],
                labels=frozenset(row["labels"]),
                heading_path=tuple(row.get("heading_path") or ()),
            )
        )
    return rows


_FORM = '{"id": "...", "text": "...", "labels": [task groups]}, if wanted with "doc", "genre" and "heading_path": [...]'


def _problem(row: Any, known: Set[str] | None) -> str:
    """Return what is wrong with a row of labelled paragraphs, "" if nothing is."""
    if not isinstance(row, dict):
        return f"is {type(row).__name__}, not an object"
    if not isinstance(row.get("id"), str | int):
        return '"id" is missing or not a string'
    if not isinstance(row.get("text"), str):
        return '"text" is missing or not a string'
    for field, value in (("labels", row.get("labels")), ("heading_path", row.get("heading_path") or [])):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return f'"{field}" is missing or not a list of strings'
    unknown = set(row["labels"]) - known if known is not None else set()
    return f"unknown labels {sorted(unknown)}, known are {sorted(known or ())}" if unknown else ""


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


def _rows(path: Path) -> list[tuple[int, Any]]:
    return _objects(path.read_bytes(), str(path))


def _objects(data: bytes, name: str) -> list[tuple[int, Any]]:
    """Return the line number and value of each line of JSON."""
    rows = []
    # Bytes are cut at line ends only; str.splitlines would cut at characters that JSON strings may hold.
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line.decode("utf-8-sig"))))
            except ValueError as error:
                raise LabelError(f"{name}, line {number}: not JSON in UTF-8 ({error})") from error
    return rows


def folder() -> Path:
    """Return the folder of the project's own labelled data."""
    return Path(str(files("corpus.labelled")))


@cache
def paragraphs() -> tuple[LabelledParagraph, ...]:
    """Return the project's own labelled paragraphs."""
    return tuple(row for path in sorted(folder().glob("paragraphs*.jsonl")) for row in read_labelled(path))


def phrases() -> list[LabelledParagraph]:
    """Return paragraphs in the stock phrases of plans, written after the others were split: for training only."""
    return read_labelled(folder() / "phrases.jsonl")


@cache
def pairs() -> tuple[JudgedPair, ...]:
    """Return the project's own judged pairs."""
    return tuple(pair for path in sorted(folder().glob("pairs*.jsonl")) for pair in read_pairs(path))


@cache
def test_pairs() -> tuple[JudgedPair, ...]:
    """Return the pairs that no matcher learns from, from documents of their own."""
    return tuple(read_pairs(folder() / "test-pairs.jsonl"))


@cache
def blind_pairs() -> tuple[JudgedPair, ...]:
    """Return pairs that no matcher learns from, by a writer who knew nothing of those it learns from."""
    return tuple(read_pairs(folder() / "test-pairs-blind.jsonl"))


@cache
def fresh_pairs() -> tuple[JudgedPair, ...]:
    """Return pairs like the blind ones by a third writer, made after choices had been made on those."""
    return tuple(read_pairs(folder() / "test-pairs-fresh.jsonl"))


@cache
def unseen_pairs() -> tuple[JudgedPair, ...]:
    """Return pairs like these by a fourth writer, made after the features of the matcher had been chosen on the fresh ones."""
    return tuple(read_pairs(folder() / "test-pairs-unseen.jsonl"))


def second_judgements() -> dict[str, int]:
    """Return test pair id to the judgement it got when read again, shuffled, without the first judgement."""
    return {row["id"]: int(row["judgement"]) for _, row in _rows(folder() / "test-pairs-second.jsonl")}


@cache
def clauses() -> tuple[Clause, ...]:
    """Return the project's own clauses by obligation family."""
    return tuple(
        Clause(row["id"], row["family"], row["theme"], row["text"], row.get("writer", ""))
        for _, row in _rows(folder() / "clauses.jsonl")
    )


@cache
def questions() -> tuple[Question, ...]:
    """Return queries that labelled paragraphs answer."""
    return tuple(Question(r["paragraph"], r["kind"], r["text"]) for _, r in _rows(folder() / "questions.jsonl"))


@cache
def encyclopedia() -> tuple[Entry, ...]:
    """Return paragraphs on every subject with their questions."""
    rows = _rows(folder() / "encyclopedia.jsonl")
    return tuple(Entry(row["id"], row["text"], tuple(row["questions"])) for _, row in rows)


@cache
def meanings() -> tuple[Meaning, ...]:
    """Return questions on every subject, and English and everyday queries with the official wording."""
    return tuple(Meaning(r["text"], r.get("means", r["text"])) for _, r in _rows(folder() / "meanings.jsonl"))


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
    return {row["id"]: frozenset(row["labels"]) for _, row in _rows(folder() / "second.jsonl")}


def first_labels() -> dict[str, frozenset[str]]:
    """Return by the same ids what the first annotator gave, before differences were settled by the guideline."""
    settled = {row.id: row.labels for row in paragraphs()}
    rows = [row for _, row in _rows(folder() / "second.jsonl")]
    return {row["id"]: frozenset(row["first"]) if "first" in row else settled[row["id"]] for row in rows}


@cache
def texts() -> tuple[str, ...]:
    """Return the texts of the labelled paragraphs, as a sample of how plans are worded.

    Rows with scanning noise are left out, as far as their spelling tells: those with a word that is no syllable, while the
    same letters make one that is written more often ("nghiêp", "môt").
    """
    every = [(row.text, words(row.text)) for row in paragraphs()]
    spellings: dict[str, str] = {}
    counted = Counter(chain.from_iterable(found for _, found in every))
    for word, _ in counted.most_common():
        spellings.setdefault(fold(word), word)
    spoilt = {
        word
        for word in counted
        if (usual := spellings[fold(word)]) != word
        and has_diacritics(word)
        and has_diacritics(usual)
        and is_syllable(usual)
        and not is_syllable(word)
    }
    return tuple(text for text, found in every if spoilt.isdisjoint(found))

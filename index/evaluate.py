"""Measure search on a folder in BEIR layout (Thakur et al. 2021): each leg and their fusion, with TREC-style measures.

``corpus.jsonl`` may carry what BEIR calls metadata: document, province, year of issue, period (first and last year), number,
kind and heading_path of a text, used as search uses them; ``queries.jsonl`` may carry the kind of a query, and figures are then given by kind as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, date
from pathlib import Path
from typing import Any

from corpus.provinces import province_named
from corpus.types import Document, Metadata, Paragraph

CUT = 10
_BEIR_COLUMNS = 3
# A period is written as its first and its last year.
_ENDS = 2


class CollectionError(ValueError):
    """A BEIR folder breaks its form; the message names the file, the place and what is expected."""


@dataclass(frozen=True)
class Collection:
    """A test collection: texts and queries by id, graded judgements by query and text id, and what is known of both."""

    corpus: dict[str, str]
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def read_collection(folder: Path, split: str = "test") -> Collection:
    """Read ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv``, judgements of BEIR or of TREC.

    Raises CollectionError.
    """
    corpus, facts = {}, {}
    for row in _json_lines(folder / "corpus.jsonl"):
        corpus[str(row["_id"])] = " ".join(filter(None, (str(row.get("title") or ""), str(row["text"]))))
        facts[str(row["_id"])] = row["metadata"]
    asked = _json_lines(folder / "queries.jsonl")
    queries = {str(row["_id"]): str(row["text"]) for row in asked}
    kinds = {str(row["_id"]): str(row["metadata"]["kind"]) for row in asked if "kind" in row["metadata"]}
    judgements = _judgements(folder / "qrels" / f"{split}.tsv", queries)
    return Collection(corpus, {q: text for q, text in queries.items() if q in judgements}, judgements, facts, kinds)


def _judgements(path: Path, queries: Container[str]) -> dict[str, dict[str, int]]:
    """Return query to text to grade: three columns as in BEIR, or four as in TREC, whose second says nothing.

    A first line that names the columns is passed over; ``queries`` tell it from a judgement.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    judgements: dict[str, dict[str, int]] = {}
    for number, line in enumerate(lines, 1):
        columns = line.split()
        try:
            query, text, grade = columns if len(columns) == _BEIR_COLUMNS else (columns[0], *columns[2:])
            judgements.setdefault(query, {})[text] = int(grade)
        except (IndexError, ValueError) as error:
            if columns and not (number == 1 and columns[0] not in queries):
                raise CollectionError(
                    f"{path}, line {number}: expected query-id, corpus-id and a whole score (BEIR), or query-id, 0,"
                    f" corpus-id and a whole score (TREC), by tabs or spaces; got {line[:100]!r}"
                ) from error
    return judgements


def documents(collection: Collection) -> list[Document]:
    """Return the texts of ``collection`` as documents: one for each named in their metadata, one for the rest."""
    members: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, facts in ((name, collection.facts.get(name, {})) for name in collection.corpus):
        members.setdefault(str(facts.get("document") or "evaluation"), []).append((name, facts))
    found = []
    for document, texts in members.items():
        facts = texts[0][1]
        province = province_named(str(facts.get("province") or ""))
        year, period = facts.get("year"), facts.get("period")
        metadata = Metadata(
            number=facts.get("number"),
            province=province.name if province else None,
            province_today=province.today if province else None,
            # Of the day of issue only the year is known, and only that is used.
            date_issued=date(year, 1, 1) if isinstance(year, int) and MINYEAR <= year <= MAXYEAR else None,
            period=(period[0], period[1]) if isinstance(period, list) and len(period) == _ENDS else None,
        )
        paragraphs = tuple(
            Paragraph(
                name, number, collection.corpus[name], own.get("kind") or "task", tuple(own.get("heading_path", ()))
            )
            for number, (name, own) in enumerate(texts, 1)
        )
        found.append(Document(document, document, "", metadata, paragraphs))
    return found


def write_run(path: Path, ranked: Mapping[str, Sequence[tuple[str, float]]], tag: str) -> None:
    """Write rankings as a TREC run: query, Q0, text, rank, score and tag by spaces."""
    lines = [
        f"{query} Q0 {name} {rank} {score:.6f} {tag}\n"
        for query, found in ranked.items()
        for rank, (name, score) in enumerate(found, 1)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def write_qrels(path: Path, judgements: Mapping[str, Mapping[str, int]]) -> None:
    """Write judgements as TREC qrels: query, 0, text and grade by spaces."""
    rows = (f"{query} 0 {name} {grade}\n" for query, grades in judgements.items() for name, grade in grades.items())
    path.write_text("".join(rows), encoding="utf-8")


def _json_lines(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CollectionError(f"{path}: cannot be opened: {error.strerror}; a BEIR folder has it") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                metadata = row.get("metadata")
                facts = metadata if isinstance(metadata, dict) else {}
                rows.append({"_id": row["_id"], "text": row["text"], "title": row.get("title"), "metadata": facts})
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CollectionError(f'{path}, line {number}: expected {{"_id", "text"}} ({error!r})') from error
    return rows


def measures(ranked: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """Return the means over all judged queries of nDCG@10, recall@10, MRR@10 and recall@1."""
    rows = [
        _measure(ranked.get(query, ()), grades)
        for query, grades in judgements.items()
        if any(g > 0 for g in grades.values())
    ]
    if not rows:
        return {}
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _measure(found: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    gains = [max(0, grades.get(text_id, 0)) for text_id in found[:CUT]]
    ideal = sorted((g for g in grades.values() if g > 0), reverse=True)
    first = next((rank for rank, gain in enumerate(gains, 1) if gain > 0), None)
    return {
        f"ndcg@{CUT}": _discounted(gains) / _discounted(ideal[:CUT]),
        f"recall@{CUT}": sum(g > 0 for g in gains) / len(ideal),
        f"mrr@{CUT}": 1 / first if first else 0.0,
        "recall@1": float(bool(gains and gains[0] > 0)) / len(ideal),
    }


def _discounted(gains: Sequence[int]) -> float:
    return sum((2.0**gain - 1) / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))

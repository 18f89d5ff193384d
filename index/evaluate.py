"""Measure search on a folder in BEIR layout (Thakur et al. 2021): each leg and their fusion, with TREC-style measures."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CUT = 10


class CollectionError(ValueError):
    """A BEIR folder breaks its form; the message names the file, the place and what is expected."""


@dataclass(frozen=True)
class Collection:
    """A test collection: texts and queries by id, and graded judgements by query and text id."""

    corpus: dict[str, str]
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]


def read_collection(folder: Path) -> Collection:
    """Read ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv``. Raises CollectionError."""
    corpus = {}
    for row in _json_lines(folder / "corpus.jsonl"):
        corpus[str(row["_id"])] = " ".join(filter(None, (str(row.get("title") or ""), str(row["text"]))))
    queries = {str(row["_id"]): str(row["text"]) for row in _json_lines(folder / "queries.jsonl")}
    judgements: dict[str, dict[str, int]] = {}
    path = folder / "qrels" / "test.tsv"
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    except OSError as error:
        raise CollectionError(f"{path}: cannot be opened: {error.strerror}") from error
    for number, fields in enumerate(lines, 1):
        if number == 1 and fields and not fields[-1].lstrip("-").isdigit():
            continue
        try:
            # query-id, corpus-id, score; TREC's own form has an unused second field.
            judgements.setdefault(fields[0], {})[fields[-2]] = int(fields[-1])
        except (IndexError, ValueError) as error:
            raise CollectionError(
                f"{path}, line {number}: expected query-id, corpus-id and a whole score by tabs"
            ) from error
    return Collection(corpus, {q: text for q, text in queries.items() if q in judgements}, judgements)


def _json_lines(path: Path) -> list[dict[str, object]]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CollectionError(f"{path}: cannot be opened: {error.strerror}; a BEIR folder has it") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                rows.append({"_id": row["_id"], "text": row["text"], "title": row.get("title")})
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

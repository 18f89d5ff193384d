"""The measures against figures worked out by hand, and the files they read and write."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from corpus import labelled
from index.evaluate import Collection, CollectionError, documents, measures, read_collection, write_qrels, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels").mkdir()
    texts = [
        {"_id": "a", "text": "một", "metadata": {"document": "d", "province": "Cao Bằng", "year": 2021}},
        {"_id": "b", "title": "hai", "text": "ba"},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, texts)))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "một", "metadata": {"kind": "plain"}}))
    (tmp_path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t2\n")
    return tmp_path


def test_measures_are_those_worked_out_by_hand() -> None:
    found = measures({"q": ["x", "a", "b"]}, {"q": {"a": 2, "b": 1, "c": 1}})
    ideal = 3 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg@10"] == pytest.approx((3 / math.log2(3) + 1 / 2) / ideal)
    assert found["recall@10"] == pytest.approx(2 / 3)
    assert found["mrr@10"] == 1 / 2


def test_queries_without_an_answer_do_not_count() -> None:
    assert measures({"q": ["a"], "none": ["a"]}, {"q": {"a": 1}, "none": {"a": 0}})["ndcg@10"] == 1


@pytest.mark.parametrize(
    ("facts", "year", "period"),
    [
        ({"year": 2020, "period": [2021, 2030]}, 2020, (2021, 2030)),
        ({"year": 2020}, 2020, None),
        ({"year": 0, "period": "2021"}, None, None),
        ({}, None, None),
    ],
)
def test_year_and_period_are_those_of_the_metadata(
    facts: dict[str, object], year: int | None, period: tuple[int, int] | None
) -> None:
    (document,) = documents(Collection({"a": "một"}, {}, {}, {"a": facts}))
    assert (document.metadata.year, document.metadata.period) == (year, period)


def test_a_collection_keeps_what_is_known_of_its_texts(folder: Path) -> None:
    collection = read_collection(folder, "dev")
    assert collection.kinds == {"q": "plain"}
    assert collection.corpus["b"] == "hai ba"
    place = {document.id: document.metadata.province for document in documents(collection)}
    assert place == {"d": "Cao Bằng", "evaluation": None}


@pytest.mark.parametrize(
    "written",
    [
        "query-id\tcorpus-id\tscore\nq\ta\t2\nq\tb\t0\n",
        "q\ta\t2\r\nq\tb\t0",
        "q 0 a 2\n\nq 0 b 0\n",
        "\ufeffq\t0  a\t2 \nq\tQ0\tb\t0\n",
        "qid iter docid rel\nq   a   2\nq 0 b 0\n",
    ],
)
def test_judgements_are_those_of_beir_or_of_trec_by_any_whitespace(folder: Path, written: str) -> None:
    (folder / "qrels" / "dev.tsv").write_text(written, encoding="utf-8")
    assert read_collection(folder, "dev").judgements == {"q": {"a": 2, "b": 0}}


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("q a much", 1),
        ("query-id corpus-id score\nq a\n", 2),
        ("q a 1\nq 0 a 1 x", 2),
        ("q a 1\n\nq a 0.5", 3),
        ("query-id corpus-id score\nquery-id corpus-id score\n", 2),
    ],
)
def test_a_judgement_that_is_none_is_named_with_its_line(folder: Path, written: str, line: int) -> None:
    (folder / "qrels" / "dev.tsv").write_text(written)
    with pytest.raises(
        CollectionError, match=rf"dev\.tsv, line {line}: expected query-id, corpus-id and a whole score"
    ):
        read_collection(folder, "dev")


def test_judgements_that_are_not_utf8_are_named(folder: Path) -> None:
    (folder / "qrels" / "dev.tsv").write_bytes(b"q a \xff")
    with pytest.raises(CollectionError, match=r"dev\.tsv: cannot be read"):
        read_collection(folder, "dev")


def test_an_absent_split_is_named(folder: Path) -> None:
    with pytest.raises(CollectionError, match=r"test\.tsv"):
        read_collection(folder)


def test_runs_and_judgements_are_written_as_trec_reads_them(tmp_path: Path) -> None:
    write_run(tmp_path / "r.run", {"q": [("a", 0.5), ("b", 0.25)]}, "tag")
    write_qrels(tmp_path / "r.qrels", {"q": {"a": 2}})
    assert (tmp_path / "r.run").read_text() == "q Q0 a 1 0.500000 tag\nq Q0 b 2 0.250000 tag\n"
    assert (tmp_path / "r.qrels").read_text() == "q 0 a 2\n"


def test_the_own_set_is_whole_and_its_halves_share_no_topic() -> None:
    place = labelled.folder() / "search"
    halves = [read_collection(place, split) for split in ("dev", "test")]
    rows = [json.loads(line) for line in (place / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    topic = {row["_id"]: row["metadata"]["topic"] for row in rows}
    dev, test = ({topic[query] for query in half.queries} for half in halves)
    assert not dev & test
    assert sum(len(half.queries) for half in halves) == len(rows) >= 160
    for half in halves:
        assert {name for grades in half.judgements.values() for name in grades} <= set(half.corpus)
        assert {grade for grades in half.judgements.values() for grade in grades.values()} == {0, 1, 2}

"""The embedder as mteb calls one, and a BEIR folder as a task; mteb itself where it is installed."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.evaluate import measures, read_collection
from tests.index.conftest import WordEmbedder

BENCH = Path(__file__).resolve().parents[2] / "bench"
TEXTS = {
    "a": "Siêu thị thay túi ni lông bằng bao bì giấy.",
    "b": "Lắp điện mặt trời trên mái trụ sở.",
    "c": "Thu gom rác đã phân loại tại chợ.",
    "d": "Mở lớp tập huấn về kiểm toán năng lượng.",
}
QUERIES = {"q1": "túi ni lông", "q2": "điện mặt trời", "q3": "chợ thay mái bằng giấy", "q4": "tàu vũ trụ"}
JUDGED = {"q1": {"a": 1}, "q2": {"b": 1, "d": 1}, "q3": {"c": 1}, "q4": {"a": 0}}


class Prompted(WordEmbedder):
    """Tells the two sides apart by the sign."""

    def embed_queries(self, texts: Any) -> np.ndarray:
        return -self.embed_passages(texts)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("mteb_embedder")


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    for name, rows in (("corpus", TEXTS), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in rows.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "qrels").mkdir()
    judged = [f"{query}\t{text}\t{grade}" for query, grades in JUDGED.items() for text, grade in grades.items()]
    (tmp_path / "qrels" / "test.tsv").write_text("\n".join(judged), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("prompt_type", "sign"), [("document", 1), ("query", -1), (None, -1)])
def test_batches_are_embedded_as_the_side_that_is_asked_for(script: Any, prompt_type: str | None, sign: int) -> None:
    texts, embedder = list(TEXTS.values()), Prompted()
    batches = [{"text": texts[:3], "id": ["a", "b", "c"]}, {"text": texts[3:], "id": ["d"]}]
    given = {"task_metadata": None, "hf_split": "test", "hf_subset": "default", "batch_size": 3}
    vectors = script.MtebEmbedder(embedder).encode(batches, prompt_type=prompt_type, **given)
    np.testing.assert_array_equal(vectors, sign * embedder.embed_passages(texts))


def test_similarity_is_the_cosine(script: Any) -> None:
    wrapped, vectors = script.MtebEmbedder(WordEmbedder()), WordEmbedder().embed_passages([*TEXTS.values(), ""])
    cosines = wrapped.similarity(vectors, vectors)
    assert cosines.shape == (5, 5)
    np.testing.assert_allclose(np.diag(cosines), [1, 1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(
        wrapped.similarity_pairwise(vectors[:2], vectors[1:3]), np.diag(cosines, 1)[:2], atol=1e-6
    )
    assert wrapped.similarity(vectors[0], vectors).shape == (1, 5)


def test_every_nth_query_keeps_all_texts(script: Any, beir: Path) -> None:
    collection = script.read_data(beir, "test", every=2)
    assert list(collection.queries) == ["q1", "q3"]
    assert collection.corpus == TEXTS


def test_without_mteb_the_error_names_the_extra(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(ImportError, match=r"kehoach\[bench\]"):
        script.own_task("own", "test")


def test_mteb_finds_the_same_figures(script: Any, beir: Path, tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb")
    embedder = WordEmbedder()
    wrapped = script.MtebEmbedder(embedder)
    assert isinstance(wrapped, mteb.models.EncoderProtocol)
    task = script.with_data(script.own_task("own", "test"), read_collection(beir))
    found = script.evaluate(embedder, task, tmp_path / "out.json")["scores"]["test default"]
    scores = embedder.embed_queries(list(QUERIES.values())) @ embedder.embed_passages(list(TEXTS.values())).T
    names = np.array(list(TEXTS))
    ours = measures({q: list(names[np.argsort(-row)]) for q, row in zip(QUERIES, scores, strict=True)}, JUDGED)
    assert ours["recall@1"] < 1
    for theirs, our in (("ndcg_at_10", "ndcg@10"), ("mrr_at_10", "mrr@10"), ("recall_at_1", "recall@1")):
        assert found[theirs] == pytest.approx(ours[our], abs=1e-4)
    assert json.loads((tmp_path / "out.json").read_text())["dataset_revision"] == "local"

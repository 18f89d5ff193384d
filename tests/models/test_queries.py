"""Reading queries by a tuned encoder: what tuning learns, what it must leave alone, and that passages stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from corpus import labelled
from index.rank import shipped
from models import sealed
from models.asking import NAME, AskingEmbedder, with_queries
from models.embedder import Embedder, OnnxEmbedder
from models.errors import AdapterError
from models.tuning import read_tuning, write_tuning
from nlp.fold import fold, words

PASSAGES = ("Lắp điện mặt trời áp mái", "Thu gom vỏ chai", "Tập huấn cán bộ xã", "Trồng cây xanh ven đường")
# Words that say nothing of the passages: what they lead to can only be learnt.
ASKED = (("mộc tồn", 0), ("mộc tồn ở đâu", 0), ("hải đăng", 1), ("hải đăng ở đâu", 1), ("cung đàn", 2), ("lá cờ", 3))


def test_the_shipped_tuning_changes_queries_and_no_passages(embedder: Embedder) -> None:
    both = with_queries(embedder, sealed.shipped(NAME))
    assert isinstance(both, AskingEmbedder)
    assert np.array_equal(both.embed_passages(PASSAGES), embedder.embed_passages(PASSAGES))
    changed = (both.embed_queries(PASSAGES) * embedder.embed_queries(PASSAGES)).sum(1)
    assert (changed < 0.999).all()
    assert both.id != embedder.id
    assert both.id.startswith(embedder.id)
    assert not both.embed_queries([""]).any()


def test_another_embedder_reads_queries_itself() -> None:
    class Other:
        id = "other"

    assert with_queries(Other(), sealed.shipped(NAME)).id == "other"


def test_a_missing_or_foreign_tuning_is_named(embedder: Embedder, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"no usable tuning.*train --queries"):
        with_queries(embedder, tmp_path)
    write_tuning(tmp_path, 11, {}, {"embedder": "other"})
    with pytest.raises(AdapterError, match="has embedder 'other'"):
        with_queries(embedder, tmp_path)


def test_questions_are_about_labelled_paragraphs() -> None:
    ids = {row.id for row in labelled.paragraphs()}
    assert [question.paragraph for question in labelled.questions() if question.paragraph not in ids] == []
    assert len({(q.paragraph, q.text) for q in labelled.questions()}) == len(labelled.questions())
    assert all(meaning.text and meaning.means for meaning in labelled.meanings())


def test_the_ranking_that_comes_with_the_program_was_fitted_with_it(embedder: Embedder) -> None:
    """Else nothing is cut by probability: run bench/fit_ranking.py after `kehoach train --queries`."""
    assert shipped().embedder == with_queries(embedder, sealed.shipped(NAME)).id


def test_no_judged_query_of_the_search_set_is_learnt_from() -> None:
    lines = (labelled.folder() / "search" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    judged = {_bare(json.loads(line)["text"]) for line in lines}
    learnt = {_bare(question.text) for question in labelled.questions()}
    learnt |= {_bare(meaning.text) for meaning in labelled.meanings()}
    learnt |= {_bare(text) for entry in labelled.encyclopedia() for text in entry.questions}
    assert learnt & judged == set()


def _bare(text: str) -> str:
    return " ".join(words(fold(text)))


def test_tuning_learns_what_answers_and_keeps_what_is_meant(embedder: Embedder, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from models.tune_queries import Asked, QueryRecipe, tune_queries

    assert isinstance(embedder, OnnxEmbedder)
    kept = ["Thủ đô của nước Pháp là gì?", "Ai viết Truyện Kiều?", "Nước sôi ở bao nhiêu độ?"]
    passages = embedder.embed_passages(PASSAGES)
    asked = Asked(ASKED, passages, [(text, text) for text in kept])
    recipe = QueryRecipe(first=11, rank=4, epochs=30, batch=3)
    told: list[str] = []
    arrays = tune_queries(asked, embedder, recipe, told.append)
    assert all(
        np.array_equal(arrays[name], again)
        for name, again in tune_queries(asked, embedder, recipe, told.append).items()
    )
    tuned = AskingEmbedder(embedder, write_tuning(tmp_path, recipe.first, arrays, {}))
    assert read_tuning(tmp_path).id.removeprefix("tuning-") in tuned.id
    found = (tuned.embed_queries([text for text, _ in ASKED]) @ passages.T).argmax(1)
    before = (embedder.embed_queries([text for text, _ in ASKED]) @ passages.T).argmax(1)
    wanted = [number for _, number in ASKED]
    assert (found == wanted).mean() > max(0.9, (before == wanted).mean())
    assert (tuned.embed_queries(kept) * embedder.embed_queries(kept)).sum(1).min() > 0.9
    with pytest.raises(ValueError, match="needs queries"):
        tune_queries(Asked([], passages, []), embedder, recipe, told.append)

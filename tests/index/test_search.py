"""Search over a built index: both legs, filters inside them, freshness, and damage that is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.store import Filter, Store
from index import build as building
from index.build import build
from index.engine import Snapshot
from index.generation import StaleIndexError, load
from index.lexical import Words
from index.postgres import PostgresIndex
from index.rank import shipped
from index.search import Searcher
from tests import postgres
from tests.index.conftest import WordEmbedder, fill


@pytest.fixture
def folder(tmp_path: Path, store: Store, words_embedder) -> Path:
    build(tmp_path / "index", store, words_embedder.id, words_embedder.dimension)
    return tmp_path / "index"


@pytest.fixture
def local(folder: Path, store: Store, words_embedder) -> Searcher:
    return searching(store, load(folder, store.content, words_embedder.id), words_embedder)


@pytest.fixture(scope="module")
def on_postgres() -> Iterator[Searcher]:
    url, embedder = postgres.new_store_url(), WordEmbedder()
    store = Store(url)
    fill(store, embedder)
    index = PostgresIndex(store, embedder, lambda what: None, lambda what, done, total: None)
    yield searching(store, index.snapshot(), embedder)
    store.close()
    postgres.server().drop(url)


@pytest.fixture(params=["local", "on_postgres"])
def searcher(request: pytest.FixtureRequest) -> Searcher:
    """A searcher over each engine in turn."""
    return request.getfixturevalue(request.param)


def searching(store: Store, index: Snapshot, embedder) -> Searcher:
    # As if the ranking had been fitted with this embedder, so that cuts apply.
    return Searcher(store, index, embedder, replace(shipped(), embedder=embedder.id))


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def found(searcher: Searcher, text: str, **only: object) -> list[str]:
    return [hit.paragraph.id for hit in searcher.search(text, 10, Filter(**only), cut=0).hits]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("điện mặt trời", "b2"),
        ("dien mat troi", "b2"),
        ("túi ni lông siêu thị", "b1"),
        ("hội viên phụ nữ", "b3"),
        ("siêu thị ở Bắc Kạn", "k1"),
        ("sieu thi bac kan", "k1"),
    ],
)
def test_the_paragraph_asked_for_comes_first(searcher: Searcher, query: str, first: str) -> None:
    assert found(searcher, query)[0] == first


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        ({"province": "Cao Bằng"}, {"b1", "b2", "b3"}),
        ({"province": "Bắc Kạn"}, {"k1", "k2"}),
        ({"province": "Thái Nguyên"}, {"k1", "k2"}),
        ({"province": "Bắc Kạn", "province_as": "published"}, {"k1", "k2"}),
        ({"province": "Bắc Kạn", "province_as": "today"}, set()),
        ({"province": "Thái Nguyên", "province_as": "today"}, {"k1", "k2"}),
        ({"province": "Thái Nguyên", "province_as": "published"}, set()),
        ({"year": 2021}, {"b1", "b2", "b3"}),
        ({"task_group": "green_distribution"}, {"b1", "k1"}),
        ({"task_group": "green_distribution", "year": 2022}, {"k1"}),
        ({"province": "Hà Tĩnh"}, set()),
    ],
)
def test_filters_hold_in_both_legs(searcher: Searcher, only: dict[str, object], ids: set[str]) -> None:
    assert set(found(searcher, "siêu thị điện tuyên truyền đường", **only)) == ids


def test_typed_diacritics_are_honoured(searcher: Searcher) -> None:
    def scores(word: str) -> dict[int, float]:
        return dict(searcher._index.by_words(searcher._store, Words(word), 10, Filter()))

    assert scores("đường")
    assert set(scores("đường")) == set(scores("dương")), "both words stand in the same paragraph"
    assert max(scores("đương").values(), default=0) < max(scores("đường").values())


def test_hits_say_why(searcher: Searcher) -> None:
    hit = searcher.search("điện mặt trời", 1, cut=0).hits[0]
    assert hit.ranks == {"lexical": 1, "dense": 1}
    assert [hit.snippet.text[a:b] for a, b in hit.snippet.marks] == ["điện mặt trời"]


@pytest.mark.parametrize(
    "query", ["", "   ", "\0", "?!…", "'\"()[]{}:^~*+-", "AND OR NOT", "a" * 5000, "\ud800", "*" * 300]
)
def test_odd_queries_end_without_an_error(searcher: Searcher, query: str) -> None:
    searcher.search(query, 5)


def test_another_embedder_makes_the_index_stale(folder: Path, store: Store) -> None:
    with pytest.raises(StaleIndexError, match="embedder_id"):
        load(folder, store.content, "other")


@pytest.mark.parametrize(
    "name", ["manifest.json", "vectors.f32", "rows.npz", "accents/syllables.tsv", "lexical.json", "lexical/meta.json"]
)
def test_damage_is_noticed(folder: Path, store: Store, words_embedder, name: str) -> None:
    (folder / "1" / name).write_bytes(b"\x00broken")
    with pytest.raises(StaleIndexError):
        load(folder, store.content, words_embedder.id)


def test_a_missing_paragraph_is_noticed(folder: Path, store: Store, words_embedder) -> None:
    manifest = folder / "1" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "paragraphs": 6}))
    with pytest.raises(StaleIndexError, match="does not hold its 6"):
        load(folder, store.content, words_embedder.id)


def test_a_build_that_fails_leaves_the_current_one(
    folder: Path, store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(building.LexicalIndex, "build", fail)
    with pytest.raises(OSError, match="disk full"):
        build(folder, store, words_embedder.id, words_embedder.dimension)
    assert load(folder, store.content, words_embedder.id)
    assert visible(folder) == {"1", "CURRENT"}


def test_old_generations_go_and_an_open_one_goes_on(
    folder: Path, store: Store, local: Searcher, words_embedder
) -> None:
    for _ in range(3):
        build(folder, store, words_embedder.id, words_embedder.dimension)
    assert visible(folder) == {"3", "4", "CURRENT"}
    assert found(local, "điện mặt trời")[0] == "b2"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('"bao bì"', {"b1", "k1"}),
        ('"bao bì dễ phân hủy"', {"b1"}),
        ('"bao bi de phan huy"', {"b1"}),
        ('"phân hủy dễ"', set()),
        ('"siêu thị" -"thân thiện"', {"b1"}),
    ],
)
def test_quoted_phrases_stand_word_for_word(searcher: Searcher, query: str, ids: set[str]) -> None:
    assert set(found(searcher, query)) == ids


@pytest.mark.parametrize(("query", "marked"), [("đường", ["đường"]), ("dương", ["dương"]), ("duong", ["đường dương"])])
def test_only_words_as_they_were_typed_are_marked(searcher: Searcher, query: str, marked: list[str]) -> None:
    hits = {hit.paragraph.id: hit.snippet for hit in searcher.search(query, 10, cut=0).hits}
    assert [hits["k2"].text[a:b] for a, b in hits["k2"].marks] == marked


def test_what_is_excluded_is_never_found(searcher: Searcher) -> None:
    assert "b1" in found(searcher, "siêu thị")
    assert "b1" not in found(searcher, "siêu thị -túi")
    assert "k1" in found(searcher, "siêu thị -túi")


def test_a_document_counts_once_when_grouped(searcher: Searcher) -> None:
    hits = searcher.search("siêu thị điện đường", 10, cut=0, grouped=True).hits
    documents = [hit.paragraph.document_id for hit in hits]
    assert sorted(documents) == ["Bắc Kạn", "Cao Bằng"]


def test_scores_are_probabilities_in_order(searcher: Searcher) -> None:
    scores = [hit.score for hit in searcher.search("điện mặt trời", 10, cut=0).hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_unlikely_hits_are_cut_and_an_unlikely_best_hit_means_nothing_was_found(searcher: Searcher) -> None:
    sure = Searcher(searcher._store, searcher._index, searcher._embedder, replace(searcher._ranking, intercept=50.0))
    assert len(sure.search("điện mặt trời", 10).hits) == 5
    doubtful = replace(searcher._ranking, intercept=-50.0)
    unsure = Searcher(searcher._store, searcher._index, searcher._embedder, doubtful)
    assert unsure.search("điện mặt trời", 10).hits == []
    assert len(unsure.search("điện mặt trời", 10, cut=0).hits) == 5
    # What stands word for word is there, whatever the model thinks.
    assert len(unsure.search('"điện mặt trời"', 10).hits) == 1


def test_another_embedder_is_never_cut(searcher: Searcher) -> None:
    other = replace(searcher._ranking, embedder="another", intercept=-50.0)
    unsure = Searcher(searcher._store, searcher._index, searcher._embedder, other)
    assert len(unsure.search("điện mặt trời", 10).hits) == 5


def test_a_hit_without_a_word_of_the_query_shows_its_nearest_sentence(local: Searcher, words_embedder) -> None:
    text = "Mở đầu chung chung. Trồng rừng ngập mặn."
    shown = local._snippet(words_embedder.embed_queries(["rừng ngập mặn"])[0], text, "zzz")
    assert [shown.text[a:b] for a, b in shown.marks] == ["Trồng rừng ngập mặn."]

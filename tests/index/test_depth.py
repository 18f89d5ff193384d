"""How far a search goes: as many hits as are asked for, pages to the end, and what is excluded left out of both legs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import labelled
from corpus.provinces import provinces
from corpus.store import Analysis, Filter, Store
from corpus.types import Document, Metadata, Paragraph
from index import search as search_module
from index.engine import Snapshot
from index.live import LiveIndex
from index.postgres import PostgresIndex
from index.search import Searcher
from tests import postgres
from tests.index.conftest import WordEmbedder

# Those that are nearest to "siêu thị" all have "túi"; those without are longer and speak of more.
BAGS = [f"Siêu thị thay túi ni lông số {n}." for n in range(300)]
OTHERS = [f"Siêu thị mở điểm thu gom pin cũ cho người dân khu phố {n} vào ngày cuối tuần." for n in range(40)]
APART = ["Siêu thị đổi túi ni sợi và bao ni lông.", "Xây đường vào siêu thị.", "Siêu thị ở Bình Dương."]
PLACE = "Cao Bằng"


def fill(store: Store, embedder: WordEmbedder) -> None:
    about = [(PLACE, BAGS[:150]), ("Cà Mau", BAGS[150:] + OTHERS), ("Huế", APART)]
    for place, texts in about:
        members = tuple(Paragraph(f"{place}#{n}", n, text, "task") for n, text in enumerate(texts, 1))
        analyses = [Analysis((), (), vector) for vector in embedder.embed_passages(texts)]
        store.add(Document(place, place, place, Metadata(province=place), members), analyses, embedder.id)


@pytest.fixture(scope="module", params=["local", "postgres"])
def searcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder: Path = tmp_path_factory.mktemp("depth")
    is_local = request.param == "local"
    url = f"sqlite:///{folder / 'store.db'}" if is_local else postgres.new_store_url()
    store, embedder = Store(url), WordEmbedder()
    fill(store, embedder)
    rest = (store, embedder, lambda what: None, lambda what, done, total: None)
    with pytest.MonkeyPatch.context() as patch:
        # Diacritics are learnt from the store alone, which is quicker.
        patch.setattr(labelled, "texts", list)
        index = LiveIndex(folder / "index", *rest) if is_local else PostgresIndex(*rest)
        snapshot: Snapshot = index.snapshot()
    yield Searcher(store, snapshot, embedder)
    index.close()
    store.close()
    if not is_local:
        postgres.server().drop(url)


def texts(searcher: Searcher, query: str, limit: int, **only: object) -> list[str]:
    return [hit.paragraph.text for hit in searcher.search(query, limit, Filter(**only), cut=0).hits]


def test_as_many_hits_come_back_as_are_asked_for(searcher: Searcher) -> None:
    every = texts(searcher, "túi ni lông", 1000)
    assert sorted(every) == sorted(BAGS + OTHERS + APART)
    assert len(texts(searcher, "túi ni lông", 250)) == 250
    assert sorted(texts(searcher, "túi ni lông", 1000, province=PLACE)) == sorted(BAGS[:150])
    assert sorted(texts(searcher, '"túi ni lông"', 1000)) == sorted(BAGS)


def test_pages_make_up_the_ranking_to_its_end(searcher: Searcher) -> None:
    every = searcher.search("túi ni lông", 1000, cut=0)
    assert every.next_cursor is None
    scores = [hit.score for hit in every.hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    paged, cursor = [], None
    while True:
        page = searcher.search("túi ni lông", 70, None, cursor, 0)
        paged += [hit.paragraph.id for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == [hit.paragraph.id for hit in every.hits]


def test_a_cursor_from_far_down_asks_for_no_more_than_the_most(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_DEPTH", 120)
    found = searcher.search("túi ni lông", 1000, cut=0)
    assert 120 <= len(found.hits) <= 240
    assert all(len(hits) <= 120 for hits in searcher.candidates("túi ni lông", Filter(), 120).legs.values())


@pytest.mark.parametrize("query", ["siêu thị -túi", "siêu thị -tui", 'siêu thị -"túi ni"', "sieu thi -túi -ni"])
def test_what_all_the_nearest_have_can_be_excluded(searcher: Searcher, query: str) -> None:
    assert sorted(texts(searcher, query, 1000)) == sorted([*OTHERS, *APART[1:]])
    legs = searcher.candidates(query, Filter()).legs
    assert {len(hits) for leg, hits in legs.items()} == {len(OTHERS) + 2}
    assert texts(searcher, query, 1000, province=PLACE) == []
    assert texts(searcher, query, 1000, province="Sóc Trăng") == []
    assert sorted(texts(searcher, query, 1000, province="Huế")) == sorted(APART[1:])


def test_a_long_phrase_is_excluded_only_where_it_stands_word_for_word(searcher: Searcher) -> None:
    assert sorted(texts(searcher, 'siêu thị -"túi ni lông"', 1000)) == sorted(OTHERS + APART)
    assert len(texts(searcher, 'siêu thị -"túi ni lông"', 10)) == 10


def test_what_is_excluded_honours_typed_diacritics(searcher: Searcher) -> None:
    def of_hue(query: str) -> set[str]:
        return set(texts(searcher, query, 10, province="Huế"))

    assert of_hue("siêu thị -đường") == {APART[0], APART[2]}
    assert of_hue("siêu thị -dương") == {APART[0], APART[1]}
    assert of_hue("siêu thị -duong") == {APART[0]}


def test_phrases_and_exclusions_go_together(searcher: Searcher) -> None:
    assert texts(searcher, '"siêu thị" "điểm thu gom" -túi', 1000) != []
    assert sorted(texts(searcher, '"siêu thị" -túi', 1000)) == sorted([*OTHERS, *APART[1:]])
    assert texts(searcher, '"túi ni lông" -"siêu thị"', 1000) == []


def test_a_province_that_is_named_is_still_ranked_on_its_own(searcher: Searcher) -> None:
    assert any(province.name == PLACE for province in provinces())
    legs = searcher.candidates(f"túi ni lông ở {PLACE} -pin", Filter()).legs
    assert {"lexical_named", "dense_named"} <= set(legs)
    assert all(len(hits) <= 100 for hits in legs.values())

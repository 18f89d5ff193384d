"""The index that follows the store: every kind of change, other processes, merging, and what a kill leaves behind."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from corpus.store import Analysis, Filter, Store
from corpus.types import Document, Metadata, Paragraph, Tag, Target
from index import build as building
from index import generation as generation_module
from index import live as live_module
from index import vectors as vectors_module
from index.generation import BUILDING, CHANGING, Generation, load, lock
from index.lexical import LexicalIndex
from index.live import LiveIndex
from index.search import Searcher

MEASURED = Target("tỷ lệ", ">=", (85.0,), "%")


class Told(list[str]):
    """What an index says while it works."""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def opened(tmp_path: Path, store: Store, words_embedder, told: Told) -> Iterator[Callable[[], LiveIndex]]:
    """Opens the index again, as another process does."""
    made = []

    def open_one() -> LiveIndex:
        made.append(LiveIndex(tmp_path / "index", store, words_embedder, told.append, lambda what, done, total: None))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture
def index(opened: Callable[[], LiveIndex]) -> LiveIndex:
    one = opened()
    one.snapshot()
    return one


def add(store: Store, embedder, name: str, *texts: str, **about: object) -> None:
    groups = about.pop("groups", ())
    targets = about.pop("targets", ())
    members = tuple(Paragraph(f"{name}#{n}", n, text, "task") for n, text in enumerate(texts, 1))
    analyses = [
        Analysis([Tag(group, 0.9, assigned=True) for group in groups], targets, vector)
        for vector in embedder.embed_passages(texts)
    ]
    store.add(
        Document(name, name, f"{crc32(''.join(texts).encode()):x}", Metadata(**about), members), analyses, embedder.id
    )


def found(index: LiveIndex, store: Store, embedder, text: str, **only: object) -> list[str]:
    return [
        hit.paragraph.id for hit in Searcher(store, index.snapshot(), embedder).search(text, 50, Filter(**only)).hits
    ]


def legs(index: LiveIndex, embedder, store: Store, text: str, only: Filter | None = None) -> tuple[set[int], set[int]]:
    now, only = index.snapshot(), only or Filter()
    from index.lexical import Words

    lexical = now.lexical.search(Words(text), 1000, only)
    dense = now.vectors.search(embedder.embed_queries([text])[0], 1000, now.select(only, store))
    return {key for key, _ in lexical}, {key for key, _ in dense}


def live_words(text: str):
    from index.lexical import Words

    return Words(text)


def test_an_old_snapshot_stays_as_it_was(index: LiveIndex, store: Store, words_embedder) -> None:
    before = index.snapshot()
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    assert index.snapshot() is not before
    assert before.lexical.search(live_words("ngập mặn"), 10, Filter()) == []
    assert len(before.vectors) == 5


def test_readers_do_not_wait_for_one_that_holds_the_locks(
    index: LiveIndex, opened: Callable[[], LiveIndex], store: Store, words_embedder, tmp_path: Path
) -> None:
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    (key,) = store.keys(Filter(document_id="new"))
    with lock(tmp_path / "index", CHANGING, wait=True), lock(tmp_path / "index", BUILDING, wait=True):
        lexical, dense = legs(index, words_embedder, store, "rừng ngập mặn")
        assert key in dense
        assert key not in lexical
    lexical, _ = legs(index, words_embedder, store, "rừng ngập mặn")
    assert key in lexical, "taken in as soon as the lock is free, though the store has not changed again"


def test_readers_do_not_wait_for_a_thread_that_takes_in(index: LiveIndex, store: Store, words_embedder) -> None:
    before = index.snapshot()
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    with index._lock:
        assert index.snapshot() is before
    assert index.snapshot() is not before


def test_bringing_up_waits_for_one_that_changes_the_lexical_index(
    index: LiveIndex, store: Store, words_embedder, tmp_path: Path
) -> None:
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    found: list[Generation] = []
    thread = threading.Thread(target=lambda: found.append(index.refresh()))
    with lock(tmp_path / "index", CHANGING, wait=True):
        thread.start()
        thread.join(0.5)
    thread.join()
    assert found[0].lexical_revision >= found[0].mark.revision
    assert len(found[0].lexical) == 6


def test_what_is_committed_while_an_index_is_opened_is_not_taken_for_read(
    index: LiveIndex, opened: Callable[[], LiveIndex], store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Raced(LexicalIndex):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            monkeypatch.setattr(generation_module, "LexicalIndex", LexicalIndex)
            add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
            index.refresh()

    monkeypatch.setattr(generation_module, "LexicalIndex", Raced)
    assert len(opened().snapshot().lexical) == 6


def test_many_changes_are_taken_in_behind_the_readers_back(
    index: LiveIndex, store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_AT_ONCE", 2)
    before = index.snapshot()
    add(store, words_embedder, "new", "một", "hai", "ba")
    assert index.snapshot() is before
    index.close()
    assert len(index.snapshot().vectors) == 8


@pytest.mark.parametrize("is_flat", [True, False])
def test_merging_keeps_what_is_found(
    index: LiveIndex, opened, store: Store, words_embedder, told: Told, monkeypatch: pytest.MonkeyPatch, is_flat: bool
) -> None:
    monkeypatch.setattr(live_module, "MERGE_FROM", 3)
    if not is_flat:
        for module in (building, vectors_module):
            monkeypatch.setattr(module, "FLAT_LIMIT", 18)
        monkeypatch.setattr(vectors_module, "EXACT_LIMIT", 2)
    other = opened()
    other.snapshot()
    random = np.random.default_rng(4)
    nouns = [f"từ{n}" for n in range(30)]
    for round_number in range(5):
        texts = [" ".join(random.choice(nouns, 5)) for _ in range(8)]
        add(store, words_embedder, f"d{round_number}", *texts, province="Cà Mau", groups=["awareness"])
        store.delete(f"d{round_number - 2}")
        assert index.refresh().changed <= 3
    now = index.snapshot()
    assert int(now.folder.name) > 2
    assert (now.vectors.approximate is None) == is_flat
    fresh = LiveIndex(now.folder.parent.parent / "whole", store, words_embedder, told.append, lambda *_: None)
    for one in (index, other, opened()):
        for text in ("từ1 từ2", "siêu thị"):
            for only in (Filter(), Filter(province="Cà Mau"), Filter(task_group="awareness"), Filter(document_id="d4")):
                expected = legs(fresh, words_embedder, store, text, only)
                assert legs(one, words_embedder, store, text, only) == expected
    assert len(now.lexical) == len(now.vectors) == len(store.paragraphs())


@pytest.mark.parametrize(("texts", "is_built"), [(2, False), (9, True)])
def test_very_many_changes_are_merged_or_built_before_they_are_searched(
    index: LiveIndex,
    opened,
    store: Store,
    words_embedder,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    texts: int,
    is_built: bool,
) -> None:
    monkeypatch.setattr(live_module, "_MOST_BESIDE", 1)
    told.clear()
    add(store, words_embedder, "new", *(f"số {n}" for n in range(texts)))
    now = opened().snapshot()
    assert now.changed == 0
    assert len(now.vectors) == len(now.lexical) == 5 + texts
    assert bool(told) == is_built


def test_a_merge_learns_new_diacritics(
    index: LiveIndex, store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch, opened
) -> None:
    monkeypatch.setattr(live_module, "MERGE_FROM", 0)
    add(store, words_embedder, "new", "Xã Khuổi Ngoằng trồng quế.")
    assert index.snapshot().restorer.restore("khuoi ngoang") == "khuổi ngoằng"
    index.refresh()
    assert index.snapshot().changed == 0
    assert opened().snapshot().restorer.restore("khuoi ngoang") == "khuổi ngoằng"


@pytest.mark.parametrize("damage", ["lexical", "vectors.f32", "manifest.json", "lexical.json", "rows.npz", ""])
def test_what_is_damaged_is_built_again_with_a_word(
    index: LiveIndex, opened, store: Store, words_embedder, told: Told, damage: str
) -> None:
    place = index.snapshot().folder / damage
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    told.clear()
    again = opened()
    assert found(again, store, words_embedder, "siêu thị")[0] in ("b1", "k1")
    assert len(told) == 1
    assert told[0].startswith("rebuilding the index (")


def test_a_generation_can_be_loaded_without_the_store_being_followed(
    index: LiveIndex, store: Store, words_embedder
) -> None:
    generation = load(index.snapshot().folder.parent, store.content, words_embedder.id)
    assert len(generation.vectors) == len(generation.lexical) == 5

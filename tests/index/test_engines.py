"""What an index that follows the store must do, whichever engine keeps it: each test runs over both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpus import labelled
from corpus.corrections import correct
from corpus.schema import paragraphs
from corpus.store import Filter, Store
from corpus.types import Target
from index import live as live_module
from index import postgres as postgres_module
from index.engine import Index
from index.lexical import Words
from index.live import LiveIndex
from index.postgres import PostgresIndex
from index.search import Searcher
from tests import postgres
from tests.index.conftest import WordEmbedder, fill
from tests.index.test_live import add

MEASURED = Target("tỷ lệ", ">=", (85.0,), "%")
WORDS = "siêu thị điện tuyên truyền đường"


@pytest.fixture(autouse=True)
def _nothing_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diacritics are learnt from the store alone, which is quicker."""
    monkeypatch.setattr(labelled, "texts", list)


@pytest.fixture(params=["local", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store(engine: str, tmp_path: Path, words_embedder: WordEmbedder) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.db'}" if engine == "local" else postgres.new_store_url()
    made = Store(url)
    fill(made, words_embedder)
    yield made
    made.close()
    if engine == "postgres":
        postgres.server().drop(url)


@pytest.fixture
def told() -> list[str]:
    """What the indexes say while they work."""
    return []


@pytest.fixture
def opened(
    engine: str, tmp_path: Path, store: Store, words_embedder: WordEmbedder, told: list[str]
) -> Iterator[Callable[[], Index]]:
    """Opens the index again, as another process does."""
    made: list[Index] = []

    def open_one() -> Index:
        rest = (store, words_embedder, told.append, lambda what, done, total: None)
        made.append(LiveIndex(tmp_path / "index", *rest) if engine == "local" else PostgresIndex(*rest))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture
def index(opened: Callable[[], Index], told: list[str]) -> Index:
    one = opened()
    one.snapshot()
    told.clear()
    return one


def found(index: Index, store: Store, text: str, **only: object) -> list[str]:
    hits = Searcher(store, index.snapshot(), WordEmbedder()).search(text, 50, Filter(**only)).hits
    return [hit.paragraph.id for hit in hits]


def legs(
    index: Index, store: Store, text: str, only: Filter | None = None
) -> tuple[dict[int, float], dict[int, float]]:
    """Return key to score of all that each leg finds."""
    vector = WordEmbedder().embed_queries([text])[0]
    lexical, dense = index.snapshot().legs(store, Words(text), lambda: vector, 1000, [only or Filter()])[0]
    return dict(lexical), dict(dense)


def test_every_change_is_found_at_once_without_a_build(
    index: Index, store: Store, words_embedder, told: list[str]
) -> None:
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    assert found(index, store, "rừng ngập mặn")[0] == "new#1"
    add(store, words_embedder, "new", "Chế biến gỗ xuất khẩu.", "Trồng rừng phòng hộ.")
    assert found(index, store, "gỗ xuất khẩu")[0] == "new#1"
    assert not legs(index, store, "ngập mặn")[0]
    correct(store, "new#2", ["awareness"], ["awareness"], "người")
    assert found(index, store, "rừng", task_group="awareness", document_id="new") == ["new#2"]
    correct(store, "new#2", [], ["awareness"], "người")
    assert found(index, store, "rừng", task_group="awareness", document_id="new") == []
    store.delete("new")
    assert not {"new#1", "new#2"} & set(found(index, store, "rừng gỗ"))
    assert len(legs(index, store, "rừng")[1]) == 5
    assert told == []


def test_another_process_sees_what_changed(
    index: Index, opened: Callable[[], Index], store: Store, words_embedder, told: list[str]
) -> None:
    other = opened()
    other.snapshot()
    add(store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    for one in (index, other, opened()):
        assert found(one, store, "rừng ngập mặn")[0] == "new#1"
        assert len(legs(one, store, "rừng")[1]) == 6
    assert told == []


def test_filters_agree_with_the_store(index: Index, store: Store, words_embedder) -> None:
    add(store, words_embedder, "q", "Giảm 20% túi ni lông.", "Họp báo.", type="Quyết định", province="Cà Mau",
        province_today="Cà Mau", period=(2021, 2030), groups=["awareness"], targets=[MEASURED])  # fmt: skip
    filters = [
        Filter(province="Cao Bằng"), Filter(province="Thái Nguyên"), Filter(year=2022), Filter(year=2029), Filter(year=1990),
        Filter(task_group="awareness"), Filter(task_group="none"), Filter(kind="task"), Filter(kind="news"),
        Filter(type="Quyết định"), Filter(region="Đồng bằng sông Cửu Long"), Filter(region="?"), Filter(has_target=True),
        Filter(has_target=False, year=2021), Filter(document_id="q"), Filter(document_id="?"), Filter(),
        Filter(province="Bắc Kạn", province_as="published"), Filter(province="Bắc Kạn", province_as="today"),
        Filter(province="Thái Nguyên", province_as="published"), Filter(province="Thái Nguyên", province_as="today"),
    ]  # fmt: skip
    for merged in (False, True):
        for only in filters:
            lexical, dense = legs(index, store, f"{WORDS} giảm họp đến năm", only)
            assert set(dense) == set(store.keys(only).tolist()), only
            assert set(lexical) == set(dense), only
        if not merged:
            index.rebuild()


def test_facets_count_what_is_found(index: Index, store: Store) -> None:
    facets = index.snapshot().facets(store, store.keys(Filter()).tolist())
    assert facets["province"] == {"Cao Bằng": 3, "Bắc Kạn": 2}
    assert facets["task_group"] == {"green_distribution": 2, "awareness": 1, "renewable_energy": 1}
    assert facets["year"] == {"2021": 3, "2022": 2}
    assert index.snapshot().facets(store, []) == {name: {} for name in facets}


def test_a_change_that_said_nothing_makes_it_anew(index: Index, store: Store, told: list[str]) -> None:
    with store.changing() as connection:
        connection.execute(sa.update(paragraphs).where(paragraphs.c.id == "b1").values(text="Nuôi cá lồng trên hồ."))
    assert found(index, store, "nuôi cá lồng")[0] == "b1"
    assert any("rebuilding" in what for what in told)


def test_diacritics_of_what_came_are_learnt(index: Index, opened, store: Store, words_embedder) -> None:
    add(store, words_embedder, "new", "Xã Khuổi Ngoằng trồng quế.")
    for one in (index, opened()):
        assert one.snapshot().restorer.restore("khuoi ngoang") == "khuổi ngoằng"
    index.rebuild()
    assert opened().snapshot().restorer.restore("khuoi ngoang") == "khuổi ngoằng"


def test_what_no_process_has_embedded_is_embedded(opened, store: Store, told: list[str]) -> None:
    with store.changing() as connection:
        connection.execute(sa.text("delete from embeddings"))
    assert len(legs(opened(), store, "điện")[1]) == 5
    assert any(what.startswith("embedding 5 paragraphs") for what in told)


WRITER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from corpus.store import Store
from index import live
from index import postgres
from index.live import LiveIndex
from index.postgres import PostgresIndex
from tests.index.conftest import WordEmbedder
from tests.index.test_live import add
live.MERGE_FROM = postgres.LIST_FROM = 4
store, embedder = Store({url!r}), WordEmbedder()
rest = (store, embedder, lambda what: None, lambda *_: None)
index = LiveIndex(Path({folder!r}), *rest) if {engine!r} == "local" else PostgresIndex(*rest)
for n in range(1000):
    add(store, embedder, f"w{{n}}", f"bài số{{n}}", f"đoạn số{{n}}")
    index.refresh()
    print(n, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_usable_index(
    index: Index, engine: str, tmp_path: Path, store: Store, opened, told: list[str]
) -> None:
    root = str(Path(__file__).resolve().parents[2])
    url = store.engine.url.render_as_string(hide_password=False)
    script = WRITER.format(path=[root], url=url, folder=str(tmp_path / "index"), engine=engine)
    for after in (0.06, 0.25):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": root}
        )
        assert process.stdout
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        one = opened()
        expected = set(store.keys(Filter()).tolist())
        lexical, dense = legs(one, store, f"bài đoạn {WORDS}")
        assert set(lexical) == set(dense) == expected
        assert told == [], "what was there is used, not built anew"
        for document in store.documents():
            if document.id.startswith("w"):
                store.delete(document.id)


def test_writers_of_two_processes_and_readers_go_on_together(
    index: Index, opened, store: Store, words_embedder, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MERGE_FROM", 5)
    monkeypatch.setattr(postgres_module, "LIST_FROM", 5)
    other, failures = opened(), []

    def write(one: Index, name: str) -> None:
        try:
            for n in range(15):
                add(store, words_embedder, f"{name}{n}", f"{name} số {n}")
                one.refresh()
        except Exception as error:
            failures.append(error)

    def read() -> None:
        try:
            while any(writer.is_alive() for writer in writers):
                assert "b2" in found(index, store, "điện mặt trời")
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=pair) for pair in ((index, "x"), (other, "y"))]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join()
    assert failures == []
    assert told == []
    for one in (index, other, opened()):
        one.refresh()
        lexical, dense = legs(one, store, f"số x y {WORDS}")
        assert len(lexical) == len(dense) == 35


def test_progress_is_told(engine: str, tmp_path: Path, store: Store, words_embedder) -> None:
    steps: list[tuple[str, int, int]] = []
    rest = (store, words_embedder, lambda what: None, lambda *step: steps.append(step))
    (LiveIndex(tmp_path / "other", *rest) if engine == "local" else PostgresIndex(*rest)).snapshot()
    assert ("indexing paragraphs", 5, 5) in steps

"""The index on PostgreSQL: the scores of the local engine, filters inside the legs, lists by term, damage and kills."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from corpus import labelled
from corpus.corrections import correct
from corpus.store import Analysis, Filter, Store
from corpus.types import Document, Metadata, Paragraph
from index import postgres as postgres_module
from index import postgres_build, postgres_lists, postgres_search
from index.generation import StaleIndexError
from index.lexical import Words
from index.live import LiveIndex
from index.operators import contains
from index.postgres import PostgresIndex
from service.settings import Settings
from tests import postgres
from tests.index.conftest import WordEmbedder
from tests.index.test_live import add

ROWS = 2_000
DIMENSION = 64


class Sized(WordEmbedder):
    """Fast for many texts: their vectors are given."""

    id = "given"
    dimension = DIMENSION


@pytest.fixture(autouse=True)
def _nothing_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diacritics are learnt from the store alone, which is quicker."""
    monkeypatch.setattr(labelled, "texts", list)


@pytest.fixture
def opened(postgres_store: Store, words_embedder) -> Iterator[Callable[[], PostgresIndex]]:
    made: list[PostgresIndex] = []

    def open_one() -> PostgresIndex:
        made.append(PostgresIndex(postgres_store, words_embedder, lambda what: None, lambda *_: None))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def many() -> Iterator[tuple[Store, np.ndarray]]:
    """A store of ROWS random texts and vectors: 1 in 10 of 2021, a document in a thousandth, all words with diacritics."""
    url, random = postgres.new_store_url(), np.random.default_rng(7)
    store = Store(url)
    vectors = random.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # As in a language: few words are frequent.
    frequency = 1 / np.arange(1, 401)
    nouns = np.array([f"tử{n}" if n % 2 else f"tu{n - 1}" for n in range(400)])
    texts = [" ".join(random.choice(nouns, random.integers(3, 25), p=frequency / frequency.sum())) for _ in range(ROWS)]
    for start, size in [*((n, 100) for n in range(0, ROWS - 100, 100)), (ROWS - 100, 98), (ROWS - 2, 2)]:
        members = tuple(Paragraph(f"p{n}", n, texts[n], "task") for n in range(start, start + size))
        about = Metadata(type="Kế hoạch" if start % 1000 == 0 else None)
        analyses = [Analysis((), (), vectors[n]) for n in range(start, start + size)]
        store.add(Document(f"d{start}", "d", str(start), about, members), analyses, Sized.id)
    yield store, vectors
    store.close()
    postgres.server().drop(url)


def index_of(store: Store) -> PostgresIndex:
    return PostgresIndex(store, Sized(), lambda what: None, lambda *_: None)


def exact(store: Store, vectors: np.ndarray, query: np.ndarray, only: Filter, limit: int) -> list[int]:
    keys = store.keys(only)
    return keys[np.argsort(-(vectors[keys - 1] @ query), kind="stable")[:limit]].tolist()


def test_words_score_as_they_do_locally(many, tmp_path: Path) -> None:
    store, _ = many
    local = LiveIndex(tmp_path / "index", store, Sized(), lambda what: None, lambda *_: None).snapshot()
    shared = index_of(store).snapshot()
    for words in (
        Words("tử1 tử5 tu8"), Words("tu0 tu4"), Words("tu10", restored="tử11"), Words("tử301", expansions=("tu20 tu2",)),
        Words("không có"), Words(""),
    ):  # fmt: skip
        for only in (Filter(), Filter(type="Kế hoạch")):
            ours = dict(shared.by_words(store, words, ROWS, only))
            theirs = dict(local.by_words(store, words, ROWS, only))
            assert set(ours) == set(theirs)
            assert [ours[key] for key in theirs] == pytest.approx(list(theirs.values()), rel=0.03)


def test_the_rarest_lists_propose_what_all_words_put_first(many, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = many
    now = index_of(store).snapshot()
    words = Words("tử1 tử3 tử151 tử203")
    all_of_them = now.by_words(store, words, ROWS, Filter())
    monkeypatch.setattr(postgres_search, "BUDGET", 1_000)
    monkeypatch.setattr(postgres_search, "LEAST_SCORED", 50)
    pruned = now.by_words(store, words, 10, Filter())
    assert pruned == all_of_them[:10]
    assert len(now.by_words(store, words, 1000, Filter())) < len(all_of_them)


@pytest.mark.parametrize("scans_all", [True, False])
@pytest.mark.parametrize(
    "only", [Filter(), Filter(type="Kế hoạch"), Filter(document_id="d100"), Filter(document_id=f"d{ROWS - 2}")]
)
def test_filters_inside_the_legs_leave_as_many_hits_as_there_are(
    many, only: Filter, monkeypatch: pytest.MonkeyPatch, scans_all: bool
) -> None:
    monkeypatch.setattr(postgres_search, "_EXACT", 20 if scans_all else 0)
    store, vectors = many
    now, random = index_of(store).snapshot(), np.random.default_rng(3)
    there = len(store.keys(only))
    hits = 0
    for _ in range(20):
        query = random.normal(size=DIMENSION).astype(np.float32)
        query /= np.linalg.norm(query)
        lexical, dense = now.legs(store, Words("tu0 tử1 tử3"), lambda query=query: query, 100, [only])[0]
        assert len(dense) == min(100, there)
        assert {key for key, _ in (*lexical, *dense)} <= set(store.keys(only).tolist())
        assert [key for key, _ in dense] == sorted((k for k, _ in dense), key=lambda k: (-dict(dense)[k], k))
        best = exact(store, vectors, query, only, 10)
        hits += len(set(best) & {key for key, _ in dense[:10]}) / len(best)
    assert hits / 20 >= 0.98


@pytest.mark.parametrize("scans_all", [True, False])
@pytest.mark.parametrize("phrase", ["tử1", "tu1", "tu3 tử1", "không có"])
@pytest.mark.parametrize("only", [Filter(), Filter(type="Kế hoạch")])
def test_exclusions_inside_the_legs_leave_as_many_hits_as_there_are(
    many, only: Filter, phrase: str, monkeypatch: pytest.MonkeyPatch, scans_all: bool
) -> None:
    monkeypatch.setattr(postgres_search, "_EXACT", 20 if scans_all else 0)
    store, _ = many
    allowed = [p for p in store.paragraphs(only) if not contains(p.text, phrase)]
    left, sought = {p.key for p in allowed}, ("tu0", "tu1", "tu3")
    matching = {p.key for p in allowed if any(contains(p.text, word) for word in sought)}
    words = Words("tu0 tử1 tử3", excluded=[phrase])
    vector = np.ones(DIMENSION, np.float32) / 8
    lexical, dense = index_of(store).snapshot().legs(store, words, lambda: vector, 100, [only])[0]
    assert (len(lexical), len(dense)) == (min(100, len(matching)), min(100, len(left)))
    assert {key for key, _ in lexical} <= matching
    assert {key for key, _ in dense} <= left


def test_both_filters_of_a_query_are_answered_in_their_order(many) -> None:
    store, _ = many
    now, vector = index_of(store).snapshot(), np.ones(DIMENSION, np.float32) / 8
    only = [Filter(document_id="d100"), Filter(), Filter(document_id="d200", type=None)]
    together = now.legs(store, Words("tu0"), lambda: vector, 20, only)
    assert together == [now.legs(store, Words("tu0"), lambda: vector, 20, [one])[0] for one in only]


def test_lists_are_made_of_what_came_and_small_ones_joined(
    opened, postgres_store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres_module, "LIST_FROM", 3)
    monkeypatch.setattr(postgres_lists, "_SMALL_SEGMENTS", 3)
    index, random = opened(), np.random.default_rng(4)
    index.snapshot()
    nouns = [f"từ{n}" for n in range(30)]
    for round_number in range(6):
        texts = [" ".join(random.choice(nouns, 5)) for _ in range(8)]
        add(postgres_store, words_embedder, f"d{round_number}", *texts, province="Cà Mau")
        postgres_store.delete(f"d{round_number - 2}")
        assert index.refresh().manifest.unlisted == 0
    now = index.snapshot()
    assert now.manifest.generation == 1
    with postgres_store.engine.connect() as connection:
        segments = connection.scalar(sa.text(f"select count(distinct segment) from {now.manifest.schema}.lists"))
    assert segments < 4
    vector = words_embedder.embed_queries(["từ1"])[0]
    fresh = LiveIndex(tmp_path / "whole", postgres_store, words_embedder, lambda what: None, lambda *_: None).snapshot()
    for text in ("từ1 từ2", "siêu thị"):
        for only in (Filter(), Filter(province="Cà Mau"), Filter(document_id="d4")):
            (ours,), (theirs,) = (
                one.legs(postgres_store, Words(text), lambda: vector, 100, [only]) for one in (now, fresh)
            )
            assert [{key for key, _ in leg} for leg in ours] == [{key for key, _ in leg} for leg in theirs]


def test_many_changes_are_taken_in_and_listed_behind_the_readers_back(
    opened, postgres_store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "_AT_ONCE", 2)
    monkeypatch.setattr(postgres_module, "LIST_FROM", 2)
    index = opened()
    before = index.snapshot()
    add(postgres_store, words_embedder, "new", "một", "hai", "ba")
    assert index.snapshot().manifest == before.manifest
    index.close()
    assert index.snapshot().manifest.paragraphs == 8
    assert index.snapshot().manifest.unlisted == 0


def test_readers_do_not_wait_for_one_that_takes_in(opened, postgres_store: Store, words_embedder) -> None:
    index = opened()
    before = index.snapshot()
    add(postgres_store, words_embedder, "new", "Trồng rừng ngập mặn ven biển.")
    with postgres_store.engine.begin() as connection:
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": postgres_build.CHANGING})
        assert index.snapshot().manifest == before.manifest
        assert opened().snapshot is not None
    assert index.snapshot().manifest.paragraphs == 6


def test_a_tag_alone_leaves_vectors_and_words_where_they_are(opened, postgres_store: Store) -> None:
    index = opened()
    schema = index.snapshot().manifest.schema

    def places() -> list[object]:
        with postgres_store.engine.connect() as connection:
            return [
                connection.execute(sa.text(f"select key, ctid::text from {schema}.{table} order by key")).all()
                for table in ("vectors", "forward")
            ]

    before = places()
    correct(postgres_store, "k2", ["awareness"], ["awareness"], "người")
    assert index.snapshot().facets(postgres_store, [5])["task_group"] == {"awareness": 1}
    assert places() == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("drop schema {s} cascade", "damaged"),
        ("delete from {s}.facts where key = 1", "holds 4 paragraphs instead of 5"),
        ("update kehoach_index.manifests set embedder_id = 'other'", "of another embedder_id"),
        ("update kehoach_index.manifests set store_id = 'other'", "of another store_id"),
        ("update kehoach_index.manifests set format = 0", "of another format"),
        ("drop schema kehoach_index cascade; drop schema {s} cascade", "there is none"),
        ("update kehoach_index.manifests set revision = 999", "does not tell what changed"),
    ],
)
def test_what_is_damaged_is_built_again_with_a_word(
    opened, postgres_store: Store, words_embedder, damage: str, said: str
) -> None:
    schema = opened().snapshot().manifest.schema
    with postgres_store.engine.begin() as connection:
        connection.exec_driver_sql(damage.format(s=schema))
    told: list[str] = []
    again = PostgresIndex(postgres_store, words_embedder, told.append, lambda *_: None)
    assert (
        len(again.snapshot().legs(postgres_store, Words("điện"), lambda: np.ones(64, np.float32), 9, [Filter()])[0][1])
        == 5
    )
    assert len(told) == 1
    assert told[0].startswith("rebuilding the index (")
    assert said in told[0]


def test_a_build_that_fails_leaves_the_current_one_and_nothing_else(
    opened, postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = opened()
    before = index.snapshot()

    def fail(*_: object) -> None:
        raise OSError("killed here")

    monkeypatch.setattr(postgres_build.tables, "seal", fail)
    with pytest.raises(OSError, match="killed here"):
        index.rebuild()
    assert opened().snapshot().manifest == before.manifest
    with postgres_store.engine.connect() as connection:
        schemas = connection.scalars(sa.text("select nspname from pg_namespace where nspname like 'kehoach%'")).all()
    assert set(schemas) == {"kehoach_index", before.manifest.schema}


BUILDER = """
import sys, time
sys.path[:0] = {path!r}
from corpus.store import Store
from index.postgres import PostgresIndex
from tests.index.conftest import WordEmbedder
def show(what, done, total):
    print(what, flush=True)
    if what == "indexing vectors":
        time.sleep(60)
PostgresIndex(Store({url!r}), WordEmbedder(), lambda what: None, show).rebuild()
"""


def test_a_build_that_is_killed_leaves_the_current_one_and_its_lock_free(opened, postgres_store: Store) -> None:
    before = opened().snapshot()
    root = str(Path(__file__).resolve().parents[2])
    script = BUILDER.format(path=[root], url=postgres_store.engine.url.render_as_string(hide_password=False))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root)
    assert process.stdout
    while process.stdout.readline() != b"indexing vectors\n":
        assert process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()
    assert opened().snapshot().manifest == before.manifest
    assert opened().rebuild().manifest.generation == 2


def test_processes_that_find_none_build_one(opened) -> None:
    indexes = [opened() for _ in range(3)]
    threads = [threading.Thread(target=index.snapshot) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [index.snapshot().manifest.generation for index in indexes] == [1, 1, 1]


def test_old_generations_go_and_others_follow_the_new(opened, postgres_store: Store) -> None:
    index, other = opened(), opened()
    other.snapshot()
    for _ in range(3):
        index.rebuild()
    assert other.snapshot().manifest.generation == 4
    with postgres_store.engine.connect() as connection:
        schemas = connection.scalars(sa.text("select nspname from pg_namespace where nspname like 'kehoach_index_%'"))
        assert set(schemas) == {"kehoach_index_3", "kehoach_index_4"}


def test_one_that_has_grown_much_is_built_anew(
    opened, postgres_store: Store, words_embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_build, "_FEW", 3)
    index, other = opened(), opened()
    index.snapshot()
    other.snapshot()
    for n in range(4):
        add(postgres_store, words_embedder, f"new{n}", f"một {n}", f"hai {n}")
        index.refresh()
    now = other.snapshot().manifest
    other.close()
    assert now.generation == index.snapshot().manifest.generation == 2
    assert now.base > 10
    assert now.paragraphs == 13


def test_a_text_that_changed_under_its_key_is_searched_by_its_new_words(opened, postgres_store: Store) -> None:
    from corpus.changelog import touch_keys
    from corpus.schema import paragraphs

    index = opened()
    index.snapshot()
    with postgres_store.changing() as connection:
        connection.execute(sa.update(paragraphs).where(paragraphs.c.key == 1).values(text="Nuôi cá lồng trên hồ."))
        touch_keys(connection, [1])
    for _ in range(2):
        now = index.refresh()
        assert [key for key, _ in now.by_words(postgres_store, Words("cá lồng"), 9, Filter())] == [1]
        assert 1 not in dict(now.by_words(postgres_store, Words("túi siêu thị"), 9, Filter()))
        assert now.by_words(postgres_store, Words("cá lồng", excluded=["túi"]), 9, Filter())
        assert not now.by_words(postgres_store, Words("cá lồng", excluded=["cá lồng"]), 9, Filter())
        postgres_lists.extend(postgres_store, now.manifest)


def test_a_server_without_pgvector_is_named(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_build.tables, "_EXTENSION", "none_such")
    with pytest.raises(StaleIndexError, match="no extension none_such; expected pgvector"):
        opened().snapshot()


def test_it_needs_a_database_that_is_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="KEHOACH_DATABASE"):
        Settings(index="postgres")
    with pytest.raises(ValueError, match="KEHOACH_DATABASE"):
        Settings(index="postgres", database="sqlite:///x.db")
    assert Settings(index="postgres", database="postgresql+psycopg://u@h/n").index == "postgres"


def test_a_workspace_searches_where_the_settings_say(space, postgres_url: str) -> None:
    from service.workspace import Workspace

    settings = Settings(**{**space.settings.model_dump(), "database": postgres_url, "index": "postgres"})
    opened = Workspace(settings)
    vector = space.embedder.embed_passages(["Phân loại rác thải nhựa tại nguồn."])[0]
    member = Paragraph("a", 1, "Phân loại rác thải nhựa tại nguồn.", "task")
    opened.store.add(Document("d", "d", "d", Metadata(), (member,)), [Analysis((), (), vector)], space.embedder.id)
    assert [hit.paragraph.id for hit in opened.searcher.search("rac thai nhua", cut=0).hits] == ["a"]
    assert opened.rebuild_index().paragraphs == 1
    assert not settings.index_folder.exists()
    opened.close()

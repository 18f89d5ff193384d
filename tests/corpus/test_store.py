"""The store: what adding does, that it is all or nothing, filters, coverage, and writers at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from corpus.store import Analysis, Filter, ParagraphIdTakenError, Store
from corpus.types import Document, Metadata, Paragraph, Tag, Target
from tests import postgres

VECTOR = np.arange(3, dtype=np.float32)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store(store_url)
    yield opened
    opened.close()


def document(
    name: str = "d",
    *,
    province: str = "Bắc Kạn",
    today: str = "Thái Nguyên",
    count: int = 2,
    sha256: str = "1",
    period: tuple[int, int] | None = (2021, 2023),
) -> Document:
    kinds = ("objective", "task")
    members = tuple(
        Paragraph(f"{name}#{n}", n, f"đoạn {n}", kinds[n % 2], ("I. A",), start=n, end=n + 1)
        for n in range(1, count + 1)
    )
    return Document(
        name,
        f"{name}.txt",
        sha256,
        Metadata(province=province, province_today=today, period=period, based_on=("889/QĐ-TTg",)),
        members,
    )


def analyses(count: int, *, group: str = "awareness", assigned: bool = True) -> list[Analysis]:
    target = Target("tỷ lệ", ">=", (85.0,), "%", "2025", None, (0, 3))
    return [Analysis([Tag(group, 0.9, assigned, model_id="m")], [target], VECTOR + n) for n in range(count)]


def add(store: Store, one: Document, **options: object) -> None:
    store.add(one, analyses(len(one.paragraphs), **options), "e5")  # type: ignore[arg-type]


def test_added_unchanged_updated_deleted(store: Store) -> None:
    one = document()
    assert store.outcome_of(one) == "added"
    add(store, one)
    assert store.outcome_of(one) == "unchanged"
    longer = document(count=3, sha256="2")
    assert store.outcome_of(longer) == "updated"
    add(store, longer)
    assert [p.id for p in store.paragraphs()] == ["d#1", "d#2", "d#3"]
    found = store.with_bytes("2")
    assert found
    assert found.source == "d.txt"
    assert store.with_bytes("1") is None
    assert store.delete("d")
    assert not store.delete("d")
    assert store.paragraphs() == []
    assert store.vectors("e5")[0].size == 0


def test_what_comes_back_is_what_went_in(store: Store) -> None:
    add(store, document())
    (stored,) = store.documents()
    assert (stored.id, stored.province_today, stored.year, stored.based_on, stored.paragraphs) == (
        "d",
        "Thái Nguyên",
        2021,
        ("889/QĐ-TTg",),
        2,
    )
    first = store.paragraph("d#1")
    assert first is not None
    assert (first.text, first.kind, first.heading_path, first.groups) == ("đoạn 1", "task", ("I. A",), ("awareness",))
    assert store.tags_of(first.key)[0].probability == 0.9
    assert store.targets_of(first.key) == [Target("tỷ lệ", ">=", (85.0,), "%", "2025", None, (0, 3))]
    keys, vectors = store.vectors("e5")
    assert np.array_equal(vectors[list(keys).index(first.key)], VECTOR)
    assert store.paragraph("none") is None


def test_content_changes_with_every_change(store: Store) -> None:
    seen = [store.content]
    add(store, document())
    seen.append(store.content)
    store.delete("d")
    seen.append(store.content)
    assert len(set(seen)) == 3


def test_an_error_leaves_nothing_and_keeps_the_old(store: Store) -> None:
    add(store, document())
    before = store.content
    with pytest.raises(ValueError):
        store.add(document(count=3, sha256="2"), analyses(1), "e5")
    with pytest.raises(ValueError):
        store.add(document("other"), analyses(1), "e5")
    assert [p.id for p in store.paragraphs()] == ["d#1", "d#2"]
    assert store.document("other") is None
    assert store.content == before


def test_taken_paragraph_ids_name_both(store: Store) -> None:
    add(store, document())
    thief = replace(document("thief"), paragraphs=document().paragraphs)
    with pytest.raises(ParagraphIdTakenError, match=r"'d#1'.*'d'"):
        add(store, thief)
    twin = document("twin")
    with pytest.raises(ParagraphIdTakenError, match="twice"):
        add(store, replace(twin, paragraphs=(twin.paragraphs[0], replace(twin.paragraphs[0], ordinal=2))))
    assert [d.id for d in store.documents()] == ["d"]


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (Filter(), ["a#1", "a#2", "b#1", "b#2"]),
        (Filter(province="Bắc Kạn"), ["a#1", "a#2"]),
        (Filter(province="Thái Nguyên"), ["a#1", "a#2"]),
        (Filter(year=2023), ["a#1", "a#2"]),
        (Filter(year=2025), ["b#1", "b#2"]),
        (Filter(year=1999), []),
        (Filter(task_group="awareness"), ["a#1", "a#2"]),
        (Filter(task_group="renewable_energy"), []),
        (Filter(kind="objective"), ["a#2", "b#2"]),
        (Filter(document_id="b", kind="task"), ["b#1"]),
    ],
)
def test_filters(store: Store, only: Filter, ids: list[str]) -> None:
    add(store, document("a"))
    add(
        store,
        document("b", province="Cà Mau", today="Cà Mau", sha256="2", period=(2025, 2025)),
        group="renewable_energy",
        assigned=False,
    )
    assert [p.id for p in store.paragraphs(only)] == ids
    assert len(store.keys(only)) == len(ids)


def test_provinces_and_years_are_listed(store: Store) -> None:
    add(store, document("a"))
    add(store, document("b", province="Cà Mau", today="Cà Mau", sha256="2"), assigned=False)
    assert store.provinces() == ["Bắc Kạn", "Cà Mau"]
    assert store.years() == {"a": [2021, 2022, 2023], "b": [2021, 2022, 2023]}


def test_another_embedder_is_added_later(store: Store) -> None:
    add(store, document())
    missing = store.without_vectors("other")
    before = store.content
    store.add_vectors("other", [key for key, _ in missing], np.ones((2, 4), np.float32))
    assert store.without_vectors("other") == []
    assert store.vectors("other")[1].shape == (2, 4)
    assert store.content == before


def test_two_threads_write_without_loss(store: Store) -> None:
    errors: list[Exception] = []

    def write(names: list[str]) -> None:
        try:
            for name in names:
                add(store, document(name, sha256=name))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=([f"{who}{n}" for n in range(15)],)) for who in "xy"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(store.documents()) == 30
    assert len(store.paragraphs()) == 60


def test_what_is_replaced_or_deleted_is_kept(store: Store) -> None:
    first, second = document(), replace(document(count=3), sha256="2", text="văn bản", notes=("trang 2 là ảnh",))
    add(store, first)
    add(store, second)
    assert [(v.number, v.reason, v.sha256, v.paragraphs) for v in store.versions("d")] == [(1, "replaced", "1", 2)]
    kept = store.version("d", 1)
    assert kept
    assert kept[0] == first
    assert [analysis.tags[0].task_group for analysis in kept[1]] == ["awareness", "awareness"]
    assert kept[1][0].targets == analyses(1)[0].targets
    assert store.whole("d") == second
    assert store.deleted() == []
    store.delete("d")
    assert store.whole("d") is None
    assert [(v.document_id, v.number) for v in store.deleted()] == [("d", 2)]
    add(store, first)
    assert store.deleted() == []
    assert [v.reason for v in store.versions("d")] == ["replaced", "deleted"]


def test_the_same_bytes_read_anew_make_no_version(store: Store) -> None:
    add(store, document())
    add(store, document(count=3))
    assert store.versions("d") == []
    assert len(store.paragraphs()) == 3


def test_tags_of_people_stay_with_the_words(store: Store) -> None:
    person = Tag("awareness", 1.0, False, "person", "an")
    first = [replace(analysis, tags=[person]) for analysis in analyses(2)]
    store.add(document(), first, "e5")
    changed = document(sha256="2")
    members = (replace(changed.paragraphs[0], id="d#9"), replace(changed.paragraphs[1], text="đoạn khác"))
    store.add(replace(changed, paragraphs=members), analyses(2), "e5")
    kept, new = store.paragraphs()
    assert store.tags_of(kept.key) == [person]
    assert [tag.source for tag in store.tags_of(new.key)] == ["model"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    url = postgres.server().new_database()
    yield url
    postgres.server().drop(url)


def test_a_store_of_the_first_schema_is_brought_up(empty_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    from corpus import store as module

    engine = sa.create_engine(empty_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(module.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text(
            "insert into documents (id, source, sha256, based_on, skipped, added_at) values ('d', 'd.txt', '1', '[]', '[]', '2026-01-01')"
        ))  # fmt: skip
        connection.execute(sa.text(
            "insert into paragraphs (id, document_id, ordinal, text, kind, heading_path, is_heading, start, \"end\") "
            "values ('d#1', 'd', 1, 'đoạn', 'task', '[]', false, 0, 4)"
        ))  # fmt: skip
    engine.dispose()
    store = Store(empty_url)
    assert [(p.id, p.agencies, p.page) for p in store.paragraphs()] == [("d#1", (), None)]
    assert store.whole("d")
    store.delete("d")
    assert store.version("d", 1)
    store.close()


def test_migrations_lead_to_the_tables_as_they_are_declared(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from corpus.schema import schema

    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        # Unique constraints without a name cannot be matched with what SQLite tells of them.
        differing = [
            d for d in compare_metadata(context, schema) if not (isinstance(d, tuple) and d[0].endswith("_constraint"))
        ]
    assert differing == []


def test_texts_sort_by_code_point_and_none_comes_first(store: Store) -> None:
    names = ["a b", "a-b", "aB", "ab", "Ab", "đ", "z", "Đ", "ă", "a#2", "a#10"]
    for number, name in enumerate(names):
        add(
            store,
            replace(document(name, sha256=str(number)), metadata=Metadata(province=None if name == "z" else name)),
        )
    assert [found.id for found in store.documents()] == ["z", *sorted(set(names) - {"z"})]
    assert [found.id for found in store.documents_after("a#2", 100)] == [n for n in sorted(names) if n > "a#2"]
    assert [p.document_id for p in store.paragraphs()][::2] == sorted(names)


def test_every_text_on_postgresql_has_the_collation_of_code_points(postgres_url: str) -> None:
    store = Store(postgres_url)
    with store.engine.connect() as connection:
        query = """select table_name, column_name from information_schema.columns where table_schema = 'public'
            and data_type in ('text', 'character varying') and collation_name is distinct from 'C'"""
        others = connection.execute(sa.text(query)).all()
    store.close()
    assert others == [("alembic_version", "version_num")]


def test_characters_that_a_text_can_hold_come_back(store: Store) -> None:
    one = document()
    members = (
        replace(one.paragraphs[0], text="kế hoạch \U0001f4a7\x01\\ '\" %s :x \u2028", heading_path=("a\x00b",)),
        one.paragraphs[1],
    )
    add(store, replace(one, paragraphs=members))
    found = store.paragraph("d#1")
    assert found
    assert (found.text, found.heading_path) == (members[0].text, members[0].heading_path)
    assert store.paragraph("d\x00#1") is None
    add(store, document("e\x00", sha256="2"))
    assert len(store.document("e\x00").id) == 2


def test_of_several_that_open_it_first_one_makes_the_tables(empty_url: str) -> None:
    errors: list[Exception] = []
    together = threading.Barrier(4)

    def open_it() -> None:
        together.wait()
        try:
            Store(empty_url).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []

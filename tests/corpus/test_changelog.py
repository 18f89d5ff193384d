"""The change log: what each change of the store touches, and when the log says that it cannot tell."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa

from corpus.changelog import mark_of, touch_documents, touched_since
from corpus.corrections import correct, replace_model_tags
from corpus.schema import documents, paragraphs
from corpus.store import Analysis, ParagraphIdTakenError, Store
from corpus.types import Document, Metadata, Paragraph, Tag


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store(store_url)
    yield opened
    opened.close()


def add(store: Store, name: str, texts: list[str], sha256: str = "1") -> list[int]:
    members = tuple(Paragraph(f"{name}#{n}", n, text, "task") for n, text in enumerate(texts, 1))
    vector = np.ones(3, np.float32)
    store.add(Document(name, name, sha256, Metadata(), members), [Analysis((), (), vector) for _ in texts], "e5")
    return [paragraph.key for paragraph in store.paragraphs() if paragraph.document_id == name]


def revision(store: Store) -> int:
    with store.engine.connect() as connection:
        return mark_of(connection).revision


def since(store: Store, start: int) -> list[int] | None:
    with store.engine.connect() as connection:
        return touched_since(connection, start)


def test_every_kind_of_change_is_logged(store: Store) -> None:
    first = add(store, "a", ["một", "hai"])
    start = revision(store)
    assert since(store, start) == []
    second = add(store, "b", ["ba"])
    assert since(store, start) == second
    assert since(store, 0) == first + second

    start = revision(store)
    correct(store, "a#2", ["awareness"], ["awareness"], "người")
    assert since(store, start) == first[1:]

    start = revision(store)
    replace_model_tags(store, {first[0]: [Tag("awareness", 0.9, assigned=True)], first[1]: []})
    assert since(store, start) == first[:1], "what a person judged was not touched"

    start = revision(store)
    anew = add(store, "a", ["một", "hai", "bốn"], sha256="2")
    assert since(store, start) == sorted(first + anew)

    start = revision(store)
    assert store.delete("b")
    assert since(store, start) == second
    start = revision(store)
    assert not store.delete("b")
    assert since(store, start) == []


def test_a_change_that_is_rolled_back_leaves_no_trace(store: Store) -> None:
    add(store, "a", ["một"])
    start = revision(store)
    with pytest.raises(ParagraphIdTakenError):
        store.add(
            Document("b", "b", "1", Metadata(), (Paragraph("a#1", 1, "hai", "task"),)),
            [Analysis((), (), np.ones(3, np.float32))],
            "e5",
        )
    assert revision(store) == start
    assert since(store, start) == []


def test_the_log_cannot_tell_past_a_change_that_said_nothing(store: Store) -> None:
    (key,) = add(store, "a", ["một"])
    start = revision(store)
    with store.changing() as connection:
        connection.execute(sa.update(paragraphs).values(text="khác"))
    assert since(store, start) is None
    assert since(store, start + 1) == []
    correct(store, "a#1", [], ["awareness"], "người")
    assert since(store, start) is None
    assert since(store, start + 1) == [key]


def test_a_revision_from_the_future_is_not_of_this_store(store: Store) -> None:
    assert since(store, revision(store) + 1) is None


def test_readers_never_miss_what_is_committed_later(store: Store) -> None:
    """Writers whose transactions overlap as much as they can, and a reader that catches up all the while."""
    seen: dict[int, int] = {}
    stop, errors = threading.Event(), []

    def write(who: str) -> None:
        other = Store(store.engine.url.render_as_string(hide_password=False))
        try:
            for n in range(12):
                add(other, f"{who}{n}", ["đoạn"])
        except Exception as error:
            errors.append(error)
        other.close()

    def follow() -> None:
        last = 0
        while True:
            ended = stop.is_set()
            with store.engine.connect() as connection:
                mark = mark_of(connection)
                touched = touched_since(connection, last)
            assert touched is not None or last == 0
            for key in touched or ():
                seen[key] = mark.revision
            last = mark.revision
            if ended:
                return

    reader = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(who,)) for who in "ab"]
    [thread.start() for thread in (reader, *writers)]
    [thread.join() for thread in writers]
    stop.set()
    reader.join()
    assert not errors
    assert sorted(seen) == sorted(paragraph.key for paragraph in store.paragraphs())


def test_a_writer_waits_so_that_keys_and_revisions_come_in_the_order_of_commits(store: Store) -> None:
    began, order = threading.Event(), []

    def second() -> None:
        began.set()
        order.append(("second", add(store, "b", ["hai"])))

    thread = threading.Thread(target=second)
    with store.changing() as connection:
        thread.start()
        began.wait()
        thread.join(0.3)
        assert thread.is_alive(), "the second writer did not wait for the first"
        row = {"id": "a", "source": "", "sha256": "", "based_on": [], "skipped": [], "text": "", "notes": [], "evidence": {}, "conflicts": [],
               "added_at": datetime.now(UTC)}  # fmt: skip
        connection.execute(sa.insert(documents).values(row))
        one = {"id": "a#1", "document_id": "a", "ordinal": 1, "text": "một", "kind": "task", "heading_path": [], "is_heading": False,
               "start": 0, "end": 0, "agencies": []}  # fmt: skip
        key = connection.execute(sa.insert(paragraphs).values(one).returning(paragraphs.c.key)).scalar_one()
        touch_documents(connection, "a")
    thread.join()
    assert order == [("second", [key + 1])]
    assert (revision(store), since(store, 0)) == (2, [key, key + 1])
    assert since(store, 1) == [key + 1]

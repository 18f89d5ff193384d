"""The index on a standby: it shows what the primary has taken in, and follows the store itself once it is the primary."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from corpus import labelled
from corpus.store import Filter, Store
from index.generation import StaleIndexError
from index.lexical import Words
from index.postgres import PostgresIndex
from tests.index.conftest import WordEmbedder, fill
from tests.index.test_live import add
from tests.postgres import Server

SETTINGS = {"wal_level": "replica", "max_wal_senders": "4"}


@pytest.fixture
def primary() -> Iterator[Server]:
    made = Server(**SETTINGS)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    made = Server(primary, **SETTINGS)
    made.start()
    yield made
    made.stop()


def found(store: Store, index: PostgresIndex, text: str) -> list[int]:
    return [key for key, _ in index.snapshot().by_words(store, Words(text), 10, Filter())]


def test_a_standby_searches_and_takes_over(
    primary: Server, standby: Server, words_embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "texts", list)
    rest = (words_embedder, lambda what: None, lambda what, done, total: None)
    url = primary.new_database()
    written = Store(url)
    fill(written, words_embedder)
    standby.wait_for(primary)
    read = Store(standby.url(url.partition("?")[0].rpartition("/")[2]) + "&target_session_attrs=any")
    here, there = PostgresIndex(written, *rest), PostgresIndex(read, *rest)
    with pytest.raises(StaleIndexError, match="this is a standby"):
        there.snapshot()
    assert found(written, here, "điện mặt trời") == [2]
    standby.wait_for(primary)
    assert found(read, there, "điện mặt trời") == [2]
    add(written, words_embedder, "new", "Trồng rừng ngập mặn.")
    standby.wait_for(primary)
    assert found(read, there, "ngập mặn") == [], "nothing can be taken in there"
    assert found(written, here, "ngập mặn") == [6]
    standby.wait_for(primary)
    assert found(read, there, "ngập mặn") == [6]
    written.close()
    primary.kill()
    standby.promote()
    add(read, words_embedder, "newer", "Nuôi cá lồng trên hồ.")
    # Numbers of keys may be left out by a fail-over.
    assert found(read, there, "cá lồng")[0] > 6
    read.close()

"""A store copied to another database and back: killed on the way, gone on with, the same to the last byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from corpus.corrections import correct
from corpus.schema import paragraphs, state
from corpus.store import Analysis, Store
from corpus.types import Document, Metadata, Paragraph, Tag, Target
from service import audit, jobs, keys, migrating, searches
from service.errors import NothingUsableError, UsageError
from service.migrating import copy_store

ROOT = Path(__file__).resolve().parents[2]


def ignored(what: str, done: int, total: int) -> None:
    assert done <= total, what


def document(name: str, count: int, sha256: str = "1") -> Document:
    members = tuple(
        Paragraph(f"{name}#{n}", n, f"đoạn {n} \x00 của {name}", "task", ("I", "\x00")) for n in range(1, count + 1)
    )
    about = Metadata(province="Bắc Kạn", period=(2021, 2025), based_on=("889/QĐ-TTg",))
    return Document(name, f"{name}.txt", sha256 + name, about, members, text="toàn văn")


def fill(store: Store, documents: int, each: int) -> None:
    target = Target("tỷ lệ", ">=", (0.1 + 0.2, 1e22), "%", None, None, (0, 3))
    vectors = np.random.default_rng(0).normal(size=(each, 8)).astype(np.float32)
    for n in range(documents):
        members = [Analysis([Tag("awareness", 1 / 3, True, model_id="m")], [target], v, "sửa") for v in vectors]
        store.add(document(f"d-{n}", each), members, "e5")
    store.add(document("d-0", each - 1, "2"), members[1:], "e5")
    store.delete(f"d-{documents - 1}")
    correct(store, "d-1#1", [], ("awareness",), "An")
    keys.revoke(store, keys.create(store, "An", "editor")[0].id)
    jobs.add(store, "j", "An", [("a.txt", "1", None), ("b.txt", "2", None)], "k", "here")
    jobs.take(store, "here")
    searches.add(store, "n", "điện", None, None, "An", "https://a.example")
    for name in ("một", "hai"):
        audit.note(store, "test", name)
    # The last numbers of these are given, though their rows are gone.
    gone = searches.add(store, "n", "điện", None, None, "An")
    searches.remove(store, gone.id)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'first.db'}")
    yield opened
    opened.close()


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Store]:
    opened = Store(postgres_url)
    yield opened
    opened.close()


def run(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.cli", "migrate-store", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_there_and_back_with_a_kill_in_between(
    sqlite: Store, postgresql: Store, postgres_url: str, tmp_path: Path
) -> None:
    fill(sqlite, 10, 240)
    first = run(str(sqlite.engine.url), postgres_url, "--json")
    deadline = time.monotonic() + 120
    while True:
        with postgresql.engine.connect() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(paragraphs)) or 0
        if count:
            break
        assert time.monotonic() < deadline
        assert first.poll() is None, first.communicate()[1].decode()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert postgresql.content.startswith("copy-of:"), "it was killed too late to show anything"
    with pytest.raises(UsageError, match="copy that broke off"):
        copy_store(postgresql, Store(f"sqlite:///{tmp_path / 'other.db'}"), ignored)

    second = run(str(sqlite.engine.url), postgres_url, "--json")
    told, problems = second.communicate(timeout=300)
    assert second.returncode == 0, problems.decode()
    there = json.loads(told)
    assert {table["table"]: table["rows"] for table in there}["paragraphs"] == 9 * 240 - 1
    assert postgresql.content.partition(":")[2] == sqlite.content.partition(":")[2]
    assert postgresql.content != sqlite.content

    back = Store(f"sqlite:///{tmp_path / 'back.db'}")
    assert [vars(table) for table in copy_store(postgresql, back, ignored)] == there
    # Nothing is given out twice, in either direction.
    for store in (postgresql, back):
        assert searches.add(store, "n", "điện", None, None, "An").number == 3
        store.add(document("new", 1), [Analysis((), (), np.ones(8, np.float32))], "e5")
        assert store.paragraph("new#1").key == 10 * 240 + 239 + 1
    back.close()


def test_a_batch_that_fails_is_copied_later(sqlite: Store, postgresql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(sqlite, 4, 10)
    monkeypatch.setattr(migrating, "_BATCH", 3)
    seen = 0

    def stop(what: str, done: int, total: int) -> None:
        nonlocal seen
        seen += 1
        if seen % 5 == 0:
            raise KeyboardInterrupt

    for _ in range(200):
        try:
            copied = copy_store(sqlite, postgresql, ignored if seen > 60 else stop)
            break
        except KeyboardInterrupt:
            continue
    assert seen > 60
    assert {table.table: table.rows for table in copied} | {
        "paragraphs": 29,
        "corrections": 1,
        "jobs": 1,
        "audit": 2,
    } == {table.table: table.rows for table in copied}
    assert postgresql.whole("d-1") == sqlite_without_nul(sqlite.whole("d-1"))


def sqlite_without_nul(found: Document | None) -> Document:
    assert found
    plain = tuple(replace(p, text=p.text.replace("\0", "\ufffd")) for p in found.paragraphs)
    return replace(found, paragraphs=plain)


def test_only_an_empty_target_or_the_same_begun_copy_will_do(
    sqlite: Store, postgresql: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, 3, 5)
    audit.note(postgresql, "x", "y")
    with pytest.raises(UsageError, match="table audit has rows"):
        copy_store(sqlite, postgresql, ignored)
    with postgresql.engine.begin() as connection:
        connection.execute(sa.text("delete from audit"))

    def interrupted(store: Store, which: sa.Table, *_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(migrating, "_digest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy_store(sqlite, postgresql, ignored)
    sqlite.delete("d-0")
    with pytest.raises(UsageError, match="earlier state"):
        copy_store(sqlite, postgresql, ignored)


def test_a_source_that_is_written_to_meanwhile_is_seen(
    sqlite: Store, postgresql: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, 3, 5)
    copy = migrating._copy

    def then_write(source: Store, target: Store, table: sa.Table, tell: migrating.Progress) -> None:
        copy(source, target, table, tell)
        if table.name == "audit":
            audit.end(source, 1, 500)

    monkeypatch.setattr(migrating, "_copy", then_write)
    with pytest.raises(NothingUsableError, match="table audit of the copy differs"):
        copy_store(sqlite, postgresql, ignored)
    with postgresql.engine.connect() as connection:
        assert str(connection.scalar(sa.select(state.c.store_id))).startswith("copy-of:")

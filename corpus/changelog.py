"""Which paragraphs changed since when: what derived indexes need to catch up with the store.

Every transaction of ``Store.changing`` raises the store's revision by one and says here which paragraphs it touched. The
log keeps the last revision of each paragraph, so it never outgrows the paragraphs ever stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from corpus.schema import changes, paragraphs, state

_TOUCHED = "kehoach.touched"
_CHUNK = 5_000


@dataclass(frozen=True)
class Mark:
    """A point in the history of a store."""

    store_id: str
    revision: int

    def __str__(self) -> str:
        return f"{self.store_id}:{self.revision}"


@contextmanager
def logged(connection: sa.Connection) -> Iterator[None]:
    """Raise the revision, in a transaction of the caller's, and see that what is changed meanwhile is logged.

    Where nothing was said by ``touch_documents`` or ``touch_keys``, indexes cannot catch up past this revision and are
    built anew.
    """
    # First of all: takes SQLite's write lock, so that what is read next stays true until the end.
    connection.execute(sa.update(state).values(revision=state.c.revision + 1))
    connection.info[_TOUCHED] = False
    try:
        yield
        if not connection.info[_TOUCHED]:
            connection.execute(sa.update(state).values(unlogged=state.c.revision))
    finally:
        connection.info.pop(_TOUCHED, None)


def touch_documents(connection: sa.Connection, *document_ids: str) -> None:
    """Log all paragraphs that these documents have now: call it before they go, and after they have come."""
    keys = sa.select(paragraphs.c.key).where(paragraphs.c.document_id.in_(document_ids))
    _touch(connection, keys)


def touch_keys(connection: sa.Connection, keys: Sequence[int]) -> None:
    """Log these paragraphs; none at all says that nothing an index holds was changed."""
    for start in range(0, len(keys), _CHUNK):
        _touch(connection, sa.select(paragraphs.c.key).where(paragraphs.c.key.in_(list(keys[start : start + _CHUNK]))))
    connection.info[_TOUCHED] = True


def _touch(connection: sa.Connection, keys: sa.Select[tuple[int]]) -> None:
    connection.execute(sa.delete(changes).where(changes.c.paragraph_key.in_(keys)))
    now = sa.select(state.c.revision).scalar_subquery()
    rows = keys.add_columns(now)
    connection.execute(sa.insert(changes).from_select(["paragraph_key", "revision"], rows))
    connection.info[_TOUCHED] = True


def mark_of(connection: sa.Connection) -> Mark:
    """Return where the store stands."""
    return Mark(*connection.execute(sa.select(state.c.store_id, state.c.revision)).one())


def touched_since(connection: sa.Connection, revision: int) -> list[int] | None:
    """Return the keys, ascending, of the paragraphs touched after ``revision``, or None where the log cannot tell."""
    now, unlogged = connection.execute(sa.select(state.c.revision, state.c.unlogged)).one()
    if not unlogged <= revision <= now:
        return None
    query = sa.select(changes.c.paragraph_key).where(changes.c.revision > revision)
    return sorted(connection.scalars(query))

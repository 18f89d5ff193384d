"""Copy a store into another database, SQLite or PostgreSQL, in batches that a killed copy goes on from, and verify it.

Every table is copied in the order of its primary key, a batch a transaction, so what the target has tells where to go on.
Until the copy is verified the target's identity says that it is one, and of what.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from corpus.schema import schema, state
from corpus.store import Store
from service.errors import NothingUsableError, UsageError
from service.options import Json, bars
from service.workspace import Progress, open_store

_BATCH = 1_000
_BEGUN = "copy-of:"
# Parents before children. The one row of ``state`` is written last.
_TABLES = [table for table in schema.sorted_tables if table is not state]


@dataclass(frozen=True)
class Copied:
    """A table that was copied: its number of rows and the SHA-256 of all of them in order, the same in both databases."""

    table: str
    rows: int
    sha256: str


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(migrate_store)


def migrate_store(
    source: Annotated[str, typer.Argument(metavar="FROM_URL", help="SQLAlchemy URL of the store to copy.")],
    target: Annotated[
        str, typer.Argument(metavar="TO_URL", help="URL of an empty database, or of a copy that broke off.")
    ],
    json: Json = False,
) -> None:
    """Copy a whole store to another database, as from SQLite to PostgreSQL, and verify it; stop the service meanwhile."""
    from service.show import out, print_json

    first = open_store(source, "FROM_URL")
    second = open_store(target, "TO_URL")
    try:
        with ExitStack() as shown:
            copied = copy_store(first, second, bars(shown))
    finally:
        first.close()
        second.close()
    if json:
        print_json([vars(table) for table in copied])
        return
    for table in copied:
        out.print(f"{table.table:<16} {table.rows:>10,}  {table.sha256}", markup=False)


def copy_store(source: Store, target: Store, tell: Progress) -> list[Copied]:
    """Copy all that ``source`` has to ``target``, which is empty or a begun copy of it; return what was copied.

    Paragraphs keep their keys, and no key or number is ever given out twice. The copy gets an identity of its own, so that no
    index made of one of the stores is taken for the other's. Raises UsageError for another target, NothingUsableError where
    the source changed meanwhile.
    """
    _begin(source, target)
    for table in _TABLES:
        _copy(source, target, table, tell)
    copied = []
    for table in _TABLES:
        there, here = (_digest(store, table, tell, name) for store, name in ((source, "source"), (target, "copy")))
        if there != here:
            raise NothingUsableError(
                f"table {table.name} of the copy differs: {here.rows} rows, SHA-256 {here.sha256}, and of the source "
                f"{there.rows}, {there.sha256}; the source was changed meanwhile: stop its service, empty the target, copy again"
            )
        copied.append(here)
    _finish(source, target)
    return copied


def _begin(source: Store, target: Store) -> None:
    """Mark the target as a copy of the source as it is now. Raises UsageError where it is anything else."""
    mark = f"{_BEGUN}{source.content}"
    if mark.startswith(2 * _BEGUN):
        raise UsageError("FROM_URL is itself a copy that broke off; end it first")
    with target.engine.begin() as connection:
        known = connection.scalar(sa.select(state.c.store_id)) or ""
        if known == mark:
            return
        if known.startswith(_BEGUN):
            raise UsageError(
                "TO_URL is a begun copy of another store, or of an earlier state of this one; empty it first"
            )
        for table in _TABLES:
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
                raise UsageError(f"TO_URL is not empty: its table {table.name} has rows; give an empty database")
        connection.execute(sa.update(state).values(store_id=mark))


def _copy(source: Store, target: Store, table: sa.Table, tell: Progress) -> None:
    keys = list(table.primary_key)
    newest = sa.select(*keys).order_by(*(key.desc() for key in keys)).limit(1)
    with target.engine.connect() as connection:
        last = connection.execute(newest).first()
    total, done = _count(source, table), _count(target, table)
    for rows in _batches(source, table, last):
        with target.engine.begin() as connection:
            connection.execute(sa.insert(table), [dict(row._mapping) for row in rows])
        done += len(rows)
        tell(f"copying {table.name}", done, total)


def _batches(store: Store, table: sa.Table, last: sa.Row[Any] | None = None) -> Iterator[list[sa.Row[Any]]]:
    """Yield the rows after the primary key ``last`` in the order of it."""
    keys = list(table.primary_key)
    places = [list(table.c).index(key) for key in keys]
    query = sa.select(table).order_by(*keys).limit(_BATCH)
    after = None if last is None else list(last)
    while True:
        beyond = query
        if after is not None:
            values = (sa.literal(value, key.type) for value, key in zip(after, keys, strict=True))
            beyond = query.where(sa.tuple_(*keys) > sa.tuple_(*values))
        with store.engine.connect() as connection:
            rows = list(connection.execute(beyond))
        if rows:
            yield rows
            after = [rows[-1][place] for place in places]
        if len(rows) < _BATCH:
            return


def _count(store: Store, table: sa.Table) -> int:
    with store.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _digest(store: Store, table: sa.Table, tell: Progress, which: str) -> Copied:
    digest, count, total = hashlib.sha256(), 0, _count(store, table)
    for rows in _batches(store, table):
        for row in rows:
            digest.update(_line(row))
        count += len(rows)
        tell(f"verifying {table.name} of the {which}", count, total)
    return Copied(table.name, count, digest.hexdigest())


def _line(row: sa.Row[Any]) -> bytes:
    """Return the values of a row in one form for every database; U+FFFD stands for U+0000, as on PostgreSQL."""
    plain = [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row]
    return json.dumps(plain, default=_plain, sort_keys=True).encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no form for {type(value).__name__}")


def _finish(source: Store, target: Store) -> None:
    """Take over the counters and give the copy an identity of its own."""
    with source.engine.connect() as connection:
        kept = connection.execute(sa.select(state)).one()
        given = {table.name: _last_given(connection, table) for table in _TABLES if _numbered(table)}
    with target.engine.begin() as connection:
        for table in _TABLES:
            if number := given.get(table.name):
                _go_on_after(connection, table, number)
        values = {"store_id": uuid.uuid4().hex, "revision": kept.revision, "unlogged": kept.unlogged}
        connection.execute(sa.update(state).values(**values))


def _numbered(table: sa.Table) -> bool:
    return table.autoincrement_column is not None and bool(table.dialect_options["sqlite"]["autoincrement"])


def _last_given(connection: sa.Connection, table: sa.Table) -> int:
    """Return the last number that the database gave a row of ``table``, 0 for none; the row may be gone."""
    if connection.dialect.name == "sqlite":
        query = sa.text("select seq from sqlite_sequence where name = :name")
        return connection.scalar(query, {"name": table.name}) or 0
    sequence = sa.text(_sequence(connection, table))
    columns = (sa.column("last_value", sa.Integer), sa.column("is_called", sa.Boolean))
    last, is_given = connection.execute(sa.select(*columns).select_from(sequence)).one()
    return int(last) if is_given else 0


def _go_on_after(connection: sa.Connection, table: sa.Table, number: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("delete from sqlite_sequence where name = :name"), {"name": table.name})
        values = {"name": table.name, "number": number}
        connection.execute(sa.text("insert into sqlite_sequence (name, seq) values (:name, :number)"), values)
    else:
        connection.execute(sa.select(sa.func.setval(_sequence(connection, table), number)))


def _sequence(connection: sa.Connection, table: sa.Table) -> str:
    (key,) = table.primary_key
    return str(connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, key.name))))

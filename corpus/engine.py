"""Open the database behind a URL: SQLite in WAL mode, or PostgreSQL, whose primary is followed after a fail-over."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

# Request threads of one process, each with one connection at most, and the background's.
_CONNECTIONS = 48
# For libpq; what the URL says goes first. A host that vanished while it held a lock is noticed within a minute.
_POSTGRESQL = {
    "connect_timeout": "5",
    "application_name": "kehoach",
    "target_session_attrs": "read-write",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "options": "-c timezone=UTC -c lock_timeout=60s -c idle_in_transaction_session_timeout=60s "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
# The server that was the primary is a standby now.
_READ_ONLY = "25006"
# Connection lost, rolled back because of others, no resources, lock not free in time, server stopping or starting.
_PASSING = ("08", "40", "53", "55P03", "57P")
# Any number: the lock under which the tables are made or changed.
_MIGRATING = 889_2020
# How long a process waits while another one makes or changes the tables of SQLite.
_MIGRATION_SECONDS = 600
_BUSY_SECONDS = 10
_PAUSE = 0.01


def open_engine(url: str | sa.URL, **options: str) -> sa.Engine:
    """Return an engine for ``url``; for SQLite the folder is made, for PostgreSQL libpq gets ``options`` as well.

    Raises sqlalchemy.exc.ArgumentError for what is no URL, ModuleNotFoundError where the driver is not installed.
    """
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        # In memory there is one connection; in a file one a thread, kept: opening and configuring one costs a millisecond.
        pool = {"pool_size": _CONNECTIONS} if address.database not in (None, "", ":memory:") else {}
        engine = sa.create_engine(address, **pool)
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    arguments = {name: value for name, value in (_POSTGRESQL | options).items() if name not in address.query}
    engine = sa.create_engine(
        address, connect_args=arguments, pool_pre_ping=True, pool_size=5, max_overflow=_CONNECTIONS - 5
    )
    event.listen(engine, "connect", _without_nul)
    event.listen(engine, "handle_error", _leave_standby)
    return engine


def is_lost(error: BaseException) -> bool:
    """Tell whether ``error`` says that the database cannot be reached, was lost or is too busy: another try may work."""
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    # An operational error of psycopg without a code comes from no server.
    code = getattr(error.orig, "sqlstate", "")
    return code.startswith(_PASSING) if code is not None else isinstance(error, sa.exc.OperationalError)


def hold_migrations(connection: sa.Connection) -> None:
    """Wait, in a transaction, until no other process changes the tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
        return
    # Left to sqlite3 the transaction would begin with the first row written, after the tables were made.
    for statement in (_timeout(_MIGRATION_SECONDS), "begin immediate", _timeout(_BUSY_SECONDS)):
        connection.exec_driver_sql(statement)


def insert_new(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into ``table`` that leaves out rows which are there."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(_timeout(_BUSY_SECONDS))
    _write_ahead(cursor)
    cursor.execute("pragma synchronous=normal")
    cursor.execute("pragma foreign_keys=on")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn the file to WAL; SQLite does not wait by itself where several that open a new file do so at once."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("pragma journal_mode=wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _timeout(seconds: int) -> str:
    return f"pragma busy_timeout={1000 * seconds}"


def _without_nul(connection: Any, _record: object) -> None:
    """Let U+FFFD stand for U+0000, which no text of PostgreSQL can hold: offsets into texts stay right."""
    from psycopg.types.string import StrDumperUnknown

    class Dumper(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    connection.adapters.register_dumper(str, Dumper)


def _leave_standby(context: sa.engine.ExceptionContext) -> None:
    """Give up all connections where a statement failed because the server is no longer the primary."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True

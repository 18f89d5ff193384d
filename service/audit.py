"""Who changed what and when: every write over HTTP and every command about keys and backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from corpus.schema import audit as table
from corpus.store import Store

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Entry:
    """One write; ``status`` is that of the HTTP answer, 0 for a command, None where it was interrupted."""

    number: int
    at: datetime
    actor: str
    action: str
    target: str
    request_id: str
    status: int | None


def begin(store: Store, actor: str, action: str, target: str, request_id: str = "") -> int:
    """Note a write before it is done, so that an interrupted one is seen; return the number of the entry."""
    values = {"at": datetime.now(UTC), "actor": actor, "action": action, "target": target, "request_id": request_id}
    with store.engine.begin() as connection:
        return int(connection.execute(sa.insert(table).values(**values).returning(table.c.number)).scalar_one())


def end(store: Store, number: int, status: int) -> None:
    """Note how the write of an entry ended."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.number == number).values(status=status))


def note(store: Store, action: str, target: str) -> None:
    """Note what a command did."""
    end(store, begin(store, COMMAND_LINE, action, target), 0)


def prune(store: Store, days: int, now: datetime | None = None) -> int:
    """Remove the entries older than ``days`` (0: none); return how many they were."""
    if not days:
        return 0
    oldest = (now or datetime.now(UTC)) - timedelta(days=days)
    with store.engine.begin() as connection:
        return connection.execute(sa.delete(table).where(table.c.at < oldest)).rowcount


def entries(store: Store, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Return at most ``limit`` entries older than number ``before``, newest first."""
    query = sa.select(table).order_by(table.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.number < before)
    with store.engine.connect() as connection:
        return [Entry(**row._mapping) for row in connection.execute(query)]


def entry_form(entry: Entry) -> dict[str, Any]:
    """Return an entry."""
    return {**vars(entry), "at": entry.at.isoformat()}

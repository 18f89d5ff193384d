"""Standbys of a PostgreSQL primary to read from: one is used where it has replayed what the reader has to see.

What a request reads is asked of one server, chosen when it first reads. A standby that is out of reach, no longer one, behind
the position the reader presents, behind what this process has shown, or behind what the primary had some seconds ago, is
passed over; where none is left, the primary is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

import sqlalchemy as sa

from corpus.engine import is_lost, open_engine

# A position that no standby ever reaches.
NEVER = "FFFFFFFF/FFFFFFFF"
START = "0/0"
_EXAMPLE = "postgresql+psycopg://kehoach:PASSWORD@/kehoach?host=db2&host=db3"
# Seconds between looks at the primary: no standby that is used is further behind than two of them.
_PACE = 5.0
# Seconds for which a standby that failed is left alone.
_REST = 5.0
_STATE = sa.text(
    "select pg_is_in_recovery() as is_standby, (select revision from state) as revision,"
    " pg_last_wal_replay_lsn() >= greatest(cast(:least as pg_lsn), cast(:position as pg_lsn)) as is_there"
)
_WRITTEN = sa.text("select cast(pg_current_wal_insert_lsn() as text)")


class StandbyError(ValueError):
    """What is given is no URL of standbys; the message tells what would be."""


class _Reading:
    """One request's reading: the position it has to see, and the engine it reads, once that is chosen."""

    def __init__(self, position: str) -> None:
        self.position = position
        self.engine: sa.Engine | None = None


_reading: ContextVar[_Reading | None] = ContextVar("kehoach.reading", default=None)


@contextmanager
def from_standbys(position: str = START) -> Iterator[None]:
    """Let ``Store.reading`` use, inside, a standby that has replayed up to ``position`` (a ``pg_lsn``)."""
    token = _reading.set(_Reading(position))
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def from_primary() -> Iterator[None]:
    """Let ``Store.reading`` use the primary, inside; also a decorator."""
    token = _reading.set(None)
    try:
        yield
    finally:
        _reading.reset(token)


def written(primary: sa.Engine) -> str:
    """Return a position that has all that was committed on ``primary`` before."""
    with primary.connect() as connection:
        return str(connection.scalar(_WRITTEN))


class Standbys:
    """The standbys of ``primary`` at the hosts of ``url``; safe to share between threads."""

    def __init__(self, url: str, primary: sa.Engine) -> None:
        """Raises StandbyError for what is no URL of PostgreSQL with a ``host`` for each standby, or for another ``primary``."""
        if primary.dialect.name != "postgresql":
            raise StandbyError("only a store on PostgreSQL has standbys")
        self._primary = primary
        self._engines = [
            open_engine(one, target_session_attrs="standby", connect_timeout="2") for one in _one_host_each(url)
        ]
        self._rests_until: dict[sa.Engine, float] = {}
        self._turn = count()
        self._looking = threading.Lock()
        self._looked_at = time.monotonic()
        # What the primary had at the last look, and at the one before; at first the tables as they are now.
        self._had = self._had_before = written(primary)

    def engine(self, revision: int) -> sa.Engine:
        """Return what to read now; a standby's store stands at ``revision`` at least."""
        reading = _reading.get()
        if reading is None:
            return self._primary
        if reading.engine is None:
            self._look()
            reading.engine = self._choose(reading.position, revision) or self._primary
        return reading.engine

    def _choose(self, position: str, revision: int) -> sa.Engine | None:
        if position == NEVER:
            return None
        now = time.monotonic()
        awake = [engine for engine in self._engines if self._rests_until.get(engine, 0.0) <= now]
        first = next(self._turn) % max(1, len(awake))
        for engine in awake[first:] + awake[:first]:
            try:
                with engine.connect() as connection:
                    state = connection.execute(_STATE, {"least": self._had_before, "position": position}).one()
            except sa.exc.SQLAlchemyError as error:
                self.failed(engine, error)
                if not is_lost(error):
                    raise
                continue
            if not state.is_standby:
                self._rest(engine)
            elif state.is_there and state.revision >= revision:
                return engine
        return None

    def failed(self, engine: sa.Engine, error: sa.exc.SQLAlchemyError) -> None:
        """Say that reading ``engine`` failed: a standby that was lost is left alone for a while."""
        if engine is not self._primary and is_lost(error):
            self._rest(engine)

    def _rest(self, engine: sa.Engine) -> None:
        self._rests_until[engine] = time.monotonic() + _REST

    def _look(self) -> None:
        """See now and then what the primary has; no reader waits for that but the first after a pause."""
        since = time.monotonic() - self._looked_at
        if since > _PACE and self._looking.acquire(blocking=False):
            self._looked_at = time.monotonic()
            if since > 2 * _PACE:
                self._look_at_primary(after_pause=True)
            else:
                threading.Thread(target=self._look_at_primary, name="standbys", daemon=True).start()

    def _look_at_primary(self, *, after_pause: bool = False) -> None:
        try:
            had = written(self._primary)
            self._had_before, self._had = had if after_pause else self._had, had
        except sa.exc.SQLAlchemyError:
            # It is lost or changes; standbys are read on.
            pass
        finally:
            self._looking.release()

    def close(self) -> None:
        """Release every connection."""
        for engine in self._engines:
            engine.dispose()


def _one_host_each(url: str) -> list[sa.URL]:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StandbyError(f"no URL of SQLAlchemy such as {_EXAMPLE}") from error
    given = address.query.get("host", ())
    hosts = (given,) if isinstance(given, str) else given
    if address.get_backend_name() != "postgresql" or any("," in host for host in hosts):
        raise StandbyError(f"standbys are named as {_EXAMPLE}")
    return [address.update_query_dict({"host": host}) for host in hosts] or [address]

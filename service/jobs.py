"""Imports as durable jobs: files are kept and rows written before the request is answered, so that no crash loses one."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import IO, Any, Literal

import sqlalchemy as sa

from corpus.files import SUFFIXES, check_kind
from corpus.ready import READY_SUFFIXES
from corpus.schema import job_items, jobs
from corpus.store import Store
from service.errors import UsageError

State = Literal["waiting", "running", "done", "failed", "cancelled"]
MOST_FILES = 10_000
# A file during which the service died this often is taken to be the cause.
_MOST_ATTEMPTS = 3
# What is in hand is another's to take when the one who has it did not say for so long that it goes on.
LEASE = timedelta(seconds=60)
# How long the file of a failed item is kept for `retry`, and an upload that never became a job.
_KEPT = timedelta(days=7)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Item:
    """One file of a job, or an address to fetch one from; ``reports`` are the forms of what became of its documents."""

    job_id: str
    ordinal: int
    name: str
    url: str | None
    state: State
    attempts: int
    reports: list[dict[str, Any]]
    finished_at: datetime | None
    spool: str | None
    taken_by: str | None
    taken_until: datetime | None


@dataclass(frozen=True)
class Job:
    """An import: who asked for it, its progress as state to number of items."""

    number: int
    id: str
    by: str
    created_at: datetime
    cancelled_at: datetime | None
    counts: dict[State, int]

    @property
    def state(self) -> State:
        """Cancelled where it was; else running while anything is left to do; failed where nothing at all could be used."""
        if self.counts.get("running") or (self.counts.get("waiting") and self.counts.keys() != {"waiting"}):
            return "running"
        if self.cancelled_at:
            return "cancelled"
        if self.counts.get("waiting"):
            return "waiting"
        return "done" if self.counts.get("done") else "failed"


class ReusedKeyError(ValueError):
    """An idempotency key came again with other content."""


def new_id() -> str:
    """Return an id for a job."""
    return secrets.token_hex(8)


def keep(folder: Path, ordinal: int, name: str, source: IO[bytes], most: int) -> tuple[str, str]:
    """Write one file of a job into its ``folder``; return its name and SHA-256.

    Raises UsageError naming a file of a kind that is not read, or of over ``most`` bytes.
    """
    plain = PurePath(name.replace("\\", "/")).name[-200:]
    if PurePath(plain).suffix.lower() not in READY_SUFFIXES:
        try:
            check_kind(plain)
        except ValueError as error:
            raise UsageError(f"{plain or 'a file without a name'}: {error}") from error
    target = folder / str(ordinal) / plain
    target.parent.mkdir(parents=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as written:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > most:
                raise UsageError(f"{plain}: over the limit of {most:,} bytes a file")
            digest.update(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return plain, digest.hexdigest()


def add(
    store: Store,
    job_id: str,
    by: str,
    sources: Sequence[tuple[str, str, str | None]],
    idempotency_key: str | None,
    host: str | None = None,
) -> tuple[Job, bool]:
    """Record a job of ``sources`` (name, SHA-256 or address, address if it is one); return it and whether it is new.

    Files are kept by ``host``, which alone can read them; None where every host can.

    The same ``idempotency_key`` of the same caller returns the job it made. Raises ReusedKeyError where the sources differ.
    """
    request_hash = hashlib.sha256(json.dumps([source[:2] for source in sources]).encode()).hexdigest()
    values = {"id": job_id, "by": by, "idempotency_key": idempotency_key, "request_hash": request_hash}
    rows: list[dict[str, Any]] = [
        {"job_id": job_id, "ordinal": n, "name": name, "url": url, "state": "waiting", "attempts": 0, "reports": [],
         "spool": None if url else host}
        for n, (name, _, url) in enumerate(sources, 1)
    ]  # fmt: skip
    try:
        with store.engine.begin() as connection:
            connection.execute(sa.insert(jobs).values(**values, created_at=datetime.now(UTC)))
            connection.execute(sa.insert(job_items), rows)
    except sa.exc.IntegrityError:
        known = sa.select(jobs.c.id, jobs.c.request_hash).where(
            jobs.c.by == by, jobs.c.idempotency_key == idempotency_key
        )
        with store.engine.connect() as connection:
            row = connection.execute(known).first()
        if row is None:
            raise
        if row.request_hash != request_hash:
            raise ReusedKeyError(
                f"Idempotency-Key {idempotency_key!r} was used for other files, in job {row.id}"
            ) from None
        return _known(store, row.id), False
    return _known(store, job_id), True


def _known(store: Store, job_id: str) -> Job:
    found = job(store, job_id)
    if found is None:
        raise LookupError(job_id)
    return found


def job(store: Store, job_id: str) -> Job | None:
    """Return a job, or None."""
    found = _jobs(store, sa.select(jobs).where(jobs.c.id == job_id))
    return found[0] if found else None


def all_jobs(store: Store, before: int | None = None, limit: int = 100) -> list[Job]:
    """Return at most ``limit`` jobs older than number ``before``, newest first."""
    query = sa.select(jobs).order_by(jobs.c.number.desc()).limit(limit)
    return _jobs(store, query.where(jobs.c.number < before) if before is not None else query)


def _jobs(store: Store, query: sa.Select[Any]) -> list[Job]:
    with store.engine.connect() as connection:
        rows = connection.execute(query).all()
        counted = sa.select(job_items.c.job_id, job_items.c.state, sa.func.count()).group_by(
            job_items.c.job_id, job_items.c.state
        )
        counts: dict[str, dict[State, int]] = {row.id: {} for row in rows}
        for job_id, state, count in connection.execute(counted.where(job_items.c.job_id.in_(list(counts)))):
            counts[job_id][state] = count
    return [Job(row.number, row.id, row.by, row.created_at, row.cancelled_at, counts[row.id]) for row in rows]


def items(store: Store, job_id: str, after: int = 0, limit: int = 1000) -> list[Item]:
    """Return at most ``limit`` items of a job after ordinal ``after``, in order."""
    query = sa.select(job_items).where(job_items.c.job_id == job_id, job_items.c.ordinal > after)
    with store.engine.connect() as connection:
        return [Item(**row._mapping) for row in connection.execute(query.order_by(job_items.c.ordinal).limit(limit))]


def cancel(store: Store, job_id: str) -> None:
    """Take what is waiting of a job out of the queue; the file in hand is finished."""
    now = datetime.now(UTC)
    with store.engine.begin() as connection:
        mine = job_items.c.job_id == job_id
        taken = (
            sa.update(job_items).where(mine, job_items.c.state == "waiting").values(state="cancelled", finished_at=now)
        )
        if connection.execute(taken).rowcount:
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(cancelled_at=now))


def retry(store: Store, job_id: str) -> int:
    """Put the failed and cancelled items of a job back into the queue; return how many."""
    again = sa.update(job_items).where(job_items.c.job_id == job_id, job_items.c.state.in_(("failed", "cancelled")))
    with store.engine.begin() as connection:
        count = connection.execute(again.values(state="waiting", attempts=0, reports=[], finished_at=None)).rowcount
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(cancelled_at=None))
    return count


def recover(store: Store, host: str) -> None:
    """Put what ``host`` had in hand when it died back into the queue, or fail it when that happened too often.

    The same for what any other host has not said for a while that it goes on with.
    """
    report = {"outcome": "failed", "reason": f"the service died {_MOST_ATTEMPTS} times while reading it"}
    by, until = job_items.c.taken_by, job_items.c.taken_until
    is_left = by.is_(None) | (by == host) | (until < datetime.now(UTC))
    left = sa.select(job_items).where(job_items.c.state == "running", is_left)
    with store.engine.begin() as connection:
        for row in connection.execute(left.with_for_update(skip_locked=True)).all():
            mine = _taken(row)
            if row.attempts < _MOST_ATTEMPTS:
                connection.execute(mine.values(state="waiting"))
                continue
            whole = {"file": row.name, "document_id": None, "paragraphs": 0, "skipped": 0, "notes": [], **report}
            connection.execute(mine.values(state="failed", reports=[whole], finished_at=datetime.now(UTC)))


def take(store: Store, host: str) -> Item | None:
    """Let ``host`` take the next item that it can read out of the queue, oldest job first; None where nothing waits."""
    order = (jobs.c.number, job_items.c.ordinal)
    is_here = job_items.c.spool.is_(None) | (job_items.c.spool == host)
    query = sa.select(job_items).join(jobs).where(job_items.c.state == "waiting", is_here).order_by(*order).limit(1)
    with store.engine.begin() as connection:
        # Where the database has row locks, takers do not wait for each other; where it has none, the update decides.
        row = connection.execute(query.with_for_update(of=job_items, skip_locked=True)).first()
        if row is None:
            return None
        taken = {
            "state": "running",
            "attempts": row.attempts + 1,
            "taken_by": host,
            "taken_until": datetime.now(UTC) + LEASE,
        }
        mine = sa.update(job_items).where(
            job_items.c.job_id == row.job_id, job_items.c.ordinal == row.ordinal, job_items.c.state == "waiting"
        )
        if not connection.execute(mine.values(**taken)).rowcount:
            return None
    return Item(**{**row._mapping, **taken})


def has_waiting(store: Store, job_id: str) -> bool:
    """Tell whether any item of a job is still in the queue."""
    waiting = sa.exists().where(job_items.c.job_id == job_id, job_items.c.state == "waiting")
    with store.engine.connect() as connection:
        return bool(connection.scalar(sa.select(waiting)))


def hold(store: Store, item: Item) -> bool:
    """Say that an item is still in hand; tell whether it is."""
    with store.engine.begin() as connection:
        return connection.execute(_taken(item).values(taken_until=datetime.now(UTC) + LEASE)).rowcount > 0


def finish(store: Store, item: Item, state: State, reports: Iterable[dict[str, Any]]) -> None:
    """Record what became of an item; ``waiting`` puts it back untouched. Nothing where another has taken it meanwhile."""
    values: dict[str, Any] = {"state": state, "reports": list(reports), "finished_at": datetime.now(UTC)}
    if state == "waiting":
        values |= {"finished_at": None, "attempts": item.attempts - 1}
    with store.engine.begin() as connection:
        connection.execute(_taken(item).values(**values))


def _taken(item: Item | sa.Row[Any]) -> sa.Update:
    """Return an update of an item as long as it is in the same hands."""
    return sa.update(job_items).where(
        job_items.c.job_id == item.job_id,
        job_items.c.ordinal == item.ordinal,
        job_items.c.state == "running",
        job_items.c.taken_by.is_not_distinct_from(item.taken_by),
        job_items.c.attempts == item.attempts,
    )


def folder_of(spool: Path, item: Item) -> Path:
    """Return where the file of an item lies, or is fetched to."""
    return spool / item.job_id / str(item.ordinal)


def clean(store: Store, spool: Path) -> None:
    """Delete files that nothing will ask for: of items done or long failed, and of uploads that broke off."""
    if not spool.is_dir():
        return
    long_ago = datetime.now(UTC) - _KEPT
    kept: dict[str, set[str]] = {}
    query = sa.select(job_items.c.job_id, job_items.c.ordinal).where(
        job_items.c.state.in_(("waiting", "running"))
        | (job_items.c.state != "done") & (job_items.c.finished_at > long_ago)
    )
    with store.engine.connect() as connection:
        known = set(connection.scalars(sa.select(jobs.c.id)))
        for job_id, ordinal in connection.execute(query):
            kept.setdefault(job_id, set()).add(str(ordinal))
    for folder in spool.iterdir():
        if folder.name in known:
            for file in folder.iterdir():
                if file.name not in kept.get(folder.name, ()):
                    shutil.rmtree(file, ignore_errors=True)
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
        elif datetime.fromtimestamp(folder.stat().st_mtime, UTC) < long_ago:
            shutil.rmtree(folder, ignore_errors=True)


ACCEPTED = (*SUFFIXES, *READY_SUFFIXES)


def job_form(found: Job) -> dict[str, Any]:
    """Return a job with its progress."""
    finished = sum(found.counts.get(state, 0) for state in ("done", "failed", "cancelled"))
    return {
        "job_id": found.id,
        "state": found.state,
        "by": found.by,
        "created_at": found.created_at.isoformat(),
        "files": sum(found.counts.values()),
        "finished": finished,
        "failed": found.counts.get("failed", 0),
    }


def item_form(item: Item) -> dict[str, Any]:
    """Return one file of a job and what became of it."""
    return {
        "ordinal": item.ordinal,
        "name": item.name,
        "url": item.url,
        "state": item.state,
        "reports": item.reports,
        "finished_at": item.finished_at.isoformat() if item.finished_at else None,
    }

"""Keys that let callers in over HTTP: created and revoked by command, kept as hashes, with the time of last use."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa

from corpus.schema import api_keys as table
from corpus.store import Store

Scope = Literal["reader", "editor", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "kh_"
# How exact the time of last use is; each use writing to the database would cost more than the request.
_EXACT = timedelta(minutes=1)


@dataclass(frozen=True)
class Key:
    """A key without its secret; ``scope`` "editor" includes reading, "admin" both."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def allows(scope: Scope | None, needed: Scope) -> bool:
    """Tell whether ``scope`` (None: nobody known) includes ``needed``."""
    return scope is not None and SCOPES.index(scope) >= SCOPES.index(needed)


def create(store: Store, name: str, scope: Scope) -> tuple[Key, str]:
    """Return a new key and its secret, which is shown this once and cannot be had again."""
    key_id = secrets.token_hex(4)
    secret = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    key = Key(key_id, name, scope, datetime.now(UTC), None, None)
    with store.engine.begin() as connection:
        connection.execute(sa.insert(table).values(**vars(key), hash=_hash(secret)))
    return key, secret


def keys(store: Store) -> list[Key]:
    """Return all keys, also revoked ones, oldest first."""
    with store.engine.connect() as connection:
        return [_key(row) for row in connection.execute(sa.select(table).order_by(table.c.created_at, table.c.id))]


def exist(store: Store) -> bool:
    """Tell whether any key is in force."""
    with store.engine.connect() as connection:
        return connection.scalar(sa.select(table.c.id).where(table.c.revoked_at.is_(None)).limit(1)) is not None


def revoke(store: Store, key_id: str) -> bool:
    """Put a key out of force at once; tell whether it was in force."""
    with store.engine.begin() as connection:
        query = sa.update(table).where(table.c.id == key_id, table.c.revoked_at.is_(None))
        return connection.execute(query.values(revoked_at=datetime.now(UTC))).rowcount > 0


def key_of(store: Store, secret: str) -> Key | None:
    """Return the key in force that ``secret`` is of, and note its use; None for a wrong or revoked one."""
    key_id = secret.removeprefix(PREFIX).partition("_")[0]
    if not key_id.isascii():
        return None
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == key_id)).first()
    # A secret is 256 random bits: a plain hash cannot be searched, so a slow one would only slow every request.
    if row is None or row.revoked_at or not hmac.compare_digest(row.hash, _hash(secret)):
        return None
    return _used(store, _key(row))


def key_by_id(store: Store, key_id: str) -> Key | None:
    """Return a key in force by its id, as a session names it, and note its use."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == key_id, table.c.revoked_at.is_(None))).first()
    return _used(store, _key(row)) if row else None


def _used(store: Store, key: Key) -> Key:
    now = datetime.now(UTC)
    if key.last_used_at is None or now - key.last_used_at > _EXACT:
        with store.engine.begin() as connection:
            connection.execute(sa.update(table).where(table.c.id == key.id).values(last_used_at=now))
    return key


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    return Key(**{name: value for name, value in row._mapping.items() if name != "hash"})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()

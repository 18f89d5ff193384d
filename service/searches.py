"""Saved searches: what somebody wants to hear of, as a feed or by webhook."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from corpus.schema import paragraphs
from corpus.schema import saved_searches as table
from corpus.store import Store
from service.errors import UsageError

# Prefix of the Standard Webhooks specification.
SIGNING_PREFIX = "whsec_"


@dataclass(frozen=True)
class Search:
    """A saved search: paragraphs near ``query`` in meaning, of a task group, of a province, or all of what is given.

    ``looked_at`` is the key of the last paragraph that its webhook was told of or was spared.
    """

    number: int
    id: str
    name: str
    query: str
    task_group: str | None
    province: str | None
    by: str
    created_at: datetime
    webhook: str | None
    secret: str | None
    looked_at: int


def add(
    store: Store,
    name: str,
    query: str,
    task_group: str | None,
    province: str | None,
    by: str,
    webhook: str | None = None,
) -> Search:
    """Save a search; one with a webhook gets a secret to sign with. Raises UsageError for one that names nothing."""
    if not (query.strip() or task_group or province):
        raise UsageError("a search needs a query, a task group or a province")
    secret = SIGNING_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode() if webhook else None
    with store.engine.begin() as connection:
        # What is stored by now is no news.
        last = connection.scalar(sa.select(sa.func.max(paragraphs.c.key))) or 0
        values = {
            "id": secrets.token_hex(8), "name": name, "query": query.strip(), "task_group": task_group, "province": province,
            "by": by, "created_at": datetime.now(UTC), "webhook": webhook, "secret": secret, "looked_at": last,
        }  # fmt: skip
        connection.execute(sa.insert(table).values(**values))
        row = connection.execute(sa.select(table).where(table.c.id == values["id"])).one()
    return Search(**row._mapping)


def searches(store: Store, after: int = 0, limit: int = 1000) -> list[Search]:
    """Return at most ``limit`` searches after number ``after``, oldest first."""
    query = sa.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
    with store.engine.connect() as connection:
        return [Search(**row._mapping) for row in connection.execute(query)]


def with_webhook(store: Store) -> list[Search]:
    """Return every search that has a webhook, oldest first."""
    query = sa.select(table).where(table.c.webhook.is_not(None)).order_by(table.c.number)
    with store.engine.connect() as connection:
        return [Search(**row._mapping) for row in connection.execute(query)]


def search(store: Store, search_id: str) -> Search | None:
    """Return a saved search, or None."""
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == search_id)).first()
    return Search(**row._mapping) if row else None


def remove(store: Store, search_id: str) -> bool:
    """Forget a search and what is still to be delivered for it; tell whether it was there."""
    with store.engine.begin() as connection:
        return connection.execute(sa.delete(table).where(table.c.id == search_id)).rowcount > 0


def search_form(found: Search) -> dict[str, Any]:
    """Return a saved search; its secret is shown only in the answer that makes it."""
    return {
        "search_id": found.id,
        "name": found.name,
        "query": found.query,
        "task_group": found.task_group,
        "province": found.province,
        "webhook": found.webhook,
        "by": found.by,
        "created_at": found.created_at.isoformat(),
    }
